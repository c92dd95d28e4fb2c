// Where things stand on a tape, for errors that tell it: "as it was at t1". recorder.cpp answers
// the errors' questions (program/watch.h) with these.
#pragma once

#include <set>

#include <gradus/program/watch.h>
#include <gradus/see/tape.h>

namespace gradus::see {

TapeMoment moment_of(const Tape& tape, TapeIndex event);

/// When a tensor became what it was at that version; `value` is any version of it. Nothing where
/// that came from outside of the tape.
std::optional<TapeMoment> made_at(const Tape& tape, TapeIndex value, std::uint64_t version);

/// The latest event on the way to `value` that was not `recorded` for a gradient, though a
/// parameter or the result of a recorded event came into it.
std::optional<TapeMoment> cut_at(const Tape& tape, TapeIndex value,
                                 const std::set<TapeIndex>& recorded);

}  // namespace gradus::see
