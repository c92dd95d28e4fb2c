// gemm: C = A B or C += A B with any strides.
#pragma once

#include <cstdint>

namespace gradus::kernels {

/// A matrix operand: the element (i, j) lies at data[i * row + j * column].
template <class T>
struct Matrix {
  T* data;
  std::int64_t row, column;
};

/// C [m,n] = A [m,k] B [k,n], or C += A B. Each element is summed over k in ascending order, in
/// blocks of 256 whose partial sums are added in turn: the bits depend on the numbers alone, not on
/// strides or on how the work is cut. T is float, double, or an integer type (which wraps). C must
/// not overlap A or B.
template <class T>
void gemm(std::int64_t m, std::int64_t n, std::int64_t k, Matrix<const T> a, Matrix<const T> b,
          Matrix<T> c, bool accumulate);

}  // namespace gradus::kernels
