// See tape_callers.h.
#include <gradus/see/tape_callers.h>
#include <gradus/see/words.h>

#include <algorithm>
#include <tuple>

namespace gradus::see {
namespace {

/// What backward() computes itself differentiates nothing: the first gradient, and in the end those
/// of the parameters.
bool is_of_walk(const TapeEvent& event) {
  return event.phase == Phase::backward && event.twin == none && event.parent == none;
}

/// The call that made the first gradient of a pass, or none where it was given.
TapeIndex seed_event(const Tape& tape, const TapePass& pass) {
  if (pass.seeds.empty()) return none;
  TapeIndex event = at(tape.values, pass.seeds[0]).made_by;
  while (event != none && at(tape.events, event).parent != none)
    event = at(tape.events, event).parent;
  return event != none && is_of_walk(at(tape.events, event)) ? event : none;
}

}  // namespace

std::vector<TapeCaller> callers_of(const Tape& tape, TapeIndex index) {
  const TapeTick* tick = &at(tape.ticks, index);
  if (tick->phase == Phase::backward && tick->twin != none) tick = &at(tape.ticks, tick->twin);
  if (tick->first == tick->last) return {};
  const TapeEvent& event = at(tape.events, tick->first);
  std::tuple inner(event.file, event.function, event.line);
  std::vector<TapeCaller> callers;
  for (const TapeCaller& caller : tick->callers) {
    std::tuple place(caller.file, caller.function, caller.line);
    if (place == inner) continue;
    callers.push_back(caller);
    inner = std::move(place);
  }
  return callers;
}

const TapeEvent* beginning_of_pass(const Tape& tape, TapeIndex index) {
  const TapeTick& tick = at(tape.ticks, index);
  const auto next = std::partition_point(tape.passes.begin(), tape.passes.end(),
                                         [&](const TapePass& p) { return p.first < tick.last; });
  if (tick.phase != Phase::backward || next == tape.passes.begin()) return nullptr;
  const TapePass& pass = *std::prev(next);
  const auto [first_tick, last_tick] = tape.ticks_of(tick.step);
  if (pass.first < at(tape.ticks, first_tick).first) return nullptr;
  if (const TapeIndex seed = seed_event(tape, pass); seed != none) return &at(tape.events, seed);
  TapeIndex end = at(tape.ticks, last_tick - 1).last;
  if (next != tape.passes.end()) {
    const TapeIndex seed = seed_event(tape, *next);
    end = std::min(end, seed == none ? next->first : seed);
  }
  while (--end >= pass.first)
    if (is_of_walk(at(tape.events, end))) return &at(tape.events, end);
  return nullptr;
}

}  // namespace gradus::see
