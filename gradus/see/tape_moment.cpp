// Moments of a tape; see tape_moment.h.
#include <gradus/see/tape_moment.h>
#include <gradus/see/words.h>

namespace gradus::see {

TapeMoment moment_of(const Tape& tape, TapeIndex event) {
  const TapeTick& tick = at(tape.ticks, at(tape.events, event).tick);
  return {tick.step, tick.number};
}

std::optional<TapeMoment> made_at(const Tape& tape, TapeIndex value, std::uint64_t version) {
  const std::int64_t tensor = at(tape.values, value).tensor;
  for (auto v = static_cast<TapeIndex>(tape.values.size()); v-- > 0;) {
    const TapeValue& one = at(tape.values, v);
    if (one.tensor != tensor || one.version != version) continue;
    if (one.made_by == none) return {};
    return moment_of(tape, one.made_by);
  }
  return {};
}

std::optional<TapeMoment> cut_at(const Tape& tape, TapeIndex value,
                                 const std::set<TapeIndex>& recorded) {
  std::set<TapeIndex> open;  // events not recorded, the latest last
  const auto come_from = [&](TapeIndex v) {
    if (const TapeIndex made = at(tape.values, v).made_by; made != none) open.insert(made);
  };
  come_from(value);
  while (!open.empty()) {
    const TapeIndex latest = *std::prev(open.end());
    open.erase(latest);
    for (const TapeIndex v : at(tape.events, latest).inputs) {
      const TapeIndex made = at(tape.values, v).made_by;
      if (at(tape.values, v).is_parameter || (made != none && recorded.contains(made)))
        return moment_of(tape, latest);
      come_from(v);
    }
  }
  return {};
}

}  // namespace gradus::see
