// A gradient of a run: the formula found from the tape alone, evaluated in f64, is the number that
// the run has; for every parameter and for what lies between.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include <gradus/gradus.h>
#include <gradus/see/explain_page.h>
#include <gradus/see/recorder.h>

namespace gradus {
namespace {

using testing::HasSubstr;

/// Two layers, cross entropy, one backward pass: everything kept.
struct WholePass {
  see::Tape tape;
  see::TapeIndex last() const { return static_cast<see::TapeIndex>(tape.ticks.size()) - 1; }
};
WholePass record(see::TapeLevel level = see::TapeLevel::full) {
  Generator generator(3);
  const Tensor x = rand({6, 4}, DType::f32, &generator).set_name("x");
  const Tensor y = Tensor::of(Ints{0, 2, 1, 1, 0, 2}, {6}).set_name("y");
  Tensor w1 = randn({4, 5}, DType::f32, &generator).set_name("w1"), b1 = zeros({5}).set_name("b1");
  Tensor w2 = randn({5, 3}, DType::f32, &generator).set_name("w2");
  for (Tensor* p : {&w1, &b1, &w2}) p->set_requires_grad();
  see::Recorder recorder({.level = level});
  const Tensor l1 = (matmul(x, w1) + b1).set_name("l1");
  const Tensor l2 = tanh(l1).set_name("l2");
  const Tensor out = matmul(l2, w2).set_name("out");
  cross_entropy(out, y).set_name("loss").backward();
  return {recorder.tape()};
}

TEST(ExplainTape, TheFormulaGivesTheNumbersOfTheRun) {
  WholePass r = record();
  const see::Elements elements(r.tape);
  for (const auto& [name, text] : {std::pair("w1", "x.T @ l1.g"),
                                   {"b1", "sum_n(l1.g)"},
                                   {"w2", "l2.T @ out.g"},
                                   {"l1", "l2.g * (1 - tanh(l1)^2)"},
                                   {"l2", "out.g @ w2.T"}}) {
    SCOPED_TRACE(name);
    const see::TapeFormula f = see::formula_on_tape(r.tape, name, r.last());
    EXPECT_EQ(see::write(f.term), text);
    const Tensor value = elements.of(f.gradient);
    const std::vector<double> run = value.to_vector<double>();
    for (std::int64_t i = 0; i < value.numel(); ++i) {
      const std::int64_t columns = value.ndim() == 2 ? value.shape()[1] : 1;
      const Ints index = value.ndim() == 2 ? Ints{i / columns, i % columns} : Ints{i};
      // Whole, and by slices of the contraction: f32 has seven digits.
      const auto whole = see::element_by_formula(f, elements, index);
      ASSERT_TRUE(whole);
      EXPECT_NEAR(*whole, run[static_cast<std::size_t>(i)], 1e-6);
      if (std::string_view(text).find('@') == std::string_view::npos) continue;
      const auto sliced = see::element_by_formula(f, elements, index, 30);
      ASSERT_TRUE(sliced);
      EXPECT_NEAR(*sliced, *whole, 1e-12);
    }
  }
}

TEST(ExplainTape, AWeightThatIsTransposedFirstHasTheProductForItsFormula) {
  Generator generator(4);
  const Tensor x = rand({6, 4}, DType::f32, &generator).set_name("x");
  Tensor w = randn({3, 4}, DType::f32, &generator).set_name("w");
  Tensor b = zeros({3}).set_name("b");
  w.set_requires_grad(), b.set_requires_grad();
  see::Recorder recorder({.level = see::TapeLevel::full});
  const Tensor out = (matmul(x, w.T()) + b).set_name("out");
  mean(square(out)).set_name("loss").backward();
  see::Tape& tape = recorder.tape();
  const see::Elements elements(tape);
  const auto last = static_cast<see::TapeIndex>(tape.ticks.size()) - 1;

  const see::TapeFormula f = see::formula_on_tape(tape, "w.g", last);
  EXPECT_EQ(see::write(f.term, see::TermStyle::ascii, true), "out.g.T[3,6] @ x[6,4]");
  const Tensor value = elements.of(f.gradient);
  ASSERT_EQ(value.shape(), (Shape{3, 4}));
  for (std::int64_t i = 0; i < 3; ++i)
    for (std::int64_t j = 0; j < 4; ++j) {
      const double run = value[i][j].item<float>();
      EXPECT_NEAR(see::element_by_formula(f, elements, {i, j}).value(), run, 1e-6);
      EXPECT_NEAR(see::element_by_formula(f, elements, {i, j}, 13).value(), run, 1e-6);
    }
  const std::string page = see::explain_on_tape(elements, "w.g", last, see::TermStyle::ascii);
  EXPECT_THAT(page, HasSubstr("matmul(x, w.T), so d "));
  EXPECT_THAT(page, HasSubstr("chain rule, summed over n because every n used the same w: "
                              "w.g[i,j] = sum_n out.g[n,i]*x[n,j]"));
  EXPECT_THAT(page, HasSubstr("EINSUM   w.g = einsum(\"ni,nj->ij\", out.g, x)"));
  EXPECT_THAT(page, HasSubstr("that the backward pass read again: x\n"));
}

TEST(ExplainTape, ALossIsExplainedToo) {
  WholePass r = record();
  const see::TapeFormula f = see::formula_on_tape(r.tape, "out.g", r.last());
  EXPECT_THAT(see::write(f.term), HasSubstr("softmax(out, axis=1)"));
  const see::Elements elements(r.tape);
  const std::vector<double> run = elements.of(f.gradient).to_vector<double>();
  for (std::int64_t i = 0; i < 18; ++i)
    EXPECT_NEAR(see::element_by_formula(f, elements, {i / 3, i % 3}).value(),
                run[static_cast<std::size_t>(i)], 1e-7);
}

TEST(ExplainTape, ThePageHasFormulaShapesNumbersAndAnElement) {
  WholePass r = record();
  const see::Elements elements(r.tape);
  const std::string page =
      see::explain_on_tape(elements, "w1.g[1,2]", r.last(), see::TermStyle::ascii);
  EXPECT_THAT(page, HasSubstr("w1.g = x.T @ l1.g"));
  EXPECT_THAT(page, HasSubstr("x.T[4,6] @ l1.g[6,5] -> w1.g[4,5], that of w1"));
  EXPECT_THAT(page, HasSubstr("einsum(\"ni,nj->ij\", x, l1.g)"));
  EXPECT_THAT(page, HasSubstr("ELEMENT  w1.g[1,2] = "));
  EXPECT_THAT(page, HasSubstr("largest: row "));
  EXPECT_THAT(page, HasSubstr("FORMULA  in f64 w1.g[1,2] = "));
  EXPECT_THAT(see::explain_on_tape(elements, "w1", r.last(), see::TermStyle::ascii),
              HasSubstr("LARGEST  w1.g["));
}

/// x is used several times, in one call and in several: the gradient is the sum.
TEST(ExplainTape, ContributionsOfSeveralCallsAddUp) {
  const auto formula_of = [](const TensorFunction& f) {
    Tensor x = Tensor::of(std::vector<double>{0.5, -1.5, 2}, {3}).set_name("x");
    x.set_requires_grad();
    see::Recorder recorder({.level = see::TapeLevel::full});
    f(std::span(&x, 1))[0].set_name("y").sum().backward();
    see::Tape& tape = recorder.tape();
    const auto last = static_cast<see::TapeIndex>(tape.ticks.size()) - 1;
    const see::TapeFormula formula = see::formula_on_tape(tape, "x", last);
    const see::Elements elements(tape);
    const std::vector<double> run = elements.of(formula.gradient).to_vector<double>();
    for (std::int64_t i = 0; i < 3; ++i)
      EXPECT_NEAR(see::element_by_formula(formula, elements, {i}).value(),
                  run[static_cast<std::size_t>(i)], 1e-12)
          << see::write(formula.term);
    return see::write(formula.term);
  };
  EXPECT_THAT(formula_of([](auto x) { return Tensors{gelu(x[0])}; }), HasSubstr("y.g * (x*exp("));
  EXPECT_EQ(formula_of([](auto x) { return Tensors{x[0] * x[0]}; }), "y.g * x + y.g * x");
  EXPECT_THAT(formula_of([](auto x) { return Tensors{stddev(x[0])}; }), HasSubstr("sum_i(x) / 3"));
  EXPECT_EQ(formula_of([](auto x) {
              const Tensor first = tanh(x[0]);
              return Tensors{first + exp(x[0])};
            }),
            "y.g * (1 - tanh(x)^2) + y.g * exp(x)");
  EXPECT_EQ(formula_of([](auto x) { return Tensors{tanh(x[0]) * x[0]}; }),
            "tanh_0.g * (1 - tanh(x)^2) + y.g * tanh_0");
  // A sum hands its gradient on as it is.
  EXPECT_EQ(formula_of([](auto x) { return Tensors{tanh(x[0]) + x[0]}; }),
            "y.g * (1 - tanh(x)^2) + y.g");
  // What is only looked at adds nothing.
  EXPECT_EQ(formula_of([](auto x) {
              const Tensor aside = no_grad([&] { return exp(x[0]); });
              return Tensors{sin(x[0]) + aside};
            }),
            "y.g * cos(x)");
}

/// A difference hands its gradient on as it is: one tensor is the gradient of both, and the page is
/// about the one that was asked for.
TEST(ExplainTape, ASharedGradientIsThatOfWhatIsAsked) {
  Tensor w = tensor({1., 2., 3.}).set_requires_grad().set_name("w");
  see::Recorder recorder({.level = see::TapeLevel::full});
  const Tensor out = (w * 2.).set_name("out");
  square((out - 1.).set_name("off")).sum().backward();
  recorder.finish();
  const WholePass r{recorder.tape()};
  const see::Elements elements(recorder.tape());
  ASSERT_EQ(r.tape.find("out.g", r.last()), r.tape.find("off.g", r.last()));
  for (const std::string name : {"out", "off"}) {
    const see::TapeExplanation page = see::explained(elements, name + ".g[1]", r.last());
    EXPECT_EQ(page.of, name);
    EXPECT_EQ(page.per, "each of the 3 numbers of " + name);
    EXPECT_EQ(page.calls.at(0).op, name == "out" ? "sub" : "square");
    EXPECT_EQ(page.element->value, 6);  // 2 (2*2 - 1)
    EXPECT_EQ(page.element->by_formula, 6);
    EXPECT_TRUE(page.element->fits);
  }
}

TEST(ExplainTape, WhatIsNotThereIsSaid) {
  WholePass r = record();
  const see::Elements elements(r.tape);
  EXPECT_THROW(see::formula_on_tape(r.tape, "w9.g", r.last()), NameError);
  EXPECT_THROW(see::formula_on_tape(r.tape, "x.g", r.last()), NameError);
  EXPECT_THROW(see::explain_on_tape(elements, "w1.g[9,9]", r.last(), see::TermStyle::ascii),
               IndexError);
  WholePass thin = record(see::TapeLevel::stats);
  for (see::TapeValue& value : thin.tape.values) value.payload = {};
  EXPECT_THAT(
      see::explain_on_tape(see::Elements(thin.tape), "w1.g", thin.last(), see::TermStyle::ascii),
      HasSubstr("the tape kept no elements"));
}

}  // namespace
}  // namespace gradus
