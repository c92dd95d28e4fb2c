// Who called: the lines of the user's program that led to a place on a tape, beside its own.
#pragma once

#include <gradus/see/tape.h>

namespace gradus::see {

/// The modules' calls around a tick, the innermost first; of a backward one those around the call
/// that it differentiates. Calls at the same place as the one inside are left out: what a container
/// passes on stands at one line.
std::vector<TapeCaller> callers_of(const Tape& tape, TapeIndex tick);

/// A call that stands where the backward pass of a tick was begun, at `loss.backward()`; null where
/// the tape does not show it, as in the middle of a pass whose first gradient was given.
const TapeEvent* beginning_of_pass(const Tape& tape, TapeIndex tick);

}  // namespace gradus::see
