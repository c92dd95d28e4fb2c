// Help for attack tests: all damaged neighbours of a seed, a folder that removes itself, messages.
#pragma once

#include <gradus/core/storage.h>
#include <gradus/io/file.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <string>

namespace gradus::test {

/// "DataError: text" of the gradus::Error that `f` throws; a test failure when it throws none.
inline std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& error) {
    return std::string(error.kind()) + ": " + error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

/// Every truncation of `seed`, every single changed byte (255 values each), every single byte put
/// in or taken out, given to `parse` in an exact heap block (so that ASan sees a read past the
/// end). It must return or throw a gradus::Error, and take no memory beyond 2 x bytes + 16 MiB.
/// Returns how many of them were refused.
inline std::size_t attack(const io::Bytes& seed, const std::function<void(io::ByteSpan)>& parse) {
  std::size_t refused = 0;
  const auto feed = [&](const io::Bytes& bytes) {
    const std::size_t before = memory_in_use();
    reset_peak_memory();
    try {
      const std::unique_ptr<std::uint8_t[]> exact(new std::uint8_t[bytes.size()]);
      std::copy(bytes.begin(), bytes.end(), exact.get());
      parse({exact.get(), bytes.size()});
    } catch (const Error& error) {
      ++refused;
      EXPECT_FALSE(error.problem().empty());
    }
    EXPECT_LE(peak_memory() - before, 2 * bytes.size() + (16u << 20));
    EXPECT_EQ(memory_in_use(), before);
  };
  parse(seed);
  for (std::size_t size = 0; size < seed.size(); ++size)
    feed(io::Bytes(seed.begin(), seed.begin() + static_cast<std::ptrdiff_t>(size)));
  for (std::size_t at = 0; at < seed.size(); ++at) {
    io::Bytes bytes = seed;
    for (int change = 1; change < 256; ++change) {
      bytes[at] = static_cast<std::uint8_t>(seed[at] ^ change);
      feed(bytes);
    }
    bytes = seed;
    bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(at));
    feed(bytes);
    bytes = seed;
    bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), 0);
    feed(bytes);
  }
  return refused;
}

/// A folder in /tmp that goes with its content.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "gradus-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw IoError("no temporary folder");
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::permissions(path_, std::filesystem::perms::owner_all, ignored);
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  std::string path() const { return path_.string(); }
  /// Number of entries, hidden ones too.
  std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path_), {}));
  }

 private:
  std::filesystem::path path_;
};

}  // namespace gradus::test
