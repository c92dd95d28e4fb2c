// Matrix product: panels of A and B are packed so that one micro-kernel serves every stride; it
// holds a tile of C in registers while it walks k. (The blocking of Goto and van de Geijn, "Anatomy
// of high-performance matrix multiplication", 2008.)
#include <gradus/kernels/gemm.h>

#include <algorithm>
#include <type_traits>
#include <vector>

namespace gradus::kernels {
namespace {

constexpr std::int64_t tile_rows = 4;      // rows of C in a tile
constexpr std::int64_t block_depth = 256;  // k in a packed panel
constexpr std::int64_t block_rows = 128;   // rows of A packed at a time
constexpr std::int64_t block_columns = 1024;

// 64 bytes: two to four machine vectors, whatever the instruction set.
template <class T>
constexpr std::int64_t tile_columns = std::is_same_v<T, double> ? 4 : 8;

std::int64_t round_up(std::int64_t n, std::int64_t unit) { return (n + unit - 1) / unit * unit; }

/// Packs `rows` x `depth` of A tile by tile: tile_rows values for k = 0, then for k = 1, ...;
/// missing rows are zero.
template <class T>
void pack_rows(const T* a, std::int64_t row, std::int64_t column, std::int64_t rows,
               std::int64_t depth, T* packed, std::int64_t tile) {
  for (std::int64_t begin = 0; begin < rows; begin += tile) {
    const std::int64_t height = std::min(tile, rows - begin);
    if (height < tile) std::fill(packed, packed + tile * depth, T(0));
    if (row == 1 && height == tile) {
      for (std::int64_t k = 0; k < depth; ++k)
        for (std::int64_t i = 0; i < tile; ++i) packed[k * tile + i] = a[begin + i + k * column];
    } else {
      for (std::int64_t i = 0; i < height; ++i) {
        const T* source = a + (begin + i) * row;
        for (std::int64_t k = 0; k < depth; ++k) packed[k * tile + i] = source[k * column];
      }
    }
    packed += tile * depth;
  }
}

/// One tile of products over `depth`, in registers. `columns` is a compile-time constant so that
/// the compiler turns each row of `sums` into machine vectors.
template <class T, std::int64_t rows, std::int64_t columns>
void multiply_tile(std::int64_t depth, const T* a, const T* b, T (&sums)[rows][columns]) {
  typedef T Vector __attribute__((vector_size(columns * sizeof(T))));
  Vector lanes[rows] = {};
  for (std::int64_t k = 0; k < depth; ++k) {
    Vector right;
    __builtin_memcpy(&right, b + k * columns, sizeof right);
    for (std::int64_t i = 0; i < rows; ++i) lanes[i] += a[k * rows + i] * right;
  }
  __builtin_memcpy(sums, lanes, sizeof sums);
}

template <class T>
void clear(std::int64_t m, std::int64_t n, Matrix<T> c) {
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j) c.data[i * c.row + j * c.column] = T(0);
}

template <class T>
void gemm_floating(std::int64_t m, std::int64_t n, std::int64_t k, Matrix<const T> a,
                   Matrix<const T> b, Matrix<T> c, bool accumulate) {
  constexpr std::int64_t width = tile_columns<T>;
  thread_local std::vector<T> packed_a, packed_b;
  for (std::int64_t k0 = 0; k0 < k; k0 += block_depth) {
    const std::int64_t depth = std::min(block_depth, k - k0);
    const bool add = accumulate || k0 > 0;
    for (std::int64_t j0 = 0; j0 < n; j0 += block_columns) {
      const std::int64_t columns = std::min(block_columns, n - j0);
      packed_b.resize(static_cast<std::size_t>(round_up(columns, width) * depth));
      // B's columns are packed as A's rows are: strides exchanged.
      pack_rows(b.data + k0 * b.row + j0 * b.column, b.column, b.row, columns, depth,
                packed_b.data(), width);
      for (std::int64_t i0 = 0; i0 < m; i0 += block_rows) {
        const std::int64_t rows = std::min(block_rows, m - i0);
        packed_a.resize(static_cast<std::size_t>(round_up(rows, tile_rows) * depth));
        pack_rows(a.data + i0 * a.row + k0 * a.column, a.row, a.column, rows, depth,
                  packed_a.data(), tile_rows);
        for (std::int64_t j = 0; j < columns; j += width) {
          for (std::int64_t i = 0; i < rows; i += tile_rows) {
            T sums[tile_rows][width];
            multiply_tile<T, tile_rows, width>(depth, packed_a.data() + i * depth,
                                               packed_b.data() + j * depth, sums);
            const std::int64_t height = std::min(tile_rows, rows - i);
            const std::int64_t length = std::min(width, columns - j);
            T* out = c.data + (i0 + i) * c.row + (j0 + j) * c.column;
            for (std::int64_t r = 0; r < height; ++r)
              for (std::int64_t s = 0; s < length; ++s) {
                T& target = out[r * c.row + s * c.column];
                target = add ? target + sums[r][s] : sums[r][s];
              }
          }
        }
      }
    }
  }
}

template <class T>
void gemm_integer(std::int64_t m, std::int64_t n, std::int64_t k, Matrix<const T> a,
                  Matrix<const T> b, Matrix<T> c, bool accumulate) {
  using U = std::make_unsigned_t<T>;
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      T& target = c.data[i * c.row + j * c.column];
      std::uint64_t sum = accumulate ? static_cast<U>(target) : 0;
      for (std::int64_t p = 0; p < k; ++p)
        sum += static_cast<std::uint64_t>(static_cast<U>(a.data[i * a.row + p * a.column])) *
               static_cast<U>(b.data[p * b.row + j * b.column]);
      target = static_cast<T>(static_cast<U>(sum));
    }
}

}  // namespace

template <class T>
void gemm(std::int64_t m, std::int64_t n, std::int64_t k, Matrix<const T> a, Matrix<const T> b,
          Matrix<T> c, bool accumulate) {
  if (k == 0 && !accumulate) clear(m, n, c);
  if constexpr (std::is_floating_point_v<T>)
    gemm_floating(m, n, k, a, b, c, accumulate);
  else
    gemm_integer(m, n, k, a, b, c, accumulate);
}

#define GRADUS_GEMM(T)                                                             \
  template void gemm<T>(std::int64_t, std::int64_t, std::int64_t, Matrix<const T>, \
                        Matrix<const T>, Matrix<T>, bool);
GRADUS_GEMM(float)
GRADUS_GEMM(double)
GRADUS_GEMM(std::uint8_t)
GRADUS_GEMM(std::int32_t)
GRADUS_GEMM(std::int64_t)
#undef GRADUS_GEMM

}  // namespace gradus::kernels
