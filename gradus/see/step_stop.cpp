// The commands that stop and watch, and what stops a motion; see step.h.
#include <gradus/see/step.h>
#include <gradus/see/step_tell.h>
#include <gradus/see/words.h>

#include <algorithm>

namespace gradus::see {
namespace {

std::pair<std::string, std::string> first_word(const std::string& text) {
  const std::size_t space = std::min(text.find(' '), text.size());
  const std::size_t next = std::min(text.find_first_not_of(' ', space), text.size());
  return {text.substr(0, space), text.substr(next)};
}

}  // namespace

/// Why a breakpoint stops after this tick. Names that are not there (yet) do not; any other mistake
/// stops and is told.
std::optional<std::string> Stepper::reason_of(Breakpoint& b, TapeIndex tick) {
  const std::string name = "breakpoint " + std::to_string(b.number) + " (" + b.stop.text() + ")";
  try {
    const std::optional<std::string> met = met_if(b.stop, b.condition, tick);
    if (!met) return std::nullopt;
    return name + (met->empty() ? "" : "  " + *met);
  } catch (const UnknownName& error) {
    b.untold = error.problem();
    return std::nullopt;
  } catch (const Error& error) {
    return name + "  cannot be told: " + error.problem();
  }
}

std::optional<std::string> Stepper::reason_of(Watch& w, TapeIndex tick) {
  std::optional<std::string> how = changed(elements_, w.expression, tick);
  if (!how) return std::nullopt;
  how = "watch " + std::to_string(w.number) + ": " + *how;
  if (w.condition.empty()) return how;
  try {
    if (!holds(elements_, w.condition, tick)) return std::nullopt;
    const std::string compared = compared_text(elements_, w.condition, tick);
    return *how + (compared.empty() ? "" : "  " + compared);
  } catch (const UnknownName& error) {
    w.untold = error.problem();
    return std::nullopt;
  } catch (const Error& error) {
    return *how + "  its condition cannot be told: " + error.problem();
  }
}

std::optional<std::string> Stepper::met_if(const Stop& stop, const std::string& condition,
                                           TapeIndex tick) const {
  std::optional<std::string> met = stop.met(elements_, tick);
  if (!met || condition.empty()) return met;
  if (!holds(elements_, condition, tick)) return std::nullopt;
  const std::string compared = compared_text(elements_, condition, tick);
  return *met + (met->empty() || compared.empty() ? "" : "  ") + compared;
}

std::optional<std::string> Stepper::met_so_far(const Stop& stop, const std::string& condition,
                                               TapeIndex tick) const {
  try {
    return met_if(stop, condition, tick);
  } catch (const UnknownName&) {
    return std::nullopt;
  }
}

/// All that stops after this tick, a line each.
std::optional<std::string> Stepper::stop_reason(TapeIndex tick) {
  std::string reasons;
  const auto add = [&](const std::string& reason) {
    reasons += (reasons.empty() ? "" : "\n") + reason;
  };
  std::vector<std::string> commands;
  for (std::size_t i = 0; i < breakpoints_.size(); ++i) {
    Breakpoint& b = breakpoints_[i];
    if (!b.enabled) continue;
    const std::optional<std::string> met = reason_of(b, tick);
    if (!met) continue;
    ++b.hits;
    if (b.ignore > 0) {
      --b.ignore;
      continue;
    }
    add(*met);
    commands.insert(commands.end(), b.commands.begin(), b.commands.end());
    if (b.once) breakpoints_.erase(breakpoints_.begin() + static_cast<std::ptrdiff_t>(i--));
  }
  queue_.insert(queue_.begin(), commands.begin(), commands.end());
  for (Watch& w : watches_) {
    if (!w.enabled) continue;
    const std::optional<std::string> how = reason_of(w, tick);
    if (!how) continue;
    ++w.hits;
    add(*how);
  }
  return reasons.empty() ? std::nullopt : std::optional(reasons);
}

std::string Stepper::add_break(const std::string& rest, int) {
  if (rest.empty()) {
    std::string text;
    for (const Breakpoint& b : breakpoints_) {
      std::string runs;
      for (const std::string& one : b.commands) runs += (runs.empty() ? "  runs " : " ; ") + one;
      text += "  " + std::to_string(b.number) + "  " + b.stop.text() +
              (b.condition.empty() ? "" : "  if " + b.condition) + (b.enabled ? "" : "  disabled") +
              (b.once ? "  once" : "") +
              (b.ignore ? "  ignored " + std::to_string(b.ignore) + " more" : "") + "  " +
              counted(b.hits, "hit") + runs + "\n";
    }
    text += watches_text(watches_, "watch ");
    if (options_.json) told_.emplace_back("stops", told_breakpoints());
    return text.empty() ? "no breakpoints; b lin1 makes one\n" : text;
  }
  Conditional asked = read_conditional(rest);
  Stop stop(asked.what);
  const std::string doubt = doubt_line(stop, asked);
  breakpoints_.emplace_back(++numbers_, std::move(stop));
  breakpoints_.back().condition = std::move(asked.condition);
  tell("breakpoint", numbers_);
  const Breakpoint& b = breakpoints_.back();
  return "breakpoint " + std::to_string(numbers_) + ": " + b.stop.text() +
         (b.condition.empty() ? "" : " if " + b.condition) + "\n" + doubt;
}
std::string Stepper::told_breakpoints() const {
  std::vector<StopTold> all;
  all.reserve(breakpoints_.size() + watches_.size());
  for (const Breakpoint& b : breakpoints_)
    all.push_back({b.number, "breakpoint", b.stop.text(), b.condition, b.enabled, b.once, b.ignore,
                   b.hits, b.commands});
  for (const Watch& w : watches_)
    all.push_back({w.number, "watch", w.expression, w.condition, w.enabled});
  return json_text(all);
}
bool Stepper::has_whole_step() const { return has_ended_ || rerun_ || tape_.steps() > 1; }
std::string Stepper::doubt_line(const std::string& doubt) {
  // In the first step of a program that runs on, what is not there yet may come.
  if (doubt.empty() || !has_whole_step()) return "";
  tell("doubt", doubt);
  return "  " + doubt + "\n";
}
std::string Stepper::doubt_line(const Stop& stop, const Conditional& asked) {
  const std::string of_stop = stop.doubt(elements_),
                    of_condition = doubt_of(asked.condition, asked.condition_at);
  return doubt_line(of_stop.empty() ? of_condition : of_stop);
}
std::string Stepper::unmet() const {
  std::string text;
  for (const Breakpoint& b : breakpoints_) {
    if (b.hits > 0) continue;
    const std::string doubt = b.stop.doubt(elements_);
    if (has_ended_ || !doubt.empty())
      text += "breakpoint " + std::to_string(b.number) + " (" + b.stop.text() + ") was not met" +
              (doubt.empty() ? "" : ": " + doubt) + "\n";
  }
  return wrap_lines(text, options_.style);
}
std::string Stepper::add_once(const std::string& rest, int) {
  std::string text = add_break(rest, 1);
  breakpoints_.back().once = true;
  return "once: " + text;
}
Stepper::Breakpoint& Stepper::breakpoint(const std::string& number) {
  if (number.empty())
    throw ValueError("something is missing", "a breakpoint's number; b lists them");
  const int wanted = read_count(number);
  for (Breakpoint& b : breakpoints_)
    if (b.number == wanted) return b;
  const bool is_watch = std::any_of(watches_.begin(), watches_.end(),
                                    [&](const Watch& w) { return w.number == wanted; });
  throw ValueError(is_watch ? number + " is a watch, which this command does not change"
                            : "there is no breakpoint " + number,
                   is_watch ? "condition, delete, enable and disable do" : "b lists them");
}
Stepper::Watch* Stepper::watch_of(const std::string& number) {
  const int wanted = read_count(number);
  for (Watch& w : watches_)
    if (w.number == wanted) return &w;
  return nullptr;
}
std::string Stepper::ignore(const std::string& rest, int) {
  const auto [number, count] = first_word(rest);
  Breakpoint& b = breakpoint(number);
  if (count.empty()) throw ValueError("it is not said how often", "ignore " + number + " 3");
  b.ignore = read_count(count);
  return "breakpoint " + number +
         (b.ignore ? " is ignored " + counted(b.ignore, "time") : " is not ignored") + "\n";
}
std::string Stepper::condition(const std::string& rest, int) {
  const auto [number, expression] = first_word(rest);
  Watch* const watched = watch_of(number);
  std::string& condition = watched ? watched->condition : breakpoint(number).condition;
  const std::string who = (watched ? "watch " : "breakpoint ") + number;
  const std::string doubt = doubt_of(expression, rest.size() - expression.size());
  condition = expression;
  if (expression.empty()) return who + " has no condition\n";
  return who + " stops if " + expression + "\n" + doubt_line(doubt);
}
std::string Stepper::doubt_of(const std::string& condition, std::size_t begin) const {
  if (condition.empty()) return "";
  try {
    const std::vector<std::string> unknown = elements_.unknown_names(condition);
    return unknown.empty() ? "" : unknown_text(unknown[0], tape_.names(last_tick()));
  } catch (const ExpressionError& error) {
    throw ExpressionError(error.problem(), error.hint(), error.position() + begin);
  }
}
std::string Stepper::set_enabled(const std::string& number, bool enabled) {
  if (Watch* const w = watch_of(number)) {
    w->enabled = enabled;
    return "watch " + number + (enabled ? " enabled\n" : " disabled\n");
  }
  breakpoint(number).enabled = enabled;
  return "breakpoint " + number + (enabled ? " enabled\n" : " disabled\n");
}
std::string Stepper::enable(const std::string& rest, int) { return set_enabled(rest, true); }
std::string Stepper::disable(const std::string& rest, int) { return set_enabled(rest, false); }
std::string Stepper::remove(const std::string& rest, int) {
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
    const std::string line = std::move(queue_.front());
    queue_.pop_front();
    if (std::string text = collect(line); !text.empty()) return text;
  }
  return "";
}
std::string Stepper::collect(const std::string& line) {
  if (line != "end") {
    collected_.push_back(line);
    return "";
  }
  Breakpoint& b = breakpoint(std::to_string(std::exchange(collecting_number_, 0)));
  b.commands = collected_;
  return "breakpoint " + std::to_string(b.number) + " runs " +
         counted(std::ssize(collected_), "command") + " where it stops\n";
}

