// The slope of the loss along one element, by differences in f64: the witness that knows nothing of
// gradients. Of a tape it is told by running the tape's own calls again (tape_replay.h), of a
// program by running that (try.h).
#pragma once

#include <gradus/see/tape_replay.h>

namespace gradus::see {

/// d loss / d element.
struct Slope {
  double numeric = 0, left = 0, right = 0;  ///< central, one-sided
  double step = 0;
  std::int64_t kinks = 0;  ///< elements that lie on another side of a kink at the two ends
  double rounding = 0;     ///< what rounding of the loss alone may add
  /// Whether a gradient fits: it is near, or at a kink lies between both sides. `own_rounding` is
  /// what the gradient's own precision may add to it.
  bool fits(double gradient, double own_rounding = 0) const;
};

/// A slope of a tape, with what was found on the way.
struct TapeSlope : Slope {
  std::int64_t calls = 0;  ///< of the forward pass, which ran again
  /// Larger steps that were tried first, each with the kinks within.
  std::vector<std::pair<double, std::int64_t>> crossed{};
  std::string held{};  ///< a call that the backward pass left out, "t3 exp"; or empty
};

/// Along element `index` of the value that is replayed. The step of the difference is made smaller
/// while a kink lies within, down to 1e-6. Throws what TapeReplay throws, IndexError for a place
/// outside, and ValueError for a value that is no floating tensor.
TapeSlope tape_slope(const TapeReplay& replay, const Ints& index);
/// To the loss of `step`.
TapeSlope tape_slope(const Elements& elements, TapeIndex value, TapeIndex step, const Ints& index);

/// The same difference in f32, step 1e-3: what is left of it where the loss has 7 digits.
double slope_in_f32(const TapeReplay& replay, const Ints& index);

}  // namespace gradus::see
