// The check of a gradient on a tape: its slope by differences, over every backward pass that it
// adds up. A parameter keeps its gradient until zero_grad(): two losses, or two steps, make a sum
// of two slopes, each at the weights of its time. Where the elements of an earlier pass were not
// kept, what the last one gave is judged alone.
#pragma once

#include <gradus/see/tape_slope.h>

namespace gradus::see {

/// What one backward pass gave to a gradient.
struct GradientPart {
  TapeIndex gradient = none;              ///< that part alone
  TapeIndex of = none;                    ///< the tensor at its version then
  TapeIndex step = none;                  ///< none: it was there before the tape began
  std::vector<TapeReplay::Root> roots{};  ///< what the pass began with
  std::string name{};                     ///< "loss of step 0"
};
/// The parts of a gradient, the first pass first; one part where nothing adds up.
std::vector<GradientPart> gradient_parts(const Tape& tape, TapeIndex gradient);

struct GradientSlope : TapeSlope {
  std::vector<std::string> passes{};  ///< whose slopes are added, by their names
  /// What they gave of the gradient, where that is not all of it, and why.
  std::optional<double> part{};
  std::string rest{};
  std::optional<double> in_f32{};  ///< the same in the run's own precision, f32

  /// What of a gradient of that value is judged.
  double judged(double value) const { return part.value_or(value); }
};

/// What of element `index` was given while the tensor had its latest version: nothing where that is
/// all. Throws ValueError where those elements were not kept.
std::optional<double> given_since_update(const Elements& elements, TapeIndex gradient,
                                         const Ints& index);

/// Along element `index` of the tensor whose gradient that is. Throws what TapeReplay throws where
/// not even the last pass can be followed, IndexError for a place outside.
GradientSlope gradient_slope(const Elements& elements, TapeIndex gradient, const Ints& index);

/// "the sum of 2 backward passes: loss of step 0, loss of step 1"; which part is judged and why;
/// empty where there is one pass.
std::string passes_text(const GradientSlope& slope);

}  // namespace gradus::see
