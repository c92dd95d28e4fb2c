// The step debugger: its laws on random tapes and random commands, and its commands on a net whose
// numbers are worked out here.
#include <gradus/ops/ops.h>
#include <gradus/optim/optimizer.h>
#include <gradus/see/live.h>
#include <gradus/see/step.h>
#include <gradus/see/why.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>

using namespace gradus;
using see::Rerun;
using see::Stepper;
using see::Tape;
using see::TapeIndex;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

namespace {

template <class List>
auto& at(List& list, TapeIndex i) {
  return list.at(static_cast<std::size_t>(i));
}

/// A net of random depth with modules, as a program that can be taken up at any step.
class RandomProgram final : public see::StepProgram {
 public:
  explicit RandomProgram(unsigned seed, DType dtype = DType::f32) : seed_(seed), dtype_(dtype) {
    std::mt19937 choice(seed);
    const auto pick = [&](unsigned low, unsigned high) {
      return static_cast<std::int64_t>(low + choice() % (high - low + 1));
    };
    Generator draws(seed);
    std::int64_t width = pick(1, 5);
    const std::int64_t rows = pick(1, 6);
    x_ = astype(randn({rows, width}, DType::f32, &draws), dtype).set_name("x");
    y_ = astype(randn({rows, 1}, DType::f32, &draws), dtype).set_name("y");
    const std::int64_t layers = pick(1, 3);
    for (std::int64_t i = 0; i <= layers; ++i) {
      const std::int64_t out = i == layers ? 1 : pick(1, 5);
      w_.push_back(Tensor(astype(randn({width, out}, DType::f32, &draws), dtype)));
      w_.back().set_requires_grad().set_name("w" + std::to_string(i));
      kinds_.push_back(static_cast<unsigned>(choice() % 3));
      width = out;
    }
    dropout_ = choice() % 2 == 0;
    optim::SGDOptions options{.lr = 0.05, .momentum = choice() % 2 ? 0.9 : 0};
    sgd_ = std::make_unique<optim::SGD>(w_, options);
  }
  void run(TapeIndex step) override {
    sgd_->zero_grad();
    loss(step).backward();
    Scope scope("sgd");
    sgd_->step();
  }
  Tensor loss(TapeIndex) override {
    Tensor h = x_;
    for (std::size_t i = 0; i < w_.size(); ++i) {
      {
        Scope scope("net.lin" + std::to_string(i));
        h = matmul(h, w_[i]);
      }
      if (i + 1 == w_.size()) break;
      h = kinds_[i] == 0 ? relu(h) : kinds_[i] == 1 ? tanh(h) : h * 2.;
      if (dropout_ && dtype_ == DType::f32) h = dropout(h, 0.5, true);
    }
    h.set_name("out");
    return mse(h, y_);
  }
  std::vector<std::pair<std::string, Tensor>> state() override {
    std::vector<std::pair<std::string, Tensor>> all;
    for (const Tensor& w : w_) all.emplace_back(w.name(), w);
    for (auto& [name, x] : sgd_->state_dict()) all.emplace_back("sgd." + name, x);
    return all;
  }
  void restore(const see::Checkpoint& from) override {
    std::vector<std::pair<std::string, Tensor>> rest;
    for (const auto& [name, x] : from.tensors)
      if (name.starts_with("sgd."))
        rest.emplace_back(name.substr(4), x);
      else
        at(w_, std::stoi(name.substr(1))).copy_(x);
    sgd_->load_state_dict(rest);
  }
  double lr() const override { return sgd_->lr(); }
  void set_lr(double lr) override { sgd_->set_lr(lr); }
  std::unique_ptr<StepProgram> fresh(DType dtype) const override {
    return std::make_unique<RandomProgram>(seed_, dtype);
  }

