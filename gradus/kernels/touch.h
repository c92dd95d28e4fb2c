// What code reads and writes that the thread sanitizer does not watch, told to it in whole ranges.
#pragma once

#include <gradus/kernels/gemm.h>

#include <cstddef>
#include <type_traits>
#include <utility>

#if defined(__SANITIZE_THREAD__)
// GCC's own calls before an access of many bytes.
extern "C" void __tsan_read_range(void* begin, std::size_t bytes);
extern "C" void __tsan_write_range(void* begin, std::size_t bytes);
#endif

namespace gradus::kernels {

/// This thread reads, or writes, every number of the matrix now. Nothing without the sanitizer.
template <class T>
void touch([[maybe_unused]] Matrix<T> matrix, [[maybe_unused]] std::int64_t rows,
           [[maybe_unused]] std::int64_t columns) {
#if defined(__SANITIZE_THREAD__)
  const auto tell = std::is_const_v<T> ? __tsan_read_range : __tsan_write_range;
  if (matrix.row == 1) {
    std::swap(matrix.row, matrix.column);
    std::swap(rows, columns);
  }
  const std::int64_t together = matrix.column == 1 ? columns : 1;
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; j += together)
      tell(const_cast<std::remove_const_t<T>*>(matrix.data + i * matrix.row + j * matrix.column),
           static_cast<std::size_t>(together) * sizeof(T));
#endif
}

}  // namespace gradus::kernels
