// System calls behind file.h. POSIX alone: the standard streams have no fsync and hide reasons.
#include <gradus/io/file.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gradus/kernels/threads.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <new>
#include <optional>
#include <system_error>
#include <utility>

namespace gradus::io {
namespace {

namespace fs = std::filesystem;

std::string reason(int code) { return std::generic_category().message(code); }

std::string write_hint(int code) {
  switch (code) {
    case ENOENT:
    case ENOTDIR:
      return "make the folder first, or name another one";
    case EACCES:
    case EPERM:
    case EROFS:
      return "choose a folder that you may write to";
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return "free some space, or choose a folder on another disk";
    case ENAMETOOLONG:
      return "choose a shorter name";
    default:
      return {};
  }
}

[[noreturn]] void throw_write_error(const std::string& path, int code) {
  throw IoError("cannot write " + path + ": " + reason(code), write_hint(code));
}

void check_path(const std::string& path) {
  if (path.empty()) throw IoError("the name of the file is empty", "name a file");
  if (path.find('\0') != path.npos)
    throw IoError("the name of the file holds a zero byte", "name a file without it");
}

/// A descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }
  /// From now on the caller's to close.
  int release() { return std::exchange(number_, -1); }
  /// Closes and returns 0 or the reason why that failed.
  int close() { return ::close(release()) == 0 ? 0 : errno; }

