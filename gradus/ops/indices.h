// What every operation that takes positions asks of them: integers, and in range.
#pragma once

#include <string>

#include <gradus/ops/ops.h>

namespace gradus::op {

/// As i64. Throws DTypeError for anything but integers.
inline Tensor as_indices(const Tensor& index) {
  if (is_integer(index.dtype())) return astype(index, DType::i64);
  throw DTypeError("indices must be integers, got " + index.spec().str(),
                   "convert them with astype(index, DType::i64)");
}

/// A place counted from the front; negative ones count from the end. Throws IndexError.
inline std::int64_t checked_index(std::int64_t index, std::int64_t n, std::int64_t position) {
  if (index < -n || index >= n)
    throw IndexError(
        "index " + std::to_string(index) + " (number " + std::to_string(position) +
            " of the indices) is out of range for an axis of size " + std::to_string(n),
        n == 0 ? "the axis is empty"
               : "valid indices are " + std::to_string(-n) + ".." + std::to_string(n - 1));
  return index < 0 ? index + n : index;
}

}  // namespace gradus::op
