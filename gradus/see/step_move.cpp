// The commands that move, stop and watch; see step.h.
#include <gradus/ops/ops.h>
#include <gradus/see/step.h>
#include <gradus/see/step_tell.h>
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
    throw ValueError("'" + text + "' counts nothing", "say a whole number, such as 1");
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
    while (left-- > 0 && !take_interrupt())
      text = next_event(at(tape_.events, focus_.event).depth, direction);
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
  if (direction > 0) {
    const TapeIndex here = focus_.tick;
    return travel(
        1, [this, here](TapeIndex t) { return is_inside(here, t) ? std::nullopt : stop_here; });
  }
  // To where the module begins that ended before here: to the first of its ticks from which `u`
  // comes here, so that u, u-, u ends where u did.
  if (focus_.tick == 0) return edge(false);
  TapeIndex first = focus_.tick - 1;
  while (first > 0 && is_inside(focus_.tick - 1, first - 1)) --first;
  for (TapeIndex t = first; t < focus_.tick; ++t)
    if (after_module(t) == focus_.tick) return arrive({t}, '<', "");
  return arrive({first}, '<', "");
}

/// Whether `tick` belongs to what holds the module of `here`: the same pass of the same step, and
/// module paths with the same beginning. t0 stands for itself.
bool Stepper::is_inside(TapeIndex here, TapeIndex index) const {
  const auto outer_of = [this](TapeIndex t) {
    const TapeTick& tick = at(tape_.ticks, t);
    const std::string scope = tick.first < tick.last ? at(tape_.events, tick.first).scope : "";
    return scope.substr(0, scope.rfind('.') == scope.npos ? 0 : scope.rfind('.'));
  };
  const TapeTick &a = at(tape_.ticks, here), &b = at(tape_.ticks, index);
  if (a.step != b.step || a.phase != b.phase || a.number == 0 || b.number == 0) return false;
  const std::string outer = outer_of(here), other = outer_of(index);
  return outer.empty() || other == outer || other.starts_with(outer + ".");
}

