// The commands that move, stop and watch; see step.h.
#include <gradus/ops/ops.h>
#include <gradus/see/step.h>
#include <gradus/see/words.h>

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace gradus::see {
namespace {

std::pair<std::string, std::string> first_word(const std::string& text) {
  const std::size_t space = std::min(text.find(' '), text.size());
  const std::size_t next = std::min(text.find_first_not_of(' ', space), text.size());
  return {text.substr(0, space), text.substr(next)};
}

int read_count(const std::string& text) {
  int n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size() || n < 0)
    throw ValueError("'" + text + "' is no number", "say a whole number, such as 1");
  return n;
}

void refuse(const std::string& rest) {
  if (!rest.empty())
    throw ValueError("'" + rest + "' was not expected", "this command stands alone");
}

const std::optional<std::string> stop_here = "";

/// "3", to repeat a motion; 1 where nothing is said.
int times(const std::string& rest) {
  const int n = rest.empty() ? 1 : read_count(rest);
  if (n < 1) throw ValueError("0 times is no motion", "n 3 moves three times");
  return n;
}

}  // namespace

// -- move
// ------------------------------------------------------------------------------------------

std::string Stepper::next_event(int depth, int direction) {
  const auto count = static_cast<TapeIndex>(tape_.events.size());
  for (TapeIndex e = focus_.event + direction; e >= 0 && e < count; e += direction)
    if (at(tape_.events, e).depth == depth)
      return arrive({at(tape_.events, e).tick, e}, direction > 0 ? '>' : '<', "");
  return arrive(focus_, direction > 0 ? '>' : '<',
                direction > 0 ? "no more such call on the tape" : "no such call before this one");
}

std::string Stepper::next(const std::string& rest, int direction) {
  int left = times(rest);
  if (focus_.event != none) {
    std::string text;
    while (left-- > 0) text = next_event(at(tape_.events, focus_.event).depth, direction);
    return text;
  }
  return travel(direction,
                [left](TapeIndex) mutable { return --left > 0 ? std::nullopt : stop_here; });
}

// Order of s: a tick, then its events, then the next tick.
std::string Stepper::step(const std::string& rest, int direction) {
  refuse(rest);
  if (tape_.ticks.empty()) return next("", direction);
  const TapeTick& tick = at(tape_.ticks, focus_.tick);
  if (direction > 0) {
    const TapeIndex event = focus_.event == none ? tick.first : focus_.event + 1;
    if (event < tick.last) return arrive({focus_.tick, event}, '>', "");
    return travel(1, [](TapeIndex) { return stop_here; });
  }
  if (focus_.event == none) {
    if (focus_.tick == 0) return edge(false);
    const TapeTick& before = at(tape_.ticks, focus_.tick - 1);
    return arrive({focus_.tick - 1, before.first < before.last ? before.last - 1 : none}, '<', "");
  }
  return arrive({focus_.tick, focus_.event > tick.first ? focus_.event - 1 : none}, '<', "");
}

std::string Stepper::up(const std::string& rest, int direction) {
  refuse(rest);
  if (tape_.ticks.empty()) return next("", direction);
  const char sign = direction > 0 ? '>' : '<';
  if (focus_.event != none) {
    const TapeIndex parent = at(tape_.events, focus_.event).parent;
    return arrive({focus_.tick, parent}, sign, "");
  }
  // Out of the module: to the first tick that is not inside what holds this one, or of another
  // pass.
  const auto scope_of = [this](TapeIndex t) {
    const TapeTick& tick = at(tape_.ticks, t);
    const std::string scope = tick.first < tick.last ? at(tape_.events, tick.first).scope : "";
    return scope.substr(0, scope.rfind('.') == scope.npos ? 0 : scope.rfind('.'));
  };
  const Phase phase = at(tape_.ticks, focus_.tick).phase;
  const TapeIndex step_now = at(tape_.ticks, focus_.tick).step;
  const std::string outer = scope_of(focus_.tick);
  return travel(direction, [=, this](TapeIndex t) -> std::optional<std::string> {
    const TapeTick& tick = at(tape_.ticks, t);
    const bool inside = tick.phase == phase && tick.step == step_now &&
                        (outer.empty() || scope_of(t).starts_with(outer));
    return inside ? std::nullopt : stop_here;
  });
}

