// Softmax and log-softmax by hand; all work on the last axis.
#pragma once

#include <gradus/gradus.h>

namespace lesson {
using namespace gradus;

// Probabilities: $p_i = e^{x_i} / \sum_j e^{x_j}$: all positive, adding up to one. `keepdims`
// leaves the summed axis in place with size 1, so that the sum of each row divides that row.
inline Tensor softmax_by_hand(const Tensor& x) { return exp(x) / exp(x).sum({-1}, true); }

// Version 1 of the logarithm, as the words say it.
inline Tensor log_softmax_naive(const Tensor& x) { return log(softmax_by_hand(x)); }

// Version 2: $\ln(a/b) = \ln a - \ln b$ and $\ln e^x = x$ save a division and an exponential.
inline Tensor log_softmax_rules(const Tensor& x) { return x - log(exp(x).sum({-1}, true)); }

// Version 3: with $m = \max_j x_j$, $\ln\sum_j e^{x_j} = m + \ln\sum_j e^{x_j - m}$, because
// $e^{a+b} = e^a e^b$ lets $e^m$ out of the sum. No exponent is above 0 any more.
inline Tensor logsumexp_by_hand(const Tensor& x) {
  const Tensor m = max(x, -1).values;
  return m + log(exp(x - m[{ellipsis, newaxis}]).sum({-1}));
}
inline Tensor log_softmax_stable(const Tensor& x) {
  return x - logsumexp_by_hand(x)[{ellipsis, newaxis}];
}

}  // namespace lesson
