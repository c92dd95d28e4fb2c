// gemm: C = A B or C += A B with any strides, and what may follow each element of C.
// Bits depend on the numbers alone: not on strides, tiles, instruction set or number of threads.
#pragma once

#include <cstdint>
#include <string>

namespace gradus::kernels {

/// A matrix operand: the element (i, j) lies at data[i * row + j * column].
template <class T>
struct Matrix {
  T* data = nullptr;
  std::int64_t row = 0, column = 0;
  Matrix turned() const { return {data, column, row}; }
};

/// What becomes of an element of the product, in this order, each step rounded as the operation of
/// its own would round it. Empty operands are left out.
template <class T>
struct Epilogue {
  Matrix<const T> bias;     ///< y + bias[i,j]
  bool relu = false;        ///< y < 0 ? 0 : y
  Matrix<const T> gate;     ///< y * (gate[i,j] <= 0 ? 0 : 1): the gradient of relu
  const T* rate = nullptr;  ///< C - *rate * y instead of y: an update. For k <= gemm_block alone
  Epilogue turned() const { return {bias.turned(), relu, gate.turned(), rate}; }
};

/// Products whose sum is rounded into C at once.
inline constexpr std::int64_t gemm_block = 256;

/// C [m,n] = A [m,k] B [k,n], or C += A B. Each element is a chain of fused multiply-adds over k in
/// ascending order, begun at 0 for every block of gemm_block; the sums of the blocks are added in
/// turn. For integers sums wrap. C must not overlap A or B. Large products use several threads
/// (threads.h). T is float, double, or an integer type.
template <class T>
void gemm(std::int64_t m, std::int64_t n, std::int64_t k, Matrix<const T> a, Matrix<const T> b,
          Matrix<T> c, bool accumulate);

/// C = epilogue(A B). T is float or double.
template <class T>
void gemm(std::int64_t m, std::int64_t n, std::int64_t k, Matrix<const T> a, Matrix<const T> b,
          Matrix<T> c, const Epilogue<T>& epilogue);

/// Whether C is written faster when its columns are contiguous than when its rows are.
template <class T>
bool gemm_prefers_columns(std::int64_t m, std::int64_t n, std::int64_t k, Matrix<const T> a,
                          Matrix<const T> b);

/// Name of the instruction set that kernels run on: AVX-512, AVX2, SSE4, scalar.
std::string gemm_target();

}  // namespace gradus::kernels
