// Matrix product: one micro-kernel template holds a tile of C in registers while it walks k. (The
// blocking of Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", 2008.)
// Operands are read where they lie; only what does not lie well is packed: columns of B that are
// not contiguous or meet many rows of A, and A when it meets many columns. The template is compiled
// for several instruction sets; they differ in tile sizes, never in the order of a sum.
#include <gradus/kernels/gemm.h>
#include <gradus/kernels/threads.h>

#include <algorithm>
#include <memory>
#include <new>
#include <type_traits>

namespace gradus::kernels {
namespace {

using Index = std::int64_t;
constexpr Index block_depth = 256;       // k whose products are summed before C is touched: part of
                                         // the contract about bits
constexpr Index block_rows = 256;        // rows of A packed at a time
constexpr Index columns_that_pay = 256;  // fewer columns than this do not pay for packing A
constexpr Index rows_that_pay = 128;     // as many rows as this pay for packing B in any case
constexpr Index most_tile_rows = 8, most_tile_columns = 32;
constexpr double products_per_task = 4e6;  // below two tasks' worth no thread is woken

/// C tile [height, width] (+)= A tile times B tile. Rows of A past `height` repeat the last row, so
/// nothing outside the operand is read; B always has all its columns (b_row apart).
template <class T>
using TileKernel = void (*)(Index depth, const T* a, Index a_row, Index a_column, const T* b,
                            Index b_row, Matrix<T> c, Index height, Index width, bool add);

template <class T, int vector_bytes, int rows>
__attribute__((always_inline)) inline void multiply_tile(Index depth, const T* a, Index a_row,
                                                         Index a_column, const T* b, Index b_row,
                                                         Matrix<T> c, Index height, Index width,
                                                         bool add) {
  typedef T Vector __attribute__((vector_size(vector_bytes)));
  constexpr Index lanes = vector_bytes / static_cast<int>(sizeof(T));
  const T* row[rows];
  for (int i = 0; i < rows; ++i) row[i] = a + std::min<Index>(i, height - 1) * a_row;
  Vector sums[rows][2] = {};
  for (Index k = 0; k < depth; ++k) {
    Vector left, right;
    __builtin_memcpy(&left, b + k * b_row, sizeof left);
    __builtin_memcpy(&right, b + k * b_row + lanes, sizeof right);
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) {
      const T value = row[i][k * a_column];
      sums[i][0] += value * left;
      sums[i][1] += value * right;
    }
  }
  if (c.column == 1 && width == 2 * lanes) {
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) {
      if (i >= height) break;
      T* out = c.data + i * c.row;
      if (add) {
        Vector old[2];
        __builtin_memcpy(old, out, sizeof old);
        sums[i][0] = old[0] + sums[i][0];
        sums[i][1] = old[1] + sums[i][1];
      }
      __builtin_memcpy(out, sums[i], sizeof sums[i]);
    }
    return;
  }
  T spilled[rows][2 * lanes];
  __builtin_memcpy(spilled, sums, sizeof spilled);
  for (Index j = 0; j < width; ++j)
    for (Index i = 0; i < height; ++i) {
      T& target = c.data[i * c.row + j * c.column];
      target = add ? target + spilled[i][j] : spilled[i][j];
    }
}

#define GRADUS_TILE_KERNEL(name, T, vector_bytes, rows, attributes)                             \
  attributes void name(Index depth, const T* a, Index a_row, Index a_column, const T* b,        \
                       Index b_row, Matrix<T> c, Index height, Index width, bool add) {         \
    multiply_tile<T, vector_bytes, rows>(depth, a, a_row, a_column, b, b_row, c, height, width, \
                                         add);                                                  \
  }
GRADUS_TILE_KERNEL(tile_f32_portable, float, 16, 4, )
GRADUS_TILE_KERNEL(tile_f64_portable, double, 16, 4, )
#if defined(__x86_64__)
GRADUS_TILE_KERNEL(tile_f32_avx2, float, 32, 6, __attribute__((target("avx2"))))
GRADUS_TILE_KERNEL(tile_f64_avx2, double, 32, 6, __attribute__((target("avx2"))))
GRADUS_TILE_KERNEL(tile_f32_avx512, float, 64, 8, __attribute__((target("avx512f"))))
GRADUS_TILE_KERNEL(tile_f64_avx512, double, 64, 8, __attribute__((target("avx512f"))))
#endif
#undef GRADUS_TILE_KERNEL

