// Compiled runs on a tape: while a recorder watches, the same calls run one by one, with the bits
// of the plan; behind it the plan takes over again.
#include <gradus/gradus.h>
#include <gradus/see/recorder.h>
#include <gradus/see/tape_rate.h>

#include <gtest/gtest.h>

using namespace gradus;
using see::TapeIndex;

namespace {

double rate_of(int step) { return 0.1 * (12 - step) / 12; }

/// 12 compiled steps of a small classifier; those from `from` to `to` are recorded on `tape`.
struct Outcome {
  std::vector<double> losses;
  std::vector<std::vector<float>> weights;
  bool has_plan = false;
  bool operator==(const Outcome&) const = default;
};
Outcome train(int from, int to, see::Tape& tape) {
  manual_seed(3);
  nn::Sequential net = nn::make_layers("Linear(6, 16); ReLU(); Linear(16, 3)");
  optim::SGD sgd(net.parameters(), {.lr = 0.1, .momentum = 0.9});
  const data::Batch batch{rand({32, 6}), randint(0, 3, {32})};
  CompiledStep step(
      net, sgd, [](const Tensor& out, const Tensor& y) { return cross_entropy(out, y); }, [] {});
  Outcome outcome;
  std::optional<see::Recorder> recorder;
  for (int i = 0; i < 12; ++i) {
    if (i == from) recorder.emplace(see::RecorderOptions{.level = see::TapeLevel::full});
    if (i == to) {
      recorder->finish();
      tape = std::move(recorder->tape());
      recorder.reset();
    }
    sgd.set_lr(rate_of(i));
    outcome.losses.push_back(step(batch, false).loss.item());
  }
  for (const Tensor& w : net.parameters()) outcome.weights.push_back(w.to_vector<float>());
  outcome.has_plan = step.plan(batch) != nullptr;
  return outcome;
}

TEST(CompiledTape, HoldsEveryCallAndTheBitsAreThoseOfThePlan) {
  see::Tape none, tape;
  const Outcome plain = train(99, 99, none), recorded = train(6, 9, tape);
  ASSERT_TRUE(plain.has_plan);
  EXPECT_EQ(recorded, plain);
  // Three steps, each with a forward pass, a backward pass and an update.
  ASSERT_EQ(tape.steps(), 3);
  for (TapeIndex step = 0; step < 3; ++step) {
    const auto [first, last] = tape.ticks_of(step);
    std::map<Phase, int> ticks;
    for (TapeIndex t = first; t < last; ++t)
      ++ticks[tape.ticks.at(static_cast<std::size_t>(t)).phase];
    EXPECT_GE(ticks[Phase::forward], 4);
    EXPECT_GE(ticks[Phase::backward], 3);
    EXPECT_EQ(ticks[Phase::update], 1);
    const TapeIndex loss = tape.loss_of(step);
    ASSERT_NE(loss, see::none);
    EXPECT_EQ(tape.values.at(static_cast<std::size_t>(loss)).payload.item(),
              plain.losses.at(static_cast<std::size_t>(6 + step)));
    EXPECT_EQ(see::learning_rate(tape, step), rate_of(6 + static_cast<int>(step)));
  }
  int products = 0;
  for (const see::TapeEvent& event : tape.events) products += event.op == "matmul";
  EXPECT_GE(products, 3 * 5);  // two forward, three backward: the data need no gradient
}

}  // namespace