 private:
  unsigned seed_;
  DType dtype_;
  Tensor x_, y_;
  Tensors w_;
  std::vector<unsigned> kinds_;
  bool dropout_ = false;
  std::unique_ptr<optim::SGD> sgd_;
};

/// Runs with all of its steps done.
struct Steps {
  explicit Steps(unsigned seed, int steps = 3, see::TapeLevel level = see::TapeLevel::full)
      : rerun(std::make_unique<RandomProgram>(seed), {.level = level}) {
    manual_seed(seed);
    for (int i = 0; i < steps; ++i) rerun.advance();
  }
  Rerun rerun;
};

/// Everything that a reader may see at the focus.
std::string screen(Stepper& stepper) { return stepper.show() + stepper.execute("w ; l ; ll"); }

/// A stepper over a tape that will not grow.
std::unique_ptr<Stepper> over(Steps& run, see::StepperOptions options = {}) {
  auto stepper = std::make_unique<Stepper>(run.rerun.tape(), options, &run.rerun);
  stepper->ended();
  return stepper;
}

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
          stepper->execute("j step=" + std::to_string(at(tape.ticks, start).step) +
                           " t=" + std::to_string(at(tape.ticks, start).number));
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

TEST(StepLaws, RunningStopsWhereALinearScanSays) {
  const char* stops[] = {"lin0",        "*.backward",    "op:matmul",    "|*.g|>0.5", "rank>1",
                         "loss<1.5",    "sgd",           "net.lin1",     "bytes>40",  "shape *,1",
                         "w0.g[0,0]>0", "loss<loss[-1]", "lin*.backward"};
  for (unsigned seed = 0; seed < 20; ++seed) {
    Steps run(seed);
    const Tape& tape = run.rerun.tape();
    std::mt19937 choice(seed);
    const std::string text = stops[choice() % std::size(stops)];
    const auto stepper = over(run);
    const see::Stop stop(text);
    const auto last = static_cast<TapeIndex>(tape.ticks.size()) - 1;
    std::vector<TapeIndex> scan;
    for (TapeIndex t = 0; t <= last; ++t)
      if (stop.met(stepper->elements(), t)) scan.push_back(t);
    stepper->execute("b " + text);
    const TapeIndex start = static_cast<TapeIndex>(choice() % tape.ticks.size());
    const std::string go = "j step=" + std::to_string(at(tape.ticks, start).step) +
                           " t=" + std::to_string(at(tape.ticks, start).number);
    stepper->execute(go + " ; c");
    const auto after = std::upper_bound(scan.begin(), scan.end(), start);
    EXPECT_EQ(stepper->focus().tick, after == scan.end() ? last : *after) << text;
    stepper->execute(go + " ; c-");
    const auto before = std::lower_bound(scan.begin(), scan.end(), start);
    EXPECT_EQ(stepper->focus().tick, before == scan.begin() ? 0 : *(before - 1)) << text;
  }
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
      ASSERT_TRUE(at(a.values, v).payload);
      EXPECT_EQ(see::statistics(again.of(v)).hash, see::statistics(at(a.values, v).payload).hash)
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

TEST(StepFuzz, NoTextBreaksTheParser) {
  Steps run(5);
  const auto stepper = over(run);
  std::mt19937 choice(17);
  const std::string letters = "nscujpwbl-@[]()*.,;:=|<>!+/ 0123456789etgw1xlossnan\"'\\\t%#{}^&~$";
  const char* words[] = {"b ",       "p ",          "watch ",    "why ",    "set ",    "whatif lr ",
                         "unt ",     "j ",          "first ",    "tbreak ", "check ",  "pt ",
                         "pic ",     "pp ",         "@",         "diff ",   "ignore ", "condition ",
                         "display ", "last write ", "commands ", "end",     "gears ",  "latex ",
                         "einsum ",  "hist ",       "plot ",     "view "};
  for (int i = 0; i < 3000; ++i) {
    std::string line = choice() % 3 ? words[choice() % std::size(words)] : "";
    for (auto n = choice() % 14; n > 0; --n) line += letters[choice() % letters.size()];
    if (line.find('q') != line.npos || line.find(" > ") != line.npos) continue;
    EXPECT_NO_THROW(stepper->execute(line)) << line;
    ASSERT_FALSE(stepper->has_quit()) << line;
  }
  for (int i = 0; i < 300; ++i) {
    std::string line;
    for (auto n = choice() % 40; n > 0; --n) line += static_cast<char>(choice() % 256);
    std::erase(line, '>');
    stepper->execute(line);
    if (stepper->has_quit()) return;
  }
}

/// The longest line in columns; LaTeX, which is to be copied, stays whole.
std::pair<std::ptrdiff_t, std::string> widest(const std::string& text) {
  std::pair<std::ptrdiff_t, std::string> most{0, ""};
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto columns = std::count_if(line.begin(), line.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    });
    if (line.find('\\') == line.npos && columns > most.first) most = {columns, line};
  }
  return most;
}

