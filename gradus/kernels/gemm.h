// gemm: C = A B or C += A B with any strides, and what may follow in the same pass: scale, bias,
// ReLU, a mask, an update. Bits depend on the numbers alone: not on strides, tiles, instruction
// set, packing or number of threads. Next: gemm.cpp (who does what), gemm_inl.h (the loops).
#pragma once

#include <gradus/kernels/nonzeros.h>

#include <cstdint>

namespace gradus::kernels {

/// A matrix operand: the element (i, j) lies at data[i * row + j * column].
template <class T>
struct Matrix {
  T* data;
  std::int64_t row, column;
};

/// k whose products form one chain; part of the contract about bits.
inline constexpr std::int64_t gemm_block_depth = 256;

/// What is done to each finished element v of A B, in this order, each step rounded as the plain
/// operation would round it: v *= scale; v += bias_of_row[i]; v += bias_of_column[j];
/// relu (v < 0 ? 0 : v); v *= (mask(i, j) <= 0 ? 0 : 1); and C -= rate * v instead of C = v.
template <class T>
struct Epilogue {
  bool scales = false;
  T scale = 1;
  const T* bias_of_row = nullptr;
  const T* bias_of_column = nullptr;
  bool column_first = false;  // when there are both: the column's bias is added before the row's
  bool relu = false;
  Matrix<const T> mask{nullptr, 0, 0};
  bool updates = false;  // C -= rate * v; not together with `accumulate`
  T rate = 0;

  bool any() const {
    return scales || bias_of_row || bias_of_column || relu || mask.data || updates;
  }
};

/// Which operand, if any, holds so many zeros that it pays to pass over them (float alone does).
enum class Zeros { few, in_a, in_b };

/// What a caller knows; never a matter of bits.
struct GemmHints {
  Zeros zeros = Zeros::few;
  /// Of the rows of A, or of the columns of B, where `zeros` says they are; looked for when empty.
  NonZeros nonzeros{};
};

/// C [m,n] = A [m,k] B [k,n], or C += A B, then the epilogue. The contract about bits: within each
/// block of 256 k's an element is the chain acc = fma(a_ik, b_kj, acc), k ascending, from 0, and
/// its end + 0, so that an underflow leaves no -0; the blocks' sums are added in turn, first to the
/// old C when accumulating. T is float, double, or an
/// integer type (which wraps and takes no epilogue). C must not overlap A or B. Large products use
/// several threads (threads.h). Throws std::invalid_argument for an update that accumulates.
template <class T>
void gemm(std::int64_t m, std::int64_t n, std::int64_t k, Matrix<const T> a, Matrix<const T> b,
          Matrix<T> c, bool accumulate, const Epilogue<T>& epilogue = {},
          const GemmHints& hints = {});

/// Rows [row_begin, row_end) and columns [column_begin, column_end) of C.
struct GemmPart {
  std::int64_t row_begin, row_end, column_begin, column_end;
};

/// The part of gemm's C on the caller's thread, without the pool. T is float or double.
template <class T>
void gemm_serial(const GemmPart& part, std::int64_t k, Matrix<const T> a, Matrix<const T> b,
                 Matrix<T> c, bool accumulate, const Epilogue<T>& epilogue = {},
                 const GemmHints& hints = {});

/// The instruction set the kernels use on this machine: "AVX-512", "AVX2", "SSE4" or "scalar".
const char* instruction_set();

}  // namespace gradus::kernels