// -- watch
// -----------------------------------------------------------------------------------------

std::string Stepper::watches_text(const std::vector<Watch>& all, const std::string& what) const {
  std::string text;
  for (const Watch& w : all)
    text += "  " + std::to_string(w.number) + "  " + what + w.expression +
            (w.condition.empty() ? "" : "  if " + w.condition) + (w.enabled ? "" : "  disabled") +
            (&all == &watches_ ? "  " + counted(w.hits, "hit") : "") + "\n";
  return text;
}
/// What comes later on the tape, or may come, is taken and told about; what never will is refused.
Value Stepper::value_now(const std::string& expression, std::string& absence) {
  try {
    Value value = elements_.evaluate(expression, focus_.tick);
    if (options_.json) tell("value", expression, value);
    return value;
  } catch (const UnknownName& error) {
    if (has_whole_step() && !elements_.unknown_names(expression).empty()) throw;
    absence = ": " + error.problem() + (error.hint().empty() ? "" : "; " + error.hint());
    return {};
  }
}
std::string Stepper::watch(const std::string& rest, int) {
  if (rest.empty()) {
    if (options_.json) told_.emplace_back("stops", told_breakpoints());
    return watches_.empty() ? "no watches; watch w1[2,3] makes one\n" : watches_text(watches_, "");
  }
  Conditional asked = read_conditional(rest);
  const std::string& what = asked.what;
  TapeIndex tick = focus_.tick;
  if (elements_.take_time(what, tick) != what)
    throw ValueError("'" + what + "' stays what it was then", "watch it without @");
  if (unknown_names(what, [](std::string_view) { return false; }).empty())
    throw ValueError("'" + what + "' names no tensor: it never changes", "watch w1[2,3]");
  std::string absence;
  const Value value = value_now(what, absence);
  const std::string doubt = doubt_line(doubt_of(asked.condition, asked.condition_at));
  const std::string condition = asked.condition.empty() ? "" : " if " + asked.condition;
  watches_.push_back({.number = ++numbers_, .expression = what, .condition = asked.condition});
  tell("number", numbers_);
  return "watch " + std::to_string(numbers_) + ": " + what +
         (value.tensor && value.tensor.numel() == 1 ? " = " + value.str() : "") + condition +
         absence + "\n" + doubt + warning_line(value);
}
std::string Stepper::display(const std::string& rest, int) {
  if (rest.empty()) {
    std::vector<std::string> told;
    told.reserve(displays_.size());
    for (const Watch& d : displays_) told.push_back(display_json(d.number, d.expression, {}));
    if (options_.json) told_.emplace_back("displays", json_list(told));
    return displays_.empty() ? "nothing is displayed; display loss shows it at each stop\n"
                             : watches_text(displays_, "");
  }
  std::string absence;
  const Value value = value_now(rest, absence);
  displays_.push_back({++numbers_, rest});
  tell("number", numbers_);
  return std::to_string(numbers_) + ": " + rest +
         (absence.empty() ? " = " + value.str(options_.style.width) : absence) + "\n" +
         warning_line(value);
}
std::string Stepper::undisplay(const std::string& rest, int) {
  if (rest.empty()) {
    if (displays_.empty())
      throw ValueError("nothing is displayed", "display loss shows it at each stop");
    displays_.clear();
    return "nothing is displayed any more\n";
  }
  const int wanted = read_count(rest);
  if (std::erase_if(displays_, [&](const Watch& d) { return d.number == wanted; }) == 0)
    throw ValueError("there is no display " + rest, "undisplay alone removes all");
  return rest + " is not displayed any more\n";
}