TEST(StepWidth, NoCommandAnswersInLinesWiderThanTheTerminal) {
  Steps run(5, 2);
  for (const int width : {40, 60, 80, 100, 160})
    for (const bool utf8 : {false, true}) {
      const auto stepper = over(run, {.style = {.width = width, .utf8 = utf8}});
      for (const char* line :
           {"h",
            "b",
            "n",
            "s",
            "u",
            "w",
            "l",
            "ll",
            "src",
            "home",
            "b lin0",
            "b nosuchmodule",
            "b somewhere.cpp:99",
            "condition 1 loss>1e9 ; b",
            "tbreak net.lin0.backward",
            "c",
            "c-",
            "watch w0[0,0]",
            "display w0",
            "display x*2",
            "n",
            "end",
            "undisplay 7",
            "first nan",
            "first |w0.g|>1e-9",
            "last write w0",
            "last write nosuch",
            "p x",
            "p w0, x, x.shape",
            "p nosuch",
            "p x[0]+",
            "pp x",
            "hist w0.g",
            "pic x",
            "pt x -r [-1,1]",
            "@[0,0]",
            "plot",
            "plot loss",
            "view",
            "why w0.g[0,0]",
            "why loss",
            "e w0.g[0,0]",
            "einsum",
            "einsum w0.g",
            "gears w0.g[0,0]",
            "check w0.g[0,0]",
            "health",
            "whatif lr 1e-5..3e-3",
            "whatif",
            "set w0[0]=0",
            "set w0=x",
            "branch lr=2e-4",
            "branch",
            "diff main set1",
            "note a longer remark about what was seen here, to be read again later on by somebody",
            "note",
            "j step=7 t=3",
            "unt nosuchmodule",
            "nonsense",
            "ignore",
            "condition",
            "disable 99",
            "enable",
            "delete",
            "commands 99"}) {
        const auto [columns, text] = widest(stepper->execute(line));
        EXPECT_LE(columns, width) << line << "\n" << text;
      }
    }
}

TEST(StepFuzz, EveryViewTakesAnyNumbersAndSizes) {
  const Tensor odd[] = {zeros({0, 3}),
                        Tensor::scalar(std::nan(""), DType::f32),
                        full({3, 4}, INFINITY),
                        full({1, 5}, -INFINITY),
                        tensor({1, 0, 2}) > 0,
                        tensor({3, -4}),
                        zeros({2, 0}),
                        zeros({1, 1, 1, 1}),
                        full({7}, 1e-300, DType::f64)};
  see::Recorder recorder({.level = see::TapeLevel::full});
  int n = 0;
  for (const Tensor& x : odd) {
    Tensor y = x.clone();
    y.set_name("t" + std::to_string(n++));
    (void)y.reshape({-1});
  }
  recorder.finish();
  for (int width = 20; width <= 200; width += 9)
    for (const bool utf8 : {false, true}) {
      Stepper stepper(recorder.tape(), {.style = {.width = width, .utf8 = utf8}});
      stepper.ended();
      std::string text;
      for (std::size_t i = 0; i < recorder.tape().ticks.size(); ++i)
        text += stepper.execute("n ; w ; l ; ll ; src");
      for (std::string_view rest = text; !rest.empty();) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        const auto columns = std::count_if(line.begin(), line.end(), [](char c) {
          return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
        });
        EXPECT_LE(columns, width) << line;
        if (!utf8) {
          EXPECT_EQ(static_cast<std::size_t>(columns), line.size()) << line;
        }
      }
      for (int i = 0; i < n; ++i) {
        const std::string t = "t" + std::to_string(i);
        stepper.execute("pp " + t + " ; pic " + t + " ; p " + t + " ; pt " + t +
                        " -r [0,1] ; why " + t + "[0] ; why " + t);
      }
    }
}

