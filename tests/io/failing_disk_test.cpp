// A disk that fails at each step of writing a file: write, chmod, fsync, close, rename. These
// definitions take the place of the C library's in this program; each passes the call on to the
// kernel unless told to fail. The promise: the old file stays whole, nothing else is left.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <gradus/io/file.h>
#include <gradus/io/safetensors.h>

#include "tests/io/attack.h"

namespace {

/// Which call fails next: its name, after how many that work, and with what reason.
struct Fault {
  std::string_view call;
  int working = 0, reason = 0;
};
thread_local Fault fault;
thread_local int interrupted_writes = 0;

bool fails(std::string_view call) {
  if (fault.call != call || fault.working-- > 0) return false;
  fault.call = {};
  errno = fault.reason;
  return true;
}

}  // namespace

extern "C" {
ssize_t write(int file, const void* bytes, size_t count) {
  if (fails("write")) return -1;
  if (interrupted_writes > 0) {
    if (interrupted_writes-- % 2 == 0) {
      errno = EINTR;
      return -1;
    }
    count = std::min<size_t>(count, 7);  // a disk may take a part
  } else if (fault.call == "write") {
    count = std::min<size_t>(count, 100);
  }
  return ::syscall(SYS_write, file, bytes, count);
}
int fsync(int file) { return fails("fsync") ? -1 : static_cast<int>(::syscall(SYS_fsync, file)); }
int fchmod(int file, mode_t mode) noexcept {
  return fails("fchmod") ? -1 : static_cast<int>(::syscall(SYS_fchmod, file, mode));
}
int close(int file) {
  const int result = static_cast<int>(::syscall(SYS_close, file));
  return fails("close") ? -1 : result;
}
int rename(const char* from, const char* to) noexcept {
  return fails("rename")
             ? -1
             : static_cast<int>(::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}
}

namespace gradus::io {
namespace {

using test::message_of;
using testing::HasSubstr;

TEST(FailingDisk, KeepsTheOldFileAndLeavesNoOther) {
  const Bytes old_bytes(300, 1), new_bytes(1000, 2);
  for (const Fault& each :
       {Fault{"write", 0, ENOSPC}, Fault{"write", 3, ENOSPC}, Fault{"write", 9, EIO},
        Fault{"fchmod", 0, EPERM}, Fault{"fsync", 0, EIO}, Fault{"close", 0, EDQUOT},
        Fault{"rename", 0, EACCES}}) {
    SCOPED_TRACE(std::string(each.call) + " after " + std::to_string(each.working));
    const test::Folder folder;
    write_file(folder / "a", old_bytes);
    fault = each;
    const std::string words = message_of([&] { write_file(folder / "a", new_bytes); });
    EXPECT_TRUE(fault.call.empty()) << "the fault was not met";
    fault = {};
    EXPECT_THAT(words, HasSubstr("IoError: cannot write " + (folder / "a")));
    EXPECT_THAT(words, HasSubstr(std::strerror(each.reason)));
    EXPECT_EQ(read_file(folder / "a"), old_bytes);
    EXPECT_EQ(folder.entries(), 1u);
  }
}

TEST(FailingDisk, LeavesNoNewFile) {
  for (const char* call : {"write", "fsync", "close", "rename"}) {
    const test::Folder folder;
    fault = {call, 0, EIO};
    EXPECT_THROW(write_file(folder / "a", Bytes(10, 1)), IoError) << call;
    fault = {};
    EXPECT_EQ(folder.entries(), 0u) << call;
  }
}

// After the rename the new file is there, whole; only its durability is in doubt, which is said.
TEST(FailingDisk, SaysWhenTheFolderIsNotDurable) {
  const test::Folder folder;
  write_file(folder / "a", Bytes(3, 1));
  fault = {"fsync", 1, EIO};
  EXPECT_THROW(write_file(folder / "a", Bytes(4, 2)), IoError);
  fault = {};
  EXPECT_EQ(read_file(folder / "a"), Bytes(4, 2));
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(FailingDisk, GoesOnAfterInterruptionsAndPartialWrites) {
  const test::Folder folder;
  Bytes bytes(100);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
  interrupted_writes = 9;
  write_file(folder / "a", bytes);
  EXPECT_EQ(interrupted_writes, 0);
  EXPECT_EQ(read_file(folder / "a"), bytes);
}

TEST(FailingDisk, KeepsTheOldModel) {
  const test::Folder folder;
  SafeTensors file;
  file.tensors = {{"w", Tensor::scalar(1)}};
  save_safetensors(folder / "m", file);
  file.tensors = {{"w", Tensor::scalar(2)}};
  fault = {"fsync", 0, EIO};
  EXPECT_THROW(save_safetensors(folder / "m", file), IoError);
  fault = {};
  EXPECT_EQ(load_safetensors(folder / "m").at("w").item(), 1);
  EXPECT_EQ(folder.entries(), 1u);
}

}  // namespace
}  // namespace gradus::io
