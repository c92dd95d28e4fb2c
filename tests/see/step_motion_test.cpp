// The step debugger moves: its laws on random tapes and random motions, and the moves that have a
// place of their own.
#include "tests/see/step_support.h"

namespace gradus {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(StepLaws, AMotionAndItsReverseRestoreTheIdenticalScreen) {
  for (unsigned seed = 0; seed < 25; ++seed) {
    Steps run(seed);
    const auto stepper = over(run);
    std::mt19937 choice(seed);
    for (int i = 0; i < 40; ++i) {
      const char* walks[] = {"n", "s", "s", "n-", "s-", "u"};
      stepper->execute(walks[choice() % 6]);
      const std::string before = screen(*stepper);
      const see::Focus focus = stepper->focus();
      const std::string motion = choice() % 2 ? "n" : "s";
      const bool back = choice() % 2;
      stepper->execute(motion + (back ? "-" : ""));
      if (stepper->focus() == focus) continue;  // at an end of the tape there is no motion
      stepper->execute(motion + (back ? "" : "-"));
      EXPECT_EQ(screen(*stepper), before) << "seed " << seed << " motion " << motion;
    }
  }
}

// c, unt and u stop at places of their own, and many ticks lead to one: there the law is that from
// where the motion stopped, its reverse and it again come back to the identical screen.
TEST(StepLaws, AMotionItsReverseAndItAgainEndAtTheIdenticalScreen) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    Steps run(seed);
    const Tape& tape = run.rerun.tape();
    const auto stepper = over(run);
    stepper->execute("b lin0* ; b *.backward");
    for (const std::string motion : {"u", "c", "unt lin0", "unt *.backward"}) {
      const std::size_t space = std::min(motion.find(' '), motion.size());
      const std::string reverse = motion.substr(0, space) + "-" + motion.substr(space);
      for (const bool back_first : {false, true})
        for (TapeIndex start = 0; start < static_cast<TapeIndex>(tape.ticks.size()); ++start) {
          const std::string &there = back_first ? reverse : motion,
                            &back = back_first ? motion : reverse;
          stepper->execute("j step=" + std::to_string(nth(tape.ticks, start).step) +
                           " t=" + std::to_string(nth(tape.ticks, start).number));
          const std::string arrived = stepper->execute(there);
          if (arrived.find("the tape") != arrived.npos) continue;  // an end is no stop
          const std::string before = screen(*stepper);
          const std::string returned = stepper->execute(back);
          if (returned.find("the tape") != returned.npos) continue;
          stepper->execute(there);
          // u- has several beginnings to go to: it is u that must come back.
          if (motion == "u" && back_first) continue;
          EXPECT_EQ(screen(*stepper), before)
              << "seed " << seed << " " << there << " from " << start;
        }
    }
  }
}

/// What a ring of any size let go is there again, with the same bits: views whose whole was let go
/// have the statistics of the elements, in whatever order.
TEST(StepLaws, AReplayHoldsWhateverTheBudget) {
  int filled = 0;
  for (unsigned seed = 0; seed < 12; ++seed)
    for (const std::int64_t budget : {1, 60, 120, 250, 500, 1000}) {
      manual_seed(seed);
      Rerun rerun(std::make_unique<RandomProgram>(seed),
                  {.level = see::TapeLevel::full, .budget = budget});
      for (int i = 0; i < 3; ++i) rerun.advance();
      const Tape& tape = rerun.tape();
      for (TapeIndex step = 0; step < 3; ++step) {
        const auto kept = [&] {
          return std::count_if(tape.values.begin(), tape.values.end(),
                               [&](const auto& v) { return v.step == step && v.payload; });
        };
        const auto before = kept();
        ASSERT_NO_THROW(rerun.replay(step)) << "seed " << seed << ", " << budget << " bytes";
        filled += kept() > before;
      }
    }
  EXPECT_GT(filled, 100);
}