std::string Stepper::go_on(const std::string& rest, int direction) {
  refuse(rest);
  return travel(direction, [this](TapeIndex t) { return stop_reason(t); });
}

std::string Stepper::until(const std::string& rest, int direction) {
  require(rest, "unt lin2, unt t=4, unt loss<1");
  if (rest.starts_with("t=") || rest.starts_with("step=")) {
    const bool is_step = rest[0] == 's';
    const int wanted = read_count(rest.substr(rest.find('=') + 1));
    return travel(direction, [this, is_step, wanted](TapeIndex t) -> std::optional<std::string> {
      const TapeTick& tick = at(tape_.ticks, t);
      return (is_step ? tick.step : tick.number) == wanted ? stop_here : std::nullopt;
    });
  }
  const Stop stop(rest);
  return travel(direction, [this, stop](TapeIndex t) { return stop.met(elements_, t); });
}

std::string Stepper::jump(const std::string& rest, int) {
  require(rest, "j t=4, j step=3 t=0");
  const auto arrive_there = [this, rest] {
    const TapeIndex tick = parse_tick(tape_, rest, focus_.tick);
    return arrive({tick}, tick < focus_.tick ? '<' : '>', "");
  };
  // A step that has not run yet: the program runs on up to it.
  TapeIndex wanted = 0;
  if (const std::size_t said = rest.find("step="); said != rest.npos)
    std::from_chars(rest.data() + said + 5, rest.data() + rest.size(), wanted);
  if (wanted < tape_.steps() || has_ended_) return arrive_there();
  pending_ = [this, wanted, arrive_there, rest]() -> std::optional<std::string> {
    if (wanted >= tape_.steps()) return std::nullopt;
    try {
      return arrive_there();
    } catch (const Error& error) {
      return answer("jump " + rest, error.problem() + "; " + error.hint() + "\n", true);
    }
  };
  return grown();
}
std::string Stepper::home(const std::string& rest, int) {
  refuse(rest);
  return arrive({0}, '<', "");
}
std::string Stepper::end(const std::string& rest, int) {
  refuse(rest);
  return arrive({last_tick()}, '>', "");
}

// -- stop
// ------------------------------------------------------------------------------------------

std::string Stepper::add_break(const std::string& rest, int) {
  if (rest.empty()) {
    std::string text;
    for (const Breakpoint& b : breakpoints_)
      text += "  " + std::to_string(b.number) + "  " + b.stop.text() +
              (b.condition.empty() ? "" : "  if " + b.condition) + (b.enabled ? "" : "  disabled") +
              (b.once ? "  once" : "") +
              (b.ignore ? "  ignored " + std::to_string(b.ignore) + " more" : "") + "  " +
              std::to_string(b.hits) + " hits\n";
    for (const Watch& w : watches_)
      text += "  " + std::to_string(w.number) + "  watch " + w.expression + "\n";
    return text.empty() ? "no breakpoints; b lin1 makes one\n" : text;
  }
  Stop stop(rest);
  breakpoints_.emplace_back(++numbers_, std::move(stop));
  return "breakpoint " + std::to_string(numbers_) + ": " + breakpoints_.back().stop.text() + "\n";
}
std::string Stepper::add_once(const std::string& rest, int) {
  require(rest, "tbreak nan");
  std::string text = add_break(rest, 1);
  breakpoints_.back().once = true;
  return "once: " + text;
}
Stepper::Breakpoint& Stepper::breakpoint(const std::string& number) {
  const int wanted = read_count(number);
  for (Breakpoint& b : breakpoints_)
    if (b.number == wanted) return b;
  throw ValueError("there is no breakpoint " + number, "b lists them");
}
std::string Stepper::ignore(const std::string& rest, int) {
  const auto [number, count] = first_word(rest);
  Breakpoint& b = breakpoint(number);
  b.ignore = read_count(count);
  return "breakpoint " + number + " is ignored " + std::to_string(b.ignore) + " times\n";
}
std::string Stepper::condition(const std::string& rest, int) {
  const auto [number, expression] = first_word(rest);
  breakpoint(number).condition = expression;
  return "breakpoint " + number +
         (expression.empty() ? " has no condition\n" : " stops if " + expression + "\n");
}
std::string Stepper::enable(const std::string& rest, int) {
  breakpoint(rest).enabled = true;
  return "breakpoint " + rest + " enabled\n";
}
std::string Stepper::disable(const std::string& rest, int) {
  breakpoint(rest).enabled = false;
  return "breakpoint " + rest + " disabled\n";
}
std::string Stepper::remove(const std::string& rest, int) {
  const int wanted = read_count(rest);
  const auto is_it = [&](const auto& one) { return one.number == wanted; };
  if (std::erase_if(breakpoints_, is_it) + std::erase_if(watches_, is_it) == 0)
    throw ValueError("there is no breakpoint or watch " + rest, "b lists them");
  return rest + " deleted\n";
}
std::string Stepper::commands(const std::string& rest, int) {
  collecting_number_ = breakpoint(rest).number;
  collected_.clear();
  // What stands on the same line behind it, up to `end`, belongs to it too.
  while (!queue_.empty() && collecting_number_ > 0) {
    std::string line = std::move(queue_.front());
    queue_.pop_front();
    if (line != "end") {
      collected_.push_back(std::move(line));
      continue;
    }
    breakpoint(rest).commands = collected_;
    collecting_number_ = 0;
  }
  return "";
}

