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
  /// A value that is differentiated, and the gradient that the backward pass began with; 1 where
  /// that is none.
  struct Root {
    TapeIndex value, seed;
  };
  /// From `value` to the roots, which belong to `step`. The elements must live as long. Throws
  /// ValueError where `value` leads to none of them.
  TapeReplay(const Elements& elements, TapeIndex value, TapeIndex step, std::vector<Root> roots);
  /// To the loss of `step`. Throws ValueError where there is none, too.
  TapeReplay(const Elements& elements, TapeIndex value, TapeIndex step);

  struct Result {
    double loss = 0;    ///< the sum of all roots, weighted as their backward passes were begun
    Tensors sides;      ///< for each call with kinks: on which side of them its elements lie
    double weight = 0;  ///< sum of |weight * loss|, which says how much rounding there may be
  };
  /// With `x` in place of the value; all that is floating becomes of x's dtype. Throws ValueError
  /// where the elements of what comes in were not kept.
  Result run(const Tensor& x) const;

  const Elements& elements() const { return elements_; }
  TapeIndex value() const { return value_; }
  /// The calls that run again, in order, and the first of those that are held; none where all run.
  const std::vector<TapeIndex>& calls() const { return calls_; }
  TapeIndex held() const { return held_; }

 private:
  /// The elements of what the value does not reach.
  Tensor fixed(TapeIndex value, DType dtype, int depth = 0) const;

  const Elements& elements_;
  TapeIndex value_, held_ = none;
  std::vector<Root> roots_;
  std::vector<TapeIndex> calls_;
  mutable std::map<std::pair<TapeIndex, DType>, Tensor> fixed_;
};

}  // namespace gradus::see
