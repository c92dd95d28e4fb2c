// The page about a gradient of a run: its numbers are those of the run and add up, its chain gives
// the gradient from forward values alone, and a gradient that was tampered with is caught.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include <gradus/gradus.h>
#include <gradus/see/explain_page.h>
#include <gradus/see/index_form.h>
#include <gradus/see/recorder.h>
#include <nlohmann/json.hpp>

namespace gradus {
namespace {

using Json = nlohmann::json;
using see::TapeIndex;
using see::TermStyle;
using testing::HasSubstr;
using testing::Not;

/// Two layers and a ReLU in modules, mean squared error, one backward pass: everything kept.
struct TwoLayers {
  TwoLayers() {
    Generator generator(3);
    const Tensor x = rand({6, 4}, DType::f32, &generator).set_name("x");
    const Tensor y = rand({6}, DType::f32, &generator).set_name("y");
    w1 = randn({4, 5}, DType::f32, &generator).set_name("w1");
    b1 = zeros({5}).set_name("b1");
    w2 = randn({5, 1}, DType::f32, &generator).set_name("w2");
    for (Tensor* p : {&w1, &b1, &w2}) p->set_requires_grad();
    see::Recorder recorder({.level = see::TapeLevel::full});
    const auto layer = [](const char* name, const auto& f) {
      const Scope scope(name);
      return f();
    };
    const Tensor l1 = layer("lin1", [&] { return (matmul(x, w1) + b1).set_name("l1"); });
    const Tensor l2 = layer("relu1", [&] { return relu(l1).set_name("l2"); });
    const Tensor out = layer("lin2", [&] { return matmul(l2, w2).set_name("out"); });
    mse(out, y[{Slice{}, newaxis}]).set_name("loss").backward();
    recorder.finish();
    tape = recorder.tape();
  }
  TapeIndex last() const { return static_cast<TapeIndex>(tape.ticks.size()) - 1; }
  see::TapeExplanation explained(const std::string& what) {
    return see::explained(see::Elements(tape), what, last());
  }
  std::string page(const std::string& what, TermStyle style = TermStyle::ascii) {
    return see::page_text(explained(what), style);
  }
  std::vector<double> numbers(const std::string& name) {
    return see::Elements(tape).of(tape.find(name, last())).to_vector<double>();
  }
  Tensor w1, b1, w2;
  see::Tape tape;
};

/// A parameter w that adds up backward passes, on a tape; what its page says.
struct AddsUp {
  Tensor w = tensor({1., -2.}).set_requires_grad().set_name("w");
  see::Recorder recorder{{.level = see::TapeLevel::full}};

