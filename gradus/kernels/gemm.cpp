// Matrix product: blocks of the operands that fit the caches, tiles of C that fit the registers
// (gemm_tile.cpp). (The blocking of Goto and van de Geijn, "Anatomy of high-performance matrix
// multiplication", 2008.) Operands are read where they lie; only what does not lie well is packed:
// columns of B that are not contiguous or meet many rows of A, and A when it meets many columns.
#include <gradus/kernels/gemm.h>
#include <gradus/kernels/gemm_tile.h>
#include <gradus/kernels/threads.h>

#include <algorithm>
#include <memory>
#include <new>
#include <type_traits>

namespace gradus::kernels {
namespace {

using Index = std::int64_t;
using detail::TileJob;
using detail::Tiles;

constexpr Index block_rows = 256;            // rows of A packed at a time
constexpr Index block_columns_bytes = 4096;  // bytes of a row of B packed at a time
constexpr Index columns_that_pay = 256;      // fewer columns do not pay for packing A
constexpr Index rows_that_pay = 128;         // as many rows pay for packing B in any case
constexpr double products_per_task = 4e6;    // below two tasks' worth no thread is woken
constexpr Index most_tasks = 16;

template <class T>
const Tiles<T>& tiles_of() {
  if constexpr (std::is_same_v<T, float>)
    return detail::tiles_f32();
  else
    return detail::tiles_f64();
}

Index round_up(Index n, Index unit) { return (n + unit - 1) / unit * unit; }
Index parts_of(Index n, Index part) { return (n + part - 1) / part; }

/// Part number `p` of n things in `parts` parts of nearly equal size.
struct Part {
  Index begin, size;
};
Part part_of(Index n, Index parts, Index p) {
  const Index each = n / parts, more = n % parts;
  return {p * each + std::min(p, more), each + (p < more ? 1 : 0)};
}

/// Memory that a thread keeps for packing.
template <class T>
T* scratch(std::size_t which, Index count) {
  struct Buffer {
    std::unique_ptr<T[]> data;
    Index size = 0;
  };
  thread_local Buffer buffers[2];
  Buffer& buffer = buffers[which];
  if (buffer.size < count) {
    buffer.data.reset(new (std::nothrow) T[static_cast<std::size_t>(count)]);
    buffer.size = buffer.data ? count : 0;
  }
  return buffer.data.get();
}

template <class T>
Matrix<T> moved(Matrix<T> m, Index i, Index j) {
  if (m.data) m.data += i * m.row + j * m.column;
  return m;
}

/// A rectangle of C and everything that it needs.
template <class T>
struct Block {
  const Tiles<T>& tiles;
  Index m, n, k;
  Matrix<const T> a, b;
  Matrix<T> c;
  bool accumulate;
  const Epilogue<T>* epilogue;

  /// The columns of C as panels of whole vectors, by number.
  Index panels() const { return parts_of(parts_of(n, tiles.lanes), tiles.vectors); }
  Part panel(Index p) const {
    const Part vectors = part_of(parts_of(n, tiles.lanes), panels(), p);
    return {vectors.begin * tiles.lanes, vectors.size * tiles.lanes};
  }

