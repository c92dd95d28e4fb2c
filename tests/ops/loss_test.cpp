// Losses where something does not count, or where a small part must not be lost. Values beside
// "torch" are what PyTorch 2 prints; the others follow from the formula in the comment.
#include <gtest/gtest.h>

#include <cmath>

#include <gradus/gradus.h>

#include "tests/ops/values.h"

namespace gradus {
namespace {

using test::inf;
using test::Values;

Tensor parameter(const Tensor& x) { return astype(x, DType::f64).set_requires_grad(); }

/// Gradients of the sum of a loss; every element is a number, or the test fails.
Values gradient(const Tensor& loss, const Tensor& x) {
  const Tensor g = grad(sum(loss), {x})[0];
  return g.to_vector<double>();
}

CrossEntropyOptions with(const std::string& reduction, double smoothing = 0) {
  CrossEntropyOptions options;
  options.reduction = reduction;
  options.label_smoothing = smoothing;
  return options;
}

// torch: loss nan, gradient tensor([[0., 0., 0.], [0., 0., 0.]]).
TEST(Loss, WhereNothingCountsTheGradientIsZero) {
  const Tensor target = tensor({-100, -100});
  for (const double smoothing : {0.0, 0.1})
    for (const std::string reduction : {"mean", "sum", "none"})
      for (const bool weighted : {false, true}) {
        const Tensor x = parameter(tensor({{1., 2., 3.}, {-inf, 0., 1.}}));
        Tensor weight = parameter(tensor({1., 2., 3.}));
        CrossEntropyOptions options = with(reduction, smoothing);
        if (weighted) options.weight = weight;
        const Tensor loss = cross_entropy(x, target, options);
        const double total = sum(loss).item();
        EXPECT_TRUE(reduction == "mean" ? std::isnan(total) : total == 0) << total;
        EXPECT_EQ(gradient(loss, x), Values(6)) << reduction << smoothing << weighted;
        if (!weighted) continue;
        EXPECT_EQ(gradient(cross_entropy(x, target, options), weight), Values(3));
      }
  const Tensor log_p = parameter(tensor({{-1., -2.}, {-inf, 0.}}));
  const Tensor loss = nll(log_p, target);
  EXPECT_TRUE(std::isnan(loss.item()));
  EXPECT_EQ(gradient(loss, log_p), Values(4));
}

// torch: the loss of the second row alone, ln(e^1 + e^2 + e^3) - 2 = 1.4076059644443806, and
// softmax - one-hot for it; 0 for the row that is ignored.
TEST(Loss, AnIgnoredRowMayHoldAnything) {
  const double whole = std::exp(1) + std::exp(2) + std::exp(3);
  for (const double bad : {-inf, std::nan("")}) {
    const Tensor x = parameter(tensor({{bad, 1., 2.}, {1., 2., 3.}}));
    const Tensor target = tensor({-100, 1});
    for (const std::string reduction : {"mean", "sum"}) {
      const Tensor loss = cross_entropy(x, target, with(reduction));
      EXPECT_NEAR(loss.item(), 1.4076059644443806, 1e-15);
      const Values g = gradient(loss, x);
      EXPECT_NEAR(g[3], std::exp(1) / whole, 1e-15);
      EXPECT_NEAR(g[4], std::exp(2) / whole - 1, 1e-15);
      EXPECT_NEAR(g[5], std::exp(3) / whole, 1e-15);
      for (std::size_t k = 0; k < 3; ++k) EXPECT_TRUE(g[k] == 0 || std::isnan(bad)) << g[k];
    }
    const Values each = cross_entropy(x, target, with("none")).to_vector<double>();
    EXPECT_EQ(each[0], 0);
    EXPECT_NEAR(each[1], 1.4076059644443806, 1e-15);
    // (1 - s) nll + s / c (sum of all -log p) = .9 * 1.4076... + .1 * mean(2.4076, 1.4076, .4076)
    EXPECT_NEAR(cross_entropy(x, target, with("mean", 0.1)).item(), 1.4076059644443806, 1e-14);
    CrossEntropyOptions weighted = with("sum", 0.5);
    weighted.weight = parameter(tensor({1., 2., 4.}));
    // .5 * 2 * 1.4076 + .5 / 3 * (2.4076 + 2 * 1.4076 + 4 * .4076)
    EXPECT_NEAR(cross_entropy(x, target, weighted).item(),
                1.4076059644443806 + (7 * 1.4076059644443806 + 1 - 4) / 6, 1e-14);
    const Values of_weight = gradient(cross_entropy(x, target, weighted), weighted.weight);
    EXPECT_NEAR(of_weight[0], 2.4076059644443806 / 6, 1e-14);
    EXPECT_NEAR(of_weight[1], 1.4076059644443806 * (0.5 + 1. / 6), 1e-14);
    EXPECT_NEAR(of_weight[2], 0.4076059644443806 / 6, 1e-14);
  }
  const Tensor log_p = parameter(tensor({{-inf, 0.}, {-1., -0.5}}));
  const Tensor loss = nll(log_p, tensor({-100, 0}));
  EXPECT_EQ(loss.item(), 1);
  EXPECT_EQ(gradient(loss, log_p), (Values{0, 0, -1, 0}));
}

// ln(1 + e^-20) = 2.0611536181902037e-09: what is left where the answer is right and sure.
TEST(Loss, OfASureRightAnswerIsNotLost) {
  const Tensor x = tensor({20., -20., 100., -100., 20.}), t = tensor({1., 0., 1., 0., 0.5});
  const Values y = binary_cross_entropy_with_logits(x, t, "none").to_vector<double>();
  EXPECT_NEAR(y[0], 2.0611536181902037e-09, 1e-15);
  EXPECT_NEAR(y[1], 2.0611536181902037e-09, 1e-15);
  EXPECT_NEAR(y[2] / std::exp(-100), 1, 0.1) << "3.8e-44, of few bits in f32";
  EXPECT_EQ(y[2], y[3]);
  EXPECT_NEAR(y[4], 10, 1e-6);
  const Tensor small = softplus(tensor({-20., -50., -80.}));
  for (int k = 0; k < 3; ++k) {
    const double e = std::exp(std::vector{-20., -50., -80.}[static_cast<std::size_t>(k)]);
    EXPECT_NEAR(small[k].item() / e, 1, 1e-6);
  }
}

// sigmoid(x) - t, also at 0, where max(x, 0) and |x| have no slope; -x for the target.
TEST(Loss, OfLogitsHasTheSlopeOfTheSigmoid) {
  const Values at{-30, -2, 0, 0.5, 30};
  const Tensor x = parameter(Tensor::of(at, {5}));
  const Tensor t = parameter(full({5}, 0.25, DType::f64));
  const Tensor loss = binary_cross_entropy_with_logits(x, t, "sum");
  const Tensors g = grad(std::span(&loss, 1), std::vector{x, t});
  for (std::size_t k = 0; k < at.size(); ++k) {
    EXPECT_NEAR(g[0].to_vector<double>()[k], 1 / (1 + std::exp(-at[k])) - 0.25, 1e-15) << at[k];
    EXPECT_EQ(g[1].to_vector<double>()[k], -at[k]);
  }
  const Tensor whole = binary_cross_entropy_with_logits(tensor({1, -1}), tensor({1, 0}));
  EXPECT_NEAR(whole.item(), std::log1p(std::exp(-1)), 1e-7);
}

TEST(Loss, SaysHowManyInputsItTakes) {
  try {
    apply(find_op("cross_entropy"), {tensor({1., 2.})});
    ADD_FAILURE() << "nothing was thrown";
  } catch (const ShapeError& error) {
    EXPECT_EQ(error.problem(), "takes 2 or 3 inputs, got 1");
  }
}

}  // namespace
}  // namespace gradus
