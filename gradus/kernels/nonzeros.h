// Where the numbers of a matrix lie that are not zero: a bit for each. A product passes over the
// others by them (gemm.h).
#pragma once

#include <cstdint>

namespace gradus::kernels {

/// Bits of the rows of a matrix: bit k of word w of row i is set where the number (i, 64 w + k) is
/// not zero; those beyond the matrix are not set. The words of one place in all rows are
/// neighbours.
struct NonZeros {
  const std::uint64_t* words = nullptr;
  std::int64_t step = 0;  ///< from one word of a row to its next
};

/// Words for so many numbers.
inline constexpr std::int64_t words_of(std::int64_t numbers) { return (numbers + 63) / 64; }

/// Looks at x, rows of `columns` neighbours each, `step` apart. by_row gets words_of(columns) times
/// `rows` words, by_column those of the transposed matrix, words_of(rows) times `columns`. Large
/// matrices are shared among the threads.
void find_nonzeros(const float* x, std::int64_t rows, std::int64_t columns, std::int64_t step,
                   std::uint64_t* by_row, std::uint64_t* by_column);

}  // namespace gradus::kernels
