// The command as a user runs it, in a folder of its own that goes with the test.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

namespace gradus::test {

struct Result {
  int code;
  std::string out, err;
};

class CommandTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "gradus_command_" + std::to_string(::getpid());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  /// gradus ARGUMENTS, after `variables` as env(1) takes them.
  Result run(const std::string& arguments, const std::string& variables = "") const {
    return shell("env -u GRADUS_DATA -u GRADUS_THREADS -u COLUMNS LC_ALL=C " + variables +
                 " '" GRADUS_COMMAND_PATH "' " + arguments + " >out.txt");
  }
  /// A line of bash that sends standard output to out.txt itself.
  Result shell(const std::string& line) const {
    std::ofstream(folder_ + "/line.sh") << line << "\n";
    const std::string whole = "cd '" + folder_ + "' && bash line.sh 2>err.txt </dev/null";
    std::filesystem::remove(folder_ + "/out.txt");
    const int status = std::system(whole.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text("out.txt"), text("err.txt")};
  }
  std::string text(const std::string& name) const {
    std::ostringstream all;
    all << std::ifstream(folder_ + "/" + name).rdbuf();
    return all.str();
  }
  bool exists(const std::string& name) const {
    return std::filesystem::exists(folder_ + "/" + name);
  }
  static std::vector<nlohmann::json> events_of(const std::string& lines) {
    std::vector<nlohmann::json> events;
    std::istringstream all(lines);
    for (std::string line; std::getline(all, line);) events.push_back(nlohmann::json::parse(line));
    return events;
  }
  std::string folder_;
};

}  // namespace gradus::test
