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
    EXPECT_TRUE(e.ok()) << op.name();
    EXPECT_FALSE(e.rules.empty()) << op.name();
    for (const see::GradientRule& r : e.rules) {
      EXPECT_FALSE(r.text.empty()) << op.name();
      // Names and formulas, no numbers of values.
      EXPECT_THAT(r.text, testing::Not(HasSubstr("%"))) << op.name();
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
      const std::vector<double> seed = e.gradients[0].to_vector<double>();
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double slope = symbolic::evaluate(symbolic::parse(r.slope), {{"x", x[i]}});
        EXPECT_NEAR(g[i] / seed[i], slope, 1e-10 * std::max(1.0, std::abs(slope))) << op.name();
      }
      ++compared;
    }
  }
  EXPECT_GE(compared, 8u);
}

TEST(Explain, MatmulSaysWhatIsMultiplied) {
  const see::Explanation e = see::explain(find_op("torch.mm"));
  EXPECT_THAT(e.rules.at(0).text, HasSubstr("matmul(g"));
  EXPECT_THAT(e.rules.at(0).text, HasSubstr("b"));
  EXPECT_THAT(e.rules.at(1).text, HasSubstr("a"));
}

TEST(Explain, CrossEntropyIsSoftmaxMinusOneHot) {
  const see::Explanation e = see::explain(find_op("cross_entropy"));
  const see::Term& gradient = e.rules.at(0).formula;
  EXPECT_THAT(see::write(gradient), HasSubstr("(softmax(x, axis=1) - [j == target[:,None]])"));
  EXPECT_THAT(see::write(gradient, see::TermStyle::latex),
              HasSubstr("\\mathbf{1}[j = \\mathrm{target}_{i}]"));
}

TEST(Explain, ShapesThatAreAskedForAreThoseOfTheFormula) {
  const see::Explanation e = see::explain(find_op("matmul"), {{500, 784}, {784, 50}});
  EXPECT_EQ(see::write(e.rules.at(1).formula, see::TermStyle::ascii, true),
            "a.T[784,500] @ g[500,50]");
  EXPECT_EQ(see::einsum_form(e.rules.at(1).formula)->str(), "einsum(\"ki,kj->ij\", a, g)");
  // 2 n k m operations; a and g are read, b.g is written; a and b are kept.
  EXPECT_EQ(e.rules.at(1).cost.flops, 2.0 * 500 * 784 * 50);
  EXPECT_EQ(e.rules.at(1).cost.read, 4 * (500 * 784 + 500 * 50));
  EXPECT_EQ(e.rules.at(1).cost.written, 4 * 784 * 50);
  EXPECT_EQ(e.saved, 4 * (500 * 784 + 784 * 50));
  EXPECT_EQ(see::explain(find_op("relu"), {{10, 3}}).saved, 4 * 30);
  EXPECT_EQ(see::explain(find_op("add"), {{10, 3}, {3}}).saved, 0);
  EXPECT_THROW(see::explain(find_op("matmul"), {{500, 784}}), ShapeError);
}

TEST(Explain, ATensorSaysWhichCallMadeIt) {
  Tensor w = ones({3, 2}).set_name("w");
  w.set_requires_grad();
  const Tensor x = ones({4, 3}).set_name("x");
  const Tensor y = matmul(x, w).set_name("y");
  EXPECT_EQ(see::explain(y),
            "y = matmul(x[4,3], w[3,2]) -> [4,2]\n"
            "  w.g[3,2] = x.T[3,4] @ y.g[4,2]\n");
  EXPECT_THROW(see::explain(w), GradError);
}

TEST(Explain, AnOperationWithoutGradientSaysSo) {
  EXPECT_THROW(see::explain(find_op("argmax")), Error);
}

}  // namespace
}  // namespace gradus