TEST(StepLaws, KMovesEqualOneOfK) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    Steps run(seed);
    const auto one = over(run), many = over(run);
    std::mt19937 choice(seed);
    for (int i = 0; i < 40; ++i) {
      const char* motions[] = {"n", "s", "u", "s", "n-", "s-", "u-"};
      const std::string motion = motions[choice() % 7];
      const unsigned k = 1 + choice() % 4;
      many->execute(motion + " " + std::to_string(k));
      for (unsigned j = 0; j < k; ++j) one->execute(motion);
      ASSERT_EQ(screen(*many), screen(*one)) << "seed " << seed << " " << motion << " " << k;
    }
  }
}

/// Ticks of a tape with these module paths, one call each, forwards; no numbers.
Tape modules(const std::vector<std::string>& scopes) {
  Tape tape;
  tape.ticks.push_back({.label = "in"});
  for (const std::string& scope : scopes) {
    see::TapeTick tick;
    tick.number = static_cast<TapeIndex>(tape.ticks.size());
    tick.label = scope.substr(scope.rfind('.') + 1);
    tick.first = static_cast<TapeIndex>(tape.events.size());
    tick.last = tick.first + 1;
    see::TapeEvent event;
    event.tick = tick.number;
    event.op = "relu";
    event.scope = scope;
    tape.events.push_back(event);
    tape.ticks.push_back(tick);
  }
  tape.losses.push_back(see::none);
  return tape;
}

TEST(StepMove, OutOfAModuleAndBackToItsBeginning) {
  Tape tape = modules({"net.a.x", "net.a.y", "net.a1.z", "net.b.inner.x", "net.b.y", "loss"});
  Stepper stepper(tape);
  stepper.ended();
  const auto tick_after = [&](const std::string& line) {
    stepper.execute(line);
    return stepper.focus().tick;
  };
  EXPECT_EQ(tick_after("home ; u"), 1);
  EXPECT_EQ(tick_after("u"), 3);  // net.a1 is not inside of net.a
  EXPECT_EQ(tick_after("u-"), 1);
  EXPECT_EQ(tick_after("j t=2 ; u"), 3);
  EXPECT_EQ(tick_after("u"), 4);
  EXPECT_EQ(tick_after("u"), 5);  // out of net.b.inner
  EXPECT_EQ(tick_after("u-"), 4);
  EXPECT_EQ(tick_after("j t=5 ; u"), 6);
  EXPECT_EQ(tick_after("u-"), 5);
  EXPECT_EQ(tick_after("home ; u-"), 0);
}

TEST(StepLaws, ManyMotionsEqualOneJump) {
  for (unsigned seed = 0; seed < 15; ++seed) {
    Steps run(seed);
    const auto moved = over(run), jumped = over(run);
    const Tape& tape = run.rerun.tape();
    for (std::size_t k = 1; k < tape.ticks.size(); ++k) {
      moved->execute("n");
      jumped->execute("j step=" + std::to_string(tape.ticks[k].step) +
                      " t=" + std::to_string(tape.ticks[k].number));
      ASSERT_EQ(moved->focus(), jumped->focus());
      ASSERT_EQ(screen(*moved), screen(*jumped));
    }
    jumped->execute("home ; n " + std::to_string(tape.ticks.size() - 1));
    EXPECT_EQ(jumped->focus(), moved->focus());
  }
}

TEST(StepMove, ReversesHaveWordsOfTheirOwn) {
  for (unsigned seed = 0; seed < 5; ++seed) {
    Steps run(seed);
    const auto minus = over(run), word = over(run);
    for (const std::string motion : {"n", "s", "u", "c"})
      for (const std::string from : {"end", "end ; n-", "j step=1 t=2"}) {
        const std::string begin = "b *.backward ; " + from + " ; ";
        EXPECT_EQ(minus->execute(begin + motion + "-"), word->execute(begin + "r" + motion));
        EXPECT_EQ(minus->focus(), word->focus()) << motion << " " << from;
      }
    EXPECT_EQ(minus->execute("end ; n- 2"), word->execute("end ; rn 2"));
    EXPECT_EQ(minus->execute("end ; -"), word->execute("end ; n-"));
  }
}

