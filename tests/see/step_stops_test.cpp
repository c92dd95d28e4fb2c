// The step debugger stops: at watches, under conditions; what nothing can meet is doubted. That
// every kind of stop stops where it should: step_scan_test.cpp.
#include "tests/see/step_support.h"

namespace gradus {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST_F(StepOnLine, WatchStopsAtTheWriterInBothDirections) {
  EXPECT_THAT(say("watch w[1,0]"), StartsWith("watch 1: w[1,0] = -0.2500"));
  EXPECT_THAT(say("c"), AllOf(HasSubstr("> t5 step 0  U update"),
                              HasSubstr("watch 1: w[1,0]  -0.25 -> 1.25")));
  EXPECT_THAT(say("c"), HasSubstr("> t5 step 1  U update"));
  EXPECT_THAT(say("c-"), HasSubstr("< t5 step 0  U update"));
  EXPECT_THAT(say("c-"), HasSubstr("< t0 step 0    in   watch 1: w[1,0] = -0.25\n"));
  EXPECT_THAT(say("c-"), HasSubstr("the tape begins here"));
  EXPECT_THAT(say("end ; last write w"),
              HasSubstr("w was written at step 1 t5  U update by sub in place"));
  EXPECT_THAT(say("last write w @ step=0 t=5"), HasSubstr("w was written at step 0 t5"));
  EXPECT_THAT(say("last write w[1,0]"),
              HasSubstr("last write takes the name of a tensor, not 'w[1,0]'; last write w1; of"));
  // Of a whole tensor: how many numbers, how far. w goes from (0.5, -0.25) to (-0.3125, 1.25).
  EXPECT_THAT(say("home ; delete 1 ; watch w ; c"),
              HasSubstr("watch 2: w  2 of 2 numbers, L2 0.559017 -> 1.28847, most [1,0]: -0.25 ->\n"
                        "    1.25\n"));
  EXPECT_THAT(say("watch 3"), HasSubstr("'3' names no tensor: it never changes"));
  EXPECT_THAT(say("watch w @ t=0"), HasSubstr("'w @ t=0' stays what it was then"));
}

TEST_F(StepOnLine, BreakpointsCanBeIgnoredConditionedAndDisabled) {
  say("b lin.backward ; ignore 1 1");
  EXPECT_THAT(say("c"), HasSubstr("t4 step 1  B lin.backward"));
  say("home ; condition 1 loss>1e9");
  EXPECT_THAT(say("c"), HasSubstr("the tape ends here"));
  say("home ; condition 1 ; disable 1");
  EXPECT_THAT(say("c"), HasSubstr("the tape ends here"));
  EXPECT_THAT(say("home ; enable 1 ; commands 1 ; p w.shape ; w ; end"),
              HasSubstr("breakpoint 1 runs 2 commands where it stops\n"));
  EXPECT_THAT(say("c"), AllOf(HasSubstr("t4 step 0"), HasSubstr("\n[2,1]\n")));
  EXPECT_THAT(say("b"), HasSubstr("  1  lin.backward  3 hits  runs p w.shape ; w\n"));
  say("home ; delete 1 ; tbreak lin");
  EXPECT_THAT(say("c"), HasSubstr("t1 step 0  F lin"));
  EXPECT_THAT(say("c"), HasSubstr("the tape ends here"));
  EXPECT_THAT(say("ignore 9 1"), HasSubstr("there is no breakpoint 9"));
  EXPECT_EQ(say("b lin ; ignore 3 1"), "breakpoint 3: lin\nbreakpoint 3 is ignored 1 time\n");
  EXPECT_EQ(say("ignore 3 0"), "breakpoint 3 is not ignored\n");
  EXPECT_EQ(say("ignore 3"), "it is not said how often; ignore 3 3\n");
  EXPECT_EQ(say("ignore 3 x"), "'x' is no whole number; say one, such as 1\n");
}

TEST_F(StepOnLine, AllThatStopsAtATickIsTold) {
  say("b lin.backward ; tbreak lin.backward ; b |w.g|>1 ; watch w.g");
  say("commands 1 ; p 41 ; end ; commands 3 ; p 43 ; end");
  const std::string stop = say("c");
  EXPECT_THAT(stop,
              AllOf(HasSubstr("breakpoint 1 (lin.backward)"), HasSubstr("breakpoint 2 (lin"),
                    HasSubstr("\n    breakpoint 3 (|w.g|>1)  |w.g| = 13.6473\n    watch 4: w.g")));
  EXPECT_THAT(stop, testing::EndsWith("\n41\n43\n"));
  EXPECT_THAT(say("b"), AllOf(HasSubstr("  3  |w.g|>1  1 hit  runs"),
                              HasSubstr("  4  watch w.g  1 hit\n"), Not(HasSubstr("  2  "))));
}

TEST_F(StepOnLine, CommandsWithoutANumberBelongToTheLastBreakpoint) {
  EXPECT_THAT(say("commands"), HasSubstr("something is missing; a breakpoint's number"));
  say("b mse ; b lin.backward ; commands ; p w.shape ; end");
  EXPECT_THAT(say("c"), AllOf(HasSubstr("F mse"), Not(HasSubstr("\n[2,1]\n"))));
  EXPECT_THAT(say("c"), AllOf(HasSubstr("B lin.backward"), HasSubstr("\n[2,1]\n")));
}

TEST_F(StepOnLine, UndisplayAloneRemovesEveryDisplay) {
  say("display w.shape ; display w.ndim");
  EXPECT_THAT(say("n"), AllOf(HasSubstr("1: w.shape = [2,1]"), HasSubstr("2: w.ndim = 2")));
  EXPECT_EQ(say("display"), "  1  w.shape\n  2  w.ndim\n");
  EXPECT_EQ(say("undisplay 1"), "1 is not displayed any more\n");
  EXPECT_THAT(say("n"), AllOf(Not(HasSubstr("w.shape")), HasSubstr("2: w.ndim = 2")));
  EXPECT_EQ(say("undisplay"), "nothing is displayed any more\n");
  EXPECT_THAT(say("n"), Not(HasSubstr("w.ndim")));
  EXPECT_THAT(say("undisplay 2"), HasSubstr("there is no display 2; undisplay alone removes all"));
}

TEST_F(StepOnLine, ConditionsAreReadWhenGivenAndTheirMistakesTold) {
  say("b lin");
  EXPECT_THAT(say("condition 1 los>("), AllOf(HasSubstr("condition 1 los>(\n"),
                                              HasSubstr("                 ^ the expression ends")));
  EXPECT_THAT(say("b"), Not(HasSubstr(" if ")));
  EXPECT_EQ(say("condition 1 los>1"),
            "breakpoint 1 stops if los>1\n"
            "  nothing on the tape so far is called 'los'; did you mean 'loss'?\n");
  EXPECT_THAT(
      say("home ; c"),
      AllOf(HasSubstr("the tape ends here"),
            HasSubstr("breakpoint 1 was met, but its condition could not be told: nothing is "
                      "called\n    'los' here\n")));
  // |x| is a norm everywhere: |w| = |(0.5, -0.25)| = 0.559.
  EXPECT_THAT(say("home ; condition 1 |w|>0.55 ; c"), HasSubstr("t1 step 0"));
  EXPECT_THAT(say("home ; condition 1 |w|>0.56 ; c"), HasSubstr("t1 step 1"));
  EXPECT_EQ(say("home ; p |w|*|w|, |x-x|").substr(say("home").size()), "0.3125  0.\n");
  // Of several numbers any, as for stops.
  EXPECT_THAT(say("home ; condition 1 w>0.4 ; c"), HasSubstr("t1 step 0"));
  // A mistake in evaluating stops there and says so.
  EXPECT_THAT(say("home ; condition 1 matmul(w,w)>0 ; c"),
              AllOf(HasSubstr("> t1 step 0"), HasSubstr("cannot be told: ")));
  EXPECT_THAT(say("home ; condition 1 w.dtype ; c"), HasSubstr("is the word 'f32'"));
}

TEST_F(StepOnLine, StopsThatNothingCanMeetAreDoubted) {
  EXPECT_THAT(say("b lni"), HasSubstr("breakpoint 1: lni\n  nothing on the tape so far is called "
                                      "'lni'; did you mean 'lin'?\n"));
  EXPECT_THAT(say("b los>5"), HasSubstr("did you mean 'loss'?"));
  EXPECT_THAT(say("b |wg|>1"), HasSubstr("called 'wg'; did you mean 'w"));
  EXPECT_THAT(say("b dead(lni)>0.5"), HasSubstr("did you mean 'lin'?"));
  EXPECT_THAT(say("b dead(nosuch)>0.5"), HasSubstr("called 'nosuch'; there are lin, mse\n"));
  EXPECT_THAT(say("b dead(nosuch)>loss"), HasSubstr("called 'nosuch'; there are lin, mse\n"));
  EXPECT_THAT(say("b op:matmull"), HasSubstr("did you mean 'matmul'?"));
  EXPECT_THAT(say("b op:nosuch"),
              HasSubstr("called 'nosuch'; the forward pass calls matmul,\n    mse\n"));
  EXPECT_THAT(say("b step_support.h:99999"),
              HasSubstr("no call on the tape so far is at step_support.h:99999"));
  EXPECT_THAT(say("b other.cpp:1"),
              HasSubstr("nothing on the tape so far is called 'other.cpp:1'"));
  EXPECT_THAT(say("first loss"), HasSubstr("'loss' is a tensor, not a module"));
  EXPECT_THAT(say("unt t=40"), AllOf(HasSubstr("no step so far has a t40: they go up to t5\n"),
                                     HasSubstr("the tape ends here")));
  EXPECT_THAT(say("b NEXT"), HasSubstr("called 'NEXT'; there are lin, mse, update\n"));
  EXPECT_THAT(say("b -inf"), HasSubstr("did you mean 'inf'?"));
  EXPECT_THAT(say("unt nosuch"), AllOf(HasSubstr("nothing on the tape so far is called 'nosuch'"),
                                       HasSubstr("the tape ends here")));
  EXPECT_THAT(say("b loss>("), HasSubstr("^ the expression ends too early"));
  EXPECT_THAT(say("b loss>nosuchop(2)"), HasSubstr("nosuchop"));
  // What is there is not doubted, also what will be there in a later backward pass.
  for (const char* stop : {"lin", "*.backward", "op:*", "nan", "loss>5*loss[-1]", "|*.g|>1",
                           "w.g>1", "|w|>1", "|w-w|>|w|", "dead(lin)>0.1", "shape *,1",
                           "w.mean()>w.g.mean()", "out.shape[0]>5", "(out-y).abs().max()>1"}) {
    const std::string answer = say("b " + std::string(stop));
    EXPECT_EQ(std::count(answer.begin(), answer.end(), '\n'), 1) << answer;
  }
}

/// w is (0.5, -0.25) from the beginning and (-0.3125, 1.25) after the first update, at t5.
TEST_F(StepOnLine, WhatComesInAtTheBeginningIsMetThere) {
  EXPECT_EQ(say("first w[0,0]>0.4"),
            "first: step 0 t0  in  w[0,0] = 0.5\n  j step=0 t=0 goes there\n");
  EXPECT_THAT(say("first |w|>0.5"), HasSubstr("first: step 0 t0  in  |w| = 0.559017\n"));
  EXPECT_THAT(say("first |w|>0.6"), HasSubstr("first: step 0 t5  U update"));
  EXPECT_THAT(say("first shape 2,2"), HasSubstr("first: step 0 t0  in  x f32[2,2]"));
  EXPECT_THAT(say("first rank>1"), HasSubstr("first: step 0 t0  in  "));
  EXPECT_THAT(say("first op:*"), HasSubstr("first: step 0 t1  "));  // nothing runs there
  EXPECT_THAT(say("first w.g[0,0]>0"), HasSubstr("first: step 0 t4  "));
  say("b |w|>0.5 ; j step=0 t=5");
  EXPECT_THAT(say("c-"), HasSubstr("< t0 step 0    in   breakpoint 1 (|w|>0.5)  |w| = 0.559017\n"));
  // What stays comes in once.
  EXPECT_THAT(say("j step=1 t=1 ; c-"), HasSubstr("< t5 step 0  U update"));
  EXPECT_THAT(say("delete 1 ; watch w ; j step=0 t=3 ; c-"),
              HasSubstr("< t0 step 0    in   watch 2: w = f32[2,1]\n"));
}

TEST_F(StepOnLine, ComparisonsSayTheirNumbers) {
  EXPECT_THAT(say("b loss>2 ; c"), HasSubstr("breakpoint 1 (loss>2)  loss = 3.625\n"));
  EXPECT_THAT(say("delete 1 ; home ; b loss > 0.5*loss ; c"),
              HasSubstr("(loss > 0.5*loss)  loss = 3.625, 0.5*loss = 1.8125\n"));
  EXPECT_THAT(say("first w.g.sum()<0"), HasSubstr("  w.g.sum() = -5.5\n"));
  EXPECT_THAT(say("first (w.g>0).sum()==1"), HasSubstr("  (w.g>0).sum() = 1\n"));
  EXPECT_THAT(say("first w.g>1"), Not(HasSubstr(" = ")));  // of several numbers none is told
}

/// As in gdb.
TEST_F(StepOnLine, StopsTakeIf) {
  EXPECT_EQ(say("b lin.backward if loss>4"), "breakpoint 1: lin.backward if loss>4\n");
  EXPECT_THAT(say("b"), HasSubstr("  1  lin.backward  if loss>4  0 hits\n"));
  EXPECT_THAT(say("c"), HasSubstr("t4 step 1  B lin.backward"));
  EXPECT_THAT(say("home ; condition 1 loss>3 ; c"),
              HasSubstr("breakpoint 1 (lin.backward)  loss = 3.625\n"));
  EXPECT_EQ(say("delete 1 ; home ; watch w[1,0] if loss>4").substr(say("home").size() + 10),
            "watch 2: w[1,0] = -0.2500 if loss>4\n");
  EXPECT_THAT(say("c"), AllOf(HasSubstr("t5 step 1"), HasSubstr("watch 2: w[1,0]  1.25 -> ")));
  EXPECT_THAT(say("delete 2 ; home ; unt lin if loss[-1]>3"), HasSubstr("> t1 step 1  F lin"));
  EXPECT_THAT(say("first lin.backward if loss>4"), HasSubstr("first: step 1 t4"));
  EXPECT_THAT(say("tbreak mse if loss>1e9"), StartsWith("once: breakpoint 3: mse if loss>1e9"));
  EXPECT_THAT(say("b lin if los>("), HasSubstr("\n              ^ the expression ends too early"));
  EXPECT_THAT(say("b lin if los>3"), HasSubstr("is called 'los'; did you mean 'loss'?"));
  EXPECT_THAT(say("watch w if los>3"), HasSubstr("is called 'los'; did you mean 'loss'?"));
  EXPECT_THAT(say("b lin if"), HasSubstr("something is missing behind 'if'; lin1 if loss>3"));
  EXPECT_THAT(say("b if loss>3"), HasSubstr("something is missing before 'if'"));
  EXPECT_THAT(say("delete 3 ; delete 4 ; home ; c"),
              HasSubstr("watch 5 was met, but its condition could not be told"));
}

TEST_F(StepOnLine, TimesAreStops) {
  EXPECT_EQ(say("b t=3"), "breakpoint 1: t=3\n");
  EXPECT_THAT(say("c"), HasSubstr("> t3 step 0  B mse.backward"));
  EXPECT_THAT(say("c"), HasSubstr("> t3 step 1  B mse.backward"));
  EXPECT_THAT(say("delete 1 ; home ; b step=1 t=2 ; c"), HasSubstr("> t2 step 1  F mse"));
  EXPECT_THAT(say("delete 2 ; home ; unt step=1"), HasSubstr("> t0 step 1"));
  EXPECT_THAT(say("home ; unt step=1 t=4"), HasSubstr("> t4 step 1"));
  EXPECT_THAT(say("b t=40"), HasSubstr("no step so far has a t40: they go up to t5\n"));
  EXPECT_EQ(say("b t=x"), "'t=x' is no time; t=4, step=1 t=4\n");
  EXPECT_THAT(say("first t=2 if loss>4"), HasSubstr("first: step 1 t2"));
}

TEST_F(StepOnLine, StopsThatSayNothingAreRefused) {
  for (const char* shape : {"shape x,y", "shape 150 50", "shape -1,50", "shape 2,", "shape []"})
    EXPECT_THAT(say("b " + std::string(shape)), HasSubstr("' is no shape; b shape *,10000"));
  for (const char* alone : {"shape", "rank", "bytes", "op:"})
    EXPECT_THAT(say("b " + std::string(alone)),
                StartsWith("'" + std::string(alone) + "' alone stops nowhere; b shape *,10000"));
  for (const char* single : {"rank=2", "loss=5", "|w|=1", "loss!5"})
    EXPECT_THAT(say("b " + std::string(single)), HasSubstr("equal is ==, not equal is !="));
  EXPECT_THAT(say("b"), HasSubstr("no breakpoints"));
  EXPECT_EQ(say("b shape [2,1]"), "breakpoint 1: shape [2,1]\n");
  EXPECT_THAT(say("c"), HasSubstr("t1 step 0  F lin"));
  EXPECT_EQ(say("b NaN ; b Inf"), "breakpoint 2: NaN\nbreakpoint 3: Inf\n");
}

/// What a later tick makes may be watched and shown from the beginning.
TEST_F(StepOnLine, WhatComesLaterMayBeWatchedAndDisplayed) {
  say("home");
  EXPECT_EQ(say("display loss"),
            "1: loss: nothing is called 'loss' here yet; it comes at t2 (loss "
            "@ t=2)\n");
  EXPECT_THAT(say("watch out.g"), StartsWith("watch 2: out.g: "));
  EXPECT_THAT(say("n"), HasSubstr("    1: loss: nothing is called 'loss' here"));
  EXPECT_THAT(say("n"), HasSubstr("    1: loss = 3.6250\n"));
  EXPECT_THAT(say("c"), HasSubstr("> t3 step 0  B mse.backward"));
}

TEST(StepLive, NothingIsDoubtedBeforeAWholeStepIsThere) {
  see::Recorder recorder;
  (void)exp(tensor({1., 2.}));
  recorder.finish();
  Stepper stepper(recorder.tape());
  EXPECT_EQ(stepper.execute("b lin1"), "breakpoint 1: lin1\n");
  EXPECT_THAT(stepper.execute("b loss>("), HasSubstr("^ the expression ends"));
  stepper.ended();
  EXPECT_THAT(stepper.execute("b lin1"), HasSubstr("nothing on the tape so far is called 'lin1'"));
}

TEST_F(StepOnLine, WatchesShareNumbersAndSwitches) {
  say("watch w[1,0] ; b lin");
  EXPECT_EQ(say("disable 1"), "watch 1 disabled\n");
  EXPECT_THAT(say("b"), HasSubstr("1  watch w[1,0]  disabled"));
  say("disable 2");
  EXPECT_THAT(say("home ; c"), HasSubstr("the tape ends here"));
  say("enable 1");
  EXPECT_THAT(say("home ; c"), HasSubstr("watch 1: w[1,0]  -0.25 -> 1.25"));
  EXPECT_THAT(say("ignore 1 1"), HasSubstr("1 is a watch"));
  EXPECT_EQ(say("condition 1 loss>1e9"), "watch 1 stops if loss>1e9\n");
  EXPECT_THAT(say("b"), HasSubstr("1  watch w[1,0]  if loss>1e9  1 hit\n"));
  EXPECT_THAT(say("home ; c"), HasSubstr("the tape ends here"));
  EXPECT_EQ(say("condition 1"), "watch 1 has no condition\n");
  EXPECT_THAT(say("home ; c"), HasSubstr("watch 1: w[1,0]  -0.25 -> 1.25"));
  EXPECT_THAT(say("enable"), HasSubstr("something is missing; enable 1"));
  EXPECT_THAT(say("whatif"), HasSubstr("something is missing; whatif lr"));
}

TEST_F(StepOnLine, WhatCannotBeShownIsNotDisplayed) {
  EXPECT_THAT(say("display nix"), HasSubstr("nothing is called 'nix' here"));
  EXPECT_THAT(say("n"), Not(HasSubstr("nix")));
  EXPECT_THAT(say("display |w|"), HasSubstr("1: |w| = 0.5590\n"));
  EXPECT_THAT(say("n"), HasSubstr("    1: |w| = 0.5590\n"));
}

TEST_F(StepOnLine, FirstSearchesWithoutMoving) {
  say("home");
  EXPECT_THAT(say("first |w.g|>13"), AllOf(HasSubstr("first: step 0 t4  B lin.backward"),
                                           HasSubstr("\n  j step=0 t=4 goes there\n")));
  EXPECT_THAT(say("first nan"), HasSubstr("nowhere on the tape so far: nan"));
  EXPECT_EQ(stepper->focus().tick, 0);
  EXPECT_THAT(say("first ((("), HasSubstr("neither a name nor a condition"));
}

TEST_F(StepOnLine, StopsAtALineOfTheSource) {
  const auto& events = rerun.tape().events;
  const auto product = std::find_if(events.begin(), events.end(),
                                    [](const see::TapeEvent& e) { return e.op == "matmul"; });
  ASSERT_NE(product, events.end());
  const std::string place = "step_support.h:" + std::to_string(product->line);
  EXPECT_THAT(say("b " + place), Not(HasSubstr("nothing")));
  EXPECT_THAT(say("c"), AllOf(HasSubstr("t1 step 0  F lin"), HasSubstr("(" + place + ")")));
  EXPECT_THAT(say("c"), HasSubstr("t4 step 0  B lin.backward"));  // it stands at the same line
}

/// An update writes w; w.g is what it was, and does not stop a second time.
TEST_F(StepOnLine, AConditionOnAGradientStopsWhereTheGradientIsMade) {
  EXPECT_THAT(say("b w.g[0,0]>0 ; c"), HasSubstr("> t4 step 0  B lin.backward"));
  EXPECT_THAT(say("c"), AllOf(HasSubstr("> t5 step 1  U update"), HasSubstr("the tape ends here")))
      << "w.g[0,0] is negative in step 1";
}

TEST(StepLive, ANormWithAnInfinityIsInfinite) {
  see::Recorder recorder({.level = see::TapeLevel::stats});
  (void)(tensor({1., 2.}) * 1.);
  (void)(tensor({1., -INFINITY}) * 1.);
  (void)(tensor({1e9, NAN}) * 1.);
  recorder.finish();
  Stepper stepper(recorder.tape());
  stepper.ended();
  EXPECT_THAT(stepper.execute("first |*|>3"), HasSubstr("t0  in  |tensor_4| = inf"));
  EXPECT_THAT(stepper.execute("first |mul_*|>3"), HasSubstr("|mul_1| = inf"));
  EXPECT_THAT(stepper.execute("first |mul_2|>3"), HasSubstr("nowhere on the tape"));
  EXPECT_THAT(stepper.execute("first |mul_2|<3"), HasSubstr("nowhere on the tape"));
}

TEST_F(StepOnLine, InputMayEndInsideCommands) {
  say("b lin ; commands ; p w.shape");
  stepper->ended();
  EXPECT_FALSE(stepper->has_quit());
  EXPECT_THAT(say("end"), HasSubstr("breakpoint 1 runs 1 command where it stops"));
}

TEST(StepLive, StopsAtShapesNaNAndDeadUnits) {
  see::Recorder recorder({.level = see::TapeLevel::full});
  const Tensor x = tensor({{1., 0.}, {2., -1.}});
  (void)log(x);
  {
    Scope scope("relu1");
    (void)relu(tensor({{1., -1.}, {2., -3.}}));
  }
  (void)zeros({16, 16}, DType::f64);
  recorder.finish();
  Stepper stepper(recorder.tape(), {.style = {.width = 200}});
  stepper.ended();
  EXPECT_THAT(stepper.execute("first nan"), HasSubstr("log_0: 1 NaN, first bad number at [0,1]"));
  EXPECT_THAT(stepper.execute("first inf"),
              HasSubstr("log_0: 1 infinite, first bad number at [0,1]"));
  EXPECT_THAT(stepper.execute("first bytes>1K"), HasSubstr("takes 2048 bytes"));
  EXPECT_THAT(stepper.execute("first bytes>0.002M"), HasSubstr("takes 2048 bytes"));
  for (const char* more : {"2.1K", "0.003M", "1G"})
    EXPECT_THAT(stepper.execute("first bytes>" + std::string(more)), HasSubstr("nowhere")) << more;
  EXPECT_THAT(stepper.execute("first shape 2,*"), HasSubstr("first: step 0 t0  in  "));
  EXPECT_THAT(stepper.execute("first shape *,3"), HasSubstr("nowhere"));
  EXPECT_THAT(stepper.execute("first dead(relu1)>0.1"), HasSubstr("dead(relu1) = 0.5"));
  EXPECT_THAT(stepper.execute("first dead(relu1)>0.6"), HasSubstr("nowhere"));
  // Anywhere else it is an expression like others.
  stepper.execute("end");
  EXPECT_EQ(stepper.execute("p dead(relu1), dead( relu1 )*2, dead(relu1) @ t=2"),
            "0.5000  1.  0.5000\n");
  EXPECT_EQ(stepper.execute("dead(relu1) > 0.1"), "True\n");
  EXPECT_THAT(stepper.execute("first dead(relu1) > dead(relu1)*2"), HasSubstr("nowhere"));
  EXPECT_THAT(stepper.execute("first dead(relu1) < dead(relu1)*2"), HasSubstr("first: step 0 t2"));
  EXPECT_THAT(stepper.execute("b dead(rely1)<dead(relu1)*2 ; delete 1"),
              HasSubstr("is called 'rely1'; did you mean 'relu1'?"));
  EXPECT_THAT(stepper.execute("p 1 + dead(rely1)"),
              HasSubstr("\n      ^ no module here is called 'rely1'; did you mean 'relu1'?"));
  EXPECT_THAT(stepper.execute("p dead(relu1"), HasSubstr("^ ')' is missing"));
  EXPECT_THAT(
      stepper.execute("home ; p dead(relu1)"),
      HasSubstr("^ module 'relu1' has not run here yet; it comes at t2 (dead(relu1) @ t=2)"));
  EXPECT_THAT(stepper.execute("display dead(relu1)"), StartsWith("2: dead(relu1): module 'relu1'"));
  EXPECT_THAT(
      stepper.execute("watch dead(relu1) ; c"),
      AllOf(HasSubstr("watch 3: dead(relu1) = 0.5"), HasSubstr("    2: dead(relu1) = 0.5")));
  EXPECT_THAT(stepper.execute("undisplay 2 ; delete 3 ; home"), HasSubstr("t0 step 0"));
  EXPECT_THAT(stepper.execute("home ; b nan ; c-"), HasSubstr("the tape begins here"));
  EXPECT_THAT(stepper.execute("end ; c-"), HasSubstr("(nan)  log_0: 1 NaN"));
  EXPECT_THAT(stepper.execute("whatif lr 1"), HasSubstr("cannot be run again"));
}

}  // namespace
}  // namespace gradus