  void step(const Tensor& loss) { Tensor(loss).set_name("loss").backward(); }
  see::TapeElement element(const std::string& what = "w.g[1]") {
    const auto last = static_cast<TapeIndex>(recorder.tape().ticks.size()) - 1;
    return see::explained(see::Elements(recorder.tape()), what, last).element.value();
  }
  std::string page() {
    const auto last = static_cast<TapeIndex>(recorder.tape().ticks.size()) - 1;
    return see::page_text(see::explained(see::Elements(recorder.tape()), "w.g[1]", last),
                          TermStyle::ascii);
  }
};

TEST(ExplainPage, ChecksTheSumOfTwoSteps) {
  AddsUp r;
  r.step(square(r.w).sum());
  EXPECT_THAT(r.page(), HasSubstr(" ok (0 kinks crossed)"));
  EXPECT_THAT(r.page(), Not(HasSubstr("backward passes")));
  {
    const NoGrad guard;
    r.w.sub_(tensor({0.5, 0.5}));  // the second slope is that at other weights
  }
  r.step((r.w * r.w * r.w).sum());
  r.recorder.finish();
  const see::TapeElement element = r.element();
  EXPECT_EQ(element.value, 2 * -2 + 3 * 2.5 * 2.5);
  EXPECT_NEAR(element.slope.value().numeric, element.value, 1e-6);
  EXPECT_TRUE(element.fits);
  EXPECT_THAT(r.page(),
              HasSubstr("         the sum of 2 backward passes: loss of step 0, loss of step 1\n"));
  // The formula is that of the weights as they are: of the last pass alone.
  EXPECT_THAT(r.page(), HasSubstr("FORMULA  of the last pass in f64 w.g[1] = 18.75; the run has "
                                  "18.75, rel 0\n"));
}

TEST(ExplainPage, ChecksTheSumOfTwoLossesOfAStep) {
  AddsUp r;
  const Tensor one = Tensor(square(r.w).sum()).set_name("one"),
               two = Tensor((r.w * 5.).sum()).set_name("two");
  one.backward();
  two.backward();
  r.recorder.finish();
  const see::TapeElement element = r.element();
  EXPECT_EQ(element.value, 2 * -2 + 5);
  EXPECT_NEAR(element.slope.value().numeric, 1, 1e-6);
  EXPECT_TRUE(element.fits);
  EXPECT_THAT(element.slope.value().passes, testing::ElementsAre("one of step 0", "two of step 0"));
}

/// Two results that one walk begins with, the one on the way to the other, each with its seed.
TEST(ExplainPage, ChecksAWalkFromTwoRoots) {
  AddsUp r;
  const Tensor y = Tensor(square(r.w)).set_name("y"), z = Tensor((y * 3.).sum()).set_name("z");
  const Tensors roots{y, z}, seeds{tensor({10., 100.}), Tensor::scalar(2)};
  backward(roots, seeds);
  r.recorder.finish();
  EXPECT_EQ(r.element().value, (100 + 2 * 3) * 2 * -2);
  EXPECT_NEAR(r.element().slope.value().numeric, r.element().value, 1e-4);
  EXPECT_TRUE(r.element().fits);
  EXPECT_THAT(r.element().slope.value().passes, testing::ElementsAre("y + z of step 0"));
}

/// A tensor that one pass takes twice is no sum of passes; a gradient of before the tape is one.
TEST(ExplainPage, JudgesTheLastPassWhereTheEarlierAreNotThere) {
  AddsUp twice;
  twice.step((twice.w * 2. + square(twice.w)).sum());
  EXPECT_EQ(twice.element().slope.value().passes.size(), 1U);
  EXPECT_TRUE(twice.element().fits);

  AddsUp r;
  r.recorder.pause();
  r.step(square(r.w).sum());
  r.recorder.resume();
  r.step((r.w * 5.).sum());
  r.recorder.finish();
  const see::TapeElement element = r.element();
  EXPECT_EQ(element.value, 1);
  EXPECT_EQ(element.slope.value().part, 5);
  EXPECT_TRUE(element.fits);
  EXPECT_THAT(r.page(), HasSubstr("         5 of it, which came from loss of step 0, is judged "
                                  "alone: a part of it was there before the tape began\n"));
}

/// What came into a sum by no backward pass is found in it as in a single gradient.
TEST(ExplainPage, ASumThatIsNotThatOfItsPassesDiffers) {
  AddsUp r;
  r.step(square(r.w).sum());
  const HookHandle doubles = r.w.register_hook([](const Tensor& g) { return g * 2.; });
  r.step((r.w * 5.).sum());
  r.recorder.finish();
  EXPECT_EQ(r.element().value, 2 * -2 + 2 * 5);
  EXPECT_FALSE(r.element().fits);
  EXPECT_THAT(r.page(), HasSubstr("DIFFERS, ratio"));
}

/// As nn::Linear has it: the weight is transposed inside of the layer.
TEST(ExplainPage, ATransposedWeightIsNotTheLayersOutput) {
  Tensor w = tensor({1., -2., 0.5, 3.}).reshape({2, 2}).set_name("w");
  w.set_requires_grad();
  const Tensor x = Tensor(tensor({1., 2., 3., 4.}).reshape({2, 2})).set_name("x");
  optim::Adam adam({w}, {});
  see::Recorder recorder({.level = see::TapeLevel::full});
  Tensor y;
  {
    const Scope here("lin");
    y = matmul(x, w.T()) + 1.;
  }
  square(y).sum().backward();
  adam.step();
  recorder.finish();
  see::Tape& tape = recorder.tape();
  std::set<std::int64_t> called_out;
  for (TapeIndex v = 0; v < std::ssize(tape.values); ++v)
    if (tape.name_of(v) == "lin.out")
      called_out.insert(tape.values.at(static_cast<std::size_t>(v)).tensor);
  EXPECT_EQ(called_out.size(), 1U);
  const auto last = static_cast<TapeIndex>(tape.ticks.size()) - 1;
  const see::Elements elements(tape);
  const see::Reason why = see::reason_of(elements, "w.g[1,0]", last);
  // 2 y[n,1] x[n,0] with y = x w^T + 1: y[0,1] = 7.5, y[1,1] = 14.5.
  EXPECT_EQ(why.value, 2 * 7.5 * 1 + 2 * 14.5 * 3);
  EXPECT_EQ(why.sides, (std::vector<std::string>{"lin.out.g[n,1]", "x[n,0]"}));
  ASSERT_GE(why.chain.size(), 2U);
  EXPECT_EQ(why.chain.back().text, "x[" + std::to_string(why.followed) + ",0]");
  EXPECT_NE(tape.find("w.m", last), see::none) << "an optimizer's state has a name";
}

TEST(ExplainPage, SaysWhatAndWhyWithIndices) {
  TwoLayers r;
  const std::string page = r.page("w1.g", TermStyle::unicode);
  EXPECT_THAT(page,
              HasSubstr("WHAT     w1.g = x\u1d40 \u00b7 l1.g: how much the loss moves per unit "
                        "of each of the 20 weights of lin1\n"));
  EXPECT_THAT(page, HasSubstr("WHY      t1: matmul_0 = matmul(x, w1), so "
                              "\u2202matmul_0[n,j]/\u2202w1[i,j] = x[n,i]\n"));
  EXPECT_THAT(page,
              HasSubstr("         chain rule, summed over n because every n used the same w1: "
                        "w1.g[i,j] = \u03a3_n x[n,i]\u00b7l1.g[n,j]\n"));
  EXPECT_THAT(page, HasSubstr("-> w1.g[4,5], that of w1 (n is summed away)\n"));
  EXPECT_THAT(page, HasSubstr("EINSUM   w1.g = einsum(\"ni,nj->ij\", x, l1.g)\n"));
  EXPECT_THAT(page, HasSubstr("NAMES    torch.matmul"));
  EXPECT_THAT(r.page("l1.g"), HasSubstr("WHY      t2: l2 = relu(l1), so d l2 / d l1 = [l1 > 0], "
                                        "element by element\n"));
  EXPECT_THAT(r.page("l1.g"), HasSubstr("each of the 30 numbers of l1\n"));
}

TEST(ExplainPage, NumbersAreThoseOfTheRunAndAddUp) {
  TwoLayers r;
  const see::TapeExplanation page = r.explained("w1.g[1,2]");
  const std::vector<double> g = r.numbers("w1.g"), x = r.numbers("x"), l1 = r.numbers("l1.g");
  double squares = 0, raised = 0, lowered = 0;
  for (const double one : g) squares += one * one;
  for (std::size_t n = 0; n < 6; ++n) {
    const double term = x[n * 4 + 1] * l1[n * 5 + 2];
    (term > 0 ? raised : lowered) += term;
  }
  EXPECT_NEAR(page.norm.value(), std::sqrt(squares), 1e-12);
  const see::TapeElement& element = page.element.value();
  EXPECT_EQ(element.value, g[1 * 5 + 2]);
  EXPECT_NEAR(element.reason.raised, raised, 1e-12);
  EXPECT_NEAR(element.reason.lowered, lowered, 1e-12);
  EXPECT_NEAR(raised + lowered, element.value, 1e-6);
  EXPECT_TRUE(element.reason.over_rows);
  double chain = 1;
  for (const see::Factor& f : element.reason.chain) chain *= f.value;
  const auto followed = static_cast<std::size_t>(element.reason.followed);
  EXPECT_NEAR(chain, x[followed * 4 + 1] * l1[followed * 5 + 2], 1e-6);
  EXPECT_TRUE(element.fits);
  EXPECT_NEAR(element.slope->numeric, element.value, 1e-5);
  // x has no gradient, so w1 need not be kept for it.
  EXPECT_EQ(page.saved, 6 * 4 * 4);
  EXPECT_THAT(page.saved_names, testing::ElementsAre("x"));
  EXPECT_EQ(page.cost.flops, 2. * 4 * 5 * 6);
}

/// SAVED is that of the gradient asked for: the other side of the product is of no use to it.
TEST(ExplainPage, OfAProductOneSideIsReadForEachGradient) {
  see::Recorder recorder({.level = see::TapeLevel::full});
  Tensor h = rand({6, 5}).set_requires_grad().set_name("h"),
         w = rand({5, 2}).set_requires_grad().set_name("w");
  sum(matmul(h, w)).backward();
  recorder.finish();
  const see::Elements elements(recorder.tape());
  const auto last = static_cast<see::TapeIndex>(recorder.tape().ticks.size()) - 1;
  const see::TapeExplanation of_h = see::explained(elements, "h.g", last),
                             of_w = see::explained(elements, "w.g", last);
  EXPECT_EQ(of_h.saved, 5 * 2 * 4);
  EXPECT_THAT(of_h.saved_names, testing::ElementsAre("w"));
  EXPECT_EQ(of_w.saved, 6 * 5 * 4);
  EXPECT_THAT(of_w.saved_names, testing::ElementsAre("h"));
}

/// The chain holds no gradient any more, and gives the gradient.
TEST(ExplainPage, TheWholeChainIsTheGradient) {
  TwoLayers r;
  for (const std::string name : {"w1", "b1", "w2", "l2", "out"}) {
    SCOPED_TRACE(name);
    const see::TapeExplanation page = r.explained(name + ".g");
    EXPECT_THAT(see::write(page.chain), Not(HasSubstr(".g")));
    see::TermValues leaves;
    const auto fill = [&](const auto& self, const see::Term& t) -> void {
      if (t.is(see::TermKind::leaf))
        leaves[t.name()] =
            see::term_value(see::Elements(r.tape).of(r.tape.find(t.name(), r.last())).detach());
      for (const see::Term& p : t.parts()) self(self, p);
    };
    fill(fill, page.chain);
    const std::vector<double> paper = page.chain.evaluate(leaves).elements;
    const std::vector<double> run = r.numbers(name + ".g");
    ASSERT_EQ(paper.size(), run.size());
    for (std::size_t i = 0; i < run.size(); ++i) EXPECT_NEAR(paper[i], run[i], 1e-6);
  }
  const std::string latex = see::latex_text(r.explained("w1.g").formula, r.tape);
  EXPECT_THAT(latex, HasSubstr("\\frac{\\partial L}{\\partial \\mathrm{w1}} = x^{\\top} "
                               "\\frac{\\partial L}{\\partial \\mathrm{l1}}\n"));
  EXPECT_THAT(latex, HasSubstr("\\mathbf{1}[\\mathrm{l1} > 0]"));
  EXPECT_EQ(std::count(latex.begin(), latex.end(), '\n'), 2);
}

/// A factor 2, a sign, a neighbour's number: what a wrong rule would leave on the tape.
TEST(ExplainPage, AGradientThatIsWrongIsCaught) {
  for (const std::string name : {"w1.g", "b1.g", "w2.g", "l1.g", "l2.g", "out.g"}) {
    SCOPED_TRACE(name);
    for (const double factor : {2., -1., 0.5}) {
      TwoLayers r;
      see::TapeValue& value =
          r.tape.values.at(static_cast<std::size_t>(r.tape.find(name, r.last())));
      value.payload = value.payload * factor;
      const see::TapeExplanation page = r.explained(name);
      EXPECT_FALSE(page.element->fits);
      EXPECT_THAT(see::page_text(page, TermStyle::ascii), HasSubstr("DIFFERS, ratio "));
      EXPECT_EQ(Json::parse(see::json_text(page))["element"]["check"]["ok"], false);
    }
    TwoLayers r;
    EXPECT_TRUE(r.explained(name).element->fits);
  }
}

/// What EINSUM warns of gives the same numbers.
TEST(ExplainPage, TheProductThatIsSummedAfterwardsIsTheSame) {
  TwoLayers r;
  const see::Elements elements(r.tape);
  for (const std::string name : {"w1.g", "w2.g"}) {
    const auto form = see::index_form(r.explained(name).formula.term);
    const std::vector<double> apart =
        elements.evaluate(see::summed_afterwards(*form) + " - " + name, r.last())
            .tensor.to_vector<double>();
    for (const double one : apart) EXPECT_NEAR(one, 0, 1e-6);
  }
}

TEST(ExplainPage, JsonHasAFieldForEachLine) {
  TwoLayers r;
  const Json page = Json::parse(see::json_text(r.explained("w1.g")));
  EXPECT_EQ(page["name"], "w1.g");
  EXPECT_EQ(page["text"], "x.T @ l1.g");
  EXPECT_EQ(page["shape"], (Json{4, 5}));
  EXPECT_EQ(page["einsum"], "einsum(\"ni,nj->ij\", x, l1.g)");
  EXPECT_EQ(page["indices"], "sum_n x[n,i]*l1.g[n,j]");
  EXPECT_EQ(page["calls"][0]["op"], "matmul");
  EXPECT_THAT(page["latex_chain"].get<std::string>(), Not(HasSubstr("partial L")));
  const Json& element = page["element"];
  EXPECT_EQ(element["is_largest"], true);
  EXPECT_EQ(element["why"]["over"], "rows");
  EXPECT_EQ(element["why"]["terms"], 6);
  EXPECT_EQ(element["why"]["largest"].size(), 3u);
  EXPECT_EQ(element["why"]["followed"]["chain"][0]["name"], "dloss/dout");
  EXPECT_EQ(element["check"]["ok"], true);
  EXPECT_EQ(element["check"]["kinks"], 0);
  EXPECT_NEAR(element["by_formula"].get<double>(), element["value"].get<double>(), 1e-5);
  EXPECT_EQ(page["flops"], 240);
  EXPECT_EQ(page["saved_bytes"], 96);
  EXPECT_THAT(page["also"].get<std::string>(), HasSubstr("numpy.matmul"));
}

TEST(ExplainPage, ATensorOfTheProgramFindsItsPage) {
  TwoLayers r;
  const see::Elements elements(r.tape);
  EXPECT_EQ(see::explain(elements, r.w1), r.page("w1.g"));
  EXPECT_THROW((void)see::explain(elements, ones({3})), NameError);
  EXPECT_THROW((void)see::explain(elements, Tensor()), NameError);
  // Parameters of a module have their names on the tape.
  Generator generator(1);
  manual_seed(1);
  nn::Linear linear(3, 2);
  see::Recorder recorder({.level = see::TapeLevel::full});
  square(linear(rand({4, 3}, DType::f32, &generator))).sum().backward();
  recorder.finish();
  EXPECT_THAT(see::explain(see::Elements(recorder.tape()), linear.weight), HasSubstr("WHAT     "));
}

TEST(ExplainPage, WithoutElementsItSaysSo) {
  TwoLayers r;
  for (see::TapeValue& value : r.tape.values) value.payload = {};
  const see::TapeExplanation page = r.explained("w1.g");
  EXPECT_FALSE(page.element);
  EXPECT_THAT(see::page_text(page, TermStyle::ascii), HasSubstr("the tape kept no elements"));
  EXPECT_FALSE(Json::parse(see::json_text(page)).contains("norm"));
}

/// A weight that was overwritten, as on a tape of statistics: what needs it is left out, alone.
TEST(ExplainPage, WithoutSomeElementsTheRestIsThere) {
  TwoLayers r;
  const std::string whole = r.page("w1.g[0,0]");
  const auto drop = [&](const char* name) {
    for (see::TapeValue& value : r.tape.values)
      if (value.name == name) value.payload = {};
  };
  drop("w2");
  const std::string page = r.page("w1.g[0,0]");
  EXPECT_EQ(page.substr(0, page.find("row 0:")), whole.substr(0, whole.find("row 0:")));
  EXPECT_THAT(page, HasSubstr("\nFORMULA  "));
  EXPECT_THAT(page, HasSubstr("\nCHECK    not possible: the elements of w2 were not kept "
                              "(a larger --budget keeps more)\n"));
  // The chain goes back as far as it can.
  EXPECT_THAT(whole, HasSubstr(" * w2[0,0] "));
  EXPECT_THAT(page, HasSubstr("   l2.g[0,0] "));
  drop("x");
  EXPECT_THAT(
      r.page("w1.g[0,0]"),
      HasSubstr(": not taken apart, the elements of x were not kept\nCHECK    not possible"));
}

TEST(IndexForm, ReadsLikeABlackboard) {
  using see::leaf;
  const auto form = [](const see::Term& t) { return see::index_form(t).value(); };
  const see::IndexForm product =
      form(see::contraction("ki,kj->ij", {leaf("x", {50000, 784}), leaf("l1.g", {50000, 50})}));
  EXPECT_EQ(see::write(product, TermStyle::ascii), "sum_n x[n,i]*l1.g[n,j]");
  EXPECT_EQ(product.product, 50000. * 784 * 50);
  EXPECT_EQ(see::summed_afterwards(product), "(x[:,:,None] * l1.g[:,None,:]).sum(0)");
  EXPECT_EQ(see::local_derivative(product, TermStyle::ascii)->text, "x[n,i]");
  EXPECT_EQ(see::local_derivative(product, TermStyle::ascii)->letters, "nj");
  const see::IndexForm bias = form(see::sum_over(leaf("l1.g", {6, 5}), {0}));
  EXPECT_EQ(see::write(bias, TermStyle::unicode), "\u03a3_n l1.g[n,i]");
  EXPECT_EQ(see::local_derivative(bias, TermStyle::ascii)->text, "1");
  EXPECT_EQ(see::summed_afterwards(bias), "");
  // An axis of one element that was stretched is read at 0.
  const see::IndexForm stretched = form(leaf("y.g", {6, 5}) * leaf("w", {1, 5}));
  EXPECT_EQ(see::write(stretched, TermStyle::ascii), "y.g[i,j]*w[0,j]");
  const see::IndexForm gate =
      form(leaf("l2.g", {6, 5}) * see::compare(leaf("l1", {6, 5}), ">", see::Term(0)));
  EXPECT_TRUE(see::local_derivative(gate, TermStyle::ascii)->is_elementwise);
  EXPECT_EQ(see::local_derivative(gate, TermStyle::ascii)->text, "[l1 > 0]");
  EXPECT_FALSE(see::index_form(leaf("a", {3}) + leaf("b", {3})));
}

}  // namespace
}  // namespace gradus
