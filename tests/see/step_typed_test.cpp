// The step debugger computes what is typed: digits are kept and come back in the same style, and
// both sides that stretch are told.
#include <nlohmann/json.hpp>

#include "tests/see/step_support.h"

namespace gradus {
namespace {

using namespace test;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// 2^53 + 1 is no double, 1e-5 no 1e-05.
TEST_F(StepOnLine, NumbersAreShownAsTheyAreTyped) {
  EXPECT_EQ(say("p 9007199254740993"), "9007199254740993\n");
  EXPECT_EQ(say("p 9007199254740993 - 9007199254740992"), "1\n");
  EXPECT_THAT(say("pp full([2],1e-5)"), HasSubstr("  1e-5 everywhere"));
  EXPECT_THAT(say("pp full([2],2e30)"), HasSubstr("  2e30 everywhere"));
  EXPECT_THAT(say("whatif lr 1e-5 1e-12"), AllOf(HasSubstr("\n1e-5 "), HasSubstr("\n1e-12 ")));
}

/// out is [2,1]: with the row w[:,0] it makes all pairs.
TEST_F(StepOnLine, BothSidesThatStretchAreToldOnce) {
  say("j t=1");
  EXPECT_THAT(say("p out - w[:,0]"), HasSubstr("\nB2 warn   out - b: both sides stretch, (2,1) and "
                                               "(2,) -> (2,2), 16 B from 16 B."));
  EXPECT_THAT(say("p out - w[:,0]"), Not(HasSubstr("B2")));  // once
  EXPECT_THAT(say("pp out == w[:,0]"), HasSubstr("\nB2 warn   out == b: both sides stretch"));
  EXPECT_THAT(say("display (out * w[:,0]).sum()"), HasSubstr("B2 warn   out * b: both sides"));
  for (const std::string meant : {"p out - w", "p out - w[:,0][None,:]", "p out * 2",
                                  "p x @ w[:,0]", "p out - w[0]", "p out - loss"})
    EXPECT_THAT(say(meant), Not(HasSubstr("B2"))) << meant;
  Stepper json(rerun.tape(), {.json = true}, &rerun);
  json.ended();
  json.execute("j t=1");
  const auto answer = nlohmann::json::parse(json.execute("p out - w[:,0]"));
  EXPECT_THAT(answer["warning"].get<std::string>(), StartsWith("B2 out - b: both sides stretch"));
  EXPECT_EQ(answer["values"].size(), 1u);
}

/// A mistake that has a code says so with its numbers, and its repair is one for the prompt.
TEST_F(StepOnLine, CodesAreToldWithRepairsToType) {
  Stepper wide(rerun.tape(), {.style = {.width = 1000}}, &rerun);
  wide.ended();
  wide.execute("j t=4");
  const std::string told = wide.execute("p mse(out, y[:,0])");
  EXPECT_THAT(told, HasSubstr("\n  ^ B1 mse(out, target): (2,1) and (2,) broadcast to (2,2): 4 "
                              "differences instead of 2; the value looks right ("));
  EXPECT_THAT(told, HasSubstr(". Use out[:,0], or target[:,None].\n"));
  EXPECT_EQ(wide.execute("p mse(out[:,0], y[:,0])"), "3.6250\n");
  EXPECT_THAT(wide.execute("p matmul(x, x[:1])"), HasSubstr("\n  ^ S1 "));
  EXPECT_THAT(wide.execute("p nll_loss(x, astype(y[:,0]+7, i64))"),
              HasSubstr("\n  ^ L1 nll: target[0] = 8"));
  Stepper json(rerun.tape(), {.json = true}, &rerun);
  json.ended();
  const auto refused = nlohmann::json::parse(
      json.execute("j t=4 ; p mse(out, y[:,0])").substr(json.execute("j t=4").size()));
  EXPECT_THAT(refused["problem"].get<std::string>(), StartsWith("B1 mse(out, target): "));
  EXPECT_THAT(refused["hint"].get<std::string>(), testing::EndsWith("or target[:,None]."));
}

/// Messages of the library are written for C++: what they advise can be typed as it stands.
TEST_F(StepOnLine, AdviceInCppIsUnderstood) {
  say("j t=4");
  const std::pair<const char*, const char*> same[] = {
      {"x[{all, 0}]", "x[:,0]"},
      {"x[{ 1 , all }]", "x[1]"},
      {"x[all]", "x"},
      {"x[{0, 0}]", "x[0,0]"},
      {"x[{ellipsis, newaxis, 1}]", "x[...,None,1]"},
      {"x[{1:, :}]", "x[1:]"},
      {"x.reshape({4, 1})", "x.reshape([4,1])"},
      {"astype(y, DType::boolean)", "astype(y, bool)"},
      {"y.astype(DType::f64).dtype", "y.astype(f64).dtype"},
      {"expand_dims(y[{all, 0}], 1)", "y"}};
  for (const auto& [cpp, python] : same)
    EXPECT_EQ(say("p " + std::string(cpp)), say("p " + std::string(python))) << cpp;
  EXPECT_THAT(say("p cross_entropy(x, y[:,0])"), HasSubstr("astype(target, DType::i64)"));
  EXPECT_THAT(say("p cross_entropy(x, astype(y[:,0], DType::i64))"), Not(HasSubstr("^")));
  EXPECT_THAT(say("p x[{all, 0]"), HasSubstr("^ '}' is missing"));
  EXPECT_THAT(say("p x[{all, 0}"), HasSubstr("^ ']' is missing"));
  EXPECT_THAT(say("p all"), HasSubstr("^ nothing is called 'all'"));
  EXPECT_THAT(say("p {1}"), HasSubstr("^ a value is missing"));
}

TEST_F(StepOnLine, RefusalsSayWhatIsWrong) {
  for (const char* line : {"n 1000000000000", "b t=1000000000000", "delete 1000000000000"})
    EXPECT_THAT(say(line), StartsWith("'1000000000000' is too large; ")) << line;
  EXPECT_THAT(say("n -1000000000000"), HasSubstr("is no whole number"));
  EXPECT_THAT(say("n 1.5"), HasSubstr("'1.5' is no whole number"));
  for (const char* line : {"n >", "n > ", "n 3 >", "w >", "p >", "c >"})
    EXPECT_THAT(say(line), StartsWith("the name of a file is missing behind '>'; ")) << line;
  EXPECT_THAT(say("p w >"), HasSubstr("^ the expression ends too early"));
  EXPECT_EQ(say("e B9"), "there is no code 'B9'; `gradus explain codes` lists all\n");
  EXPECT_THAT(say("e Lni"), HasSubstr("is called 'Lni'"));
}

/// Where there is nothing to show, programs get an error.
TEST_F(StepOnLine, JsonOfNothingIsAnError) {
  EXPECT_EQ(say("undisplay"), "nothing is displayed; display loss shows it at each stop\n");
  EXPECT_EQ(say("home ; src").substr(say("home").size()),
            "t0 has no place in the source: its values come from outside\n");
  Stepper json(rerun.tape(), {.json = true}, &rerun);
  json.ended();
  const auto ask = [&](const std::string& line) {
    return nlohmann::json::parse(json.execute(line));
  };
  EXPECT_TRUE(ask("undisplay").contains("error"));
  ask("display w.ndim");
  EXPECT_TRUE(ask("undisplay").contains("output"));
  ask("home");
  const auto nothing = ask("src");
  EXPECT_THAT(nothing["error"].get<std::string>(), HasSubstr("no place in the source"));
  EXPECT_TRUE(nothing["source"]["file"].is_null());
  EXPECT_TRUE(ask("display").contains("output"));
  ask("n");
  EXPECT_TRUE(ask("src").contains("output"));
}

}  // namespace
}  // namespace gradus
