// The tape: what is written down of a small net's step, against what we know of the net.
#include <gradus/autograd/backward.h>
#include <gradus/io/file.h>
#include <gradus/nn/containers.h>
#include <gradus/nn/layers.h>
#include <gradus/nn/normalization.h>
#include <gradus/optim/optimizer.h>
#include <gradus/see/recorder.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>
#include <cmath>
#include <filesystem>
#include <set>

#include "tests/see/nth.h"

using namespace gradus;
using see::Recorder;
using see::Tape;
using see::TapeIndex;
using see::TapeLevel;
using test::nth;
using testing::ElementsAre;

namespace {

/// Two layers with module paths lin1, relu1, lin2, mse, and an update: one step.
struct TwoLayers {
  Tensor w1, b1, w2;
  TwoLayers() {
    manual_seed(3);
    w1 = randn({4, 3}).set_requires_grad().set_name("w1");
    b1 = zeros({3}).set_requires_grad().set_name("b1");
    w2 = randn({3, 1}).set_requires_grad().set_name("w2");
  }
  Tensor loss(const Tensor& x, const Tensor& y) const {
    Tensor l1, l2, out;
    {
      Scope here("lin1");
      l1 = matmul(x, w1) + b1;
    }
    l1.set_name("l1");
    {
      Scope here("relu1");
      l2 = relu(l1);
    }
    l2.set_name("l2");
    {
      Scope here("lin2");
      out = matmul(l2, w2);
    }
    out.set_name("out");
    Scope here("mse");
    return mse(squeeze(out, {-1}), y);
  }
  void step(const Tensor& x, const Tensor& y, double lr) {
    for (Tensor* p : {&w1, &b1, &w2}) p->zero_grad();
    loss(x, y).backward();
    optim::SGD sgd({w1, b1, w2}, {.lr = lr});
    Scope here("sgd");
    sgd.step();
  }
};

struct Data {
  Tensor x, y;
  Data() {
    Generator g(7);
    x = randn({5, 4}, DType::f32, &g).set_name("x");
    y = randn({5}, DType::f32, &g).set_name("y");
  }
};

Tape two_steps(TapeLevel level) {
  TwoLayers net;
  const Data data;
  Recorder recorder({.level = level});
  net.step(data.x, data.y, 0.1);
  net.step(data.x, data.y, 0.1);
  recorder.finish();
  return recorder.tape();
}

std::vector<std::string> labels(const Tape& tape, TapeIndex step) {
  std::vector<std::string> found;
  const auto [first, last] = tape.ticks_of(step);
  for (TapeIndex t = first; t < last; ++t) {
    const see::TapeTick& tick = nth(tape.ticks, t);
    found.push_back(std::string(1, "FBU"[static_cast<int>(tick.phase)]) + " " + tick.label);
  }
  return found;
}

TEST(Tape, TicksAreModulesForwardAndBackwardAndTheUpdate) {
  const Tape tape = two_steps(TapeLevel::full);
  ASSERT_EQ(tape.steps(), 2);
  for (const TapeIndex step : {0, 1})
    EXPECT_THAT(labels(tape, step), ElementsAre("F in", "F lin1", "F relu1", "F lin2", "F mse",
                                                "B mse", "B lin2", "B relu1", "B lin1", "U sgd"));
  // Twins are each other's.
  for (TapeIndex t = 0; t < static_cast<TapeIndex>(tape.ticks.size()); ++t) {
    const see::TapeTick& tick = nth(tape.ticks, t);
    if (tick.phase == Phase::backward) {
      ASSERT_NE(tick.twin, see::none);
      EXPECT_EQ(nth(tape.ticks, tick.twin).backward, t);
      EXPECT_EQ(nth(tape.ticks, tick.twin).label, tick.label);
    }
  }
  for (TapeIndex e = 0; e < static_cast<TapeIndex>(tape.events.size()); ++e) {
    const see::TapeEvent& event = nth(tape.events, e);
    EXPECT_TRUE(event.finished);
    for (const TapeIndex b : event.backward) EXPECT_EQ(nth(tape.events, b).twin, e);
  }
}

/// What the library computes for a call of the user's stands where that call is written: inside
/// composites, for first weights, for the seed and the sums of a backward pass, in an optimizer.
TEST(Tape, PlacesAreLinesOfTheUser) {
  see::Recorder recorder({.level = TapeLevel::full});
  manual_seed(1);
  nn::Sequential net{nn::Linear(3, 4), nn::BatchNorm1d(4), nn::Linear(4, 1)};
  Tensor x = rand({5, 3}).set_requires_grad();
  optim::AdamW adam(net.parameters(), {.lr = 0.1, .weight_decay = 0.1});
  const Tensor h = net(x);
  const int backward_line = __LINE__ + 1;
  mse(h + h, zeros({5, 1})).backward();
  optim::clip_grad_norm(net.parameters(), 0.1);
  const int step_line = __LINE__ + 1;
  adam.step();
  recorder.finish();
  const Tape& tape = recorder.tape();
  std::set<int> updates;
  for (const see::TapeEvent& event : tape.events) {
    EXPECT_THAT(event.file, testing::EndsWith("tape_test.cpp")) << event.op << " " << event.line;
    if (event.phase == Phase::update && event.lr) updates.insert(event.line);
    if (event.phase == Phase::backward && event.twin == see::none) {
      EXPECT_EQ(event.line, backward_line) << event.op;
    }
  }
  EXPECT_THAT(updates, ElementsAre(step_line));
}

TEST(Tape, AnIndexStandsWhereItIsWritten) {
  see::Recorder recorder({.level = TapeLevel::full});
  const Tensor x = rand({5, 3});
  const Tensor rows = tensor({0, 2});
  std::set<int> lines{__LINE__ + 1, __LINE__ + 2, __LINE__ + 3};
  (void)x[1];
  (void)x[{Slice{1, 3}, newaxis}];
  (void)x[rows];
  recorder.finish();
  std::set<int> seen;
  for (const see::TapeEvent& event : recorder.tape().events) {
    EXPECT_THAT(event.file, testing::EndsWith("tape_test.cpp")) << event.op << " " << event.line;
    if (event.line >= *lines.begin()) seen.insert(event.line);
  }
  EXPECT_EQ(seen, lines);
}

/// The gradient that a module without names passes on is shown with those of its parameters.
TEST(Tape, ATickShowsWhatAModulePassesOn) {
  see::Recorder recorder({.level = TapeLevel::full});
  nn::Sequential net{nn::Linear(3, 4), nn::ReLU(), nn::Linear(4, 1)};
  mse(net(rand({5, 3})), zeros({5, 1})).backward();
  recorder.finish();
  const Tape& tape = recorder.tape();
  std::vector<std::string> shown;
  for (TapeIndex t = 0; t < static_cast<TapeIndex>(tape.ticks.size()); ++t)
    if (nth(tape.ticks, t).phase == Phase::backward && nth(tape.ticks, t).label == "2")
      for (const TapeIndex v : tape.results_of(t)) shown.push_back(tape.name_of(v));
  EXPECT_THAT(shown, testing::UnorderedElementsAre("2.bias.g", "2.weight.g", "1.out.g"));
}

TEST(Tape, GradientsHaveTheNamesOfTheirTensors) {
  TwoLayers net;
  const Data data;
  Recorder recorder({.level = TapeLevel::full});
  const Tensor loss = net.loss(data.x, data.y);
  loss.backward();
  recorder.finish();
  const Tape& tape = recorder.tape();
  const TapeIndex last = static_cast<TapeIndex>(tape.ticks.size()) - 1;
  const auto payload = [&](const char* name) {
    const TapeIndex v = tape.find(name, last);
    return v == see::none ? Tensor() : nth(tape.values, v).payload;
  };
  // Against gradients by the definitions, in plain loops.
  const auto l1 = payload("l1"), l1g = payload("l1.g"), outg = payload("out.g");
  ASSERT_TRUE(l1 && l1g && outg && payload("w1.g"));
  for (std::int64_t n = 0; n < 5; ++n) {
    const double out = payload("out")[{n, 0}].item(), y = data.y[n].item();
    EXPECT_NEAR((outg[{n, 0}].item()), 2. / 5 * (out - y), 1e-6);
    for (std::int64_t j = 0; j < 3; ++j)
      EXPECT_NEAR((l1g[{n, j}].item()),
                  (l1[{n, j}].item()) > 0 ? (outg[{n, 0}].item()) * (net.w2[{j, 0}].item()) : 0,
                  1e-6);
  }
  EXPECT_EQ(payload("w1.g").to_vector<float>(), net.w1.grad().to_vector<float>());
  EXPECT_EQ(payload("b1.g").to_vector<float>(), net.b1.grad().to_vector<float>());
  EXPECT_EQ(payload("loss").item(), loss.item());
  EXPECT_EQ(tape.name_of(tape.loss_of(0)), "loss");
  // Before the backward pass there is no gradient.
  EXPECT_EQ(tape.find("w1.g", tape.tick_at(0, 4)), see::none);
  EXPECT_EQ(tape.find("nothing", last), see::none);
  // Each gradient is born in its module's tick.
  const std::pair<const char*, TapeIndex> births[] = {
      {"out.g", 5}, {"l2.g", 6}, {"l1.g", 7}, {"w1.g", 8}};
  for (const auto& [name, number] : births)
    EXPECT_EQ(nth(tape.ticks, tape.tick_of_value(tape.find(name, last))).number, number) << name;
}

TEST(Tape, WritingInPlaceMakesAVersionAndKeepsTheOldElements) {
  TwoLayers net;
  const Data data;
  const auto before = net.w1.to_vector<float>();
  Recorder recorder({.level = TapeLevel::full});
  net.step(data.x, data.y, 0.1);
  recorder.finish();
  const Tape& tape = recorder.tape();
  const TapeIndex old = tape.find("w1", tape.tick_at(0, 8)),
                  now = tape.find("w1", tape.tick_at(0, 9));
  ASSERT_NE(old, now);
  EXPECT_EQ(nth(tape.values, old).tensor, nth(tape.values, now).tensor);
  EXPECT_EQ(nth(tape.values, old).version + 1, nth(tape.values, now).version);
  EXPECT_EQ(nth(tape.values, old).payload.to_vector<float>(), before);
  EXPECT_EQ(nth(tape.values, now).payload.to_vector<float>(), net.w1.to_vector<float>());
}

TEST(Tape, StatsKeepElementsOfTheCurrentStepAlone) {
  const Tape tape = two_steps(TapeLevel::stats);
  const TapeIndex first = tape.find("l1", tape.tick_at(0, 9)),
                  second = tape.find("l1", tape.tick_at(1, 9));
  EXPECT_FALSE(nth(tape.values, first).payload);
  EXPECT_TRUE(nth(tape.values, second).payload);
  EXPECT_TRUE(nth(tape.values, first).statistics);
  // The same data tensor is the same value in both steps.
  EXPECT_EQ(tape.find("x", tape.tick_at(0, 9)), tape.find("x", tape.tick_at(1, 9)));
}

TEST(Tape, FullStaysWithinItsBudget) {
  TwoLayers net;
  const Data data;
  Recorder recorder({.level = TapeLevel::full, .budget = 2000});
  for (int i = 0; i < 20; ++i) net.step(data.x, data.y, 0.1);
  recorder.finish();
  EXPECT_LE(recorder.tape().payload_bytes(), 2000);
  EXPECT_GT(recorder.tape().payload_bytes(), 500);
}

TEST(Tape, WhatIsAroundAnAlarmOutlivesTheBudget) {
  TwoLayers net;
  const Data data;
  Recorder recorder({.level = TapeLevel::full, .budget = 4000});
  const Tensor odd = tensor({-1., 4.}).set_name("odd");
  const Tensor root = sqrt(odd);  // sqrt(-1): the alarm
  for (int i = 0; i < 20; ++i) net.step(data.x, data.y, 0.1);
  recorder.finish();
  const Tape& tape = recorder.tape();
  ASSERT_EQ(tape.alarms().size(), 1u);
  const see::TapeEvent& alarm = nth(tape.events, tape.alarms()[0]);
  EXPECT_TRUE(nth(tape.values, alarm.inputs[0]).payload);
  EXPECT_TRUE(nth(tape.values, alarm.outputs[0]).payload);
  EXPECT_FALSE(nth(tape.values, tape.find("l1", tape.tick_at(0, 3))).payload);
  EXPECT_LE(tape.payload_bytes(), 4000);
}

// After the first NaN all is NaN: the first one is news, and what is around it stays.
TEST(Tape, ARunThatIsNaNThroughoutStaysWithinItsBudget) {
  TwoLayers net;
  const Data data;
  Recorder recorder({.level = TapeLevel::full, .budget = 4000});
  net.step(data.x, data.y, 1e30);
  for (int i = 0; i < 20; ++i) {
    net.step(data.x, data.y, 1e30);
    EXPECT_LE(recorder.tape().payload_bytes(), 4000);
  }
  recorder.finish();
  const Tape& tape = recorder.tape();
  std::size_t bad = 0;
  for (TapeIndex e = 0; e < static_cast<TapeIndex>(tape.events.size()); ++e)
    for (const TapeIndex v : nth(tape.events, e).outputs)
      if (nth(tape.values, v).statistics && nth(tape.values, v).statistics->bad() > 0) {
        ++bad;
        break;
      }
  ASSERT_GT(bad, tape.events.size() / 2);
  const std::vector<TapeIndex> alarms = tape.alarms();
  ASSERT_FALSE(alarms.empty());
  EXPECT_LT(alarms.size(), 20u);
  for (const TapeIndex v : nth(tape.events, alarms[0]).outputs)
    EXPECT_TRUE(nth(tape.values, v).payload) << tape.name_of(v);
}

/// What `find` means, without an index: from the latest value back.
TapeIndex found_by_scan(const Tape& tape, const std::string& name, TapeIndex tick) {
  const see::TapeTick& here = nth(tape.ticks, tick);
  if (name == "loss")
    if (const TapeIndex loss = tape.loss_of(here.step);
        loss != see::none && nth(tape.values, loss).since < here.last)
      return loss;
  for (TapeIndex v = static_cast<TapeIndex>(tape.values.size()) - 1; v >= 0; --v) {
    const see::TapeValue& value = nth(tape.values, v);
    const bool is_outside = value.made_by == see::none;
    if (value.step > here.step || (!is_outside && value.since >= here.last)) continue;
    if (!is_outside && value.step < here.step && !value.is_parameter && name != "loss") continue;
    if (tape.name_of(v) == name) return v;
  }
  if (!name.ends_with(".out")) return see::none;
  // What leaves a module, whatever its own name.
  const std::string module = name.substr(0, name.size() - 4);
  for (TapeIndex e = here.last - 1; e >= 0; --e) {
    const see::TapeEvent& event = nth(tape.events, e);
    if (nth(tape.ticks, event.tick).step != here.step) break;
    if (event.phase == Phase::forward && event.parent == see::none && event.scope == module)
      return event.outputs.back();
  }
  return see::none;
}

TEST(Tape, NamesAreFoundByTheIndexAsByLookingAtAll) {
  TwoLayers net;
  Tensor unnamed = rand({3});  // a parameter without a name, used in some steps
  unnamed.set_requires_grad();
  Recorder recorder;
  std::set<std::string> names{"nix", "lin1.out", "tensor_1", "tensor_2", "tensor_9"};
  for (int i = 0; i < 6; ++i) {
    const Data data;  // other tensors of the same names in each step
    Tensor late = data.x * 2.;
    late.set_name("late");
    if (i % 2 == 0) (void)(late.sum() * unnamed);
    net.step(data.x, data.y, 0.1);
    // Asked in between too, so that names come to values that the index knows.
    const TapeIndex last = static_cast<TapeIndex>(recorder.tape().ticks.size()) - 1;
    for (const std::string& name : recorder.tape().names(last)) names.insert(name);
    for (const std::string& name : names) {
      if (name.ends_with(".g")) continue;
      ASSERT_EQ(recorder.tape().find(name, last), found_by_scan(recorder.tape(), name, last))
          << name;
    }
  }
  recorder.finish();
  const Tape& tape = recorder.tape();
  ASSERT_GT(names.size(), 20u);
  for (TapeIndex t = 0; t < static_cast<TapeIndex>(tape.ticks.size()); ++t)
    for (const std::string& name : names) {
      if (name.ends_with(".g")) continue;
      ASSERT_EQ(tape.find(name, t), found_by_scan(tape, name, t)) << name << " at tick " << t;
    }
}

TEST(Tape, TheProgramComputesTheSameBitsWithAndWithout) {
  const Data data;
  const auto run = [&](bool record) {
    TwoLayers net;
    std::optional<Recorder> recorder;
    if (record) recorder.emplace(see::RecorderOptions{.level = TapeLevel::full, .budget = 500});
    for (int i = 0; i < 5; ++i) net.step(data.x, data.y, 0.1);
    return net.w1.to_vector<float>();
  };
  EXPECT_EQ(run(false), run(true));
}

TEST(Tape, AlarmsAreWhereTheFirstBadNumberIsMade) {
  const Tensor x = tensor({0., 1.}).set_requires_grad().set_name("x");
  Recorder recorder;
  sum(log(x) * 0.).backward();
  recorder.finish();
  const auto alarms = recorder.tape().alarms();
  ASSERT_FALSE(alarms.empty());
  EXPECT_EQ(nth(recorder.tape().events, alarms[0]).op, "log");
}

TEST(Tape, AnUpdateWrittenByHandIsAnUpdate) {
  TwoLayers net;
  const Data data;
  Recorder recorder;
  for (int i = 0; i < 2; ++i) {
    net.loss(data.x, data.y).backward();
    no_grad([&] {
      net.w1.sub_(net.w1.grad() * 0.1);
      net.w1.zero_grad();
    });
  }
  recorder.finish();
  EXPECT_EQ(recorder.tape().steps(), 2);
  EXPECT_EQ(labels(recorder.tape(), 0).back(), "U update");
}

TEST(Tape, ADeferredGiantIsNotWrittenOut) {
  reset_peak_memory();
  const std::size_t before = peak_memory();
  const Tensor a = ones({4000, 1}), b = ones({4000});
  Recorder recorder({.level = TapeLevel::full});
  const Tensor s = sum(mul(a, b));
  EXPECT_EQ(s.item(), 16e6);
  EXPECT_LT(peak_memory() - before, std::size_t{20} << 20);  // written out: 64 MB
}

TEST(Tape, IsTheSameAfterSavingAndOpening) {
  const std::string path = std::filesystem::temp_directory_path() /
                           ("tape_test_" + std::to_string(::getpid()) + ".tape");
  const Tape tape = two_steps(TapeLevel::full);
  see::save_tape(path, tape);
  const Tape opened = see::open_tape(path);
  ASSERT_EQ(opened.events.size(), tape.events.size());
  ASSERT_EQ(opened.values.size(), tape.values.size());
  for (std::size_t v = 0; v < tape.values.size(); ++v) {
    EXPECT_EQ(opened.values[v].statistics, tape.values[v].statistics);
    EXPECT_EQ(bool(opened.values[v].payload), bool(tape.values[v].payload));
    EXPECT_EQ(opened.name_of(static_cast<TapeIndex>(v)), tape.name_of(static_cast<TapeIndex>(v)));
  }
  see::save_tape(path + "2", opened);
  const auto bytes = [](const std::string& file) {
    const auto content = io::read_file(file);
    return std::string(reinterpret_cast<const char*>(content.data()), content.size());
  };
  EXPECT_EQ(bytes(path), bytes(path + "2"));
  std::filesystem::remove(path);
  std::filesystem::remove(path + "2");
}

TEST(Tape, AFileThatContradictsItselfIsRefused) {
  const std::string path =
      std::filesystem::temp_directory_path() / ("tape_bad_" + std::to_string(::getpid()) + ".tape");
  const Tape good = two_steps(TapeLevel::stats);
  const auto refused = [&](auto&& spoil) {
    Tape tape = good;
    spoil(tape);
    see::save_tape(path, tape);
    EXPECT_THROW(see::open_tape(path), DataError);
  };
  refused([](Tape& t) { t.events[3].inputs = {1000000}; });
  refused([](Tape& t) { t.events[3].tick = 900; });
  refused([](Tape& t) { t.ticks[2].first += 1; });
  refused([](Tape& t) { t.ticks.pop_back(); });
  refused([](Tape& t) { t.values[0].gradient = -7; });
  refused([](Tape& t) { t.events[5].parent = 5; });
  refused([](Tape& t) { t.losses.clear(); });
  std::filesystem::remove(path);
}

}  // namespace
