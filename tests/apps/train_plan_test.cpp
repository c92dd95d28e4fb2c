// gradus train and plans: --explain-plan in every form, and the same model with and without one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/folder.h"

namespace gradus {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class TrainPlan : public test::FolderTest {
 protected:
  /// What `gradus train` printed; it must have ended well.
  std::string train(const std::string& arguments, int columns = 80) const {
    const std::string line =
        "cd '" + folder_ + "' && env -u GRADUS_DATA LC_ALL=C COLUMNS=" + std::to_string(columns) +
        " '" GRADUS_COMMAND_PATH "' train " + arguments + " >out.txt 2>err.txt </dev/null";
    EXPECT_EQ(test::exit_code(line), 0) << text("err.txt");
    return text("out.txt");
  }
};

TEST_F(TrainPlan, IsShownBeforeTheFirstEpochEnds) {
  const std::string out = train("--size 1600 --epochs 2 --explain-plan");
  EXPECT_THAT(out, HasSubstr("matmul + add + relu"));
  EXPECT_THAT(out, HasSubstr("f32[64,784] f32[784,50] f32[50] -> f32[64,50]"));
  EXPECT_THAT(out, HasSubstr("not fused further: "));
  EXPECT_LT(out.find("the plan of a training step"), out.find("1/2"));
}

TEST_F(TrainPlan, KeepsToTheWidthOfTheTerminal) {
  for (int columns : {50, 72, 100}) {
    std::istringstream lines(train(
        "--size 1000 --epochs 1 --batch-size 32 --hidden 20,15,10,10 --optimizer adam --quiet "
        "--explain-plan",
        columns));
    for (std::string line; std::getline(lines, line);)
      EXPECT_LE(line.size(), static_cast<std::size_t>(columns)) << line;
  }
}

TEST_F(TrainPlan, ComesAfterTheRecordedStepsOfHealth) {
  const std::string out = train("--size 2000 --epochs 2 --batch-size 32 --health --explain-plan");
  EXPECT_THAT(out, HasSubstr("the plan of a training step"));
  EXPECT_THAT(out, Not(HasSubstr("no plan")));
  EXPECT_THAT(out, HasSubstr("health of the first 20 steps"));
}

TEST_F(TrainPlan, SaysWhyThereIsNone) {
  EXPECT_THAT(train("--size 1000 --epochs 1 --eager --explain-plan"),
              HasSubstr("no plan, the steps ran one by one: --eager asks for it"));
  EXPECT_THAT(train("--size 1000 --epochs 1 --stats --log log.jsonl --explain-plan"),
              HasSubstr("a callback hears before_step"));
  EXPECT_THAT(train("--size 200 --epochs 1 --batch-size 128 --explain-plan"),
              HasSubstr("a plan is made after four batches"));
}

TEST_F(TrainPlan, IsOneObjectAKernelInJson) {
  std::istringstream lines(train("--size 1600 --epochs 1 --json --explain-plan"));
  json plan;
  for (std::string line; std::getline(lines, line);)
    if (json event = json::parse(line); event["event"] == "plan") plan = event;
  ASSERT_TRUE(plan.is_object());
  EXPECT_GE(plan["arena_bytes"], 0);
  const json& first = plan["kernels"][0];
  EXPECT_EQ(first["kernel"], "matmul + add + relu");
  EXPECT_EQ(first["phase"], "forward");
  EXPECT_EQ(first["inputs"], json::parse(R"(["f32[64,784]","f32[784,50]","f32[50]"])"));
  EXPECT_EQ(first["outputs"], json::parse(R"(["f32[64,50]"])"));
  EXPECT_EQ(first["flops"], 2. * 64 * 784 * 50 + 2 * 64 * 50);
  std::istringstream none(train("--size 1000 --epochs 1 --eager --json --explain-plan"));
  std::string reason;
  for (std::string line; std::getline(none, line);)
    if (json event = json::parse(line); event["event"] == "no_plan") reason = event["reason"];
  EXPECT_EQ(reason, "--eager asks for it");
}

TEST_F(TrainPlan, TrainsTheSameModelWithAndWithoutOne) {
  for (const char* rule : {"--lr 0.5", "--optimizer adam --lr 0.001",
                           "--lr 0.1 --momentum 0.9 --nesterov --weight-decay 0.001",
                           "--schedule one-cycle --hidden 40,30"}) {
    const std::string common = std::string("--size 1600 --epochs 2 --quiet ") + rule;
    train(common + " --out plan.safetensors");
    train(common + " --eager --out eager.safetensors");
    train(common + " --threads 3 --out three.safetensors");
    const std::string planned = text("plan.safetensors");
    EXPECT_GT(planned.size(), 1000u);
    EXPECT_TRUE(planned == text("eager.safetensors")) << rule;
    EXPECT_TRUE(planned == text("three.safetensors")) << rule;
  }
}

}  // namespace
}  // namespace gradus
