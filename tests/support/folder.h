// A test that works in a folder of its own, what it finds there, and lines of the shell.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace gradus::test {

/// The content of a file; empty where there is none.
inline std::string whole_file(const std::string& path) {
  std::ostringstream all;
  all << std::ifstream(path, std::ios::binary).rdbuf();
  return all.str();
}

/// Runs a line of the shell. Its exit status; -1 where it was killed.
inline int exit_code(const std::string& line) {
  const int status = std::system(line.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// The folder is there when a test begins, and goes with it.
class FolderTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "gradus_test_" + std::to_string(::getpid());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string text(const std::string& name) const { return whole_file(folder_ + "/" + name); }
  bool exists(const std::string& name) const {
    return std::filesystem::exists(folder_ + "/" + name);
  }
  std::string folder_;
};

}  // namespace gradus::test
