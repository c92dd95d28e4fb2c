// What a tape says of one call besides its tensors: how long it took, and its attributes.
#include <gradus/autograd/backward.h>
#include <gradus/ops/ops.h>
#include <gradus/see/recorder.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <map>

using namespace gradus;
using see::Tape;
using see::TapeEvent;
using see::TapeIndex;

namespace {

/// Events of `op`, in order.
std::vector<TapeEvent> calls_of(const Tape& tape, const std::string& op) {
  std::vector<TapeEvent> found;
  for (const TapeEvent& event : tape.events)
    if (event.op == op) found.push_back(event);
  return found;
}

}  // namespace

TEST(TapeEvent, SecondsAreThoseOfTheCalls) {
  manual_seed(1);
  Tensor w = randn({64, 32}).set_requires_grad();
  const Tensor x = randn({128, 64}), y = randn({128, 32});
  see::Recorder recorder({.level = see::TapeLevel::stats});
  const auto now = [] { return std::chrono::steady_clock::now(); };
  const auto begin = now();
  mse(matmul(x, w), y).backward();
  no_grad([&] { w.sub_(0.1 * w.grad()); });
  const double all = std::chrono::duration<double>(now() - begin).count();
  recorder.finish();
  const Tape& tape = recorder.tape();
  ASSERT_GT(tape.events.size(), 5u);
  double outermost = 0;
  std::map<TapeIndex, double> inside;  // of a composite: its calls
  for (const TapeEvent& event : tape.events) {
    EXPECT_TRUE(event.finished);
    EXPECT_GT(event.seconds, 0) << event.op;
    EXPECT_LT(event.seconds, all) << event.op;
    if (event.parent == see::none)
      outermost += event.seconds;
    else
      inside[event.parent] += event.seconds;
  }
  // One after the other: together no longer than all took, and what a call makes takes part of it.
  EXPECT_LT(outermost, all);
  EXPECT_FALSE(inside.empty()) << "mse is made of other operations";
  for (const auto& [parent, seconds] : inside)
    EXPECT_LE(seconds, tape.events.at(static_cast<std::size_t>(parent)).seconds);
}

TEST(TapeEvent, SecondsGrowWithTheWork) {
  const Tensor small = ones({8, 8}), large = ones({512, 512});
  see::Recorder recorder({.level = see::TapeLevel::stats});
  for (int i = 0; i < 5; ++i) {
    (void)matmul(small, small);
    (void)matmul(large, large);
  }
  recorder.finish();
  // The fastest of five: 262,144 times the work takes longer, whatever else the machine does.
  double fastest[2] = {1e9, 1e9};
  for (const TapeEvent& event : calls_of(recorder.tape(), "matmul")) {
    const bool is_large =
        recorder.tape().values.at(static_cast<std::size_t>(event.outputs.at(0))).spec.shape[0] ==
        512;
    fastest[is_large] = std::min(fastest[is_large], event.seconds);
  }
  EXPECT_LT(10 * fastest[0], fastest[1]);
}

TEST(TapeEvent, AttributesAreThoseOfTheCall) {
  const Tensor x = arange(6).reshape({2, 3}).astype(DType::f32);
  see::Recorder recorder({.level = see::TapeLevel::stats});
  (void)x.sum({0}, true);
  (void)x.sum({1});
  (void)x.reshape({3, 2});
  (void)relu(x);
  (void)astype(x, DType::f64);
  recorder.finish();
  const auto attributes = [](const Tape& tape) {
    std::vector<std::string> all;
    for (const std::string op : {"sum", "reshape", "relu", "astype"})
      for (const TapeEvent& event : calls_of(tape, op)) all.push_back(op + ": " + event.attributes);
    return all;
  };
  const std::vector<std::string> expected{"sum: axis=0 keepdims=true", "sum: axis=1 keepdims=false",
                                          "reshape: shape=3,2", "relu: ", "astype: dtype=f64"};
  EXPECT_EQ(attributes(recorder.tape()), expected);
  // They, and the seconds, are in the file as well.
  const std::string path = std::filesystem::temp_directory_path() /
                           ("tape_event_" + std::to_string(::getpid()) + ".tape");
  see::save_tape(path, recorder.tape());
  const Tape opened = see::open_tape(path);
  std::filesystem::remove(path);
  EXPECT_EQ(attributes(opened), expected);
  ASSERT_EQ(opened.events.size(), recorder.tape().events.size());
  for (std::size_t e = 0; e < opened.events.size(); ++e)
    EXPECT_EQ(opened.events[e].seconds, recorder.tape().events[e].seconds);
}