// -- commands on known numbers
// ---------------------------------------------------------------------

/// x [2,2] @ w [2,1], mean of squares: d loss / d w[i] = sum over n of 2/2 x[n,i] (out - y)[n].
class Line final : public see::StepProgram {
 public:
  explicit Line(DType dtype = DType::f32) {
    x = Tensor(astype(tensor({{1., 2.}, {3., -4.}}), dtype)).set_name("x");
    y = Tensor(astype(tensor({1., 0.}).reshape({2, 1}), dtype)).set_name("y");
    w = Tensor(astype(tensor({0.5, -0.25}).reshape({2, 1}), dtype))
            .set_requires_grad()
            .set_name("w");
  }
  void run(TapeIndex) override {
    w.zero_grad();
    loss(0).backward();
    no_grad([&] { w.sub_(rate * w.grad()); });
  }
  Tensor loss(TapeIndex) override {
    Tensor out;
    {
      Scope scope("lin");
      out = matmul(x, w);
    }
    out.set_name("out");
    return mse(out, y);
  }
  std::vector<std::pair<std::string, Tensor>> state() override { return {{"w", w}}; }
  void restore(const see::Checkpoint& from) override { w.copy_(from.tensors[0].second); }
  double lr() const override { return rate; }
  void set_lr(double lr) override { rate = lr; }
  std::unique_ptr<StepProgram> fresh(DType dtype) const override {
    return std::make_unique<Line>(dtype);
  }
  Tensor x, y, w;
  double rate = 0.125;
};

// out = (0, 2.5); out - y = (-1, 2.5); loss = (1 + 6.25) / 2 = 3.625;
// w.g = (1*-1 + 3*2.5, 2*-1 - 4*2.5) = (6.5, -12); after lr 0.125: w = (-0.3125, 1.25).
struct StepOnLine : testing::Test {
  StepOnLine() : rerun(std::make_unique<Line>(), {.level = see::TapeLevel::stats}) {
    rerun.advance();
    rerun.advance();
    stepper = std::make_unique<Stepper>(rerun.tape(), see::StepperOptions{}, &rerun);
    stepper->ended();
  }
  std::string say(const std::string& line) { return stepper->execute(line); }
  Rerun rerun;
  std::unique_ptr<Stepper> stepper;
};

