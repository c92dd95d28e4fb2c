// Statistics: what a tape keeps of a tensor when it does not keep the tensor, found in one pass,
// cut by size alone, so that they are the same for any number of threads. tape.h is the user.
#pragma once

#include <array>
#include <cstdint>
#include <limits>

#include <gradus/core/tensor.h>

namespace gradus::see {

struct Statistics {
  std::int64_t count = 0, zeros = 0, nans = 0, plus_inf = 0, minus_inf = 0;
  /// Row-major position of the first NaN or infinity, -1 where there is none.
  std::int64_t first_bad = -1;
  /// Over the finite elements; NaN where there is none. std is that of the population (n, not n-1).
  double min = std::numeric_limits<double>::quiet_NaN(), max = min, mean = min, std = min;
  double l2 = 0;  ///< root of the sum of squares of the finite elements
  /// Bins of a factor 4 in size: [32] holds |v| < 2^-44, [33 + k] and [31 - k] the positive and the
  /// negative with 4^k <= |v| 2^44 < 4^(k+1), k = 0..30 (the last also what is larger); [0] NaN.
  /// Tensors of 2^13 elements and more are counted by evenly spaced samples, 2^11 or more, that
  /// visit every index of every axis.
  std::array<std::uint32_t, 64> histogram{};
  /// Of the bytes as they lie in memory, from the first to the last: equal for equal bits, and
  /// equal for all views that show the same elements.
  std::uint64_t hash = 0;

  std::int64_t bad() const { return nans + plus_inf + minus_inf; }
  bool operator==(const Statistics&) const = default;
};

/// Of all elements of x; integers and truth values count as numbers. No observer sees it.
Statistics statistics(const Tensor& x);

}  // namespace gradus::see
