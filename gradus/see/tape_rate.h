// The learning rate of an update on a tape: what its optimizer took, or, of an update written by
// hand, the number in p - lr * g.
#pragma once

#include <gradus/see/tape.h>

namespace gradus::see {

/// Of one write of a parameter; nothing where neither says it.
std::optional<double> learning_rate(const Tape& tape, const TapeEvent& write);
/// Of the first parameter that a step updates and whose rate is known: that of the first group.
std::optional<double> learning_rate(const Tape& tape, TapeIndex step);

}  // namespace gradus::see
