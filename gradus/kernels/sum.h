// Sums over axes in the order of reduce.h, compiled for every instruction set and chosen at run
// time: the bits of reduce() with a plus.
#pragma once

#include <cstdint>

namespace gradus::kernels {

/// y[kept] = the sum of x over the reduced axes, which are given in logical order; `y` is written
/// row-major over the kept axes. T is float or double.
template <class T>
void sum(const T* x, const std::int64_t* kept_sizes, const std::int64_t* kept_strides,
         int kept_rank, const std::int64_t* sizes, const std::int64_t* strides, int rank, T* y);

}  // namespace gradus::kernels
