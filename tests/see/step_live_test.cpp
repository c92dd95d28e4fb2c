// The step debugger inside a running program, and its answers in files.
#include <gradus/see/live.h>

#include <unistd.h>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "tests/see/step_support.h"

namespace gradus {
namespace {

using namespace test;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

TEST(StepLive, ALineInTheProgramBeginsASession) {
  std::istringstream in("w\nn\nunt lin.backward\np w.g.shape\nq\n");
  std::ostringstream out;
  auto *input = std::cin.rdbuf(in.rdbuf()), *output = std::cout.rdbuf(out.rdbuf());
  Line line;
  const Tensor loss = line.loss(0);
  see::step(loss);
  loss.backward();
  (void)exp(line.x);  // the last tick is complete when the next begins
  (void)exp(line.x);
  std::cin.rdbuf(input);
  std::cout.rdbuf(output);
  EXPECT_THAT(out.str(), StartsWith("> t1  B div.backward"));
  EXPECT_THAT(out.str(), HasSubstr("> t2  B sum.backward"));
  EXPECT_THAT(out.str(), HasSubstr("  B lin.backward   step_support.h:"));
  EXPECT_THAT(out.str(), HasSubstr("\n[2,1]\n"));
  EXPECT_EQ(line.w.grad().to_vector<float>(), (std::vector<float>{6.5F, -12.F}));
}

// A debugger's prompt at the place of the crash; the process still ends as it would have.
TEST(StepLiveDeathTest, AnExceptionThatNobodyCatchesOpensThePrompt) {
  const auto throws = []() noexcept {
    std::istringstream in("c\nn-\nq\nnot read\n");
    std::cin.rdbuf(in.rdbuf());
    std::cout.rdbuf(std::cerr.rdbuf());
    Line line;
    const Tensor loss = line.loss(0);
    see::step(loss);
    loss.backward();
    (void)matmul(line.x, ones({3, 1}));
  };
  EXPECT_DEATH(throws(), AllOf(HasSubstr("the program threw: "), HasSubstr("inner sizes 2 and 3"),
                               HasSubstr("the tape ends here"), HasSubstr("\n< t")));
}

TEST(StepOutput, GoesToAFileWhereOneIsNamed) {
  const std::string file = testing::TempDir() + "step_output_" + std::to_string(::getpid());
  Rerun rerun(std::make_unique<Line>(), {});
  rerun.advance();
  Stepper stepper(rerun.tape(), {}, &rerun);
  EXPECT_EQ(stepper.execute("p x[0,0] > " + file), "added to " + file + "\n");
  EXPECT_EQ(stepper.execute("p x[0,1] > " + file), "added to " + file + "\n");
  std::ifstream in(file);
  std::string first, second;
  std::getline(in, first) && std::getline(in, second);
  EXPECT_EQ(first + " " + second, "1. 2.");
  EXPECT_THAT(stepper.execute("p x > /no/such/folder/x.txt"),
              HasSubstr("cannot write /no/such/folder/x.txt: No such file"));
  // What names a tensor, or is a number, is compared with.
  EXPECT_EQ(stepper.execute("p x[0,0] > 0.5"), "True\n");
  stepper.execute("end");
  EXPECT_THAT(stepper.execute("p w > w.g"), HasSubstr("False"));
  std::filesystem::remove(file);
}

// The stop goes into the file when it arrives, and nothing else does.
TEST(StepOutput, OfAMotionArrivesLater) {
  const std::string file = testing::TempDir() + "step_motion_" + std::to_string(::getpid());
  Rerun rerun(std::make_unique<Line>(), {});
  rerun.advance();
  Stepper stepper(rerun.tape(), {.bold = true}, &rerun);
  EXPECT_EQ(stepper.execute("n >" + file + " ; p 1+1"), "added to " + file + "\n2\n");
  EXPECT_EQ(stepper.execute("unt step=1 > " + file + " ; p 2+2"), "");
  EXPECT_TRUE(stepper.wants_more());
  rerun.advance();
  EXPECT_EQ(stepper.grown(), "added to " + file + "\n4\n");
  stepper.execute("end ; c > " + file);
  EXPECT_EQ(stepper.ended(), "added to " + file + "\n");
  std::ifstream in(file);
  std::vector<std::string> heads;
  for (std::string line; std::getline(in, line);)
    if (line[0] != ' ') heads.push_back(line);
  EXPECT_THAT(heads, testing::ElementsAre(StartsWith("> t1  F lin"), "> t0 step 1    in",
                                          StartsWith("> t5 step 1  U update")));
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace gradus
