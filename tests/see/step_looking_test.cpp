// The step debugger looks: values at any time, pictures, sources, lists.

#include <unistd.h>
#include <filesystem>
#include <fstream>

#include "tests/see/step_support.h"

namespace gradus {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::StartsWith;

TEST_F(StepOnLine, PrintsValuesAtAnyTime) {
  EXPECT_EQ(say("j t=2 ; p loss"), "> t2 step 0  F mse   step_support.h:" +
                                       std::to_string(nth(rerun.tape().events, 1).line) +
                                       "\n    loss  f32[]  3.625\n3.6250\n");
  EXPECT_EQ(say("p w[0,0] @ t=1, w.g[:,0] @ t=4, w[0,0] @ t=5"),
            "0.5000  [  6.5000, -12.0000]  -0.3125\n");
  EXPECT_THAT(say("p wg"), HasSubstr("nothing is called 'wg' here; did you mean 'w'?"));
  EXPECT_THAT(say("p w @ t=99"), HasSubstr("there is no 't=99' on the tape"));
  EXPECT_EQ(say("p loss @ step=1 t=2, w.shape"),
            std::to_string(0).substr(1) +
                say("p loss @ step=1 t=2").substr(0, say("p loss @ step=1 t=2").size() - 1) +
                "  [2,1]\n");
}

/// w is (0.5, -0.25) before the update at t5 and (-0.3125, 1.25) after it.
TEST_F(StepOnLine, NamesMayHaveTimesOfTheirOwn) {
  say("j t=2");
  EXPECT_EQ(say("p w[0,0] @ t=5 - w[0,0] @ t=0"), "-0.8125\n");
  EXPECT_EQ(say("p w[0,0]@t=5-w[0,0]"), "-0.8125\n");
  EXPECT_EQ(say("p (w @ t=5)[1,0], |w.g @ t=4|"), "1.2500  " + say("p |w.g| @ t=4"));
  EXPECT_EQ(say("p w.g[1,0] @ step=0 t=4 * 2"), "-24.\n");
  EXPECT_EQ(say("p (w.shape @ t=5)[0]"), "2\n");
  EXPECT_EQ(say("p x @ w @ t=0"), say("p out"));
  EXPECT_THAT(say("p w @ t=77 - w"), HasSubstr("there is no 't=77' on the tape"));
}

TEST_F(StepOnLine, RepairsAndFormulasCanBeTyped) {
  say("j t=4");
  EXPECT_EQ(say("p x.t() @ out.g"), say("p w.g"));
  EXPECT_EQ(say("p einsum(\"ni,nj->ij\", x, out.g)"), say("p w.g"));
  EXPECT_EQ(say("p einsum('ni,nj->ij', x, out.g)"), say("p w.g"));
  EXPECT_THAT(say("p einsum(\"ni,nj->ij, x)"), HasSubstr("^ "));
  // What the library advises is C++.
  EXPECT_EQ(say("p mse(out[{all, 0}], y[{all,0}])"), say("p loss"));
  EXPECT_EQ(say("p astype(y, DType::i64)"), say("p y.astype(i64)"));
}

/// A gradient of an earlier step is none of this one: it was zeroed, or will be added to.
TEST_F(StepOnLine, AGradientIsThatOfItsStep) {
  say("j step=1 t=2");
  EXPECT_EQ(say("p w.g"), "none\n");
  EXPECT_THAT(say("check w[0,0]"), HasSubstr("the tape has no w.g here yet"));
  EXPECT_THAT(say("why w.g[0,0]"), HasSubstr("it comes at t4"));
  say("j step=0 t=5");
  EXPECT_EQ(say("p w.g[:,0]"), "[  6.5000, -12.0000]\n");  // after the update, too
}

/// Data will never have one.
TEST_F(StepOnLine, ACheckOfDataSaysThatItNeedsNoGradient) {
  for (const char* time : {"j t=0", "j step=0 t=5"}) {
    say(time);
    const std::string text = say("check x[0,0]");
    EXPECT_THAT(text, HasSubstr("central difference in f64")) << time;
    EXPECT_THAT(text, HasSubstr("  x needs no gradient: the tape has no x.g\n")) << time;
  }
}

/// A product without a name is called by its factors.
TEST_F(StepOnLine, WhyNamesTheFactorsOfAnUpdate) {
  say("j step=0 t=5");
  EXPECT_THAT(say("why w[0,0]"), HasSubstr("*w.g[0,0] "));
}

TEST_F(StepOnLine, APlaceOfWhatWasPrintedLast) {
  say("j t=5 ; pp x ; p w");
  EXPECT_EQ(say("@[1,0]"), "w[1,0] = 1.2500\n");
  say("p w @ t=0");
  EXPECT_EQ(say("@[1,0]"), "w @ t=0[1,0] = -0.2500\n");
  say("p x, w");  // of several it would not be clear
  EXPECT_EQ(say("@[1,0]"), "w @ t=0[1,0] = -0.2500\n");
}

TEST_F(StepOnLine, WhatCannotBeWrittenIsToldBeforeTheMotion) {
  const std::string here = say("w");
  EXPECT_EQ(say("c > /nonexistent/x"),
            "cannot write /nonexistent/x: No such file or directory; the command was not run\n");
  EXPECT_EQ(say("w > /"), "cannot write /: Is a directory; the command was not run\n");
  EXPECT_EQ(say("w"), here);
}

/// A tape of statistics still knows shapes and norms.
TEST(Stepper, ShapesAndNormsNeedNoElements) {
  Rerun rerun(std::make_unique<Line>(), {.level = see::TapeLevel::stats});
  for (int i = 0; i < 4; ++i) rerun.advance();  // of the last two steps elements are there
  Stepper stepper(rerun.tape());
  stepper.ended();
  stepper.execute("j step=0 t=4");
  EXPECT_THAT(stepper.execute("p w.g"), HasSubstr("were not kept"));
  EXPECT_EQ(stepper.execute("p w.g.shape, w.g.ndim, w.g.numel, w.g.dtype"), "[2,1]  2  2  f32\n");
  EXPECT_EQ(stepper.execute("p |w.g|"), "13.6473\n");  // (6.5, -12)
  EXPECT_THAT(stepper.execute("p |w.g| + w.g"), HasSubstr("were not kept"));
}

TEST_F(StepOnLine, ErrorsPointAtTheCharacter) {
  say("j t=4");
  EXPECT_THAT(say("p w, wg"), StartsWith("p w, wg\n     ^ nothing is called 'wg'"));
  EXPECT_THAT(say("p w[0,0], x[0,7]+1"), StartsWith("p w[0,0], x[0,7]+1\n           ^ index 7"));
  // Also where the expression's text stands in the command's word, too.
  EXPECT_THAT(say("p p"), StartsWith("p p\n  ^ nothing is called 'p'"));
  EXPECT_THAT(say("display play"), StartsWith("display play\n        ^ nothing is called 'play'"));
  EXPECT_THAT(
      say("p (w - w) @ t=0 - 1"),
      StartsWith("p (w - w) @ t=0 - 1\n          ^ a time goes behind a name or the whole"));
  EXPECT_THAT(say("p x[0].reshape(2,1)"),
              HasSubstr("^ too many values for reshape; a list goes in brackets"));
  say("pp w");
  EXPECT_THAT(say("@[5,0]"), StartsWith("@[5,0]\n ^ index 5"));
  EXPECT_EQ(say("pp w[:0]"), "w[:0]  f32[0,1]  empty\n");
}

TEST_F(StepOnLine, OtherTimesAndTheStepBefore) {
  EXPECT_THAT(say("p loss[-1]"), HasSubstr("^ there is no step before this one"));
  EXPECT_EQ(say("end ; p loss[-1]").substr(say("end").size()), "3.6250\n");
  EXPECT_THAT(say("why w.g[1,0] @ step=0 t=4"), StartsWith("w.g[1,0] = -12 (step 0, t4)"));
  EXPECT_THAT(say("gears w.g[1,0] @ step=0 t=4"), HasSubstr("= -12 (step 0, t4)"));
  EXPECT_THAT(say("check w.g[1,0] @ step=0 t=4"), HasSubstr("w.g here -12"));
  EXPECT_THAT(say("why w.g[1,0] @ step=9"), HasSubstr("there is no 'step=9' on the tape"));
}

/// Each step has its t4; where there is one step alone, none is named.
TEST_F(StepOnLine, AnElementSaysTheStepOfItsTick) {
  say("j step=1 t=4");
  for (const std::string command : {"why w.g[1,0]", "gears w.g[1,0]", "why out[1,0] @ step=1 t=1"})
    EXPECT_THAT(say(command), HasSubstr("(step 1, t")) << command;
  EXPECT_THAT(say("why w[1,0] @ step=0 t=5"), HasSubstr(" (step 0, t5)"));
  Rerun once(std::make_unique<Line>(), {});
  once.advance();
  Stepper of_one(once.tape(), {}, &once);
  of_one.ended();
  of_one.execute("end");
  EXPECT_THAT(of_one.execute("why w.g[1,0]"), StartsWith("w.g[1,0] = -12 (t4) = "));
  EXPECT_THAT(of_one.execute("gears w.g[1,0]"), StartsWith("w.g[1,0] = -12 (t4), "));
}

TEST_F(StepOnLine, TabOffersCommandsTensorsAndModules) {
  EXPECT_THAT(stepper->completions("wa"), testing::ElementsAre("watch"));
  EXPECT_THAT(stepper->completions("li"), testing::ElementsAre("list", "lin"));
  say("end");
  EXPECT_THAT(stepper->completions("w."), testing::ElementsAre("w.g"));
  EXPECT_THAT(stepper->completions("lin"), testing::ElementsAre("lin", "lin.out"));
  // Behind a command there is none, and what has no name of its own is not offered.
  EXPECT_THAT(stepper->completions("l", false),
              testing::ElementsAre("loss", "loss.g", "lin", "lin.out"));
  EXPECT_THAT(stepper->completions("t", false), testing::IsEmpty());
  EXPECT_THAT(stepper->completions("nix"), testing::IsEmpty());
  Tape empty;
  EXPECT_THAT(Stepper(empty).completions("unt"), testing::ElementsAre("until"));
}

TEST_F(StepOnLine, ANameOfATensorPrintsIt) {
  say("j step=0 t=4");
  EXPECT_EQ(say("p x"), say("x"));
  EXPECT_EQ(say("p w.g[1,0], x.shape"), say("w.g[1,0], x.shape"));
  EXPECT_EQ(say("p out.mean() * 2"), say("out.mean() * 2"));
  EXPECT_THAT(say("x[5,0]"), HasSubstr("print x[5,0]\n       ^ index 5"));
  EXPECT_THAT(say("w"), HasSubstr("module path"));  // a command's word stays one
  EXPECT_THAT(say("nix"), HasSubstr("'nix' is no command, nor a tensor so far"));
  say("home");  // before out is there
  EXPECT_EQ(say("print out"), say("out"));
  EXPECT_THAT(say("out"), HasSubstr("nothing is called 'out' here"));
  EXPECT_THAT(say("0.weight.mean()"), HasSubstr("nothing is called '0.weight' here"));
  // What holds a digit or a dot is a name, however near a command's letter.
  for (const std::string name : {"w9", "x9", "l9", "b9", "q3", "n3", "h3", "w9.g", "src.g"})
    EXPECT_THAT(say(name), HasSubstr("nothing is called '" + name.substr(0, name.find('.'))));
  EXPECT_THAT(say("w9"), HasSubstr("^ nothing is called 'w9' here; did you mean 'w'?"));
  EXPECT_FALSE(stepper->has_quit());
  EXPECT_EQ(say("b").find("b9"), std::string::npos);
  EXPECT_THAT(say("b 0.weight.mean() > 1"), HasSubstr("so far is called '0.weight'"));
  EXPECT_EQ(say("print 3 + 4"), say("3 + 4"));  // no command begins with a digit
  Tape empty;
  EXPECT_THAT(Stepper(empty).execute("x"), HasSubstr("'x' is no command, nor a tensor so far"));
}

TEST_F(StepOnLine, CommandsRefuseWhatTheyDoNotRead) {
  for (const std::string line :
       {"w x", "w >o", "l 3", "ll 1", "src 3", "h 3", "q x", "home 3", "c 1", "health 1"})
    EXPECT_EQ(say(line), "'" + line.substr(line.find(' ') + 1) +
                             "' was not expected; this command stands alone\n");
  EXPECT_FALSE(stepper->has_quit());
  for (const char* line :
       {"p", "pp", "why", "unt", "j", "set", "diff", "whatif", "ignore", "first"})
    EXPECT_THAT(say(line), StartsWith("something is missing; "));
}

// A name that the tape reaches later says where.
TEST_F(StepOnLine, WhatComesLaterSaysWhen) {
  say("j step=0 t=3");
  for (const char* line : {"latex w.g", "einsum w.g", "e w", "latex w"})
    EXPECT_EQ(say(line), "there is no w.g here yet; it comes at t4 (w.g @ t=4)\n") << line;
  for (const char* line : {"e w.g", "why w.g[0,0]", "gears w.g[0,0]"})
    EXPECT_EQ(say(line), "nothing is called 'w.g' here yet; it comes at t4 (w.g @ t=4)\n") << line;
  EXPECT_EQ(say("einsum w.g @ t=4"), "w.g = einsum(\"ni,nj->ij\", x, out.g)\n");
  EXPECT_THAT(say("home ; p loss"),
              HasSubstr("  ^ nothing is called 'loss' here yet; it comes at t2 (loss @ t=2)"));
  EXPECT_THAT(say("latex v"), HasSubstr("no gradient 'v' here; did you mean 'w.g'?"));
  // Where the pass is not at its end, nobody knows yet.
  Tape begun = rerun.tape();
  begun.ticks.resize(4);
  begun.events.resize(static_cast<std::size_t>(begun.ticks.back().last));
  Stepper early(begun);
  EXPECT_THAT(early.execute("end ; latex w"),
              HasSubstr("w has no gradient so far: the backward pass has not gone through it"));
}

TEST_F(StepOnLine, AModulesOutputHasItsName) {
  say("end");
  EXPECT_EQ(say("p lin.out"), say("p out"));
  EXPECT_EQ(say("p lin.out.g"), say("p out.g"));
  EXPECT_THAT(say("p lni.out"), HasSubstr("nothing is called 'lni.out' here"));
  EXPECT_THAT(say("home ; p lin.out"), HasSubstr("it comes at t1 (lin.out @ t=1)"));
}

TEST_F(StepOnLine, WordsMayBeShortenedAndMistyped) {
  EXPECT_EQ(say("home ; conti"), say("home ; c"));
  EXPECT_EQ(say("home ; n ; whe"), say("home ; n ; w"));
  EXPECT_THAT(say("prnt w"), HasSubstr("did you mean 'print'?"));
  EXPECT_THAT(say("co"), HasSubstr("'co' may be continue, condition, commands"));
  EXPECT_THAT(say("w-"), HasSubstr("is no motion"));
  const std::string first = say("home ; n");
  EXPECT_EQ(say(""), first);  // Enter repeats: home and n again
  say("n");
  const TapeIndex tick = stepper->focus().tick;
  say("");
  EXPECT_EQ(stepper->focus().tick, tick + 1);
}

TEST_F(StepOnLine, LooksAtPicturesRangesAndElements) {
  EXPECT_THAT(say("j t=1 ; pt x -r [2,9]"),
              HasSubstr("2 of 4 elements lie in [2, 9]\n  [0,1] 2\n  [1,0] 3\n"));
  EXPECT_THAT(say("pt x -r [5,1]"), HasSubstr("the range '[5,1]' is empty; the lower end goes"));
  EXPECT_EQ(say("@[1,1]"), "x[1,1] = -4.\n");
  // Ten in order, and of more how many and the largest.
  EXPECT_THAT(say("pt matmul(x[:,:1],x[:1]).reshape([4]).unsqueeze(0)*full([3,1],1) -r [-99,99]"),
              HasSubstr("  and 2 more; the largest is [0,3] 6\n"));
  EXPECT_THAT(say("pp x"), HasSubstr("x  f32[2,2]  -4..3  L2 5.4772  mean 0.5  std 2.693"));
  EXPECT_THAT(say("pic x"), HasSubstr("full shade 4"));
  EXPECT_EQ(say("pic x[0]"), "|▒█|\n  f32[2], full shade 2\n");  // a vector is a row
  EXPECT_THAT(say("pic rand([25])"), HasSubstr("f32[25] as [5,5], full shade"));
  EXPECT_THAT(say("w"), HasSubstr("module path lin"));
}

/// Mean and spread are of the finite elements; where there are none, there is nothing to tell.
TEST(StepLook, SummariesOfWhatIsNotFinite) {
  see::Recorder recorder({.level = see::TapeLevel::full});
  const Tensor a = tensor({HUGE_VAL}).reshape({}).set_name("a");
  const Tensor b = tensor({HUGE_VAL, 1., 3.}).set_name("b");
  (void)(a * 2.);
  (void)(b * 2.);
  recorder.finish();
  Stepper stepper(recorder.tape());
  stepper.ended();
  stepper.execute("end");
  EXPECT_EQ(stepper.execute("pp a"), "a  f32[]  1 inf\n");
  EXPECT_THAT(stepper.execute("pp b"), HasSubstr("  1 inf  of the others mean 2  std 1\n"));
}

TEST(StepLook, HistogramsAndPlotsOfTheTape) {
  Rerun rerun(std::make_unique<Line>(), {});
  rerun.advance();
  Stepper stepper(rerun.tape(), {}, &rerun);
  EXPECT_EQ(stepper.execute("hist x"), stepper.execute("pp x"));
  rerun.advance();
  EXPECT_THAT(stepper.execute("plot"), StartsWith("plot loss"));
  EXPECT_THAT(stepper.execute("plot loss"), StartsWith("loss\n"));
  EXPECT_THAT(stepper.execute("plot lose"), HasSubstr("there is no plot 'lose'; plot loss"));
  // What another way of keeping would give is told.
  EXPECT_THAT(stepper.execute("plot dead"),
              AllOf(HasSubstr("dead units"), HasSubstr("--keep full")));
  EXPECT_THAT(stepper.execute("plot"), HasSubstr("\nmissing: dead units"));
  EXPECT_THAT(stepper.execute("v"), HasSubstr("gradus plot run.tape --out DIR"));
}

TEST(StepLive, SourceIsShownWithTheShapesThatItsLinesMade) {
  const std::string path =
      testing::TempDir() + "step_source_" + std::to_string(::getpid()) + ".cpp";
  std::ofstream(path) << "one\ntwo\nout = matmul(x, w);\nfour\n";
  Rerun rerun(std::make_unique<Line>(), {});
  rerun.advance();
  for (see::TapeEvent& event : rerun.tape().events) {
    event.file = path;
    event.line = event.op == "matmul" ? 3 : 9;
  }
  Stepper stepper(rerun.tape());
  EXPECT_THAT(stepper.execute("n ; src"),
              HasSubstr("1    one\n2    two\n3 -> out = matmul(x, w);   "
                        "# out [2,1]\n4    four\n"));
  // Where there is no room for the shapes they go below, and the code is cut.
  stepper.set_width(24);
  EXPECT_THAT(stepper.execute("src"), HasSubstr("3 -> out = matmul(x, w);\n        # out [2,1]\n"));
  stepper.set_width(80);
  // A line that runs in two ticks shows what this one made.
  for (see::TapeEvent& event : rerun.tape().events) event.line = 3;
  EXPECT_THAT(stepper.execute("src"), HasSubstr("3 -> out = matmul(x, w);   # out [2,1]\n"));
  std::filesystem::remove(path);
  EXPECT_THAT(stepper.execute("src"), HasSubstr("is not found from here\n  start in"));
}

}  // namespace
}  // namespace gradus
