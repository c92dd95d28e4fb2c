// POSIX calls with their errors; see file.h.
#include <gradus/io/file.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace gradus::io {
namespace {

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
  /// Closes, and says whether that went well.
  bool close() {
    const int closed = ::close(number_);
    number_ = -1;
    return closed == 0;
  }

 private:
  int number_;
};

[[noreturn]] void fail(const std::string& what, const std::string& path, int reason) {
  std::string hint = "check the path";
  if (reason == EACCES || reason == EPERM || reason == EROFS)
    hint = "check the permissions, or choose another place";
  if (reason == ENOSPC || reason == EDQUOT) hint = "free some space, or choose another place";
  if (reason == EISDIR) hint = "name a file, not a folder";
  throw IoError("cannot " + what + " '" + path + "': " + std::strerror(reason), hint);
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == path.npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

/// A new file beside `path`, removed again unless it is kept.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& path) : name_(path + ".XXXXXX") {
    descriptor_ = ::mkstemp(name_.data());
    if (descriptor_ < 0) fail("write", path, errno);
  }
  ~TemporaryFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!kept_) ::unlink(name_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  void write(std::string_view bytes, const std::string& path) {
    while (!bytes.empty()) {
      const ssize_t n = ::write(descriptor_, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail("write", path, errno);
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  void rename_to(const std::string& path) {
    // mkstemp makes files for the owner alone; a saved model follows the user's umask.
    const mode_t mask = ::umask(0);
    ::umask(mask);
    ::fchmod(descriptor_, 0666 & ~mask);
    if (::fsync(descriptor_) != 0) fail("flush", path, errno);
    const int closed = ::close(descriptor_);
    descriptor_ = -1;
    if (closed != 0) fail("close", path, errno);
    if (::rename(name_.c_str(), path.c_str()) != 0) fail("rename to", path, errno);
    kept_ = true;
    const Descriptor folder(::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder || ::fsync(folder.get()) != 0) fail("flush the folder of", path, errno);
  }

 private:
  std::string name_;
  int descriptor_ = -1;
  bool kept_ = false;
};

}  // namespace

std::string read_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) fail("open", path, errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) fail("read", path, errno);
  if (S_ISDIR(status.st_mode)) fail("read", path, EISDIR);
  std::string bytes;
  bytes.reserve(static_cast<std::size_t>(std::max<off_t>(status.st_size, 0)));
  char buffer[1 << 16];
  while (true) {
    const ssize_t n = ::read(file.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("read", path, errno);
    if (n == 0) return bytes;
    bytes.append(buffer, static_cast<std::size_t>(n));
  }
}

void write_file_atomically(const std::string& path, std::string_view bytes) {
  TemporaryFile file(path);
  file.write(bytes, path);
  file.rename_to(path);
}

void check_writable(const std::string& path) {
  if (path.empty()) throw IoError("the path to write to is empty", "name a file");
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) fail("write", path, EISDIR);
    if (::access(path.c_str(), W_OK) != 0) fail("write", path, errno);
  }
  TemporaryFile probe(path);
}

}  // namespace gradus::io