// -- watch
// -----------------------------------------------------------------------------------------

std::string Stepper::watch(const std::string& rest, int) {
  require(rest, "watch w1[2,3]");
  const Value value = elements_.evaluate(rest, focus_.tick);
  watches_.push_back({++numbers_, rest});
  return "watch " + std::to_string(numbers_) + ": " + rest +
         (value.tensor && value.tensor.numel() == 1 ? " = " + value.str() : "") + "\n";
}
std::string Stepper::display(const std::string& rest, int) {
  require(rest, "display w1[2,3]");
  displays_.push_back({++numbers_, rest});
  return std::to_string(numbers_) + ": " + rest + " = " +
         elements_.evaluate(rest, focus_.tick).str() + "\n";
}
std::string Stepper::undisplay(const std::string& rest, int) {
  const int wanted = read_count(rest);
  if (std::erase_if(displays_, [&](const Watch& d) { return d.number == wanted; }) == 0)
    throw ValueError("there is no display " + rest, "");
  return "";
}

std::string Stepper::first(const std::string& rest, int) {
  require(rest, "first nan, first |*.g|>1e4");
  const Stop stop(rest);
  for (TapeIndex t = 0; t <= last_tick(); ++t)
    if (const auto met = stop.met(elements_, t)) {
      const TapeTick& tick = at(tape_.ticks, t);
      return "first: step " + std::to_string(tick.step) + " t" + std::to_string(tick.number) +
             "  " + title_of(tape_, {t}) + "  " + place_of(tape_, {t}) +
             (met->empty() ? "" : "  " + *met) + "   (j step=" + std::to_string(tick.step) +
             " t=" + std::to_string(tick.number) + " goes there)\n";
    }
  return "nowhere on the tape so far: " + rest + "\n";
}

std::string Stepper::last(const std::string& rest, int) {
  const auto [word, name] = first_word(rest);
  if (word != "write" || name.empty())
    throw ValueError("'last " + rest + "' is not known", "last write w1");
  const TapeIndex value = elements_.find(name, focus_.tick);
  if (at(tape_.values, value).made_by == none)
    return name + " came from outside; nothing on the tape wrote it before here\n";
  const TapeIndex t = tape_.tick_of_value(value);
  const TapeTick& tick = at(tape_.ticks, t);
  const TapeEvent& event = at(tape_.events, at(tape_.values, value).made_by);
  const std::string place = place_of(tape_, {t, at(tape_.values, value).made_by});
  return name + " was written at step " + std::to_string(tick.step) + " t" +
         std::to_string(tick.number) + "  " + title_of(tape_, {t}) + " by " + event.op +
         (event.target != none ? " in place" : "") + (place.empty() ? "" : ", " + place) + "\n";
}

}  // namespace gradus::see
