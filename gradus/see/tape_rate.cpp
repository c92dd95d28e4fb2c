// How fast a step learns; see tape_rate.h.
#include <gradus/see/tape_rate.h>
#include <gradus/see/words.h>

namespace gradus::see {
namespace {

/// The number in lr * g where that is all that was added. A factor beside a quotient is no rate of
/// its own: Adam's is divided by a bias correction.
std::optional<double> rate_written(const Tape& tape, const TapeEvent& write) {
  const bool adds = (write.op == "sub" || write.op == "add") && write.inputs.size() == 2 &&
                    write.inputs[0] == write.target;
  if (!adds) return {};
  const TapeIndex made = at(tape.values, write.inputs[1]).made_by;
  if (made == none || at(tape.events, made).op != "mul") return {};
  std::optional<double> rate;
  for (const TapeIndex input : at(tape.events, made).inputs) {
    const TapeValue& v = at(tape.values, input);
    if (v.spec.shape.rank() == 0 && v.statistics)
      rate = v.statistics->mean;
    else if (v.made_by != none && at(tape.events, v.made_by).op == "div")
      return {};
  }
  return rate;
}

}  // namespace

std::optional<double> learning_rate(const Tape& tape, const TapeEvent& write) {
  return write.lr ? write.lr : rate_written(tape, write);
}

std::optional<double> learning_rate(const Tape& tape, TapeIndex step) {
  const auto [first, last] = tape.ticks_of(step);
  for (TapeIndex t = first; t < last; ++t)
    for (TapeIndex e = at(tape.ticks, t).first; e < at(tape.ticks, t).last; ++e) {
      const TapeEvent& event = at(tape.events, e);
      if (event.phase != Phase::update || event.target == none) continue;
      if (!at(tape.values, event.target).is_parameter) continue;
      if (const auto rate = learning_rate(tape, event)) return rate;
    }
  return {};
}

}  // namespace gradus::see
