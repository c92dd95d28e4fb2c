// The command as a user runs it, in a folder of its own that goes with the test.
#pragma once

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/folder.h"

namespace gradus::test {

struct Result {
  int code;
  std::string out, err;
};

class CommandTest : public FolderTest {
 protected:
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
    return {exit_code(whole), text("out.txt"), text("err.txt")};
  }
  static std::vector<nlohmann::json> events_of(const std::string& lines) {
    std::vector<nlohmann::json> events;
    std::istringstream all(lines);
    for (std::string line; std::getline(all, line);) events.push_back(nlohmann::json::parse(line));
    return events;
  }
};

}  // namespace gradus::test