TEST_F(StepOnLine, PrintsValuesAtAnyTime) {
  EXPECT_EQ(say("j t=2 ; p loss"), "> t2 step 0  F mse   step_test.cpp:" +
                                       std::to_string(at(rerun.tape().events, 1).line) +
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

TEST_F(StepOnLine, WhyTakesAnElementApart) {
  say("j t=4");
  const std::string text = say("why w.g[1,0]");
  EXPECT_THAT(
      text, StartsWith(
                "w.g[1,0] = -12 (t4) = sum over n of x[n,1]*out.g[n,0]; 2 of 2 terms are not 0\n"));
  EXPECT_THAT(text, HasSubstr("largest: n=1 -4*2.5 = -10   n=0 -2\n"));
  EXPECT_THAT(text, HasSubstr("n=0: dloss/dout -1 * x[0,1] 2 = -2\n"));
  EXPECT_THAT(say("why out[1,0]"), HasSubstr("out[1,0] = 2.5 (t1) = sum over n of x[1,n]*w[n,0]"));
  EXPECT_THAT(say("why x[0,0]"), HasSubstr("it came from outside"));
  EXPECT_THAT(say("why w.g[7,0]"), HasSubstr("index 7 is outside of axis 0 of w.g, which has 2"));
  EXPECT_THAT(say("why w.g[1]"), HasSubstr("w.g has shape [2,1], not 1 axes"));
}

TEST_F(StepOnLine, CheckAgreesWithDifferences) {
  EXPECT_THAT(say("j t=4 ; check w.g[0,0]"),
              HasSubstr("central difference in f64 6.5, step 0.0001\n  w.g here 6.5  rel "));
  EXPECT_THAT(say("check w.g[0,0]"), HasSubstr("ok"));
}

TEST_F(StepOnLine, WhatIfRunsTheStepWithOtherRates) {
  // Loss after w - lr g: at lr 0.125 w = (-0.3125, 1.25), out = (2.1875, -5.9375).
  const double other = (1.1875 * 1.1875 + 5.9375 * 5.9375) / 2;
  char text[40];
  std::snprintf(text, sizeof text, "%.6g", other);
  EXPECT_THAT(say("whatif lr 0.0625 0.125"), HasSubstr(text));
  EXPECT_THAT(say("whatif lr 0.0625 0.125"), HasSubstr("you are here"));
  EXPECT_THAT(say("whatif momentum 3"), HasSubstr("is not known"));
}

TEST_F(StepOnLine, HealthNamesTheMistakesSoFar) {
  // Step 1 starts at w = (-0.3125, 1.25): its loss is above three times that of step 0, 3.625.
  const double after = (1.1875 * 1.1875 + 5.9375 * 5.9375) / 2;
  char text[40];
  std::snprintf(text, sizeof text, "loss 3.625 -> %.6g", after);
  EXPECT_THAT(say("health"), HasSubstr(text));
  EXPECT_THAT(say("health"), HasSubstr("X1 warn"));
  EXPECT_THAT(say("health"), HasSubstr("From the same start lr "));
}

TEST_F(StepOnLine, SetMakesABranch) {
  // w[0] = 0: out = (-0.5, 1), loss = (2.25 + 1) / 2.
  EXPECT_EQ(say("set w[0]=0"),
            "branch set1: step 0 with w[0]=0; loss 3.625 -> 1.625; the main line is as it was\n");
  EXPECT_THAT(say("diff main set1"), HasSubstr("F mse               loss      L2 3.625  1.625\n"));
  EXPECT_THAT(say("branch"), HasSubstr("set1  step 0 with w[0]=0, loss 1.625"));
  EXPECT_THAT(say("set v[0]=0"),
              HasSubstr("'v' is no parameter of this program; did you mean 'w'?"));
}

TEST_F(StepOnLine, WatchStopsAtTheWriterInBothDirections) {
  EXPECT_THAT(say("watch w[1,0]"), StartsWith("watch 1: w[1,0] = -0.2500"));
  EXPECT_THAT(say("c"), AllOf(HasSubstr("> t5 step 0  U update"),
                              HasSubstr("watch 1: w[1,0]  -0.25 -> 1.25")));
  EXPECT_THAT(say("c"), HasSubstr("> t5 step 1  U update"));
  EXPECT_THAT(say("c-"), HasSubstr("< t5 step 0  U update"));
  EXPECT_THAT(say("c-"), HasSubstr("the tape begins here"));
  EXPECT_THAT(say("end ; last write w"),
              HasSubstr("w was written at step 1 t5  U update by sub in place"));
}

TEST_F(StepOnLine, BreakpointsCanBeIgnoredConditionedAndDisabled) {
  say("b lin.backward ; ignore 1 1");
  EXPECT_THAT(say("c"), HasSubstr("t4 step 1  B lin.backward"));
  say("home ; condition 1 loss>1e9");
  EXPECT_THAT(say("c"), HasSubstr("the tape ends here"));
  say("home ; condition 1 ; disable 1");
  EXPECT_THAT(say("c"), HasSubstr("the tape ends here"));
  say("home ; enable 1 ; commands 1 ; p w.shape ; end");
  EXPECT_THAT(say("c"), AllOf(HasSubstr("t4 step 0"), HasSubstr("\n[2,1]\n")));
  say("home ; delete 1 ; tbreak lin");
  EXPECT_THAT(say("c"), HasSubstr("t1 step 0  F lin"));
  EXPECT_THAT(say("c"), HasSubstr("the tape ends here"));
  EXPECT_THAT(say("ignore 9 1"), HasSubstr("there is no breakpoint 9"));
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
  EXPECT_THAT(say("b op:matmull"), HasSubstr("did you mean 'matmul'?"));
  EXPECT_THAT(say("b step_test.cpp:99999"),
              HasSubstr("no call on the tape so far is at step_test.cpp:99999"));
  EXPECT_THAT(say("b other.cpp:1"),
              HasSubstr("nothing on the tape so far is called 'other.cpp:1'"));
  EXPECT_THAT(say("first loss"), HasSubstr("'loss' is a tensor, not a module"));
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
  EXPECT_THAT(say("condition 1 loss>1"), HasSubstr("1 is a watch"));
  EXPECT_THAT(say("enable"), HasSubstr("something is missing; enable 1"));
  EXPECT_THAT(say("whatif"), HasSubstr("something is missing; whatif lr"));
}

TEST_F(StepOnLine, WhatCannotBeShownIsNotDisplayed) {
  EXPECT_THAT(say("display nix"), HasSubstr("nothing is called 'nix' here"));
  EXPECT_THAT(say("n"), Not(HasSubstr("nix")));
  EXPECT_THAT(say("display |w|"), HasSubstr("1: |w| = 0.5590\n"));
  EXPECT_THAT(say("n"), HasSubstr("    1: |w| = 0.5590\n"));
}

TEST_F(StepOnLine, OtherTimesAndTheStepBefore) {
  EXPECT_THAT(say("p loss[-1]"), HasSubstr("^ there is no step before this one"));
  EXPECT_EQ(say("end ; p loss[-1]").substr(say("end").size()), "3.6250\n");
  EXPECT_THAT(say("why w.g[1,0] @ step=0 t=4"), StartsWith("w.g[1,0] = -12 (t4)"));
  EXPECT_THAT(say("gears w.g[1,0] @ step=0 t=4"), HasSubstr("= -12 (t4)"));
  EXPECT_THAT(say("check w.g[1,0] @ step=0 t=4"), HasSubstr("w.g here -12"));
  EXPECT_THAT(say("why w.g[1,0] @ step=9"), HasSubstr("there is no 'step=9' on the tape"));
}

TEST_F(StepOnLine, TabOffersCommandsTensorsAndModules) {
  EXPECT_THAT(stepper->completions("wa"), testing::ElementsAre("watch"));
  EXPECT_THAT(stepper->completions("li"), testing::ElementsAre("list", "lin"));
  say("end");
  EXPECT_THAT(stepper->completions("w."), testing::ElementsAre("w.g"));
  EXPECT_THAT(stepper->completions("nix"), testing::IsEmpty());
  Tape empty;
  EXPECT_THAT(Stepper(empty).completions("unt"), testing::ElementsAre("until"));
}

TEST_F(StepOnLine, JsonGivesValuesAsTheyAre) {
  Stepper json(rerun.tape(), {.style = {.width = 20}, .json = true}, &rerun);
  json.ended();
  const auto ask = [&](const std::string& line) {
    const std::string text = json.execute(line);
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
    return nlohmann::json::parse(text);
  };
  ask("j t=4");
  const auto printed = ask("p w.g, w[0,0]/3, w.dtype, x/0");
  EXPECT_EQ(printed["values"][0]["elements"], nlohmann::json::parse("[6.5,-12.0]"));
  EXPECT_EQ(printed["values"][0]["shape"], nlohmann::json::parse("[2,1]"));
  EXPECT_EQ(printed["values"][1]["expression"], "w[0,0]/3");
  EXPECT_EQ(printed["values"][1]["elements"][0].get<float>(), 0.5F / 3.F);
  EXPECT_EQ(printed["values"][2]["word"], "f32");
  EXPECT_EQ(printed["values"][3]["elements"][3], "-inf");
  const auto checked = ask("check w.g[0,0]")["check"];
  EXPECT_NEAR(checked["numeric"].get<double>(), 6.5, 1e-6);
  EXPECT_EQ(checked["ours"], 6.5);
  EXPECT_EQ(checked["ok"], true);
  EXPECT_EQ(ask("why w.g[1,0]")["value"]["elements"][0], -12.0);
  EXPECT_EQ(ask("gears w.g[1,0]")["gears"]["product"], -2.0);
  const auto rates = ask("whatif lr 0.0625 0.125")["rates"];
  EXPECT_EQ(rates[0]["lr"], 0.0625);
  EXPECT_NEAR(rates[0]["loss"].get<double>(), (0.09375 * 0.09375 + 1.71875 * 1.71875) / 2, 1e-5);
  EXPECT_NEAR(rates[1]["loss"].get<double>(), (1.1875 * 1.1875 + 5.9375 * 5.9375) / 2, 1e-5);
  EXPECT_EQ(ask("health")["found"][0]["code"], "X1");
  EXPECT_EQ(ask("first |w.g|>13")["found"]["t"], 4);
  EXPECT_EQ(ask("display w[0,0]")["value"]["elements"][0], 0.5);
  EXPECT_EQ(ask("n")["displays"][0]["expression"], "w[0,0]");
  EXPECT_TRUE(ask("p nix").contains("error"));
  EXPECT_THAT(ask("ll")["output"].get<std::string>(), HasSubstr("w.g [2,1]"));  // nothing is cut
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

TEST_F(StepOnLine, FirstSearchesWithoutMoving) {
  say("home");
  EXPECT_THAT(say("first |w.g|>13"), HasSubstr("first: step 0 t4  B lin.backward"));
  EXPECT_THAT(say("first nan"), HasSubstr("nowhere on the tape so far: nan"));
  EXPECT_EQ(stepper->focus().tick, 0);
  EXPECT_THAT(say("first ((("), HasSubstr("neither a name nor a condition"));
}

TEST_F(StepOnLine, LooksAtPicturesRangesAndElements) {
  EXPECT_THAT(say("j t=1 ; pt x -r [2,9]"),
              HasSubstr("2 of 4 elements lie in [2, 9]\n  [0,1] 2\n  [1,0] 3\n"));
  EXPECT_EQ(say("@[1,1]"), "x[1,1] = -4.\n");
  EXPECT_THAT(say("pp x"), HasSubstr("x  f32[2,2]  -4..3  L2 5.4772  mean 0.5  std 2.693"));
  EXPECT_THAT(say("pic x"), HasSubstr("full shade 4"));
  EXPECT_THAT(say("w"), HasSubstr("module path lin"));
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

TEST(StepLive, ALineInTheProgramBeginsASession) {
  std::istringstream in("w\nn\nunt lin.backward\np w.g.shape\nq\n");
  std::ostringstream out;
  auto *input = std::cin.rdbuf(in.rdbuf()), *output = std::cout.rdbuf(out.rdbuf());
  Line line;
  const Tensor loss = line.loss(0);
  see::step(loss);
  loss.backward();
  (void)exp(line.x);  // the last tick is complete when the next begins
  (void)exp(line.x);
  std::cin.rdbuf(input);
  std::cout.rdbuf(output);
  EXPECT_THAT(out.str(), StartsWith("> t1  B div.backward"));
  EXPECT_THAT(out.str(), HasSubstr("> t2  B sum.backward"));
  EXPECT_THAT(out.str(), HasSubstr("  B lin.backward   step_test.cpp:"));
  EXPECT_THAT(out.str(), HasSubstr("\n[2,1]\n"));
  EXPECT_EQ(line.w.grad().to_vector<float>(), (std::vector<float>{6.5F, -12.F}));
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
  std::filesystem::remove(path);
  EXPECT_THAT(stepper.execute("src"), HasSubstr("is not found from here\n  start in"));
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
  EXPECT_THAT(stepper.execute("gears w[1,0] n=1"),
              HasSubstr("  (x[1,1])      lin  -4           -10"));
  EXPECT_THAT(stepper.execute("gears w.g[1,0] n=2"),
              HasSubstr("n=2 is outside of the sum, which has 2"));
  EXPECT_THAT(stepper.execute("gears w.g[1,0] n=x"), HasSubstr("'x' is no term"));
  EXPECT_THAT(stepper.execute("gears w.g[7,0]"), HasSubstr("index 7 is outside of axis 0"));
}

TEST(StepWhy, FormulasOfOneGradientOrOfAllThatATickMakes) {
  Rerun rerun(std::make_unique<Line>(), {});
  rerun.advance();
  Stepper stepper(rerun.tape(), {}, &rerun);
  EXPECT_THAT(stepper.execute("latex"), HasSubstr("t0 makes no gradient; name one"));
  stepper.execute("unt lin.backward");
  EXPECT_EQ(stepper.execute("einsum"), "w.g = einsum(\"ki,kj->ij\", x, out.g)\n");
  EXPECT_EQ(stepper.execute("latex"), stepper.execute("latex w.g"));
  EXPECT_EQ(stepper.execute("latex w.g"),
            "x^{\\top} \\frac{\\partial L}{\\partial \\mathrm{out}}\n");
  EXPECT_THAT(stepper.execute("einsum v.g"),
              HasSubstr("no gradient 'v.g' here; did you mean 'w.g'?"));
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
  EXPECT_THAT(stepper.execute("v"), HasSubstr("gradus plot run.tape --out DIR"));
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

TEST(StepOutput, GoesToAFileWhereOneIsNamed) {
  const std::string file = testing::TempDir() + "step_output_" + std::to_string(::getpid());
  Rerun rerun(std::make_unique<Line>(), {});
  rerun.advance();
  Stepper stepper(rerun.tape(), {}, &rerun);
  EXPECT_EQ(stepper.execute("p x[0,0] > " + file), "added to " + file + "\n");
  EXPECT_EQ(stepper.execute("p x[0,1] > " + file), "added to " + file + "\n");
  std::ifstream in(file);
  std::string first, second;
  std::getline(in, first) && std::getline(in, second);
  EXPECT_EQ(first + " " + second, "1. 2.");
  EXPECT_THAT(stepper.execute("p x > /no/such/folder/x.txt"),
              HasSubstr("cannot write /no/such/folder/x.txt: No such file"));
  // What names a tensor, or is a number, is compared with.
  EXPECT_EQ(stepper.execute("p x[0,0] > 0.5"), "True\n");
  stepper.execute("end");
  EXPECT_THAT(stepper.execute("p w > w.g"), HasSubstr("False"));
  std::filesystem::remove(file);
}

TEST(StepLive, StopsAtShapesNaNAndDeadUnits) {
  see::Recorder recorder({.level = see::TapeLevel::full});
  const Tensor x = tensor({{1., 0.}, {2., -1.}});
  (void)log(x);
  {
    Scope scope("relu1");
    (void)relu(tensor({{1., -1.}, {2., -3.}}));
  }
  recorder.finish();
  Stepper stepper(recorder.tape(), {.style = {.width = 200}});
  stepper.ended();
  EXPECT_THAT(stepper.execute("first nan"), HasSubstr("log_0: 1 NaN, first bad number at 1"));
  EXPECT_THAT(stepper.execute("first inf"), HasSubstr("log_0: 1 infinite, first bad number at 1"));
  EXPECT_THAT(stepper.execute("first shape 2,*"), HasSubstr("first: step 0 t1"));
  EXPECT_THAT(stepper.execute("first shape *,3"), HasSubstr("nowhere"));
  EXPECT_THAT(stepper.execute("first dead(relu1)>0.1"), HasSubstr("dead(relu1) = 0.5"));
  EXPECT_THAT(stepper.execute("first dead(relu1)>0.6"), HasSubstr("nowhere"));
  EXPECT_THAT(stepper.execute("whatif lr 1"), HasSubstr("cannot be run again"));
}

}  // namespace