TapeIndex Stepper::after_module(TapeIndex tick) const {
  TapeIndex t = tick + 1;
  while (t <= last_tick() && is_inside(tick, t)) ++t;
  return t;
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
  const std::string doubt = doubt_line(stop.doubt(elements_));
  return (doubt.empty() ? "" : answer("until " + rest, doubt, false)) +
         travel(direction, [this, stop](TapeIndex t) { return stop.met(elements_, t); });
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
    if (wanted >= tape_.steps()) {
      if (!take_interrupt()) return std::nullopt;
      queue_.clear();
      return arrive({last_tick()}, '>', "interrupted");
    }
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
      text += "  " + std::to_string(w.number) + "  watch " + w.expression +
              (w.enabled ? "" : "  disabled") + "\n";
    if (options_.json) told_.emplace_back("stops", told_breakpoints());
    return text.empty() ? "no breakpoints; b lin1 makes one\n" : text;
  }
  Stop stop(rest);
  const std::string doubt = doubt_line(stop.doubt(elements_));
  breakpoints_.emplace_back(++numbers_, std::move(stop));
  tell("breakpoint", static_cast<double>(numbers_));
  return "breakpoint " + std::to_string(numbers_) + ": " + breakpoints_.back().stop.text() + "\n" +
         doubt;
}
std::string Stepper::told_breakpoints() const {
  std::vector<StopTold> all;
  all.reserve(breakpoints_.size() + watches_.size());
  for (const Breakpoint& b : breakpoints_)
    all.push_back(
        {b.number, "breakpoint", b.stop.text(), b.condition, b.enabled, b.once, b.ignore, b.hits});
  for (const Watch& w : watches_)
    all.push_back({w.number, "watch", w.expression, "", w.enabled, false, 0, 0});
  return json_text(all);
}
std::string Stepper::doubt_line(const std::string& doubt) const {
  // In the first step of a program that runs on, what is not there yet may come.
  const bool has_whole_step = has_ended_ || rerun_ || tape_.steps() > 1;
  return doubt.empty() || !has_whole_step ? "" : "  " + doubt + "\n";
}
std::string Stepper::add_once(const std::string& rest, int) {
  require(rest, "tbreak nan");
  std::string text = add_break(rest, 1);
  breakpoints_.back().once = true;
  return "once: " + text;
}
Stepper::Breakpoint& Stepper::breakpoint(const std::string& number) {
  require(number, "a breakpoint's number; b lists them");
  const int wanted = read_count(number);
  for (Breakpoint& b : breakpoints_)
    if (b.number == wanted) return b;
  const bool is_watch = std::any_of(watches_.begin(), watches_.end(),
                                    [&](const Watch& w) { return w.number == wanted; });
  throw ValueError(is_watch ? number + " is a watch, which this command does not change"
                            : "there is no breakpoint " + number,
                   is_watch ? "delete, enable and disable do" : "b lists them");
}
std::string Stepper::ignore(const std::string& rest, int) {
  const auto [number, count] = first_word(rest);
  Breakpoint& b = breakpoint(number);
  b.ignore = read_count(count);
  return "breakpoint " + number + " is ignored " + std::to_string(b.ignore) + " times\n";
}
std::string Stepper::condition(const std::string& rest, int) {
  require(rest, "condition 1 loss>2");
  const auto [number, expression] = first_word(rest);
  Breakpoint& b = breakpoint(number);
  if (expression.empty()) {
    b.condition.clear();
    return "breakpoint " + number + " has no condition\n";
  }
  std::string doubt;
  try {
    const std::vector<std::string> unknown = elements_.unknown_names(expression);
    if (!unknown.empty()) doubt = unknown_text(unknown[0], tape_.names(last_tick()));
  } catch (const ExpressionError& error) {
    throw ExpressionError(error.problem(), error.hint(),
                          error.position() + rest.size() - expression.size());
  }
  b.condition = expression;
  return "breakpoint " + number + " stops if " + expression + "\n" + doubt_line(doubt);
}
std::string Stepper::set_enabled(const std::string& number, bool enabled) {
  require(number, enabled ? "enable 1" : "disable 1");
  const int wanted = read_count(number);
  for (Watch& w : watches_)
    if (w.number == wanted) {
      w.enabled = enabled;
      return "watch " + number + (enabled ? " enabled\n" : " disabled\n");
    }
  breakpoint(number).enabled = enabled;
  return "breakpoint " + number + (enabled ? " enabled\n" : " disabled\n");
}
std::string Stepper::enable(const std::string& rest, int) { return set_enabled(rest, true); }
std::string Stepper::disable(const std::string& rest, int) { return set_enabled(rest, false); }
std::string Stepper::remove(const std::string& rest, int) {
  require(rest, "delete 1");
  const int wanted = read_count(rest);
  const auto is_it = [&](const auto& one) { return one.number == wanted; };
  if (std::erase_if(breakpoints_, is_it) + std::erase_if(watches_, is_it) == 0)
    throw ValueError("there is no breakpoint or watch " + rest, "b lists them");
  return rest + " deleted\n";
}
std::string Stepper::commands(const std::string& rest, int) {
  // As in gdb, without a number they belong to the breakpoint made last.
  if (rest.empty() && !breakpoints_.empty())
    return commands(std::to_string(breakpoints_.back().number), 1);
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
  if (options_.json) tell("value", rest, value);
  return "watch " + std::to_string(numbers_) + ": " + rest +
         (value.tensor && value.tensor.numel() == 1 ? " = " + value.str() : "") + "\n";
}
std::string Stepper::display(const std::string& rest, int) {
  require(rest, "display w1[2,3]");
  const Value value = elements_.evaluate(rest, focus_.tick);
  displays_.push_back({++numbers_, rest});
  if (options_.json) tell("value", rest, value);
  return std::to_string(numbers_) + ": " + rest + " = " + value.str(options_.style.width) + "\n";
}
std::string Stepper::undisplay(const std::string& rest, int) {
  if (rest.empty()) {
    displays_.clear();
    return "nothing is displayed any more\n";
  }
  const int wanted = read_count(rest);
  if (std::erase_if(displays_, [&](const Watch& d) { return d.number == wanted; }) == 0)
    throw ValueError("there is no display " + rest, "undisplay alone removes all");
  return "";
}

std::string Stepper::first(const std::string& rest, int) {
  require(rest, "first nan, first |*.g|>1e4");
  const Stop stop(rest);
  const std::string doubt = doubt_line(stop.doubt(elements_));
  for (TapeIndex t = 0; t <= last_tick(); ++t) {
    if (take_interrupt()) return "interrupted\n";
    if (const auto met = stop.met(elements_, t)) {
      const TapeTick& tick = at(tape_.ticks, t);
      if (options_.json) tell("found", tick);
      return "first: step " + std::to_string(tick.step) + " t" + std::to_string(tick.number) +
             "  " + title_of(tape_, {t}) + "  " + place_of(tape_, {t}) +
             (met->empty() ? "" : "  " + *met) + "   (j step=" + std::to_string(tick.step) +
             " t=" + std::to_string(tick.number) + " goes there)\n";
    }
  }
  return "nowhere on the tape so far: " + rest + "\n" + doubt;
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
  if (options_.json) tell("found", tick);
  return name + " was written at step " + std::to_string(tick.step) + " t" +
         std::to_string(tick.number) + "  " + title_of(tape_, {t}) + " by " + event.op +
         (event.target != none ? " in place" : "") + (place.empty() ? "" : ", " + place) + "\n";
}

}  // namespace gradus::see
