// The ten programs of docs/see.md: what they print, and what is found in them at the prompt.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/support/transcripts.h"

namespace gradus {
namespace {

TEST(SeeTutorial, EverySessionIsTrue) {
  const std::string folder = testing::TempDir() + "gradus_see_" + std::to_string(::getpid());
  std::filesystem::create_directories(folder);
  const int sessions = test::expect_true_page("see.md", [&](const test::Transcript& t) {
    std::ofstream(folder + "/typed.txt") << t.typed;
    std::ofstream(folder + "/line.sh") << t.command << " <'" << folder << "/typed.txt'\n";
    const std::string line = "cd '" GRADUS_SEE_PROGRAMS
                             "' && env GRADUS_ECHO=1 LC_ALL=C.UTF-8 sh '" +
                             folder + "/line.sh' >'" + folder + "/out.txt'";
    const int status = std::system(line.c_str());
    EXPECT_EQ(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0) << t.command;
    return std::optional(test::whole_file(folder + "/out.txt"));
  });
  EXPECT_EQ(sessions, 10 + 10 + 7);  // the mistake, its repair, and what is found at the prompt
  std::filesystem::remove_all(folder);
}

/// The programs of the tutorial, in order.
std::vector<std::string> programs() {
  std::vector<std::string> all;
  for (const auto& entry : std::filesystem::directory_iterator(GRADUS_SOURCE_DIR "/examples/see"))
    if (entry.path().extension() == ".cpp") all.push_back(entry.path().stem().string());
  std::sort(all.begin(), all.end());
  return all;
}

TEST(SeeTutorial, MendedProgramsAreHealthy) {
  const std::string out = testing::TempDir() + "gradus_mended_" + std::to_string(::getpid());
  ASSERT_EQ(programs().size(), 10u);
  for (const std::string& name : programs()) {
    // Each has 25 steps or 75; the last but one is whole when the last begins.
    const std::string last = name == "02_zero_grad" ? "74" : "24";
    const std::string line = "cd '" GRADUS_SEE_PROGRAMS "' && printf 'unt step=" + last +
                             "\\nhealth\\n' | env GRADUS_BREAK=t LC_ALL=C.UTF-8 ./" + name +
                             " mended >'" + out + "'";
    EXPECT_EQ(std::system(line.c_str()), 0) << line;
    const std::string text = test::whole_file(out);
    EXPECT_THAT(text, testing::HasSubstr("> t0 step " + last)) << name;
    EXPECT_THAT(text, testing::AnyOf(testing::HasSubstr("healthy: no mistake"),
                                     testing::HasSubstr(" note   ")))
        << name;
    for (const char* severity : {" warn   ", " error  "})
      EXPECT_EQ(text.find(severity), text.npos) << name << "\n" << text;
  }
  std::filesystem::remove(out);
}

}  // namespace
}  // namespace gradus