std::string Stepper::first(const std::string& rest, int) {
  const Conditional asked = read_conditional(rest);
  const Stop stop(asked.what);
  const std::string doubt = doubt_line(stop, asked);
  for (TapeIndex t = 0; t <= last_tick(); ++t) {
    if (take_interrupt()) return "interrupted\n";
    if (const auto met = met_so_far(stop, asked.condition, t)) {
      const TapeTick& tick = at(tape_.ticks, t);
      const std::string step = std::to_string(tick.step), number = std::to_string(tick.number);
      if (options_.json) tell("found", tick);
      const std::string place = place_of(tape_, {t});
      return "first: step " + step + " t" + number + "  " +
             std::string(trimmed(title_of(tape_, {t}))) + (place.empty() ? "" : "  " + place) +
             (met->empty() ? "" : "  " + *met) + "\n  j step=" + step + " t=" + number +
             " goes there\n";
    }
  }
  return "nowhere on the tape so far: " + rest + "\n" + doubt;
}

std::string Stepper::last(const std::string& rest, int) {
  const auto [word, asked] = first_word(rest);
  if (word != "write" || asked.empty())
    throw ValueError("'last " + rest + "' is not known", "last write w1");
  TapeIndex tick = focus_.tick;
  const std::string name(trimmed(elements_.take_time(asked, tick)));
  if (leading_name(name) != name)
    throw ValueError("last write takes the name of a tensor, not '" + name + "'",
                     "last write w1; of an element: watch w1[2,3], then c-");
  const TapeIndex value = elements_.find(name, tick);
  if (at(tape_.values, value).made_by == none)
    return name + " came from outside; nothing on the tape wrote it before here\n";
  const TapeIndex t = tape_.tick_of_value(value);
  const TapeTick& written = at(tape_.ticks, t);
  const TapeEvent& event = at(tape_.events, at(tape_.values, value).made_by);
  const std::string place = place_of(tape_, {t, at(tape_.values, value).made_by});
  if (options_.json) tell("found", written);
  return name + " was written at step " + std::to_string(written.step) + " t" +
         std::to_string(written.number) + "  " + title_of(tape_, {t}) + " by " + event.op +
         (event.target != none ? " in place" : "") + (place.empty() ? "" : ", " + place) + "\n";
}

}  // namespace gradus::see
