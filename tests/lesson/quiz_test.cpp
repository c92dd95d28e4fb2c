// The shape quiz: what it takes for an answer, what it says, and its score.
#include <gtest/gtest.h>

#include <examples/lesson13/quiz.h>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

namespace lesson {
namespace {

struct Asked {
  Score score;
  std::string out;
};
Asked ask(const std::string& answers, bool json = false) {
  std::istringstream in(answers);
  std::ostringstream out;
  const Score score = quiz(in, out, json);
  return {score, out.str()};
}

TEST(Quiz, TakesAShapeInManySpellings) {
  // The first question is [50000,784] times [784,50].
  for (const char* answer :
       {"50000,50", "[50000, 50]", "(50000,50)", "50000x50", "50000 50", " 50000 , 50 \r"}) {
    const Asked asked = ask(std::string(answer) + "\nq\n");
    EXPECT_EQ(asked.score.right, 1) << answer;
    EXPECT_EQ(asked.score.asked, 1);
  }
  for (const char* answer : {"", "50000", "50,50000", "[]", "foo", "50000,50 or so", "-50000,50",
                             "99999999999999999999999999,50"})
    EXPECT_EQ(ask(std::string(answer) + "\nq\n").score.right, 0) << answer;
}

TEST(Quiz, ExplainsAndEndsWithAScore) {
  const Asked asked = ask("50000,50\n1,2\n");
  EXPECT_NE(asked.out.find("matmul(x_train, w1)"), std::string::npos);
  EXPECT_NE(asked.out.find("with x_train [50000,784], w1 [784,50]"), std::string::npos);
  EXPECT_NE(asked.out.find("no, [50000,50]: b1 is stretched"), std::string::npos);
  EXPECT_NE(asked.out.find("score: 1 of 2 asked\n"), std::string::npos);
}

TEST(Quiz, AllRightIsAllRight) {
  std::string answers;
  for (const Question& q : questions()) answers += q.run().str() + "\n";
  const Asked asked = ask(answers);
  EXPECT_EQ(asked.score.right, static_cast<int>(questions().size()));
  EXPECT_EQ(asked.out.find("no, "), std::string::npos);
  std::set<std::string> lines;
  for (const Question& q : questions()) {
    EXPECT_TRUE(lines.insert(q.line).second) << q.line;
    EXPECT_FALSE(q.why.empty());
  }
}

TEST(Quiz, JsonIsAnObjectALineAndNothingElse) {
  const Asked asked = ask("[50000,50]\n\"\\\n", true);
  std::istringstream lines(asked.out);
  std::vector<nlohmann::json> objects;
  for (std::string line; std::getline(lines, line);) objects.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(objects.size(), 3U);
  EXPECT_EQ(objects[0]["right"], true);
  EXPECT_EQ(objects[0]["shape"], "[50000,50]");
  EXPECT_EQ(objects[1]["answer"], "\"\\");
  EXPECT_EQ(objects[1]["right"], false);
  EXPECT_EQ(objects[2]["right"], 1);
  EXPECT_EQ(objects[2]["asked"], 2);
}

}  // namespace
}  // namespace lesson
