// The commands that move, and how far a motion goes; see step.h.
#include <gradus/see/step.h>
#include <gradus/see/words.h>

#include <algorithm>
#include <charconv>

namespace gradus::see {
namespace {

const std::optional<std::string> stop_here = "";

/// "3", to repeat a motion; 1 where nothing is said.
int times(const std::string& rest) {
  const int n = rest.empty() ? 1 : read_count(rest);
  if (n < 1) throw ValueError("0 times is no motion", "n 3 moves three times");
  return n;
}

}  // namespace

std::string Stepper::edge(bool at_end) {
  if (tape_.ticks.empty()) return answer("nothing was recorded\n");
  std::string text = arrive({at_end ? last_tick() : 0}, at_end ? '>' : '<',
                            at_end ? "the tape ends here" : "the tape begins here");
  const auto add_untold = [&](auto& stop, const std::string& what) {
    const std::string number = std::to_string(stop.number);
    if (!stop.untold.empty())
      text += said("condition " + number + " " + stop.condition,
                   what + number + " was met, but its condition could not be told: " +
                       std::exchange(stop.untold, "") + "\n",
                   true);
  };
  for (Breakpoint& b : breakpoints_) add_untold(b, "breakpoint ");
  for (Watch& w : watches_) add_untold(w, "watch ");
  return text;
}

std::string Stepper::travel(int direction,
                            std::function<std::optional<std::string>(TapeIndex tick)> until) {
  // What cannot be told, and Ctrl-C, stop as well.
  auto reason_at = [this, until = std::move(until)](TapeIndex t) -> std::optional<std::string> {
    std::optional<std::string> reason;
    try {
      reason = until(t);
    } catch (const Error& error) {
      reason = error.problem();
    }
    if (!take_interrupt()) return reason;
    queue_.clear();
    return reason && !reason->empty() ? reason : std::optional<std::string>("interrupted");
  };
  TapeIndex at = direction < 0 ? focus_.tick - (focus_.event == none) : focus_.tick + 1;
  if (tape_.ticks.empty()) at = 0;
  if (direction < 0) {
    for (; at >= 0; --at)
      if (const auto reason = reason_at(at)) return arrive({at}, '<', *reason);
    return edge(false);
  }
  pending_ = [this, at, reason_at = std::move(reason_at)]() mutable -> std::optional<std::string> {
    for (; at <= last_tick(); ++at)
      if (const auto reason = reason_at(at)) return arrive({at}, '>', *reason);
    return std::nullopt;
  };
  return "";
}

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

/// What comes after `place` in the order of s: a tick, then its events, then the next tick. None
/// where the tape ends.
std::optional<Focus> Stepper::place_after(const Focus& place) const {
  if (tape_.ticks.empty()) return std::nullopt;
  const TapeTick& tick = at(tape_.ticks, place.tick);
  const TapeIndex event = place.event == none ? tick.first : place.event + 1;
  if (event < tick.last) return Focus{place.tick, event};
  if (place.tick == last_tick()) return std::nullopt;
  return Focus{place.tick + 1};
}

std::optional<Focus> Stepper::place_before(const Focus& place) const {
  if (place.event != none) {
    const bool is_first = place.event == at(tape_.ticks, place.tick).first;
    return Focus{place.tick, is_first ? none : place.event - 1};
  }
  if (tape_.ticks.empty() || place.tick == 0) return std::nullopt;
  const TapeTick& before = at(tape_.ticks, place.tick - 1);
  return Focus{place.tick - 1, before.first < before.last ? before.last - 1 : none};
}

std::string Stepper::step(const std::string& rest, int direction) {
  if (tape_.ticks.empty()) return next(rest, direction);
  int left = times(rest);
  if (direction < 0) {
    Focus place = focus_;
    for (; left > 0 && !take_interrupt(); --left) {
      const std::optional<Focus> before = place_before(place);
      if (!before) return edge(false);
      place = *before;
    }
    return arrive(place, '<', "");
  }
  pending_ = [this, left, place = focus_]() mutable -> std::optional<std::string> {
    for (; left > 0; --left) {
      const std::optional<Focus> after = place_after(place);
      if (take_interrupt()) return arrive(place, '>', "interrupted");
      if (!after) return std::nullopt;
      place = *after;
    }
    return arrive(place, '>', "");
  };
  return "";
}

std::string Stepper::up(const std::string& rest, int direction) {
  if (tape_.ticks.empty()) return next(rest, direction);
  const char sign = direction > 0 ? '>' : '<';
  int left = times(rest);
  Focus place = focus_;
  for (; left > 0 && place.event != none; --left)
    place = {place.tick, at(tape_.events, place.event).parent};
  if (left == 0) return arrive(place, sign, "");
  if (direction < 0) {
    for (; left > 0 && !take_interrupt(); --left) {
      if (place.tick == 0) return edge(false);
      place = {module_before(place.tick)};
    }
    return arrive(place, '<', "");
  }
  focus_ = place;
  return travel(1, [this, left, here = place.tick](TapeIndex t) mutable {
    if (is_inside(here, t)) return std::optional<std::string>();
    here = t;
    return --left > 0 ? std::nullopt : stop_here;
  });
}

/// Where the module begins that ended before here: the first of its ticks from which `u` comes
/// here, so that u, u-, u ends where u did.
TapeIndex Stepper::module_before(TapeIndex here) const {
  TapeIndex first = here - 1;
  while (first > 0 && is_inside(here - 1, first - 1)) --first;
  for (TapeIndex t = first; t < here; ++t)
    if (after_module(t) == here) return t;
  return first;
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

std::string Stepper::go_on(const std::string&, int direction) {
  return travel(direction, [this](TapeIndex t) { return stop_reason(t); });
}

std::string Stepper::until(const std::string& rest, int direction) {
  const Conditional asked = read_conditional(rest);
  const Stop stop(asked.what);
  const std::string doubt = doubt_line(stop, asked);
  return (doubt.empty() ? "" : answer(doubt)) +
         travel(direction, [this, stop, condition = asked.condition](TapeIndex t) {
           return met_so_far(stop, condition, t);
         });
}

std::string Stepper::jump(const std::string& rest, int) {
  const auto arrive_there = [this, rest] {
    const TapeIndex tick = parse_tick(tape_, rest, focus_.tick);
    return arrive({tick}, tick < focus_.tick ? '<' : '>', "");
  };
  // A step that has not run yet: the program runs on up to it.
  TapeIndex wanted = 0;
  if (const std::size_t said = rest.find("step="); said != rest.npos)
    std::from_chars(rest.data() + said + 5, rest.data() + rest.size(), wanted);
  if (wanted < tape_.steps() || has_ended_) return arrive_there();
  pending_ = [this, wanted, arrive_there]() -> std::optional<std::string> {
    if (wanted < tape_.steps()) return arrive_there();
    if (!take_interrupt()) return std::nullopt;
    queue_.clear();
    return arrive({last_tick()}, '>', "interrupted");
  };
  return "";
}

std::string Stepper::home(const std::string&, int) { return arrive({0}, '<', ""); }
std::string Stepper::end(const std::string&, int) { return arrive({last_tick()}, '>', ""); }

}  // namespace gradus::see
