// The step debugger asks why and tries: an element taken apart, checks, other learning rates,
// branches that leave the main line as it is.
#include <sstream>

#include <gradus/see/try.h>

#include "tests/see/step_support.h"

namespace gradus {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::StartsWith;

std::string six_digits(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

TEST(StepLaws, ReplayedElementsAreTheRecordedOnes) {
  for (unsigned seed = 0; seed < 15; ++seed) {
    Steps kept(seed, 3, see::TapeLevel::full), not_kept(seed, 3, see::TapeLevel::stats);
    const Tape &a = kept.rerun.tape(), &b = not_kept.rerun.tape();
    ASSERT_EQ(a.values.size(), b.values.size());
    const see::Elements again(not_kept.rerun.tape(),
                              [&](TapeIndex step) { not_kept.rerun.replay(step); });
    std::size_t missing = 0;
    for (const see::TapeValue& value : b.values) missing += !value.payload;
    for (TapeIndex v = 0; v < static_cast<TapeIndex>(a.values.size()); ++v) {
      ASSERT_TRUE(nth(a.values, v).payload);
      EXPECT_EQ(see::statistics(again.of(v)).hash, see::statistics(nth(a.values, v).payload).hash)
          << a.name_of(v);
    }
    EXPECT_GT(missing, 10u);
  }
}

TEST(StepLaws, ReplayThatGivesOtherBitsIsRefused) {
  Steps run(3, 2, see::TapeLevel::stats);
  Steps other(4, 2);
  EXPECT_THROW(see::adopt(run.rerun.tape(), 0, other.rerun.tape()), DataError);
  // The same calls with one changed number.
  Steps same(3, 1);
  Tape again = same.rerun.tape();
  for (see::TapeValue& value : again.values)
    if (value.made_by != see::none && value.statistics) value.statistics->hash ^= 1;
  EXPECT_THROW(see::adopt(run.rerun.tape(), 0, again), DataError);
}

TEST(StepLaws, TryingNeverAltersTheMainLine) {
  for (unsigned seed = 0; seed < 8; ++seed) {
    Steps run(seed, 2), plain(seed, 2);
    const auto stepper = over(run);
    const std::string before = stepper->execute("home ; ll ; end ; ll ; p w0");
    const std::string random = default_generator().state();
    for (const char* attempt :
         {"whatif lr 1e-3..1e-1", "set w0[0]=3", "set w0[0,0]=-1", "branch lr=0.5",
          "check w0.g[0,0]", "diff main set1", "set w9=1", "set w0[99]=1", "why w0.g[0,0]"})
      stepper->execute(attempt);
    EXPECT_EQ(default_generator().state(), random);
    EXPECT_EQ(stepper->execute("home ; ll ; end ; ll ; p w0"), before);
    // The program goes on as if nobody had tried anything.
    run.rerun.advance();
    manual_seed(0);
    default_generator().set_state(random);
    plain.rerun.advance();
    for (std::size_t i = 0; i < run.rerun.program().state().size(); ++i)
      EXPECT_EQ(see::statistics(run.rerun.program().state()[i].second).hash,
                see::statistics(plain.rerun.program().state()[i].second).hash);
  }
}

TEST_F(StepOnLine, WhyTakesAnElementApart) {
  say("j t=4");
  const std::string text = say("why w.g[1,0]");
  EXPECT_EQ(text,
            "w.g[1,0] = -12 (step 0, t4) = sum over rows n of x[n,1]*out.g[n,0]; 2 of 2 rows\n    "
            "are not "
            "0\n"
            "  largest: row 1 -4*2.5 = -10   row 0 -2\n"
            "  row 0:   dloss/dout -1 * x[0,1] 2 = -2\n");
  EXPECT_THAT(say("why out[1,0]"),
              HasSubstr("out[1,0] = 2.5 (step 0, t1) = sum over n of x[1,n]*w[n,0]"));
  EXPECT_THAT(say("why x[0,0]"), HasSubstr("it came from outside"));
  EXPECT_THAT(say("why w.g[7,0]"),
              HasSubstr("index 7 is out of range for axis 0 of w.g, of size 2"));
  EXPECT_THAT(say("why w.g[1]"),
              HasSubstr("w.g has shape [2,1]: one number for each axis; w.g[0,0]"));
  EXPECT_EQ(say("why w.g[-1,0]"), text);
  EXPECT_EQ(say("why loss.g"),
            "loss.g = 1 (step 0, t3): full made it of nothing that the tape knows; a backward\n"
            "    pass begins with it\n");
  EXPECT_THAT(say("why loss.g[0]"), HasSubstr("loss.g alone is its one number"));
  EXPECT_THAT(say("e loss"), HasSubstr("loss.g is 1: the backward pass starts there"));
}

TEST_F(StepOnLine, CheckAgreesWithDifferences) {
  EXPECT_THAT(say("j t=4 ; check w.g[0,0]"),
              HasSubstr("central difference in f64 6.5, step 0.0001\n  w.g here 6.5  rel "));
  EXPECT_THAT(say("check w.g[0,0]"), HasSubstr("ok"));
}

TEST_F(StepOnLine, WhatIfRunsTheStepWithOtherRates) {
  // Loss after w - lr g: at lr 0.125 w = (-0.3125, 1.25), out = (2.1875, -5.9375).
  const double other = (1.1875 * 1.1875 + 5.9375 * 5.9375) / 2;
  EXPECT_THAT(say("whatif lr 0.0625 0.125"), HasSubstr(six_digits(other)));
  EXPECT_THAT(say("whatif lr 0.0625 0.125"), HasSubstr("you are here"));
  EXPECT_THAT(say("whatif momentum 3"), HasSubstr("is not known"));
  // Above what f32 holds: no number, no bar.
  EXPECT_THAT(say("whatif lr 1e18"), Not(HasSubstr("lowest")));
  EXPECT_THAT(say("whatif lr 0.0625 1e39"), HasSubstr("\n1e39             nan\n"));
  for (const auto& [rates, why] : {std::pair{"0..1", "a range is walked by factors"},
                                   {"1e-3..1e-5", "the lower end goes first"},
                                   {"1..", "two numbers belong around .."},
                                   {"4..5", "none of them"},
                                   {"0.1 x", "'x' is no number"},
                                   {"-1", "not below 0"}})
    EXPECT_THAT(say("whatif lr " + std::string(rates)), HasSubstr(why)) << rates;
}

// Losses that hardly differ have bars that hardly do; ten times as much has a whole one.
TEST(WhatIf, BarsGrowWithTheLogarithm) {
  const see::Style style{.width = 58, .utf8 = false};
  const auto bars = [&](std::initializer_list<double> losses) {
    std::vector<see::Rate> rates;
    for (const double loss : losses) rates.push_back({1, loss});
    std::istringstream lines(see::try_rates_text(rates, 0, 0, style));
    std::vector<std::ptrdiff_t> counts;
    std::string line;
    std::getline(lines, line);
    EXPECT_THAT(line, HasSubstr("as log bars (" + std::to_string(losses.size()) + " replay"));
    while (std::getline(lines, line)) counts.push_back(std::count(line.begin(), line.end(), '#'));
    return counts;
  };
  EXPECT_THAT(bars({2.07238e29, 2.07321e29}), testing::ElementsAre(1, 1));
  EXPECT_THAT(bars({1, 10, 3.2}), testing::ElementsAre(1, 10, 5));
  EXPECT_THAT(bars({1, 100, 10}), testing::ElementsAre(1, 10, 5));
}

TEST_F(StepOnLine, HealthNamesTheMistakesSoFar) {
  // Step 1 starts at w = (-0.3125, 1.25): its loss is above three times that of step 0, 3.625.
  const double after = (1.1875 * 1.1875 + 5.9375 * 5.9375) / 2;
  EXPECT_THAT(say("health"), HasSubstr("loss 3.625 -> " + six_digits(after)));
  EXPECT_THAT(say("health"), HasSubstr("X1 warn"));
  EXPECT_THAT(say("health"), HasSubstr("From the same start lr "));
}

TEST_F(StepOnLine, SetMakesABranch) {
  // w[0] = 0: out = (-0.5, 1), loss = (2.25 + 1) / 2.
  EXPECT_EQ(say("set w[0]=0"),
            "branch set1: step 0 with w[0]=0; loss 3.625 -> 1.625; the main line is as it was\n");
  EXPECT_THAT(say("diff main set1"),
              HasSubstr("  t                       result    L2 main      L2 set1\n"));
  EXPECT_THAT(say("diff main set1"),
              HasSubstr("F mse               loss      3.625        1.625\n"));
  EXPECT_EQ(say("diff set1 main"), say("diff set1"));
  EXPECT_THAT(say("diff main"), HasSubstr("diff compares two lines, here main with itself; diff "
                                          "main set1"));
  EXPECT_THAT(say("branch"), HasSubstr("set1  step 0 with w[0]=0, loss 1.625"));
  EXPECT_THAT(say("set v[0]=0"), HasSubstr("'v' is no parameter of this program; there are w"));
}

/// A count of steps is written down anew each time: a number put into it changes nothing.
TEST(StepTry, SetOffersWhatItCanChange) {
  for (unsigned seed = 0; seed < 4; ++seed) {  // with momentum and without
    Steps run(seed, 1);
    const auto stepper = over(run);
    EXPECT_THAT(
        stepper->execute("set nosuchname=1"),
        AllOf(HasSubstr("is no parameter of this program; there are w0"), Not(HasSubstr("steps"))));
    EXPECT_THAT(stepper->execute("set sgd.steps=1"),
                StartsWith("'sgd.steps' cannot be set: the program writes it down anew"));
    EXPECT_THAT(stepper->execute("branch"), Not(HasSubstr("set1")));
  }
}

// w.g[1] = -1 * 2 + 2.5 * -4, as the class's comment says.
TEST(StepWhy, WheelsTurnByTheFactorsOfATerm) {
  Rerun rerun(std::make_unique<Line>(), {.level = see::TapeLevel::full});
  rerun.advance();
  Stepper stepper(rerun.tape(), {.style = {.utf8 = false}}, &rerun);
  stepper.execute("end");
  EXPECT_EQ(stepper.execute("gears w.g[1,0]"),
            "w.g[1,0] = -12 (t4), the sum of 2 chains; this is n=0\n"
            "  wheel         of   turns by     has turned\n"
            "  (dloss/dout)  mse  -1           -1           <-\n"
            "  (x[0,1])      lin  2            -2           <-\n");
  // The seed belongs to no layer.
  EXPECT_EQ(stepper.execute("gears loss"),
            "loss.g = 1 (t3): one chain\n"
            "  wheel          turns by     has turned\n"
            "  (dloss/dloss)  1            +1           ->\n");
  EXPECT_THAT(stepper.execute("gears w[1,0] n=1"),
              HasSubstr("  (x[1,1])      lin  -4           -10"));
  EXPECT_THAT(stepper.execute("gears w.g[1,0] n=2"),
              HasSubstr("n=2 is outside of the sum, which has 2"));
  EXPECT_THAT(stepper.execute("gears w.g[1,0] n=x"), HasSubstr("'x' is no term"));
  EXPECT_THAT(stepper.execute("gears w.g[7,0]"), HasSubstr("index 7 is out of range for axis 0"));
}

/// x [2,2] @ w1 [2,2], relu, @ w2 [2,1]: the gate of the second unit is closed, and its weight
/// times out.g overflows f32.
struct StepWhyOfNaN : testing::Test {
  StepWhyOfNaN() {
    const Tensor x = tensor({{0., 1.}, {2., 1.}}).set_name("x");
    const Tensor w1 = tensor({{1., -1.}, {1., -1.}}).set_requires_grad().set_name("w1");
    const Tensor w2 = tensor({{1e10}, {1e30}}).set_requires_grad().set_name("w2");
    const Tensor y = tensor({{0.}, {0.}}).set_name("y");
    const auto layer = [](const char* module, const auto& f) {
      const Scope scope(module);
      return f();
    };
    const Tensor l1 = layer("lin1", [&] { return matmul(x, w1).set_name("l1"); });
    const Tensor l2 = layer("relu1", [&] { return relu(l1).set_name("l2"); });
    const Tensor out = layer("lin2", [&] { return matmul(l2, w2).set_name("out"); });
    layer("mse", [&] { return mse(out, y).set_name("loss"); }).backward();
    recorder.finish();
    stepper = std::make_unique<Stepper>(
        recorder.tape(), see::StepperOptions{.style = {.width = 200, .utf8 = false}});
    stepper->ended();
    stepper->execute("end");
  }
  std::string say(const std::string& line) { return stepper->execute(line); }
  see::Recorder recorder{{.level = see::TapeLevel::full}};
  std::unique_ptr<Stepper> stepper;
};

// out = (1e10, 3e10), out.g = out; l2.g[:,1] = out.g * 1e30 is above 3.4e38, and infinity times the
// closed gate is NaN.
TEST_F(StepWhyOfNaN, TheChainSaysWhatOverflowed) {
  EXPECT_EQ(say("why w1.g[0,1]"),
            "w1.g[0,1] = nan (t8) = sum over rows n of x[n,0]*l1.g[n,1]; 2 of 2 rows are not 0\n"
            "  largest: row 0 0*nan = nan   row 1 nan\n"
            "  row 0:   l2.g[0,1] inf (overflows f32) * gate 0 (l1 = -1) * x[0,0] 0 = nan\n");
  EXPECT_EQ(say("gears w1.g[0,1]"),
            "w1.g[0,1] = nan (t8), the sum of 2 chains; this is n=0\n"
            "  wheel        of     turns by     has turned\n"
            "  (l2.g[0,1])  lin2   inf          +inf         ->  overflows f32\n"
            "  [gate]       relu1  0            nan            l1 = -1\n"
            "  [x[0,0]]     lin1   0            nan\n");
  EXPECT_THAT(say("pp w1.g"), HasSubstr("2 NaN  of the others mean "));
}

TEST_F(StepWhyOfNaN, NothingIsComparedWithIt) {
  const std::string check = say("check w1.g[0,1]");
  EXPECT_THAT(check, HasSubstr("  w1.g here nan: there is nothing to compare; first nan and first "
                               "inf say where it began\n"));
  EXPECT_THAT(check, testing::Not(HasSubstr("DIFFERS")));
  const std::string page = say("e w1.g[0,1]");
  EXPECT_THAT(page, HasSubstr("\nNUMBERS  L2 nan, "));
  EXPECT_THAT(page, HasSubstr("\n         2 rows are nan\n"));
  EXPECT_THAT(page, HasSubstr("\nCHECK    not possible: the run has nan here"));
  for (const std::string& text : {check, page}) EXPECT_THAT(text, testing::Not(HasSubstr("-nan")));
  // The largest is what is no number.
  EXPECT_THAT(say("e w1.g"), HasSubstr("\nLARGEST  w1.g[0,1] = nan (t8)"));
  Stepper json(recorder.tape(), {.json = true});
  json.ended();
  EXPECT_THAT(json.execute("end ; check w1.g[0,1]"), HasSubstr(R"("ours":"nan","ok":null)"));
}

/// Both follow the first row, or the largest where that one is 0.
TEST(StepWhy, GearsShowTheTermThatWhyFollows) {
  const Tensor x = tensor({{0., 1.}, {1., 1.}, {-3., 1.}}).set_name("x");
  Tensor w = tensor({{1.}, {1.}}).set_requires_grad().set_name("w");
  see::Recorder recorder({.level = see::TapeLevel::full});
  matmul(x, w).sum().backward();
  recorder.finish();
  Stepper stepper(recorder.tape());
  stepper.ended();
  stepper.execute("end");
  for (const auto& [element, row] : {std::pair{"w.g[0,0]", "2"}, {"w.g[1,0]", "0"}}) {
    EXPECT_THAT(stepper.execute("why " + std::string(element)),
                HasSubstr("\n  row " + std::string(row) + ":"));
    EXPECT_THAT(stepper.execute("gears " + std::string(element)),
                HasSubstr("this is n=" + std::string(row) + "\n"));
  }
}

TEST(StepWhy, FormulasOfOneGradientOrOfAllThatATickMakes) {
  Rerun rerun(std::make_unique<Line>(), {});
  rerun.advance();
  Stepper stepper(rerun.tape(), {}, &rerun);
  EXPECT_THAT(stepper.execute("latex"), HasSubstr("t0 makes no gradient; name one"));
  stepper.execute("unt lin.backward");
  EXPECT_EQ(stepper.execute("einsum"), "w.g = einsum(\"ni,nj->ij\", x, out.g)\n");
  EXPECT_THAT(stepper.execute("e w.g"), HasSubstr("einsum(\"ni,nj->ij\", x, out.g)\n"));
  EXPECT_EQ(stepper.execute("latex"), stepper.execute("latex w.g"));
  EXPECT_EQ(stepper.execute("latex w.g"),
            "x^{\\top} \\frac{\\partial L}{\\partial \\mathrm{out}}\n");
  EXPECT_THAT(stepper.execute("einsum v.g"),
              HasSubstr("no gradient 'v.g' here; did you mean 'w.g'?"));
}

}  // namespace
}  // namespace gradus
