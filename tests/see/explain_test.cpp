// explain over the registry: every differentiable operation has a rule that holds; a planted factor
// is found; slopes on paper are those of the kernels.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include <gradus/gradus.h>
#include <gradus/see/explain.h>
#include <gradus/symbolic/evaluate.h>
#include <gradus/symbolic/parse.h>

namespace gradus {
namespace {

using testing::HasSubstr;

bool explainable(const Op& op) {
  if (!op.has_gradient()) return false;
  for (const Sample& s : op.samples())
    for (const Tensor& x : s.inputs)
      if (is_floating(x.dtype())) return true;
  return false;
}

TEST(Explain, EveryDifferentiableOperationHasARuleThatHolds) {
  std::size_t explained = 0;
  for (const Op& op : all_ops()) {
    if (!explainable(op)) continue;
    const see::Explanation e = see::explain(op);
    EXPECT_TRUE(e.check.ok()) << op.name() << ": " << e.check.str();
    EXPECT_FALSE(e.rules.empty()) << op.name();
    for (const see::GradientRule& r : e.rules) {
      EXPECT_FALSE(r.text.empty()) << op.name();
      if (r.value) {
        EXPECT_THAT(r.text, testing::Not(testing::Eq("0"))) << op.name();
      }
    }
    ++explained;
  }
  EXPECT_GT(explained, 60u);
}

/// y + (y - y.detach()) has the value of y and twice its gradient.
TEST(Explain, APlantedFactorTwoIsFoundInEveryOperation) {
  std::size_t planted = 0;
  for (const Op& op : all_ops()) {
    if (!explainable(op) || op.draws()) continue;
    const see::Explanation e = see::explain(op);
    bool moves = false;
    for (const see::GradientRule& r : e.rules)
      if (r.value)
        for (const double v : r.value.to_vector<double>()) moves = moves || std::abs(v) > 1e-3;
    if (!moves) continue;
    const GradcheckReport report = gradcheck(
        [&](std::span<const Tensor> x) {
          Tensors y = apply_all(e.op, x);
          for (Tensor& one : y)
            if (is_floating(one.dtype())) one = one + (one - one.detach());
          return y;
        },
        e.inputs, {.second_order = false});
    // Differences follow the value alone, so they give 1 where the planted rule gives 2.
    ASSERT_FALSE(report.ok()) << op.name();
    const auto largest = std::max_element(
        report.failures.begin(), report.failures.end(),
        [](const auto& a, const auto& b) { return std::abs(a.numeric) < std::abs(b.numeric); });
    EXPECT_NEAR(largest->analytic / largest->numeric, 2, 1e-5) << op.name();
    ++planted;
  }
  EXPECT_GT(planted, 50u);
}

TEST(Explain, SlopesOnPaperAreThoseOfTheKernels) {
  std::size_t compared = 0;
  for (const Op& op : all_ops()) {
    if (!explainable(op)) continue;
    const see::Explanation e = see::explain(op);
    for (const see::GradientRule& r : e.rules) {
      if (r.slope.empty()) continue;
      const std::vector<double> x = e.inputs[0].to_vector<double>();
      const std::vector<double> g =
          r.value ? r.value.to_vector<double>() : std::vector<double>(x.size(), 0.0);
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double slope = symbolic::evaluate(symbolic::parse(r.slope), {{"x", x[i]}});
        EXPECT_NEAR(g[i], slope, 1e-10 * std::max(1.0, std::abs(slope))) << op.name();
      }
      ++compared;
    }
  }
  EXPECT_GE(compared, 8u);
}

TEST(Explain, MatmulSaysWhatIsMultiplied) {
  const see::Explanation e = see::explain(find_op("torch.mm"));
  EXPECT_THAT(e.rules.at(0).text, HasSubstr("matmul(g"));
  EXPECT_THAT(e.rules.at(0).text, HasSubstr("x1"));
  EXPECT_THAT(e.rules.at(1).text, HasSubstr("x0"));
}

TEST(Explain, AnOperationWithoutGradientSaysSo) {
  EXPECT_THROW(see::explain(find_op("argmax")), Error);
}

}  // namespace
}  // namespace gradus
