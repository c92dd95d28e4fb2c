// Replay: the calls of a tape that lead from one value to the loss, run again from the tape alone,
// in another precision and with other elements in that value.
// The one idea: what the value does not reach keeps the numbers of the run, and nothing of the
// backward pass is used. tape_slope.h takes differences of it.
#pragma once

#include <gradus/program/op.h>
#include <gradus/see/elements.h>

namespace gradus::see {

/// The operation of a recorded call, with its attributes. Throws NameError for one that the
/// registry does not know.
Op op_of(const TapeEvent& event);

/// Calls that the backward pass did not go through (no_grad) are held: they keep the numbers that
/// they had, as the gradient means it; so do calls that draw random numbers.
class TapeReplay {
 public:
  /// From `value` to the loss of `step`. The elements must live as long. Throws ValueError where
  /// there is no loss, or `value` does not lead to it.
  TapeReplay(const Elements& elements, TapeIndex value, TapeIndex step);

  struct Result {
    double loss = 0;    ///< of several numbers their sum, weighted as the backward pass was begun
    Tensors sides;      ///< for each call with kinks: on which side of them its elements lie
    double weight = 0;  ///< sum of |weight * loss|, which says how much rounding there may be
  };
  /// With `x` in place of the value; all that is floating becomes of x's dtype. Throws ValueError
  /// where the elements of what comes in were not kept.
  Result run(const Tensor& x) const;

  /// The calls that run again, in order, and the first of those that are held; none where all run.
  const std::vector<TapeIndex>& calls() const { return calls_; }
  TapeIndex held() const { return held_; }

 private:
  /// The elements of what the value does not reach.
  Tensor fixed(TapeIndex value, DType dtype, int depth = 0) const;

  const Elements& elements_;
  TapeIndex value_, loss_ = none, held_ = none;
  std::vector<TapeIndex> calls_;
  mutable std::map<std::pair<TapeIndex, DType>, Tensor> fixed_;
};

}  // namespace gradus::see