/// A compiled micro-kernel and the tile it makes.
template <class T>
struct Tile {
  TileKernel<T> kernel;
  Index rows, columns;
};

template <class T>
Tile<T> tile_for(GemmTarget target) {
  constexpr bool f32 = std::is_same_v<T, float>;
  constexpr Index size = sizeof(T);
#if defined(__x86_64__)
  if constexpr (f32) {
    if (target == GemmTarget::avx512) return {tile_f32_avx512, 8, 128 / size};
    if (target == GemmTarget::avx2) return {tile_f32_avx2, 6, 64 / size};
  } else {
    if (target == GemmTarget::avx512) return {tile_f64_avx512, 8, 128 / size};
    if (target == GemmTarget::avx2) return {tile_f64_avx2, 6, 64 / size};
  }
#endif
  static_cast<void>(target);
  if constexpr (f32)
    return {tile_f32_portable, 4, 32 / size};
  else
    return {tile_f64_portable, 4, 32 / size};
}

GemmTarget best_target() {
  static const GemmTarget best = gemm_supports(GemmTarget::avx512) ? GemmTarget::avx512
                                 : gemm_supports(GemmTarget::avx2) ? GemmTarget::avx2
                                                                   : GemmTarget::portable;
  return best;
}

Index round_up(Index n, Index unit) { return (n + unit - 1) / unit * unit; }

/// packed[k * tile + i] = source[i * step + k * along] for i < count, 0 for the rest of the tile.
template <class T>
void pack(const T* source, Index step, Index along, Index count, Index depth, T* packed,
          Index tile) {
  if (count < tile)
    for (Index k = 0; k < depth; ++k)
      std::fill(packed + k * tile + count, packed + (k + 1) * tile, T(0));
  if (step == 1) {
    for (Index k = 0; k < depth; ++k) std::copy_n(source + k * along, count, packed + k * tile);
    return;
  }
  Index i = 0;
  if (along == 1) {
    // Four by four through registers: reads and writes are both whole vectors.
    typedef T Four __attribute__((vector_size(4 * sizeof(T))));
    for (; i + 4 <= count; i += 4) {
      const T* from = source + i * step;
      Index k = 0;
      for (; k + 4 <= depth; k += 4) {
        Four r[4];
        for (int q = 0; q < 4; ++q) __builtin_memcpy(&r[q], from + q * step + k, sizeof r[q]);
        const Four a = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5);
        const Four b = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7);
        const Four c = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5);
        const Four d = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
        r[0] = __builtin_shufflevector(a, c, 0, 1, 4, 5);
        r[1] = __builtin_shufflevector(a, c, 2, 3, 6, 7);
        r[2] = __builtin_shufflevector(b, d, 0, 1, 4, 5);
        r[3] = __builtin_shufflevector(b, d, 2, 3, 6, 7);
        for (int q = 0; q < 4; ++q)
          __builtin_memcpy(packed + (k + q) * tile + i, &r[q], sizeof r[q]);
      }
      for (; k < depth; ++k)
        for (Index q = 0; q < 4; ++q) packed[k * tile + i + q] = from[q * step + k];
    }
  }
  for (; i < count; ++i)
    for (Index k = 0; k < depth; ++k) packed[k * tile + i] = source[i * step + k * along];
}

/// The columns [from, to) of C, by one thread.
template <class T>
void multiply_columns(const Tile<T>& tile, Index m, Index from, Index to, Index k,
                      Matrix<const T> a, Matrix<const T> b, Matrix<T> c, bool accumulate) {
  alignas(64) T packed_b[block_depth * most_tile_columns];
  thread_local std::unique_ptr<T[]> packed_a;
  bool pack_a = to - from >= columns_that_pay && m > tile.rows;
  if (pack_a && !packed_a) {
    packed_a.reset(new (std::nothrow) T[(block_rows + most_tile_rows) * block_depth]);
    pack_a = packed_a != nullptr;  // without memory A is read where it lies
  }
  const Index rows_at_once = pack_a ? block_rows : m;
  for (Index k0 = 0; k0 < k; k0 += block_depth) {
    const Index depth = std::min(block_depth, k - k0);
    const bool add = accumulate || k0 > 0;
    for (Index i0 = 0; i0 < m; i0 += rows_at_once) {
      const Index rows = std::min(rows_at_once, m - i0);
      const T* left = a.data + i0 * a.row + k0 * a.column;
      if (pack_a)
        for (Index i = 0; i < rows; i += tile.rows)
          pack(left + i * a.row, a.row, a.column, std::min(tile.rows, rows - i), depth,
               packed_a.get() + i * depth, tile.rows);
      for (Index j = from; j < to; j += tile.columns) {
        const Index width = std::min(tile.columns, to - j);
        const T* right = b.data + k0 * b.row + j * b.column;
        Index right_row = b.row;
        if (b.column != 1 || width < tile.columns || rows >= rows_that_pay) {
          pack(right, b.column, b.row, width, depth, packed_b, tile.columns);
          right = packed_b;
          right_row = tile.columns;
        }
        for (Index i = 0; i < rows; i += tile.rows) {
          const Index height = std::min(tile.rows, rows - i);
          const Matrix<T> out{c.data + (i0 + i) * c.row + j * c.column, c.row, c.column};
          if (pack_a)
            tile.kernel(depth, packed_a.get() + i * depth, 1, tile.rows, right, right_row, out,
                        height, width, add);
          else
            tile.kernel(depth, left + i * a.row, a.row, a.column, right, right_row, out, height,
                        width, add);
        }
      }
    }
  }
}

