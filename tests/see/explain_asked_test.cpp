// Pages of operations for the shapes that were asked for: every line is about those; what is no
// number there is said to be none; einsum strings are accepted by einsum; bytes go by element type.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include <gradus/gradus.h>
#include <gradus/see/explain.h>
#include <gradus/see/index_form.h>

namespace gradus {
namespace {

using see::Term;
using see::TermKind;
using testing::HasSubstr;
using testing::Not;

std::string page(const std::string& op, const std::vector<Shape>& shapes) {
  return see::page_text(see::explain(find_op(op), shapes), see::TermStyle::ascii);
}

TEST(ExplainAsked, AllLinesAreOfTheShapesAbove) {
  const std::string sum = page("add", {{3, 1}, {4}});
  EXPECT_THAT(sum, HasSubstr("RULE    sum(g, axis=1, keepdims=true)"));
  EXPECT_THAT(sum, HasSubstr("a.g of such a call has L2 "));
  EXPECT_THAT(sum, HasSubstr("ok, 7 derivatives"));
  EXPECT_THAT(page("mean", {{4, 5, 6}}), HasSubstr("reshape(g / 6, shape=4,5,1), shape=4,5,6)"));
  EXPECT_THAT(page("torch.bmm", {{5, 2, 3}, {5, 3, 4}}), HasSubstr("permute_dims(b, axes=0,2,1)"));
  EXPECT_THAT(page("matmul", {{4}, {4}}), HasSubstr("ok, 8 derivatives"));
  // Of the registry: whatever fits its own sample's shapes is checked on them.
  std::size_t asked = 0;
  for (const Op& op : all_ops()) {
    if (!op.has_gradient() || op.draws()) continue;
    for (const Sample& s : op.samples()) {
      std::vector<Shape> shapes;
      bool is_floating_all = true;
      for (const Tensor& x : s.inputs) {
        shapes.push_back(x.shape());
        is_floating_all = is_floating_all && is_floating(x.dtype());
      }
      if (!is_floating_all) break;
      const see::Explanation e = see::explain(op, shapes);
      EXPECT_TRUE(e.is_asked && e.ok()) << op.name() << ": " << e.check.str();
      ++asked;
      break;
    }
  }
  EXPECT_GT(asked, 60u);
}

TEST(ExplainAsked, WhatIsTooLargeSaysWhoseNumbersTheseAre) {
  const std::string large = page("matmul", {{500, 784}, {784, 50}});
  EXPECT_THAT(large, HasSubstr("as it ran, call of the example f64[3,4], f64[4,2]"));
  EXPECT_THAT(large, HasSubstr("a.g of the example f64[3,4], f64[4,2] has L2"));
  EXPECT_THAT(large, HasSubstr("f64 of the example f64[3,4], f64[4,2]: ok"));
}

TEST(ExplainAsked, WhereTheResultIsNoNumberThereIsNoCheck) {
  for (const auto& [op, shapes] : std::vector<std::pair<std::string, std::vector<Shape>>>{
           {"std", {{1}}}, {"var", {{2, 1}}}, {"mse", {{0}, {0}}}}) {
    const see::Explanation e = see::explain(find_op(op), shapes);
    EXPECT_EQ(e.undefined, "y is nan here") << op;
    const std::string text = see::page_text(e, see::TermStyle::ascii);
    EXPECT_THAT(text, HasSubstr("CHECK   not possible: y is nan here"));
    EXPECT_THAT(text, Not(HasSubstr("ok, ")));
  }
}

TEST(ExplainAsked, MistakesNameTheInputs) {
  const auto said = [](const std::string& op, const std::vector<Shape>& shapes) -> std::string {
    try {
      see::explain(find_op(op), shapes);
    } catch (const Error& error) {
      return error.problem() + "; " + error.hint();
    }
    return "";
  };
  EXPECT_THAT(said("matmul", {{3, 4}}), HasSubstr("1 shape for 2 inputs: a, b"));
  EXPECT_THAT(said("matmul", {{3, 4}, {5, 6}}), Not(HasSubstr("explain.cpp")));
  EXPECT_THAT(said("equal", {}), HasSubstr("equal has no gradient"));
  EXPECT_THAT(said("equal", {}), HasSubstr("gradus ops equal"));
}

TEST(ExplainAsked, BytesGoByElementType) {
  const auto read = [](const std::string& op) {
    return see::explain(find_op(op)).rules[0].cost.read;
  };
  EXPECT_EQ(read("take"), 15 * 4 + 5 * 8) << "g f32[5,3], indices i64[5]";
  EXPECT_EQ(read("max"), 3 * 4 + 3 * 8) << "g f32[3], y1 i64[3]";
  EXPECT_EQ(read("where"), 12 * 4 + 12) << "g f32[3,4], condition bool[3,4]";
}

/// The shape of a term as it is written: new axes in front, and stretching, are not.
Shape written_shape(const Term& t) {
  const see::Terms& parts = t.parts();
  const auto together = [&] {
    Shape shape;
    for (const Term& p : parts) shape = broadcast_shapes(shape, written_shape(p));
    return shape;
  };
  switch (t.kind()) {
    case TermKind::reshape:
    case TermKind::stretch:
      return see::write(t) == see::write(parts[0]) ? written_shape(parts[0]) : t.shape();
    case TermKind::add:
    case TermKind::sub:
    case TermKind::mul:
    case TermKind::div:
    case TermKind::map:
    case TermKind::compare:
    case TermKind::select:
      return together();
    default:
      return t.shape();
  }
}

void expect_accepted(const Op& op, const Term& formula, std::size_t& forms) {
  const auto form = see::index_form(formula);
  if (!form) return;
  ++forms;
  Tensors factors;
  for (const Term& f : form->einsum.factors)
    factors.push_back(zeros(written_shape(f).to_vector(), DType::f64));
  SCOPED_TRACE(std::string(op.name()) + ": " + form->einsum.str());
  try {
    EXPECT_EQ(einsum(form->einsum.equation, factors).numel(), formula.shape().numel());
  } catch (const Error& error) {
    ADD_FAILURE() << error.what();
  }
}

TEST(ExplainAsked, EinsumTakesEveryEinsumThatIsShown) {
  std::size_t forms = 0;
  for (const Op& op : all_ops()) {
    if (!op.has_gradient()) continue;
    for (const Sample& s : op.samples()) {
      bool has_floating = false;
      for (const Tensor& x : s.inputs) has_floating = has_floating || is_floating(x.dtype());
      if (!has_floating) continue;
      for (const see::GradientRule& r : see::explain(s.op, s.inputs).rules)
        expect_accepted(op, r.formula, forms);
    }
  }
  for (const char* name :
       {"logsumexp", "amax", "amin", "prod", "var", "std", "norm", "sum", "mean"})
    for (const Shape& shape : {Shape{5}, Shape{1, 4}, Shape{2, 3, 4}})
      for (const see::GradientRule& r : see::explain(find_op(name), {shape}).rules)
        expect_accepted(find_op(name), r.formula, forms);
  EXPECT_GT(forms, 120u);
}

TEST(ExplainAsked, ClassesAreNotSummedInTheCountOfRows) {
  const see::Explanation e = see::explain(find_op("cross_entropy"));
  const std::string latex = see::latex_text(e);
  EXPECT_THAT(latex, HasSubstr("\\sum_{i} \\mathbf{1}[\\mathrm{target}_{i} \\ne -100]"));
  EXPECT_THAT(latex, HasSubstr("\\max\\left(\\sum_{i} ")) << "no brackets inside brackets";
  EXPECT_THAT(latex, Not(HasSubstr("\\sum_{ij}")));
  EXPECT_THAT(latex, testing::StartsWith("y = ")) << "as in the gradient below";
}

TEST(ExplainAsked, OfNoElementsThereIsNoFractionToShow) {
  for (const char* name :
       {"mse", "mean", "var", "cross_entropy", "binary_cross_entropy_with_logits"}) {
    const std::string which(name);
    const std::vector<Shape> shapes = which == "cross_entropy" ? std::vector<Shape>{{0, 3}, {0}}
                                      : which == "mse" || which.size() > 13
                                          ? std::vector<Shape>{{0}, {0}}
                                          : std::vector<Shape>{{0}};
    SCOPED_TRACE(name);
    const std::string text = page(name, shapes);
    EXPECT_THAT(text, Not(testing::ContainsRegex("/ ?0\\b")));
    if (which == "cross_entropy") continue;  // how many targets count is a number of the run
    EXPECT_THAT(text, HasSubstr(".g is empty, [0]: there is no element that could have a slope"));
  }
  EXPECT_THAT(page("mse", {{0}, {0}}), HasSubstr("CHECK   not possible: y is nan here"));
  // Near misses: one element, and products of nothing, which have a formula.
  EXPECT_THAT(page("mse", {{1}, {1}}), HasSubstr("GRAD    input.g = 2 * g * (input - target)"));
  EXPECT_THAT(page("matmul", {{2, 0}, {0, 3}}), HasSubstr("GRAD    a.g = g @ b.T"));
}

TEST(ExplainAsked, AttributesWithoutAValueAreNotWritten) {
  EXPECT_THAT(page("norm", {{3, 4}}), HasSubstr("with p = sum(square(x), keepdims=false)"));
}

TEST(ExplainAsked, LatexHasItsWordsInText) {
  EXPECT_THAT(see::latex_text(see::explain(find_op("cumsum"))),
              HasSubstr("\\text{axis=1, from the end}"));
  const std::string nll = see::latex_text(see::explain(find_op("nll")));
  EXPECT_THAT(nll, HasSubstr("\\mathrm{logp}_{i, t_i}"));
  EXPECT_THAT(nll, HasSubstr("\\frac{\\partial L}{\\partial \\mathrm{logp}} = "));
}

TEST(ExplainAsked, OneLetterIsOneAxis) {
  const std::string bias = page("add", {{6, 5}, {5}});
  EXPECT_THAT(bias, HasSubstr("GRAD    b.g = sum_n(g)"));
  EXPECT_THAT(bias, HasSubstr("EINSUM  einsum(\"ni->i\", g)"));
  const std::string column = page("add", {{3, 1}, {3, 4}});
  EXPECT_THAT(column, HasSubstr("GRAD    a.g = sum_n(g)"));
  EXPECT_THAT(column, HasSubstr("EINSUM  einsum(\"in->i\", g)[:,None]"));
  // In a chain the rows of a product are n from the outside to the inside.
  const Term out = see::leaf("out", {6, 1}), y = see::reshaped(see::leaf("y", {6}), {6, 1});
  const Term chain = see::contraction("ni,nj->ij", {see::leaf("x", {6, 4}), out - y});
  EXPECT_EQ(see::write(chain, see::TermStyle::latex),
            "x^{\\top} \\left(\\mathrm{out} - y_{n}\\right)");
}

}  // namespace
}  // namespace gradus
