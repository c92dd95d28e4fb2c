// Files: read whole or in pieces, write atomically. A file that is written here is, at every moment
// and after every failure, either the old one or the new one, never half of it. From here: idx.h,
// safetensors.h, image.h, which parse the bytes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <gradus/core/error.h>

namespace gradus::io {

using Bytes = std::vector<std::uint8_t>;
using ByteSpan = std::span<const std::uint8_t>;

/// A regular file, read from its beginning in pieces. Errors know no place of their own.
class FileReader {
 public:
  /// Throws IoError, with path and reason, when the file cannot be read, is a folder or a device.
  explicit FileReader(const std::string& path);
  ~FileReader();
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;

  /// Bytes it had when it was opened; some files of the system say 0 and hold more.
  std::uint64_t size() const { return size_; }
  /// Fills `to`; returns fewer than `count` only at the end. Many bytes come by several threads
  /// (kernels/threads.h). Throws IoError.
  std::size_t read(std::uint8_t* to, std::size_t count);

 private:
  std::size_t read_at(std::uint64_t offset, std::uint8_t* to, std::size_t count) const;

  std::string path_;
  int descriptor_;
  std::uint64_t size_ = 0, at_ = 0;
};

/// The bytes of a regular file. Throws IoError, with path and reason, when it cannot be read, is a
/// folder or a device, or is larger than `max_bytes`; MemoryError when it does not fit in memory.
Bytes read_file(const std::string& path, std::uint64_t max_bytes = UINT64_MAX,
                Place at = Place::current());

/// Replaces the file `path` by `bytes`: temporary file in the same folder, write, fsync, rename,
/// fsync of the folder. Throws IoError; the old file is then intact and nothing else remains (only
/// a failing fsync of the folder, after the rename, leaves the new file). A symbolic link is
/// followed, permissions of an old file are kept, a device (/dev/null) is written to directly.
void write_file(const std::string& path, ByteSpan bytes, Place at = Place::current());

/// Throws IoError, with the repair, where write_file(path) would: no such folder, no permission, a
/// folder in the place of the file. For asking before hours of training. Leaves nothing behind.
void check_writable(const std::string& path, Place at = Place::current());

}  // namespace gradus::io
