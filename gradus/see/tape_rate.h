// The learning rate of an update on a tape: what its optimizer took, or, of an update written by
// hand, the number in p - lr * g.
#pragma once

#include <string>
#include <vector>

#include <gradus/see/tape.h>

namespace gradus::see {

/// Of one write of a parameter; nothing where neither says it.
std::optional<double> learning_rate(const Tape& tape, const TapeEvent& write);
/// Of the first parameter that a step updates and whose rate is known: that of the first group.
std::optional<double> learning_rate(const Tape& tape, TapeIndex step);

/// Parameters that learn at the same rates, by their names, in the order of their updates. Where
/// several have one name, it is told with the module that takes it, "lin1.weight", or its number.
struct RateGroup {
  std::vector<std::string> parameters{};
  std::vector<double> rates{};  ///< one a step; NaN where none of them has a known one
  /// "0.weight", "0.weight and 3 more".
  std::string name() const;
};
/// Of the steps first..last-1; one group where all learn alike, none where no rate is known.
std::vector<RateGroup> rate_groups(const Tape& tape, TapeIndex first, TapeIndex last);

}  // namespace gradus::see
