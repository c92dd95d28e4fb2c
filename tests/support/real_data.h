// Where the real data sets are: MNIST and Fashion-MNIST as published, which are not in the
// repository. Tests that need them skip, with a word that says what to set, where they are absent.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

namespace gradus::test {

/// Folder of the data set `name` ("mnist", "fashion-mnist"), or nothing: $GRADUS_DATA/name,
/// $GRADUS_DATA itself when it is called so, then ../shared/data/name beside the repository.
inline std::optional<std::string> real_data(const std::string& name) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const auto is_it = [&](const fs::path& folder) {
    for (const char* file : {"t10k-labels-idx1-ubyte.gz", "t10k-labels-idx1-ubyte",
                             "t10k-labels.idx1-ubyte.gz", "t10k-labels.idx1-ubyte"})
      if (fs::is_regular_file(folder / file, ignored)) return true;
    return false;
  };
  if (const char* set = std::getenv("GRADUS_DATA"); set != nullptr && *set != '\0') {
    const fs::path folder(set);
    if (is_it(folder / name)) return (folder / name).string();
    const fs::path itself = fs::weakly_canonical(folder, ignored);
    if (itself.filename() == name && is_it(itself)) return itself.string();
  }
  const fs::path beside = fs::path(GRADUS_SOURCE_DIR) / ".." / "shared" / "data" / name;
  if (is_it(beside)) return beside.lexically_normal().string();
  return std::nullopt;
}

/// The word for GTEST_SKIP().
inline std::string no_real_data(const std::string& name) {
  return "the real data set " + name + " is not here: set GRADUS_DATA to the folder that holds " +
         name + "/";
}

}  // namespace gradus::test
