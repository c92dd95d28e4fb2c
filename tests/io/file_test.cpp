// Files: errors by reason, and the promise that a failed write leaves the old file and nothing
// else.
#include <gradus/io/file.h>
#include <gradus/kernels/threads.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "tests/io/attack.h"

namespace gradus::io {
namespace {

namespace fs = std::filesystem;
using test::message_of;
using testing::HasSubstr;

const Bytes old_bytes{1, 2, 3}, new_bytes{4, 5, 6, 7};

TEST(File, WritesAndReadsBack) {
  const test::Folder folder;
  write_file(folder / "a", old_bytes);
  write_file(folder / "a", new_bytes);
  write_file(folder / "empty", {});
  EXPECT_EQ(read_file(folder / "a"), new_bytes);
  EXPECT_EQ(read_file(folder / "empty"), Bytes{});
  EXPECT_EQ(folder.entries(), 2u);
}

// Large ones come in pieces, by several threads.
TEST(File, ReadsLargeFilesInTheirOrder) {
  const test::Folder folder;
  Bytes large(10'000'001);
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<std::uint8_t>(i * i >> 8);
  write_file(folder / "large", large);
  for (const int threads : {1, 3}) {
    kernels::set_num_threads(threads);
    EXPECT_EQ(read_file(folder / "large"), large);
    FileReader file(folder / "large");
    EXPECT_EQ(file.size(), large.size());
    Bytes begin(5), rest(large.size() + 9'000'000);  // whole pieces more than there is
    EXPECT_EQ(file.read(begin.data(), 5), 5u);
    EXPECT_EQ(file.read(rest.data(), rest.size()), large.size() - 5);
    EXPECT_TRUE(std::equal(begin.begin(), begin.end(), large.begin()));
    EXPECT_TRUE(std::equal(large.begin() + 5, large.end(), rest.begin()));
    EXPECT_EQ(file.read(rest.data(), rest.size()), 0u);
  }
  kernels::set_num_threads(0);
}

TEST(File, ReadSaysWhatIsWrong) {
  const test::Folder folder;
  const auto wrong = [](const std::string& path) { return message_of([&] { read_file(path); }); };
  EXPECT_THAT(wrong(folder / "none"), HasSubstr("IoError: cannot read " + (folder / "none") +
                                                ": No such file or directory"));
  EXPECT_THAT(wrong(folder.path()), HasSubstr("it is a folder"));
  EXPECT_THAT(wrong("/dev/zero"), HasSubstr("it is not a regular file"));
  EXPECT_THAT(wrong(""), HasSubstr("name of the file is empty"));
  EXPECT_THAT(wrong(std::string("a\0b", 3)), HasSubstr("zero byte"));
  ::mkfifo((folder / "pipe").c_str(), 0600);
  EXPECT_THAT(wrong(folder / "pipe"), HasSubstr("it is not a regular file"));
  write_file(folder / "a", new_bytes);
  EXPECT_THAT(message_of([&] { read_file(folder / "a", 3); }), HasSubstr("the limit is 3"));
  EXPECT_EQ(read_file(folder / "a", 4), new_bytes);
  EXPECT_FALSE(read_file("/proc/self/status").empty()) << "files of unknown size";
}

TEST(File, WriteSaysWhatIsWrongAndLeavesNothing) {
  const test::Folder folder;
  fs::create_directory(folder / "sub");
  write_file(folder / "plain", old_bytes);
  for (const auto& [path, text] : {
           std::pair{folder.path(), "it is a folder"},
           {folder / "none/a", "there is no folder"},
           {folder / "plain/a", "Not a directory"},
           {folder / "sub/", "it is a folder"},
           {folder / "new/", "cannot write"},
           {folder / std::string(300, 'x'), "File name too long"},
           {std::string(), "name of the file is empty"},
       }) {
    EXPECT_THAT(message_of([&, p = path] { write_file(p, new_bytes); }), HasSubstr(text)) << path;
    EXPECT_THAT(message_of([&, p = path] { check_writable(p); }), HasSubstr(text)) << path;
  }
  EXPECT_THAT(message_of([&] { check_writable(folder / "none/a"); }), HasSubstr("hint: make the"));
  EXPECT_EQ(read_file(folder / "plain"), old_bytes);
  EXPECT_EQ(folder.entries(), 2u);
}

TEST(File, CheckWritableLeavesEverythingAsItWas) {
  const test::Folder folder;
  check_writable(folder / "new");
  EXPECT_EQ(folder.entries(), 0u);
  write_file(folder / "old", old_bytes);
  check_writable(folder / "old");
  EXPECT_EQ(read_file(folder / "old"), old_bytes);
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(File, FollowsLinksAndKeepsPermissions) {
  const test::Folder folder;
  fs::create_directory(folder / "sub");
  write_file(folder / "sub/a", old_bytes);
  ::chmod((folder / "sub/a").c_str(), 0640);
  fs::create_symlink("sub/a", folder / "link");
  fs::create_symlink(folder / "sub/b", folder / "dangling");
  fs::create_symlink("circle", folder / "circle");
  write_file(folder / "link", new_bytes);
  write_file(folder / "dangling", new_bytes);
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_EQ(read_file(folder / "sub/a"), new_bytes);
  EXPECT_EQ(read_file(folder / "sub/b"), new_bytes);
  EXPECT_EQ(fs::status(folder / "sub/a").permissions(), static_cast<fs::perms>(0640));
  EXPECT_THROW(write_file(folder / "circle", new_bytes), IoError);
}

TEST(File, DevicesAreWrittenDirectly) {
  write_file("/dev/null", new_bytes);
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  EXPECT_THAT(message_of([] { write_file("/dev/full", new_bytes); }),
              HasSubstr("No space left on device"));
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
}

/// Runs `f` in a process of its own and returns its exit code.
int in_child(const std::function<int()>& f) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(f());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(File, AFullDiskKeepsTheOldFile) {
  const test::Folder folder;
  write_file(folder / "a", old_bytes);
  // A limit on the size of files stands for the disk.
  const int code = in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1000, 1000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      write_file(folder / "a", Bytes(5000, 9));
    } catch (const IoError& error) {
      return std::string(error.what()).find("File too large") != std::string::npos ? 0 : 1;
    }
    return 2;
  });
  EXPECT_EQ(code, 0);
  EXPECT_EQ(read_file(folder / "a"), old_bytes);
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(File, AProtectedFolderKeepsTheOldFile) {
  const test::Folder folder;
  write_file(folder / "a", old_bytes);
  ::chmod(folder.path().c_str(), 0555);
  // Root may write everywhere: become nobody for the attempt.
  const int code = in_child([&] {
    if (::geteuid() == 0 && ::setuid(65534) != 0) return 3;
    for (const char* name : {"a", "b"})
      for (const bool only_check : {true, false}) try {
          if (only_check)
            check_writable(folder / name);
          else
            write_file(folder / name, new_bytes);
          return 2;
        } catch (const IoError& error) {
          if (std::string(error.what()).find("Permission denied") == std::string::npos) return 1;
        }
    return 0;
  });
  EXPECT_EQ(code, 0);
  ::chmod(folder.path().c_str(), 0755);
  EXPECT_EQ(read_file(folder / "a"), old_bytes);
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(File, TwoWritersAtOnceLeaveOneWholeFile) {
  const test::Folder folder;
  std::vector<pid_t> children;
  for (std::uint8_t writer = 1; writer <= 4; ++writer) {
    const pid_t child = ::fork();
    if (child == 0) {
      for (int i = 0; i < 25; ++i) write_file(folder / "a", Bytes(20000, writer));
      ::_exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  const Bytes bytes = read_file(folder / "a");
  EXPECT_EQ(bytes.size(), 20000u);
  EXPECT_EQ(bytes, Bytes(20000, bytes.at(0)));
  EXPECT_EQ(folder.entries(), 1u);
}

}  // namespace
}  // namespace gradus::io