TEST(StepMove, AJumpToAStepThatHasNotRunRunsUpToIt) {
  Rerun rerun(std::make_unique<Line>(), {});
  rerun.advance();
  Stepper stepper(rerun.tape(), {}, &rerun);
  EXPECT_EQ(stepper.execute("j step=2 t=1 ; p 1+1"), "");
  for (int advanced = 0; stepper.wants_more() && advanced < 2; ++advanced) {
    rerun.advance();
    const std::string text = stepper.grown();
    EXPECT_EQ(text.empty(), advanced == 0);
    if (advanced == 1) {
      EXPECT_THAT(text, testing::AllOf(StartsWith("> t1 step 2"), HasSubstr("2\n")));
    }
  }
  EXPECT_FALSE(stepper.wants_more());
  EXPECT_EQ(stepper.execute("j step=3 t=77"), "");
  rerun.advance();
  EXPECT_THAT(stepper.grown(), HasSubstr("there is no 'step=3 t=77' on the tape"));
  EXPECT_EQ(stepper.execute("j step=9"), "");
  EXPECT_THAT(stepper.ended(), HasSubstr("the tape ends here"));
  EXPECT_THAT(stepper.execute("j step=9"), HasSubstr("there is no 'step=9' on the tape"));
}

TEST(StepLive, AMotionWaitsForTheProgramAndQueuedCommandsForTheMotion) {
  Rerun rerun(std::make_unique<Line>(), {});
  Stepper stepper(rerun.tape(), {}, &rerun);
  EXPECT_EQ(stepper.execute("b loss<loss[-1] ; unt t=2 ; p loss"), "breakpoint 1: loss<loss[-1]\n");
  EXPECT_TRUE(stepper.wants_more());
  rerun.advance();
  EXPECT_THAT(stepper.grown(), AllOf(HasSubstr("> t2  F mse"), HasSubstr("3.6250")));
  EXPECT_FALSE(stepper.wants_more());
  EXPECT_EQ(stepper.execute("c ; p loss"), "");
  rerun.advance();  // the loss rises: no stop
  EXPECT_EQ(stepper.grown(), "");
  stepper.interrupt();
  rerun.advance();
  EXPECT_THAT(stepper.grown(), HasSubstr("interrupted"));
  stepper.execute("c");
  EXPECT_THAT(stepper.ended(), HasSubstr("the tape ends here"));
}

TEST(StepLive, AnyMotionCanBeInterruptedAndTheNextBeginsAnew) {
  for (const char* motion : {"n 500000", "unt nosuch", "j step=90000 t=0", "c", "u"}) {
    Rerun rerun(std::make_unique<Line>(), {});
    rerun.advance();
    Stepper stepper(rerun.tape(), {}, &rerun);
    stepper.execute("end");
    stepper.execute(std::string(motion) + " ; p 1234567");
    if (std::string(motion) == "u") stepper.execute("unt nosuch ; p 1234567");
    ASSERT_TRUE(stepper.wants_more()) << motion;
    stepper.interrupt();
    rerun.advance();
    EXPECT_THAT(stepper.grown(), AllOf(HasSubstr("interrupted"), Not(HasSubstr("1234567"))))
        << motion;
    EXPECT_FALSE(stepper.wants_more());
    EXPECT_THAT(stepper.execute("p 7"), HasSubstr("7"));
  }
  // Ctrl-C at the prompt is not kept for the next motion.
  Rerun rerun(std::make_unique<Line>(), {});
  rerun.advance();
  Stepper stepper(rerun.tape(), {}, &rerun);
  stepper.ended();
  stepper.interrupt();
  EXPECT_THAT(stepper.execute("c"), HasSubstr("the tape ends here"));
}

}  // namespace
}  // namespace gradus
