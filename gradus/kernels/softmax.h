// Softmax and its logarithm along one axis, with the exponential of functions.h and sums in the
// order of reduce.h: equal bits on every instruction set, for any strides and any number of
// threads.
#pragma once

#include <cstdint>

namespace gradus::kernels {

/// y = e^(x - m) / s, or (x - m) - ln(s) for `logarithm`, where m is the largest x along the axis
/// (0 where that is -inf) and s the sum of e^(x - m). y may be x with the same strides. A NaN makes
/// its row NaN. A number (rank 0) is a row of one. T is float or double.
template <class T>
void softmax(bool logarithm, const T* x, const std::int64_t* x_strides, T* y,
             const std::int64_t* y_strides, const std::int64_t* sizes, int rank, int axis);

}  // namespace gradus::kernels
