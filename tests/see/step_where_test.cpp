// Where the step debugger stands: the lines that led there, of modules, passes and updates.
#include <gradus/autograd/backward.h>
#include <gradus/nn/layers.h>
#include <gradus/optim/optimizer.h>
#include <gradus/see/recorder.h>
#include <gradus/see/tape_callers.h>
#include <gradus/see/tape_view.h>
#include <nlohmann/json.hpp>

#include <unistd.h>
#include <filesystem>

#include "tests/see/step_support.h"

namespace gradus {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::Not;

struct Block : nn::Module {
  nn::Linear lin{2, 1};
  GRADUS_FIELDS(lin)
  static constexpr int line = __LINE__ + 1;
  Tensor forward(const Tensor& x) override { return relu(lin(x)); }
};
struct BlockNet : nn::Module {
  Block block;
  GRADUS_FIELDS(block)
  static constexpr int line = __LINE__ + 1;
  Tensor forward(const Tensor& x) override { return block(x); }
};

std::string in_this_file(int line, const std::string& function) {
  return "step_where_test.cpp:" + std::to_string(line) + " in " + function + "\n";
}

/// One step of a net in a block in a net; the lines of its calls.
struct StepWhere : testing::Test {
  StepWhere() : optimizer(net.parameters(), {.lr = 0.5}) {}
  void run() {
    net_line = __LINE__ + 1;
    const Tensor loss = mean(net(x));
    backward_line = __LINE__ + 1;
    loss.backward();
    step_line = __LINE__ + 1;
    optimizer.step();
    recorder.finish();
  }
  std::string where(TapeIndex t) { return see::where_text(recorder.tape(), {t}, {.width = 200}); }
  TapeIndex tick(const std::string& title) {
    for (TapeIndex t = 0; t < std::ssize(recorder.tape().ticks); ++t)
      if (see::title_of(recorder.tape(), {t}) == title) return t;
    ADD_FAILURE() << "no tick " << title;
    return 0;
  }
  BlockNet net;
  optim::SGD optimizer;
  Tensor x = tensor({{1., 2.}, {3., 4.}});
  int net_line = 0, backward_line = 0, step_line = 0;
  see::Recorder recorder{};
};

TEST_F(StepWhere, TheCallsOfModulesAroundTheInnermostFirst) {
  run();
  const std::string lines = "  " + in_this_file(Block::line, "Block::forward") +
                            "  block called at " +
                            in_this_file(BlockNet::line, "BlockNet::forward") + "  called at " +
                            in_this_file(net_line, "StepWhere::run");
  EXPECT_THAT(where(tick("F lin")), HasSubstr(lines + "  module path block.lin\n"));
  EXPECT_THAT(where(tick("F block")), HasSubstr(lines + "  module path block\n"));
  // Outside of modules nobody called.
  EXPECT_THAT(where(tick("F mean")), Not(HasSubstr("called at")));
}

TEST_F(StepWhere, ABackwardTickHasTheLinesOfItsTwinAndOfItsPass) {
  run();
  const TapeIndex t = tick("B lin.backward");
  EXPECT_THAT(where(t),
              HasSubstr("  " + in_this_file(Block::line, "Block::forward") + "  block called at " +
                        in_this_file(BlockNet::line, "BlockNet::forward")));
  EXPECT_THAT(where(t), HasSubstr("  runs back over t1 F lin, step_where_test.cpp:" +
                                  std::to_string(Block::line) + "\n  backward pass begun at " +
                                  in_this_file(backward_line, "StepWhere::run")));
  EXPECT_THAT(where(tick("F lin")), Not(HasSubstr("begun")));
  EXPECT_THAT(where(tick("U update")), HasSubstr(in_this_file(step_line, "StepWhere::run")));
  const auto place = nlohmann::json::parse(see::where_json(recorder.tape(), {t}));
  EXPECT_EQ(place["callers"].size(), 2u);
  EXPECT_EQ(place["callers"][0]["module"], "block");
  EXPECT_EQ(place["callers"][1]["line"], net_line);
  EXPECT_EQ(place["begun"]["line"], backward_line);
}

/// A first gradient that was given is made by no call of the pass: what the pass gives the
/// parameters in the end stands at its line.
TEST_F(StepWhere, TwoPassesOfOneStepAreToldApart) {
  const Tensor a = sum(net(x)), b = mean(x * net.block.lin.weight.T()[0]);
  const Tensor seed = ones_like(a);
  const int first = __LINE__ + 1;
  a.backward(seed);
  const int second = __LINE__ + 1;
  b.backward();
  recorder.finish();
  const std::string test = "StepWhere_TwoPassesOfOneStepAreToldApart_Test::TestBody";
  EXPECT_THAT(where(tick("B sum.backward")), HasSubstr("begun at " + in_this_file(first, test)));
  EXPECT_THAT(where(tick("B mean.backward")), HasSubstr("begun at " + in_this_file(second, test)));
}

TEST_F(StepWhere, ATapeInAFileKeepsTheCalls) {
  run();
  const std::string path = testing::TempDir() + "where_" + std::to_string(::getpid()) + ".tape";
  see::save_tape(path, recorder.tape());
  const Tape read = see::open_tape(path);
  std::filesystem::remove(path);
  for (TapeIndex t = 0; t < std::ssize(read.ticks); ++t)
    EXPECT_EQ(see::where_text(read, {t}, {.width = 200}), where(t));
}

}  // namespace
}  // namespace gradus
