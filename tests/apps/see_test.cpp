// The ten programs of docs/see.md: what they print, and what is found in them at the prompt.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

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

}  // namespace
}  // namespace gradus
