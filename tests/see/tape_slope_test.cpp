// Differences over a tape that is run again: the oracle is the slope worked out here, or autograd
// on the same net in f64; for every operation of the registry the gradient on the tape fits, and
// twice the gradient does not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include <gradus/gradus.h>
#include <gradus/ops/registry.h>
#include <gradus/ops/samples.h>
#include <gradus/see/recorder.h>
#include <gradus/see/tape_slope.h>

namespace gradus {
namespace {

using see::TapeIndex;
using testing::HasSubstr;

/// x recorded on its way to a loss, one backward pass.
struct Way {
  Way(Tensor given, const std::function<Tensor(const Tensor&)>& f)
      : x(given.set_requires_grad().set_name("x")) {
    see::Recorder recorder({.level = see::TapeLevel::full});
    f(x).backward();
    recorder.finish();
    tape = recorder.tape();
  }
  TapeIndex last() const { return static_cast<TapeIndex>(tape.ticks.size()) - 1; }
  see::TapeSlope slope(const Ints& index, const std::string& name = "x") {
    return see::tape_slope(see::Elements(tape), tape.find(name, last()), 0, index);
  }
  Tensor x;
  see::Tape tape;
};

Tensor vector(const std::vector<double>& numbers) {
  return Tensor::of(numbers, {static_cast<std::int64_t>(numbers.size())});
}

TEST(TapeSlope, IsTheSlopeOfTheFunction) {
  Way sine(vector({0.5, -1}), [](const Tensor& x) { return sum(sin(x) * 3.); });
  EXPECT_NEAR(sine.slope({0}).numeric, 3 * std::cos(0.5), 1e-7);
  EXPECT_NEAR(sine.slope({1}).numeric, 3 * std::cos(-1), 1e-7);
  EXPECT_EQ(sine.slope({0}).kinks, 0);
  EXPECT_EQ(sine.slope({0}).calls, 3);  // sin, mul, sum
}

TEST(TapeSlope, BeginsWithTheWeightsOfTheBackwardPass) {
  Tensor x = vector({0.5, -1}).set_name("x").set_requires_grad();
  see::Recorder recorder({.level = see::TapeLevel::full});
  (x * x).backward(vector({10, 100}));
  recorder.finish();
  const see::Elements elements(recorder.tape());
  const TapeIndex value = recorder.tape().find("x", 1);
  EXPECT_NEAR(see::tape_slope(elements, value, 0, {0}).numeric, 10 * 2 * 0.5, 1e-6);
  EXPECT_NEAR(see::tape_slope(elements, value, 0, {1}).numeric, 100 * 2 * -1, 1e-5);
}

TEST(TapeSlope, IsThatOfTheNetInF64ForEveryTensorOnTheWay) {
  const auto run = [](DType dtype, see::Tape* tape) {
    Generator generator(3);
    const auto draw = [&](const Ints& shape, const char* name) {
      return astype(randn(shape, DType::f32, &generator), dtype).set_name(name);
    };
    const Tensor x = draw({6, 4}, "x"), y = Tensor::of(Ints{0, 2, 1, 1, 0, 2}, {6}).set_name("y");
    Tensor w1 = draw({4, 5}, "w1"), b1 = draw({5}, "b1"), w2 = draw({5, 3}, "w2");
    for (Tensor* p : {&w1, &b1, &w2}) p->set_requires_grad();
    std::optional<see::Recorder> recorder;
    if (tape) recorder.emplace(see::RecorderOptions{.level = see::TapeLevel::full});
    Tensor l1 = (matmul(x, w1) + b1).set_name("l1");
    Tensor l2 = relu(l1).set_name("l2");
    Tensor out = matmul(l2, w2).set_name("out");
    for (Tensor* t : {&l1, &l2, &out}) t->retain_grad();
    cross_entropy(out, y).set_name("loss").backward();
    if (tape) {
      recorder->finish();
      *tape = recorder->tape();
    }
    std::map<std::string, std::vector<double>> gradients;
    for (const Tensor& t : {w1, b1, w2, l1, l2, out})
      gradients[t.name()] = t.grad().to_vector<double>();
    return gradients;
  };
  see::Tape tape;
  run(DType::f32, &tape);
  const see::Elements elements(tape);
  const auto last = static_cast<TapeIndex>(tape.ticks.size()) - 1;
  for (const auto& [name, oracle] : run(DType::f64, nullptr)) {
    SCOPED_TRACE(name);
    const TapeIndex value = tape.find(name, last);
    const Shape& shape = tape.values.at(static_cast<std::size_t>(value)).spec.shape;
    for (std::size_t i = 0; i < oracle.size(); ++i) {
      const auto place = static_cast<std::int64_t>(i);
      const Ints index = shape.rank() == 1 ? Ints{place} : Ints{place / shape[1], place % shape[1]};
      // Values on the way are those of the f32 run.
      const see::TapeSlope slope = see::tape_slope(elements, value, 0, index);
      EXPECT_NEAR(slope.numeric, oracle[i], 1e-6);
      EXPECT_EQ(slope.kinks, 0);
    }
  }
}

/// What the tape has as gradient fits the slope, for every operation; twice as much does not.
TEST(TapeSlope, FitsTheGradientOfEveryOperation) {
  int operations = 0, numbers = 0;
  for (const Op& op : all_ops()) {
    if (!op.has_gradient() || op.draws() || op.name() == "dropout") continue;
    SCOPED_TRACE(op.name());
    bool any = false;
    for (const Sample& sample : op.samples()) {
      Tensors inputs;
      for (const Tensor& x : sample.inputs) {
        inputs.push_back(is_floating(x.dtype()) ? clone(astype(x, DType::f64)).detach() : x);
        inputs.back().set_name("x" + std::to_string(inputs.size()));
        if (is_floating(x.dtype())) inputs.back().set_requires_grad();
      }
      see::Recorder recorder({.level = see::TapeLevel::full});
      Tensor loss;
      for (const Tensor& y : apply_all(sample.op, inputs)) {
        if (!is_floating(y.dtype()) || !y.requires_grad() || y.numel() == 0) continue;
        const Tensor part = sum(y * gradus::sample(y.shape().to_vector(), 0.5, 1.5, 7));
        loss = loss.defined() ? loss + part : part;
      }
      if (!loss.defined()) continue;
      loss.set_name("loss").backward();
      recorder.finish();
      see::Tape& tape = recorder.tape();
      const see::Elements elements(tape);
      const auto last = static_cast<TapeIndex>(tape.ticks.size()) - 1;
      for (const Tensor& x : inputs) {
        const TapeIndex value = tape.find(x.name(), last);
        if (!x.requires_grad() || !x.grad().defined() || x.numel() == 0 || value == see::none)
          continue;
        const std::vector<double> ours = x.grad().to_vector<double>();
        for (const std::int64_t place : {std::int64_t{0}, x.numel() / 2, x.numel() - 1}) {
          Ints index(static_cast<std::size_t>(x.ndim()), 0);
          std::int64_t rest = place;
          for (int k = x.ndim(); k-- > 0; rest /= x.shape()[k])
            index[static_cast<std::size_t>(k)] = rest % x.shape()[k];
          const see::TapeSlope slope = see::tape_slope(elements, value, 0, index);
          const double g = ours.at(static_cast<std::size_t>(place));
          EXPECT_TRUE(slope.fits(g, 1e-9))
              << x.name() << " " << Shape(index).str() << ": " << slope.numeric << " beside " << g;
          if (std::fabs(g) > 1e-3 && slope.kinks == 0) {
            EXPECT_FALSE(slope.fits(2 * g, 1e-9));
            EXPECT_FALSE(slope.fits(-g, 1e-9));
          }
          ++numbers;
          any = true;
        }
      }
    }
    operations += any;
  }
  EXPECT_GE(operations, 80);
  EXPECT_GE(numbers, 400);
}

TEST(TapeSlope, AtAKinkAnythingBetweenBothSidesFits) {
  Way way(vector({0, 5e-5, 1}), [](const Tensor& x) { return sum(relu(x)); });
  const see::TapeSlope at_kink = way.slope({0});
  EXPECT_EQ(at_kink.kinks, 1);
  EXPECT_NEAR(at_kink.numeric, 0.5, 1e-9);
  EXPECT_NEAR(at_kink.left, 0, 1e-9);
  EXPECT_NEAR(at_kink.right, 1, 1e-9);
  for (const double right : {0., 0.3, 1.}) EXPECT_TRUE(at_kink.fits(right));
  for (const double wrong : {-0.1, 2.}) EXPECT_FALSE(at_kink.fits(wrong));
  // Where a smaller step avoids the kink it is taken.
  const see::TapeSlope near_kink = way.slope({1});
  EXPECT_EQ(near_kink.kinks, 0);
  EXPECT_NEAR(near_kink.numeric, 1, 1e-9);
  ASSERT_EQ(near_kink.crossed.size(), 1u);
  EXPECT_EQ(near_kink.crossed[0], (std::pair<double, std::int64_t>(1e-4, 1)));
  EXPECT_TRUE(way.slope({2}).crossed.empty());
}

TEST(TapeSlope, KinksOfOtherOperationsAreCounted) {
  const auto kinks = [](const Tensor& x, const std::function<Tensor(const Tensor&)>& f) {
    return Way(x, f).slope({0}).kinks;
  };
  EXPECT_EQ(kinks(vector({0, 1}), [](const Tensor& x) { return sum(abs(x)); }), 1);
  EXPECT_EQ(kinks(vector({1, 2}), [](const Tensor& x) { return sum(abs(x)); }), 0);
  EXPECT_EQ(kinks(vector({1, 1}), [](const Tensor& x) { return sum(clip(x, -1, 1)); }), 1);
  EXPECT_EQ(kinks(vector({1, 2}), [](const Tensor& x) { return sum(maximum(x, 1.)); }), 1);
  EXPECT_GT(kinks(vector({1, 1}), [](const Tensor& x) { return amax(x); }), 0);
  EXPECT_EQ(kinks(vector({1, 3}), [](const Tensor& x) { return amax(x); }), 0);
  EXPECT_GT(kinks(vector({1, 1}),
                  [](const Tensor& x) {
                    return sum(sort(x) * vector({1, 2}));
                  }),
            0);
  EXPECT_EQ(kinks(vector({0, 1}), [](const Tensor& x) { return sum(where(x > 0., x * 2., x)); }),
            1);
}

/// What was computed under no_grad is data for the gradient, so it is for its check.
TEST(TapeSlope, CallsThatWereNotDifferentiatedAreHeldAndNamed) {
  Way way(vector({0.5}), [](const Tensor& x) {
    const Tensor aside = no_grad([&] { return exp(x); });
    return sum(sin(x) * aside);
  });
  const see::TapeSlope slope = way.slope({0});
  EXPECT_NEAR(slope.numeric, std::cos(0.5) * std::exp(0.5), 1e-7);
  EXPECT_EQ(slope.held, "t1 exp");
  EXPECT_EQ(Way(vector({0.5}), [](const Tensor& x) { return sum(sin(x)); }).slope({0}).held, "");
}

TEST(TapeSlope, MasksStayAsTheyWereDrawn) {
  manual_seed(5);
  Way way(vector({1, 2, 3, 4, 5, 6, 7, 8}),
          [](const Tensor& x) { return sum(dropout(x, 0.5, true) * x); });
  const std::vector<double> ours = way.x.grad().to_vector<double>();
  for (std::int64_t i = 0; i < 8; ++i)
    EXPECT_TRUE(way.slope({i}).fits(ours.at(static_cast<std::size_t>(i)), 1e-5)) << i;
}

TEST(TapeSlope, WhatHasNoneIsSaid) {
  Way way(vector({0.5, 1}), [](const Tensor& x) {
    (void)exp(x);
    return sum(sin(x));
  });
  EXPECT_THROW((void)way.slope({2}), IndexError);
  EXPECT_THROW((void)way.slope({0, 0}), IndexError);
  EXPECT_THROW((void)way.slope({0}, "exp_0"), ValueError);
  const see::Elements elements(way.tape);
  EXPECT_THROW((void)see::tape_slope(elements, way.tape.find("x", way.last()), 7, {0}), ValueError);
  for (see::TapeValue& value : way.tape.values) value.payload = {};
  EXPECT_THROW((void)way.slope({0}), ValueError);
}

/// 7 digits of the loss are too few for a difference; f64 has them.
TEST(TapeSlope, InF32TheDifferenceLosesItsDigits) {
  Way way(astype(vector({0.5}), DType::f32), [](const Tensor& x) { return sum(sin(x)) + 4308.76; });
  const see::Elements elements(way.tape);
  const TapeIndex value = way.tape.find("x", way.last());
  EXPECT_NEAR(way.slope({0}).numeric, std::cos(0.5), 1e-7);
  const double rough = see::slope_in_f32(see::TapeReplay(elements, value, 0), {0});
  EXPECT_GT(std::fabs(rough - std::cos(0.5)), 1e-4);
  EXPECT_NEAR(rough, std::cos(0.5), 0.5);
}

}  // namespace
}  // namespace gradus