/// Products computed per k, padding and the price of packing B included.
template <class T>
Index cost(const Tile<T>& tile, Index m, Index n, Matrix<const T> b) {
  const Index columns = round_up(n, tile.columns);
  return round_up(m, tile.rows) * columns + (b.column == 1 ? 0 : 16 * columns);
}

template <class T>
void gemm_integer(Index m, Index n, Index k, Matrix<const T> a, Matrix<const T> b, Matrix<T> c,
                  bool accumulate) {
  using U = std::make_unsigned_t<T>;
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j < n; ++j) {
      T& target = c.data[i * c.row + j * c.column];
      std::uint64_t sum = accumulate ? static_cast<U>(target) : 0;
      for (Index p = 0; p < k; ++p)
        sum += static_cast<std::uint64_t>(static_cast<U>(a.data[i * a.row + p * a.column])) *
               static_cast<U>(b.data[p * b.row + j * b.column]);
      target = static_cast<T>(static_cast<U>(sum));
    }
}

}  // namespace

bool gemm_supports(GemmTarget target) {
  if (target == GemmTarget::portable) return true;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (target == GemmTarget::avx2) return __builtin_cpu_supports("avx2") != 0;
  return __builtin_cpu_supports("avx512f") != 0;
#else
  return false;
#endif
}

template <class T>
void gemm_on(GemmTarget target, Index m, Index n, Index k, Matrix<const T> a, Matrix<const T> b,
             Matrix<T> c, bool accumulate) {
  if (m <= 0 || n <= 0) return;
  if (k <= 0) {
    if (accumulate) return;
    for (Index i = 0; i < m; ++i)
      for (Index j = 0; j < n; ++j) c.data[i * c.row + j * c.column] = T(0);
    return;
  }
  const Tile<T> tile = tile_for<T>(target);
  const Matrix<const T> a_turned{a.data, a.column, a.row}, b_turned{b.data, b.column, b.row};
  if (cost(tile, n, m, a_turned) < cost(tile, m, n, b)) {  // C^T = B^T A^T: the same products
    a = b_turned;
    b = a_turned;
    std::swap(m, n);
    std::swap(c.row, c.column);
  }
  const Index tiles = (n + tile.columns - 1) / tile.columns;
  const double products_per_tile = static_cast<double>(m * k) * static_cast<double>(tile.columns);
  const Index grain = std::max<Index>(1, static_cast<Index>(products_per_task / products_per_tile));
  parallel_for(tiles, grain, [&](Index begin, Index end) {
    multiply_columns(tile, m, begin * tile.columns, std::min(n, end * tile.columns), k, a, b, c,
                     accumulate);
  });
}

template <class T>
void gemm(Index m, Index n, Index k, Matrix<const T> a, Matrix<const T> b, Matrix<T> c,
          bool accumulate) {
  if constexpr (std::is_floating_point_v<T>)
    gemm_on<T>(best_target(), m, n, k, a, b, c, accumulate);
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
template void gemm_on<float>(GemmTarget, std::int64_t, std::int64_t, std::int64_t,
                             Matrix<const float>, Matrix<const float>, Matrix<float>, bool);
template void gemm_on<double>(GemmTarget, std::int64_t, std::int64_t, std::int64_t,
                              Matrix<const double>, Matrix<const double>, Matrix<double>, bool);

}  // namespace gradus::kernels
