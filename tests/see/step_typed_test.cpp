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

}  // namespace
}  // namespace gradus
