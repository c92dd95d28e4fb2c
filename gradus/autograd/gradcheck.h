// gradcheck: gradient rules against differences of function values, in f64.
#pragma once

#include <gradus/autograd/transforms.h>

namespace gradus {

struct GradcheckOptions {
  double step = 1e-5;        ///< h of the central difference (f(x+h) - f(x-h)) / 2h
  double tolerance = 1e-6;   ///< |analytic - numeric| <= tolerance * max(1, |numeric|)
  bool second_order = true;  ///< check the gradient of the gradient too
};

/// One disagreement.
struct GradcheckFailure {
  std::size_t input;
  std::int64_t element;  ///< position in row-major order
  double analytic, numeric;
};

struct GradcheckReport {
  std::int64_t checked = 0;  ///< derivatives compared
  std::int64_t kinks = 0;    ///< of these, where left and right slopes differ and ours lies between
  std::vector<GradcheckFailure> failures;
  bool ok() const { return failures.empty(); }
  /// "ok, 12 derivatives" or the first failures, each with the ratio of the two (2.000: a factor
  /// 2).
  std::string str() const;
};

/// Compares every derivative of f (weighted to one number by fixed weights) at `inputs`, which are
/// converted to f64; integers stay as they are. At a kink any value between the slopes of both
/// sides is right. (torch.autograd.gradcheck, gradgradcheck)
GradcheckReport gradcheck(const TensorFunction& f, std::span<const Tensor> inputs,
                          GradcheckOptions options = {});

}  // namespace gradus
