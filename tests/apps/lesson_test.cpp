// gradus lesson as a user runs it: which chapters its words mean, where its images come from, and
// lines that fit the terminal.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "tests/support/real_data.h"
#include "tests/support/transcripts.h"

namespace gradus {
namespace {

using testing::HasSubstr;

struct Outcome {
  int code;
  std::string out, err;
};

Outcome lesson(const std::string& arguments, const std::string& settings = "") {
  const std::string stem = testing::TempDir() + "gradus_lesson_" + std::to_string(::getpid());
  const std::string line = "env -u GRADUS_DATA LC_ALL=C " + settings +
                           " '" GRADUS_COMMAND_PATH "' lesson " + arguments + " >'" + stem +
                           ".out' 2>'" + stem + ".err' </dev/null";
  const int status = std::system(line.c_str());
  const Outcome outcome{WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                        test::whole_file(stem + ".out"), test::whole_file(stem + ".err")};
  std::filesystem::remove(stem + ".out");
  std::filesystem::remove(stem + ".err");
  return outcome;
}

/// The chapters that ran, in order.
std::vector<std::string> ran(const std::string& arguments) {
  const Outcome outcome = lesson(arguments + " --data digits");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  std::vector<std::string> numbers;
  std::istringstream lines(outcome.out);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("Chapter ")) numbers.push_back(line.substr(8, line.find('.') - 8));
  return numbers;
}

TEST(LessonCommand, TakesNumbersAndRanges) {
  EXPECT_EQ(ran("08"), (std::vector<std::string>{"8"}));
  EXPECT_EQ(ran("8 6-7 7"), (std::vector<std::string>{"8", "6", "7"}));
}

TEST(LessonCommand, SaysWhatIsWrongWithItsWords) {
  const std::pair<const char*, const char*> wrong[] = {
      {"0", "there is no chapter 0\n  hint: chapters are 1 to "},
      {"99", "there is no chapter 99"},
      {"6-99", "there is no chapter 99"},
      {"7-5", "'7-5' ends before it begins\n  hint: write 5-7"},
      {"5-", "'5-' names no chapter"},
      {"8x", "'8x' names no chapter"},
      {"99999999999", "names no chapter"},
      {"foo", "'foo' names no chapter"},
      {"--all 5", "--all: means every chapter"},
      {"quiz 5", "it takes no chapter"},
      {"5 quiz", "it takes no chapter"},
      {"quiz --all", "no option but --json"},
      {"quiz --data digits", "no option but --json"},
  };
  for (const auto& [arguments, says] : wrong) {
    const Outcome outcome = lesson(arguments);
    EXPECT_EQ(outcome.code, 2) << arguments;
    EXPECT_EQ(outcome.out, "") << arguments;
    EXPECT_THAT(outcome.err, HasSubstr(says)) << arguments;
  }
  EXPECT_EQ(lesson("quiz").code, 0);
}

TEST(LessonCommand, AFolderThatIsNamedMustHaveMnist) {
  const std::string empty = testing::TempDir() + "gradus_no_mnist";
  std::filesystem::create_directories(empty);
  for (const auto& [arguments, settings, says] :
       {std::array{"8 --data /nonexistent", "",
                   "there is no folder \"/nonexistent\", which --data"},
        std::array{"8", "GRADUS_DATA=/nonexistent", "which GRADUS_DATA names"}}) {
    const Outcome outcome = lesson(arguments, settings);
    EXPECT_EQ(outcome.code, 1);
    EXPECT_THAT(outcome.err, HasSubstr(says));
    EXPECT_THAT(outcome.err, HasSubstr("--data digits"));
  }
  EXPECT_THAT(lesson("8 --data '" + empty + "'").err, HasSubstr("there is no MNIST in"));
  // Named wrong for good, and not needed.
  EXPECT_EQ(lesson("6 --data digits", "GRADUS_DATA=/nonexistent").code, 0);
}

TEST(LessonCommand, OtherImagesAreNotMnist) {
  const std::optional<std::string> folder = test::real_data("fashion-mnist");
  if (!folder) GTEST_SKIP() << test::no_real_data("fashion-mnist");
  const Outcome outcome = lesson("8 --data '" + *folder + "'");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("are not those of MNIST, which --data names"));
}

TEST(LessonCommand, JsonIsOneObjectARow) {
  const Outcome outcome = lesson("6-8 --json --data digits");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  std::set<int> rows;
  std::istringstream lines(outcome.out);
  for (std::string line; std::getline(lines, line);) {
    const auto object = nlohmann::json::parse(line);
    EXPECT_TRUE(rows.insert(object["row"].get<int>()).second) << line;
    EXPECT_FALSE(object.contains("title")) << line;
  }
  EXPECT_TRUE(rows.contains(24));
  EXPECT_TRUE(rows.contains(40));
}

TEST(LessonCommand, KeepsToTheWidth) {
  for (const char* arguments : {"", "8 --data digits"})
    for (std::size_t width : {40u, 60u, 80u}) {
      std::istringstream lines(lesson(arguments, "COLUMNS=" + std::to_string(width)).out);
      int count = 0;
      for (std::string line; std::getline(lines, line); ++count)
        EXPECT_LE(line.size(), width) << arguments << ": " << line;
      EXPECT_GT(count, 10);
    }
}

}  // namespace
}  // namespace gradus
