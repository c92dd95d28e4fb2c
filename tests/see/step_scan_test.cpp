// Running on stops where a walk along the tape says. What meets a stop is told here once more, from
// the tape's events and elements by plain loops; Stop::met is not asked.
#include <fnmatch.h>
#include <gradus/see/elements.h>

#include <cmath>
#include <functional>
#include <map>

#include "tests/see/step_support.h"

namespace gradus {
namespace {

using namespace test;
using see::TapeEvent;
using see::TapeTick;
using see::TapeValue;
using Numbers = std::vector<double>;

bool is_like(const std::string& pattern, const std::string& text) {
  return ::fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

/// One tick of a tape, with what a reader sees of it.
struct Seen {
  const Tape& tape;
  const TapeTick& tick;

  std::vector<TapeEvent> events() const {
    return {tape.events.begin() + tick.first, tape.events.begin() + tick.last};
  }
  /// What the tick's calls made, in their order; of t0, where nothing runs yet, what comes in.
  std::vector<TapeIndex> made() const {
    if (tick.number == 0) return coming_in();
    std::vector<TapeIndex> all;
    for (TapeIndex e = tick.first; e < tick.last; ++e)
      for (const TapeIndex v : nth(tape.events, e).outputs)
        if (nth(tape.values, v).made_by == e) all.push_back(v);
    return all;
  }
  /// What the step's calls read and no call made, first seen in this step; numbers of the
  /// program's text, as the rate, do not count.
  std::vector<TapeIndex> coming_in() const {
    std::vector<TapeIndex> all;
    for (const TapeTick& other : tape.ticks)
      for (TapeIndex e = other.first; other.step == tick.step && e < other.last; ++e)
        for (const TapeIndex v : nth(tape.events, e).inputs) {
          const TapeValue& value = nth(tape.values, v);
          const bool is_number = value.name.empty() && value.spec.shape.rank() == 0;
          if (value.made_by == see::none && value.step == tick.step && !is_number &&
              std::find(all.begin(), all.end(), v) == all.end())
            all.push_back(v);
        }
    return all;
  }
  bool any(const std::function<bool(const TapeValue&)>& asks) const {
    const std::vector<TapeIndex> all = made();
    return std::any_of(all.begin(), all.end(),
                       [&](TapeIndex v) { return asks(nth(tape.values, v)); });
  }
  bool any_number(const std::function<bool(double)>& asks) const {
    return any([&](const TapeValue& value) {
      const Numbers numbers = numbers_of(value);
      return std::any_of(numbers.begin(), numbers.end(), asks);
    });
  }
  static Numbers numbers_of(const TapeValue& value) {
    if (!value.payload) throw std::logic_error("the tape keeps all elements");
    const Unobserved quiet;
    return value.payload.to_vector<double>();
  }
  /// The last tensor of that name that the tick made; empty where it made none.
  Numbers named(const std::string& name) const {
    Numbers found;
    for (const TapeIndex v : made())
      if (tape.name_of(v) == name) found = numbers_of(nth(tape.values, v));
    return found;
  }
  /// The loss, where it is this tick that made it.
  std::optional<double> loss() const {
    const TapeIndex v = tape.loss_of(tick.step);
    const std::vector<TapeIndex> all = made();
    if (v == see::none || std::find(all.begin(), all.end(), v) == all.end()) return {};
    return numbers_of(nth(tape.values, v)).at(0);
  }
  bool is_module(const std::string& pattern) const {
    if (tick.first == tick.last) return false;
    const std::string end = tick.phase == Phase::backward ? ".backward" : "",
                      scope = events()[0].scope;
    return is_like(pattern, tick.label + end) || (!scope.empty() && is_like(pattern, scope + end));
  }
  bool has_op(const std::string& op) const {
    const auto all = events();
    return std::any_of(all.begin(), all.end(), [&](const TapeEvent& e) { return e.op == op; });
  }
  bool is_at(int line) const {
    const auto all = events();
    return std::any_of(all.begin(), all.end(), [&](const TapeEvent& e) {
      return e.parent == see::none && e.line == line && e.file.ends_with("step_support.h");
    });
  }
  /// Units, of the last axis, that are 0 in every row; of what leaves a relu forward.
  double dead() const {
    if (tick.phase != Phase::forward || tick.label != "relu") return -1;
    const TapeValue& out = nth(tape.values, made().back());
    const Numbers numbers = numbers_of(out);
    const auto units = static_cast<std::size_t>(out.spec.shape[out.spec.shape.rank() - 1]);
    double dead = 0;
    for (std::size_t u = 0; u < units; ++u) {
      bool is_dead = true;
      for (std::size_t i = u; i < numbers.size(); i += units) is_dead &= numbers[i] == 0;
      dead += is_dead;
    }
    return dead / static_cast<double>(units);
  }
};

double length(const Numbers& numbers) {
  double squares = 0;
  for (const double x : numbers) squares += x * x;
  return std::sqrt(squares);
}

/// The line of step_support.h where the nets multiply.
int line_of_product(const Tape& tape) {
  for (const TapeEvent& event : tape.events)
    if (event.op == "matmul" && event.phase == Phase::forward) return event.line;
  throw std::logic_error("no product");
}

using Oracle = std::function<bool(const Seen&)>;

std::vector<std::pair<std::string, Oracle>> stops_of(const Tape& tape) {
  const auto module = [](const std::string& pattern) {
    return std::pair<std::string, Oracle>(
        pattern, [pattern](const Seen& seen) { return seen.is_module(pattern); });
  };
  const int line = line_of_product(tape);
  std::map<TapeIndex, double> losses;
  for (const TapeTick& tick : tape.ticks)
    if (const auto loss = Seen{tape, tick}.loss()) losses[tick.step] = *loss;
  return {
      module("lin0"),
      module("*.backward"),
      module("sgd"),
      module("net.lin1"),
      module("lin*.backward"),
      module("relu"),
      {"op:matmul", [](const Seen& seen) { return seen.has_op("matmul"); }},
      {"op:tanh", [](const Seen& seen) { return seen.has_op("tanh"); }},
      {"step_support.h:" + std::to_string(line), [line](const Seen& s) { return s.is_at(line); }},
      {"|*.g|>0.5",
       [](const Seen& seen) {
         for (const TapeIndex v : seen.made())
           if (is_like("*.g", seen.tape.name_of(v)) &&
               length(Seen::numbers_of(nth(seen.tape.values, v))) > 0.5)
             return true;
         return false;
       }},
      {"|w0.g|<=0.5",
       [](const Seen& seen) {
         for (const TapeIndex v : seen.made())
           if (seen.tape.name_of(v) == "w0.g" &&
               length(Seen::numbers_of(nth(seen.tape.values, v))) <= 0.5)
             return true;
         return false;
       }},
      {"rank>1",
       [](const Seen& s) {
         return s.any([](const TapeValue& v) { return v.spec.shape.rank() > 1; });
       }},
      {"bytes>40",
       [](const Seen& s) {
         return s.any([](const TapeValue& v) {
           return v.spec.shape.numel() * static_cast<std::int64_t>(dtype_size(v.spec.dtype)) > 40;
         });
       }},
      {"shape *,1",
       [](const Seen& s) {
         return s.any(
             [](const TapeValue& v) { return v.spec.shape.rank() == 2 && v.spec.shape[1] == 1; });
       }},
      {"nan", [](const Seen& s) { return s.any_number([](double x) { return std::isnan(x); }); }},
      {"inf", [](const Seen& s) { return s.any_number([](double x) { return std::isinf(x); }); }},
      {"dead(relu)>0.1", [](const Seen& seen) { return seen.dead() > 0.1; }},
      {"loss<1.5", [](const Seen& seen) { return seen.loss().value_or(9) < 1.5; }},
      {"loss<loss[-1]",
       [losses](const Seen& seen) {
         const auto before = losses.find(seen.tick.step - 1);
         return seen.loss() && before != losses.end() && *seen.loss() < before->second;
       }},
      {"|w0|>0", [](const Seen& seen) { return length(seen.named("w0")) > 0; }},
      {"w0[0,0]<9",
       [](const Seen& seen) {
         const Numbers weight = seen.named("w0");
         return !weight.empty() && weight[0] < 9;
       }},
      {"t=2", [](const Seen& seen) { return seen.tick.number == 2; }},
      {"step=1 t=3", [](const Seen& seen) { return seen.tick.step == 1 && seen.tick.number == 3; }},
      {"w0.g[0,0]>0",
       [](const Seen& seen) {
         const Numbers gradient = seen.named("w0.g");
         return !gradient.empty() && gradient[0] > 0;
       }},
  };
}

}  // namespace

TEST(StepLaws, RunningStopsWhereALinearScanSays) {
  std::map<std::string, int> met;
  for (unsigned seed = 0; seed < 16; ++seed) {
    Steps run(seed, 0);
    // Every fourth run leaves the numbers: its steps are far too large.
    if (seed % 4 == 3) run.rerun.program().set_lr(1e25);
    for (int step = 0; step < 3; ++step) run.rerun.advance();
    const Tape& tape = run.rerun.tape();
    const auto last = static_cast<TapeIndex>(tape.ticks.size()) - 1;
    std::mt19937 choice(seed);
    for (const auto& [text, is_met] : stops_of(tape)) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", b " + text);
      std::vector<TapeIndex> scan;
      for (TapeIndex t = 0; t <= last; ++t)
        if (is_met({tape, nth(tape.ticks, t)})) scan.push_back(t);
      met[text] += !scan.empty();
      const auto stepper = over(run);
      stepper->execute("b " + text);
      // From the beginning along all of them, and from the end back; then from anywhere.
      for (const TapeIndex t : scan) {
        if (t == 0) continue;  // where the way begins
        stepper->execute("c");
        ASSERT_EQ(stepper->focus().tick, t);
      }
      stepper->execute("c");
      ASSERT_EQ(stepper->focus().tick, last);
      for (auto t = scan.rbegin(); t != scan.rend(); ++t) {
        if (*t == last) continue;  // where the way back begins
        stepper->execute("c-");
        ASSERT_EQ(stepper->focus().tick, *t);
      }
      stepper->execute("c-");
      ASSERT_EQ(stepper->focus().tick, 0);
      for (int trial = 0; trial < 3; ++trial) {
        const auto start = static_cast<TapeIndex>(choice() % tape.ticks.size());
        const std::string go = "j step=" + std::to_string(nth(tape.ticks, start).step) +
                               " t=" + std::to_string(nth(tape.ticks, start).number);
        stepper->execute(go + " ; c");
        const auto after = std::upper_bound(scan.begin(), scan.end(), start);
        EXPECT_EQ(stepper->focus().tick, after == scan.end() ? last : *after) << go;
        stepper->execute(go + " ; c-");
        const auto before = std::lower_bound(scan.begin(), scan.end(), start);
        EXPECT_EQ(stepper->focus().tick, before == scan.begin() ? 0 : *(before - 1)) << go;
      }
    }
  }
  for (const auto& [text, runs] : met) {
    EXPECT_GE(runs, 2) << text << " stops in too few of the runs to show anything";
  }
}

}  // namespace gradus