  void multiply() const;
  void multiply_depth(Index k0, Index depth, T* packed_a, T* packed_b) const;
};

template <class T>
void Block<T>::multiply() const {
  const bool pack_a = n >= columns_that_pay && m > tiles.rows[tiles.vectors - 1];
  T* packed_a = pack_a ? scratch<T>(0, block_rows * gemm_block) : nullptr;
  T* packed_b = scratch<T>(1, round_up(n, tiles.lanes) * gemm_block);
  if (!packed_b) throw std::bad_alloc();
  for (Index k0 = 0; k0 < k; k0 += gemm_block)
    multiply_depth(k0, std::min(gemm_block, k - k0), packed_a, packed_b);
}

template <class T>
void Block<T>::multiply_depth(Index k0, Index depth, T* packed_a, T* packed_b) const {
  const bool is_last = k0 + depth == k;
  const Index rows_at_once = packed_a ? block_rows : m;
  for (Index i0 = 0; i0 < m; i0 += rows_at_once) {
    const Index rows = std::min(rows_at_once, m - i0);
    const Matrix<const T> left = moved(a, i0, k0);
    for (Index p = 0; p < panels(); ++p) {
      const auto [j0, wide] = panel(p);
      const Index width = std::min(wide, n - j0), vectors = wide / tiles.lanes;
      const Matrix<const T> right = moved(b, k0, j0);
      const bool pack_b = b.column != 1 || width < wide || m >= rows_that_pay;
      if (pack_b && i0 == 0)
        tiles.pack(right.data, right.column, right.row, width, depth, packed_b + j0 * depth, wide);
      const Index tile_count = parts_of(rows, tiles.rows[vectors - 1]);
      for (Index t = 0; t < tile_count; ++t) {
        const auto [i, height] = part_of(rows, tile_count, t);
        TileJob<T> job{depth,
                       moved(left, i, 0).data,
                       left.row,
                       left.column,
                       pack_b ? packed_b + j0 * depth : right.data,
                       pack_b ? wide : right.row,
                       moved(c, i0 + i, j0),
                       width,
                       accumulate || k0 > 0,
                       nullptr};
        if (packed_a) {
          // Packed when the first panel meets it; every panel of as many vectors cuts rows alike.
          job.a = packed_a + i * depth;
          job.a_row = 1;
          job.a_column = height;
          if (p == 0 || vectors != panel(p - 1).size / tiles.lanes)
            tiles.pack(moved(left, i, 0).data, left.row, left.column, height, depth,
                       packed_a + i * depth, height);
        }
        Epilogue<T> here;
        if (epilogue && is_last) {
          here = *epilogue;
          here.bias = moved(here.bias, i0 + i, j0);
          here.gate = moved(here.gate, i0 + i, j0);
          job.epilogue = &here;
        }
        tiles.kernel[vectors - 1][height - 1](job);
      }
    }
  }
}

/// What a product costs with lanes along the columns of C: multiply-adds, padding, packing of B and
/// scattered writing included.
template <class T>
double cost(Index m, Index n, Index k, Matrix<const T> b, Index c_column) {
  const auto& tiles = tiles_of<T>();
  const double columns = static_cast<double>(round_up(n, tiles.lanes));
  return static_cast<double>(m) * columns + (b.column == 1 ? 0 : 12 * columns) +
         (c_column == 1 ? 0 : 16 * static_cast<double>(m) * columns / static_cast<double>(k));
}

/// Rows and columns of C that one task computes: by shape alone.
template <class T>
Part task_size(const Tiles<T>& tiles, Index m, Index n, Index k) {
  const Index unit = tiles.lanes * tiles.vectors;
  Index rows = m, columns = std::min<Index>(n, block_columns_bytes / static_cast<Index>(sizeof(T)));
  const auto tasks = [&] { return parts_of(m, rows) * parts_of(n, columns); };
  const auto products = [&] {
    return static_cast<double>(rows) * static_cast<double>(columns) * static_cast<double>(k);
  };
  while (tasks() < most_tasks && products() >= 2 * products_per_task) {
    if (columns >= 2 * unit && columns >= rows)
      columns = round_up((columns + 1) / 2, unit);
    else if (rows >= 2 * block_rows / 4)
      rows = round_up((rows + 1) / 2, detail::most_rows);
    else
      break;
  }
  return {rows, columns};
}

template <class T>
void multiply(Index m, Index n, Index k, Matrix<const T> a, Matrix<const T> b, Matrix<T> c,
              bool accumulate, const Epilogue<T>* epilogue) {
  if (m <= 0 || n <= 0) return;
  if (k <= 0) {
    for (Index i = 0; i < m && !accumulate; ++i)
      for (Index j = 0; j < n; ++j) c.data[i * c.row + j * c.column] = T(0);
    return;
  }
  Epilogue<T> turned;
  if (cost(n, m, k, a.turned(), c.row) < cost(m, n, k, b, c.column)) {
    // C^T = B^T A^T: the same products.
    std::swap(a, b);
    a = a.turned();
    b = b.turned();
    c = c.turned();
    std::swap(m, n);
    if (epilogue) {
      turned = epilogue->turned();
      epilogue = &turned;
    }
  }
  const Tiles<T>& tiles = tiles_of<T>();
  const auto [rows, columns] = task_size(tiles, m, n, k);
  const Index across = parts_of(n, columns);
  parallel_for(across * parts_of(m, rows), 1,
               [&, rows = rows, columns = columns](Index from, Index to) {
                 for (Index task = from; task < to; ++task) {
                   const Index i = task / across * rows, j = task % across * columns;
                   Epilogue<T> here;
                   if (epilogue) {
                     here = *epilogue;
                     here.bias = moved(here.bias, i, j);
                     here.gate = moved(here.gate, i, j);
                   }
                   Block<T>{tiles,
                            std::min(rows, m - i),
                            std::min(columns, n - j),
                            k,
                            moved(a, i, 0),
                            moved(b, 0, j),
                            moved(c, i, j),
                            accumulate,
                            epilogue ? &here : nullptr}
                       .multiply();
                 }
               });
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

template <class T>
void gemm(Index m, Index n, Index k, Matrix<const T> a, Matrix<const T> b, Matrix<T> c,
          bool accumulate) {
  if constexpr (std::is_floating_point_v<T>)
    multiply<T>(m, n, k, a, b, c, accumulate, nullptr);
  else
    gemm_integer(m, n, k, a, b, c, accumulate);
}

template <class T>
void gemm(Index m, Index n, Index k, Matrix<const T> a, Matrix<const T> b, Matrix<T> c,
          const Epilogue<T>& epilogue) {
  multiply<T>(m, n, k, a, b, c, false, &epilogue);
}

template <class T>
bool gemm_prefers_columns(Index m, Index n, Index k, Matrix<const T> a, Matrix<const T> b) {
  return cost(n, m, k, a.turned(), 1) < cost(m, n, k, b, 1);
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
#define GRADUS_GEMM(T)                                                                             \
  template void gemm<T>(std::int64_t, std::int64_t, std::int64_t, Matrix<const T>,                 \
                        Matrix<const T>, Matrix<T>, const Epilogue<T>&);                           \
  template bool gemm_prefers_columns<T>(std::int64_t, std::int64_t, std::int64_t, Matrix<const T>, \
                                        Matrix<const T>);
GRADUS_GEMM(float)
GRADUS_GEMM(double)
#undef GRADUS_GEMM

}  // namespace gradus::kernels