 private:
  int number_;
};

/// 0 or the reason.
int write_all(int descriptor, ByteSpan bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return 0;
}

/// 0 or the reason.
int sync_descriptor(int descriptor) {
  while (::fsync(descriptor) != 0)
    if (errno != EINTR) return errno;
  return 0;
}

/// What `path` leads to through symbolic links, also when the last one leads to nothing yet.
std::string follow_links(const std::string& path) {
  fs::path target(path);
  std::error_code code;
  for (int hops = 0; fs::is_symlink(fs::symlink_status(target, code)); ++hops) {
    if (hops == 40) throw_write_error(path, ELOOP);
    const fs::path next = fs::read_symlink(target, code);
    if (code) throw_write_error(path, code.value());
    target = next.is_absolute() ? next : target.parent_path() / next;
  }
  return target.string();
}

std::string folder_of(const std::string& path) {
  const std::string folder = fs::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

/// Where and how a file will be written.
struct Target {
  std::string path;
  mode_t mode = 0666;
  bool exists = false, device = false;
};

Target find_target(const std::string& path) {
  check_path(path);
  Target target{follow_links(path)};
  struct stat status {};
  if (::stat(target.path.c_str(), &status) != 0) {
    if (errno != ENOENT || path.back() == '/') throw_write_error(path, errno);
    const std::string folder = folder_of(target.path);
    if (::stat(folder.c_str(), &status) != 0)
      throw IoError("cannot write " + path + ": there is no folder " + folder,
                    "make the folder first (mkdir -p " + folder + "), or name another one");
    if (!S_ISDIR(status.st_mode))
      throw IoError("cannot write " + path + ": " + folder + " is not a folder",
                    "name a file in a folder");
    return target;
  }
  if (S_ISDIR(status.st_mode))
    throw IoError("cannot write " + path + ": it is a folder",
                  "name a file in it, " + (fs::path(path) / "model.safetensors").string());
  target.exists = true;
  target.device = S_ISCHR(status.st_mode);
  if (!S_ISREG(status.st_mode) && !target.device)
    throw IoError("cannot write " + path + ": it is not a regular file", "name another file");
  // rename() would replace a protected file without asking.
  if (::access(target.path.c_str(), W_OK) != 0)
    throw IoError("cannot write " + path + ": " + reason(errno),
                  "allow writing (chmod u+w " + path + "), or name another file");
  target.mode = status.st_mode & 07777;
  return target;
}

/// A new file beside the target, removed again unless it was renamed.
class TemporaryFile {
 public:
  TemporaryFile(const std::string& user_path, const Target& target)
      : file_(create(user_path, target)) {}
  ~TemporaryFile() {
    if (!renamed_) ::unlink(path_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  /// Each is 0 or the reason.
  int fill(ByteSpan bytes, const Target& target) {
    if (const int code = write_all(file_.get(), bytes)) return code;
    // The mode of the old file; a new one has what the umask leaves.
    if (target.exists && ::fchmod(file_.get(), target.mode) != 0) return errno;
    if (const int code = sync_descriptor(file_.get())) return code;
    return file_.close();
  }
  int rename_to(const std::string& path) {
    if (::rename(path_.c_str(), path.c_str()) != 0) return errno;
    renamed_ = true;
    return 0;
  }

 private:
  int create(const std::string& user_path, const Target& target) {
    const std::string stem =
        folder_of(target.path) + "/.gradus-" + std::to_string(::getpid()) + "-";
    for (int attempt = 0; attempt < 10000; ++attempt) {
      path_ = stem + std::to_string(attempt) + ".tmp";
      const int file = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (file >= 0) return file;
      if (errno != EEXIST && errno != EINTR) throw_write_error(user_path, errno);
    }
    throw_write_error(user_path, EEXIST);
  }

  std::string path_;
  Descriptor file_;
  bool renamed_ = false;
};

void write_device(const std::string& path, const Target& target, ByteSpan bytes) {
  Descriptor device(::open(target.path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!device) throw_write_error(path, errno);
  if (const int code = write_all(device.get(), bytes)) throw_write_error(path, code);
}

Bytes read_whole(const std::string& path, std::uint64_t max_bytes) {
  FileReader file(path);
  const auto too_large = [&](std::uint64_t size) {
    return IoError("cannot read " + path + ": it has " + std::to_string(size) +
                   " bytes or more, the limit is " + std::to_string(max_bytes));
  };
  if (file.size() > max_bytes) throw too_large(file.size());
  try {
    // One byte more than announced: if it does not come, the file ended where it said.
    Bytes bytes(file.size() + 1);
    for (std::size_t used = 0;;) {
      used += file.read(bytes.data() + used, bytes.size() - used);
      if (used > max_bytes) throw too_large(used);
      if (used < bytes.size()) {
        bytes.resize(used);
        return bytes;
      }
      bytes.resize(2 * bytes.size() + 4096);
    }
  } catch (const std::bad_alloc&) {
    throw MemoryError("no memory for the " + std::to_string(file.size()) + " bytes of " + path);
  } catch (const std::length_error&) {
    throw MemoryError("no memory for the " + std::to_string(file.size()) + " bytes of " + path);
  }
}

void replace_file(const std::string& path, ByteSpan bytes) {
  const Target target = find_target(path);
  if (target.device) return write_device(path, target, bytes);
  {
    TemporaryFile temporary(path, target);
    if (const int code = temporary.fill(bytes, target)) throw_write_error(path, code);
    if (const int code = temporary.rename_to(target.path)) throw_write_error(path, code);
  }
  // The rename itself is durable only when the folder is. Folders that cannot be opened for reading
  // and file systems without this call have no better to offer.
  const Descriptor folder(
      ::open(folder_of(target.path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return;
  if (const int code = sync_descriptor(folder.get()); code != 0 && code != EINVAL)
    throw_write_error(path, code);
}

}  // namespace

FileReader::FileReader(const std::string& path) : path_(path) {
  check_path(path);
  // Without O_NONBLOCK, opening a pipe would wait for a writer.
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file)
    throw IoError("cannot read " + path + ": " + reason(errno),
                  errno == ENOENT   ? "check the name of the file"
                  : errno == EACCES ? "allow reading: chmod u+r " + path
                                    : "");
  struct stat status {};
  if (::fstat(file.get(), &status) != 0)
    throw IoError("cannot read " + path + ": " + reason(errno));
  if (S_ISDIR(status.st_mode))
    throw IoError("cannot read " + path + ": it is a folder", "name a file in it");
  if (!S_ISREG(status.st_mode))
    throw IoError("cannot read " + path + ": it is not a regular file",
                  "copy its content into a file first");
  size_ = static_cast<std::uint64_t>(status.st_size);
  descriptor_ = file.release();
}

FileReader::~FileReader() { ::close(descriptor_); }

std::size_t FileReader::read_at(std::uint64_t offset, std::uint8_t* to, std::size_t count) const {
  std::size_t used = 0;
  while (used < count) {
    const ssize_t got =
        ::pread(descriptor_, to + used, count - used, static_cast<off_t>(offset + used));
    if (got < 0 && errno != EINTR) throw IoError("cannot read " + path_ + ": " + reason(errno));
    if (got == 0) break;
    if (got > 0) used += static_cast<std::size_t>(got);
  }
  return used;
}

std::size_t FileReader::read(std::uint8_t* to, std::size_t count) {
  // The system clears fresh memory and copies into it on the thread that asks: several do it
  // sooner. What comes after a piece that was cut short is not counted.
  constexpr std::int64_t piece = 4 << 20;
  std::atomic<std::int64_t> used{static_cast<std::int64_t>(count)};
  kernels::parallel_for(static_cast<std::int64_t>(count), piece, [&](auto begin, auto end) {
    const auto got =
        static_cast<std::int64_t>(read_at(at_ + static_cast<std::uint64_t>(begin), to + begin,
                                          static_cast<std::size_t>(end - begin)));
    if (got == end - begin) return;
    std::int64_t least = used.load();
    while (begin + got < least && !used.compare_exchange_weak(least, begin + got)) {
    }
  });
  at_ += static_cast<std::uint64_t>(used.load());
  return static_cast<std::size_t>(used.load());
}

Bytes read_file(const std::string& path, std::uint64_t max_bytes, Place at) {
  return with_place(at, [&] { return read_whole(path, max_bytes); });
}

void write_file(const std::string& path, ByteSpan bytes, Place at) {
  with_place(at, [&] { replace_file(path, bytes); });
}

void check_writable(const std::string& path, Place at) {
  with_place(at, [&] {
    const Target target = find_target(path);
    if (target.device) return write_device(path, target, {});
    const TemporaryFile probe(path, target);
  });
}

}  // namespace gradus::io
