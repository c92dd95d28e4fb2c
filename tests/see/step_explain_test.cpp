// explain at the prompt: a gradient's page, at another tick, for a whole tick; a code's; an
// operation's; what is none of these. The pages themselves are tested by explain_page_test.cpp,
// diagnostic_pages_test.cpp and explain_test.cpp.
#include <nlohmann/json.hpp>

#include <gradus/ops/registry.h>
#include <gradus/see/diagnostic_pages.h>
#include <gradus/see/explain.h>
#include <gradus/see/explain_page.h>

#include "tests/see/step_support.h"

namespace gradus {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

struct StepExplain : StepOnLine {
  StepExplain() : wide(rerun.tape(), {.style = {.width = 400}}, &rerun) { wide.ended(); }
  std::string ask(const std::string& line) { return wide.execute(line); }
  std::string page(const std::string& what, TapeIndex tick) {
    return see::explain_on_tape(wide.elements(), what, tick, see::TermStyle::unicode);
  }
  Stepper wide;
};

TEST_F(StepExplain, AGradientHereOrAtAnotherTick) {
  ask("j step=0 t=4");
  const std::string here = ask("explain w.g[1,0]");
  EXPECT_EQ(here, page("w.g[1,0]", 4));
  EXPECT_THAT(here, HasSubstr("ELEMENT  w.g[1,0] = -12 (step 0, t4) = sum over rows n"));
  // The slope of the loss, as the class says it.
  EXPECT_THAT(here, HasSubstr("run again: -12, step 0.0001, rel "));
  EXPECT_EQ(ask("e w[1,0]"), here);
  ask("home");
  for (const char* line :
       {"e t4 w.g[1,0]", "explain t4 w[1,0]", "e w.g[1,0] @ t=4", "e w.g[1,0] @ step=0 t=4"})
    EXPECT_EQ(ask(line), here) << line;
  EXPECT_EQ(wide.focus().tick, 0);
  EXPECT_THAT(ask("e t9 w.g"), HasSubstr("there is no 't=9' on the tape"));
}

TEST_F(StepExplain, AnElementByTheFactorsOfItsFormula) {
  ask("j step=0 t=4");
  const std::string why = ask("why out.g[0,0]");
  EXPECT_THAT(why, HasSubstr(" * (out - y)[0,0] "));
  EXPECT_THAT(why, Not(HasSubstr("mul of")));
  EXPECT_THAT(ask("gears out.g[0,0]"), HasSubstr("((out - y)[0,0])"));
}

TEST_F(StepExplain, AllGradientsThatATickMakes) {
  EXPECT_EQ(ask("e t4"), page("w.g", 4));
  ask("j step=0 t=4");
  EXPECT_EQ(ask("e"), page("w.g", 4));
  EXPECT_THAT(ask("e t1"), HasSubstr("t1 makes no gradient"));
}

TEST_F(StepExplain, ACodeInAnyCase) {
  const std::string random = default_generator().state();
  for (const char* line : {"explain B1", "e b1"}) {
    EXPECT_THAT(ask(line), StartsWith("B1 error: "));
    EXPECT_THAT(ask(line), HasSubstr("SAYS    "));
  }
  for (const see::DiagnosticPage& one : see::diagnostic_pages())
    EXPECT_THAT(ask("e " + std::string(one.code)), StartsWith(std::string(one.code) + " "));
  EXPECT_EQ(default_generator().state(), random);
}

TEST_F(StepExplain, AnOperationByItsNameHereOrElsewhere) {
  EXPECT_EQ(ask("explain matmul"),
            see::page_text(see::explain(find_op("matmul")), see::TermStyle::unicode));
  EXPECT_THAT(ask("e mm"), StartsWith("WHAT    matmul: "));
  EXPECT_THAT(ask("e argmax"), HasSubstr("argmax has no gradient"));
}

TEST_F(StepExplain, ATensorGoesBeforeAnOperation) {
  Tensor relu = tensor({1., -2.}).set_name("relu").set_requires_grad();
  see::Recorder recorder({.level = see::TapeLevel::full});
  (relu * relu).sum().backward();
  recorder.finish();
  Stepper other(recorder.tape());
  other.ended();
  EXPECT_THAT(other.execute("end ; e relu"), HasSubstr("relu.g = "));
}

TEST_F(StepExplain, WhatIsNothingIsDoubted) {
  ask("j step=0 t=4");
  EXPECT_THAT(ask("e w.h"), HasSubstr("did you mean 'w.g'?"));
  EXPECT_THAT(ask("e matmull"), HasSubstr("did you mean 'matmul'?"));
  EXPECT_THAT(ask("e nosuchthing"), HasSubstr("is called 'nosuchthing'; e w1.g, e t8 w1.g[2,3]"));
  EXPECT_THAT(ask("e x"), HasSubstr("x has no gradient: the backward pass did not go through it"));
}

TEST_F(StepExplain, JsonHasTheWholePage) {
  Stepper json(rerun.tape(), {.json = true}, &rerun);
  json.ended();
  const auto tell = [&](const std::string& line) {
    return nlohmann::json::parse(json.execute(line));
  };
  tell("j step=0 t=4");
  const auto gradient = tell("e w.g[1,0]");
  EXPECT_EQ(gradient["kind"], "gradient");
  EXPECT_EQ(gradient["page"]["element"]["value"], -12.0);
  EXPECT_NEAR(gradient["page"]["element"]["check"]["numeric"].get<double>(), -12, 1e-6);
  EXPECT_EQ(tell("e")["pages"][0]["name"], "w.g");
  const auto code = tell("e B1");
  EXPECT_EQ(code["kind"], "code");
  EXPECT_EQ(code["page"]["code"], "B1");
  const auto op = tell("e matmul");
  EXPECT_EQ(op["kind"], "operation");
  EXPECT_EQ(op["page"]["check"]["ok"], true);
}

/// A tensor that is no parameter is moved on the tape; so is any where the program is not at hand.
TEST_F(StepExplain, CheckOfAnyTensor) {
  ask("j step=0 t=4");
  // d loss / d out[1] = 2/2 * 2.5.
  EXPECT_THAT(ask("check out.g[1,0]"), HasSubstr("central difference in f64 2.5, step"));
  EXPECT_THAT(ask("check out[1,0]"), HasSubstr("  ok (0 kinks crossed)\n"));
  EXPECT_THAT(ask("check v[1,0]"), HasSubstr("nothing is called 'v' here"));
  see::Recorder recorder({.level = see::TapeLevel::full});
  Line line;
  line.loss(0).backward();
  recorder.finish();
  Stepper alone(recorder.tape());
  alone.ended();
  EXPECT_THAT(alone.execute("end ; check w.g[1,0]"), HasSubstr("f64 -12, step"));
}

}  // namespace
}  // namespace gradus
