// gemm: C = A B or C += A B with any strides.
// Bits depend on the numbers alone: not on strides, tiles, machine or number of threads.
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
/// blocks of 256 whose partial sums are added in turn; products are rounded before they are added
/// (no FMA). T is float, double, or an integer type (which wraps). C must not overlap A or B. Large
/// products use several threads (threads.h).
template <class T>
void gemm(std::int64_t m, std::int64_t n, std::int64_t k, Matrix<const T> a, Matrix<const T> b,
          Matrix<T> c, bool accumulate);

/// The instruction sets for which a micro-kernel was compiled; all give the same bits.
enum class GemmTarget { portable, avx2, avx512 };
/// Whether this machine can run `target`.
bool gemm_supports(GemmTarget target);
/// gemm on a chosen, supported instruction set: for tests and benchmarks. T is float or double.
template <class T>
void gemm_on(GemmTarget target, std::int64_t m, std::int64_t n, std::int64_t k, Matrix<const T> a,
             Matrix<const T> b, Matrix<T> c, bool accumulate);

}  // namespace gradus::kernels
