// The loops of gemm for one instruction set: blocking (Goto and van de Geijn, "Anatomy of
// high-performance matrix multiplication", 2008) around the micro-kernel (gemm_tile_inl.h) and
// packing (gemm_pack_inl.h), for what is not small (gemm_small_inl.h) and no few rows with columns
// of B along k (gemm_turn_inl.h). gemm_finish_inl.h ends a product. Included once for each
// instruction set (Highway's foreach_target.h), so the guard is Highway's. Lanes always run along
// columns of C; a product that fits better the other way round is computed as C^T = B^T A^T.
#if defined(GRADUS_KERNELS_GEMM_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_KERNELS_GEMM_INL_H
#undef GRADUS_KERNELS_GEMM_INL_H
#else
#define GRADUS_KERNELS_GEMM_INL_H
#endif

#include <gradus/kernels/gemm_finish_inl.h>
#include <gradus/kernels/gemm_pack_inl.h>
#include <gradus/kernels/gemm_product.h>
#include <gradus/kernels/gemm_small_inl.h>
#include <gradus/kernels/gemm_tile_inl.h>
#include <gradus/kernels/gemm_turn_inl.h>
#include <gradus/kernels/touch.h>

#include <algorithm>
#include <memory>
#include <new>
#include <utility>

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {
namespace {

// Wider packed strips would leave the first cache.
inline constexpr Index most_vectors_packed = std::min<Index>(most_vectors, 4);
// Width of packed strips, for products large both ways.
inline constexpr int strip_vectors = HWY_TARGET <= HWY_AVX3 ? 1 : 2;
// Which stays in the first cache while the other goes by: a tile of A, or a strip of B.
inline constexpr bool tile_of_a_stays = HWY_TARGET <= HWY_AVX3;
inline constexpr Index columns_at_once = 1024;  // columns of B packed at a time
inline constexpr Index rows_at_once = 192;      // rows of A packed at a time
inline constexpr Index rows_that_pay = 128;     // so many rows pay for packing a B that lies well
inline constexpr Index depth_to_turn = 128;     // so many k's pay for a C written across
inline constexpr Index columns_that_pay = 256;  // so many columns pay for packing A
inline constexpr Index side = 256;              // of a piece of C whose sums are kept apart

template <class T>
Product<T> turned(const Product<T>& p) {
  Product<T> t = p;
  std::swap(t.m, t.n);
  t.zeros = p.zeros == Zeros::in_a ? Zeros::in_b : p.zeros == Zeros::in_b ? Zeros::in_a : p.zeros;
  t.a = {p.b.data, p.b.column, p.b.row};
  t.b = {p.a.data, p.a.column, p.a.row};
  std::swap(t.c.row, t.c.column);
  std::swap(t.epilogue.bias_of_row, t.epilogue.bias_of_column);
  t.epilogue.column_first = !p.epilogue.column_first;
  std::swap(t.epilogue.mask.row, t.epilogue.mask.column);
  return t;
}

/// Cycles, roughly, of one tile for one k: two fused products or two loads a cycle, and at least
/// the latency of one.
inline double tile_cycles(Index rows, Index vectors) {
  return std::max(
      {0.5 * static_cast<double>(rows * vectors), 0.5 * static_cast<double>(rows + vectors), 4.0});
}

inline double cycles(Index m, Index all_vectors, Index vectors) {
  const Index most = most_rows[vectors], tiles = (m + most - 1) / most,
              rows = (m + tiles - 1) / tiles, whole = (m - 1) / rows, last = m - whole * rows;
  return static_cast<double>(all_vectors) / static_cast<double>(vectors) *
         (static_cast<double>(whole) * tile_cycles(rows, vectors) + tile_cycles(last, vectors));
}

/// The best width of a strip of at most `most` vectors, and its cycles for one k.
inline std::pair<Index, double> best_width(Index m, Index all_vectors, Index most) {
  std::pair<Index, double> best{1, cycles(m, all_vectors, 1)};
  for (Index v = 2; v <= std::min(most, all_vectors); ++v) {
    if (most_rows[v] == 0) continue;
    double cost = cycles(m, all_vectors / v * v, v);
    for (Index rest = all_vectors % v, w = 0; rest > 0; rest -= w) {
      w = widest_tile(rest);
      cost += cycles(m, w, w);
    }
    if (cost < 0.99 * best.second) best = {v, cost};
  }
  return best;
}

/// Most vectors of a strip of B, which is packed where its columns are no neighbours.
template <class T>
Index widest_strip(const Product<T>& p) {
  return p.b.column == 1 ? most_vectors : most_vectors_packed;
}

template <class T>
double cost(const Product<T>& p) {
  const Index vectors = (p.n + lanes<T> - 1) / lanes<T>;
  const double padded = static_cast<double>(vectors * lanes<T>);
  return best_width(p.m, vectors, widest_strip(p)).second + (p.b.column == 1 ? 0 : 0.25 * padded) +
         (p.c.column == 1 ? 0 : 0.5 * static_cast<double>(p.m) * padded / static_cast<double>(p.k));
}

/// The sums of one product go to p.c, whose columns must be neighbours, k block by k block.
template <class T>
void multiply_blocks(const Product<T>& p) {
  if constexpr (has_parts && sizeof(T) == 4)
    if (is_turned(p) && !p.epilogue.any()) return multiply_turning(p);
  if constexpr (has_parts)
    if (p.b.row == 1 && p.b.column != 1 && p.k <= gemm_block_depth && multiply_copied(p)) return;
  const bool large = p.m >= rows_that_pay && p.k >= depth_that_pays;
  const Index all = (p.n + lanes<T> - 1) / lanes<T>;
  const Index vectors = large && all >= strip_vectors ? Index(strip_vectors)
                                                      : best_width(p.m, all, widest_strip(p)).first;
  const Index strip = vectors * lanes<T>;
  const Index most = most_rows[vectors], tiles = (p.m + most - 1) / most,
              height_of_tile = (p.m + tiles - 1) / tiles;
  const Epilogue<T>* epilogue = p.epilogue.any() ? &p.epilogue : nullptr;
  HWY_ALIGN T apart[12 * 4 * HWY_LANES(T)];
  const Index group = columns_together(strip);
  const bool a_stays = (large && tile_of_a_stays) || p.k < depth_that_pays;
  for (Index j0 = 0; j0 < p.n; j0 += columns_at_once) {
    const Index columns = std::min(columns_at_once, p.n - j0);
    for (Index k0 = 0; k0 < p.k; k0 += gemm_block_depth) {
      const Index depth = std::min(gemm_block_depth, p.k - k0);
      const bool add = p.accumulate || k0 > 0, last = k0 + depth == p.k;
      const bool pack_b = p.b.column != 1 || large;
      T* strips = pack_b || (!has_parts && p.n % lanes<T> != 0)
                      ? scratch<T, 0>((columns + group) * depth)
                      : nullptr;
      const bool pack_a =
          columns >= (share_lines(p.a) ? 64 : columns_that_pay) && p.m * depth >= (1 << 14);
      T* packed_a = pack_a ? scratch<T, 1>(rows_at_once * gemm_block_depth) : nullptr;
      const Index rows_packed = rows_at_once / height_of_tile * height_of_tile;
      const Index rows_block = a_stays ? height_of_tile : pack_a ? rows_packed : p.m;
      // Where columns of A are rows of memory, a tile's share of one is less than a line.
      const Index rows_packed_at_once = p.a.column == 1 ? rows_block : rows_packed;
      const bool again = p.m > rows_block;  // a packed strip is read more than once
      for (Index i0 = 0; i0 < p.m; i0 += rows_block) {
        const Index rows = std::min(rows_block, p.m - i0);
        const T* left = p.a.data + i0 * p.a.row + k0 * p.a.column;
        const Index packed_before = i0 % rows_packed_at_once;
        if (pack_a && packed_before == 0)
          pack_strips(left, p.a.row, p.a.column, std::min(rows_packed_at_once, p.m - i0), depth,
                      packed_a, height_of_tile);
        for (Index j = 0, width = 0; j < columns; j += width) {
          const Index v = std::min(vectors, widest_tile((columns - j + lanes<T> - 1) / lanes<T>));
          width = std::min(v * lanes<T>, columns - j);
          const bool whole = has_parts || width == v * lanes<T>;
          const bool straight =
              whole && !(last && epilogue && ending_of(*epilogue, add) != Ending::update);
          const T* right = p.b.data + k0 * p.b.row + (j0 + j) * p.b.column;
          Index right_row = p.b.row, right_strip = strip;
          if (pack_b) {
            const bool packs = i0 == 0 && j % group == 0;
            if (packs)
              pack_strips(right, p.b.column, p.b.row, std::min(group, columns - j), depth,
                          strips + (again ? j : 0) * depth, strip);
            right =
                strips + (j / strip * strip - (again ? 0 : j / group * group)) * depth + j % strip;
            right_row = strip;
            right_strip = strip * depth;
          } else if (!whole) {
            right_row = v * lanes<T>;
            if (i0 == 0) pack(right, Index(1), p.b.row, width, depth, strips, right_row);
            right = strips;
          }
          // Along a row of C one call does all strips that are ready.
          if (straight && a_stays && v == vectors && (!pack_b || i0 > 0))
            width = std::max(width, (columns - j) / strip * strip);
          const Store how = !straight          ? Store::set
                            : last && epilogue ? Store::update
                            : add              ? Store::add
                                               : Store::set;
          TileRun<T> run{depth,
                         nullptr,
                         pack_a ? 1 : p.a.row,
                         pack_a ? height_of_tile : p.a.column,
                         height_of_tile * (pack_a ? depth : p.a.row),
                         right,
                         right_row,
                         right_strip,
                         apart,
                         straight ? p.c.row : v * lanes<T>,
                         1,
                         width,
                         how,
                         p.epilogue.rate};
          for (Index i = 0; i < rows; i += run.tiles * height_of_tile) {
            // One call for all tiles that can bring their sums to C, and one for a lower last one.
            const Index height = std::min(height_of_tile, rows - i);
            run.tiles = straight ? std::max<Index>(1, (rows - i) / height_of_tile) : 1;
            const Matrix<T> out{p.c.data + (i0 + i) * p.c.row + j0 + j, p.c.row, 1};
            if (straight)
              run.out = out.data;
            else  // C comes while the sums are made
              for (Index r = 0; r < height; ++r) {
                __builtin_prefetch(out.data + r * out.row, 1);
                __builtin_prefetch(out.data + r * out.row + width - 1, 1);
              }
            run.a = pack_a ? packed_a + (packed_before + i) * depth : left + i * p.a.row;
            tile_kernel<T>(height, v)(run);
            if (!straight)
              finish(apart, v * lanes<T>, height, width, out, add, last ? epilogue : nullptr,
                     i0 + i, j0 + j);
          }
        }
      }
    }
  }
}

/// The old C comes first in every chain of sums that are made apart.
template <class T>
void begin_apart(const Product<T>& p, T* sums, Index row, Index m, Index n, Index i0, Index j0) {
  if (!p.accumulate) return;
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j < n; ++j)
      sums[i * row + j] = p.c.data[(i0 + i) * p.c.row + (j0 + j) * p.c.column];
}

/// Sums that were made apart go to their place (i0, j0) in C, once.
template <class T>
void finish_apart(const Product<T>& p, const T* sums, Index row, Index m, Index n, Index i0,
                  Index j0) {
  const Matrix<T> c{p.c.data + i0 * p.c.row + j0 * p.c.column, p.c.row, p.c.column};
  if (c.row == 1 && c.column != 1) {
    T* across = scratch<T, 3>(m * n);
    pack(sums, row, Index(1), m, n, across, m);
    const Epilogue<T> e = turned(p).epilogue;
    finish(across, m, n, m, {c.data, c.column, 1}, false, e.any() ? &e : nullptr, j0, i0);
  } else {
    finish(sums, row, m, n, c, false, p.epilogue.any() ? &p.epilogue : nullptr, i0, j0);
  }
}

/// For a C whose columns are no neighbours, or that must be whole before an update: the sums are
/// made in memory of their own, piece by piece.
template <class T>
void multiply_apart(const Product<T>& p) {
  for (Index i0 = 0; i0 < p.m; i0 += side)
    for (Index j0 = 0; j0 < p.n; j0 += side) {
      Product<T> piece = p;
      piece.m = std::min(side, p.m - i0);
      piece.n = std::min(side, p.n - j0);
      piece.a.data += i0 * p.a.row;
      piece.b.data += j0 * p.b.column;
      const Index row = (piece.n + lanes<T> - 1) / lanes<T> * lanes<T>;
      T* sums = scratch<T, 2>(side * side);
      piece.c = {sums, row, 1};
      piece.epilogue = {};
      begin_apart(p, sums, row, piece.m, piece.n, i0, j0);
      multiply_blocks(piece);
      finish_apart(p, sums, row, piece.m, piece.n, i0, j0);
    }
}

/// Without a look at C^T = B^T A^T.
template <class T>
void multiply_as_it_lies(const Product<T>& p) {
  if (p.c.column == 1 && !(p.epilogue.updates && p.k > gemm_block_depth))
    multiply_blocks(p);
  else
    multiply_apart(p);
}

/// Whether rows of C are so short that most lanes would be idle, and columns are not.
template <class T>
bool pays_turned(const Product<T>& p) {
  return p.a.row == 1 && p.n <= lanes<T> * 3 / 4 && p.m >= lanes<T> && p.k >= depth_to_turn;
}

/// Whether B and C lie so that nothing better can be found. A part of a vector costs no copy.
template <class T>
bool lies_well(const Product<T>& p) {
  return p.b.column == 1 && p.c.column == 1 &&
         (p.n >= p.m || (has_parts && p.n >= lanes<T> / 2 && !pays_turned(p)));
}

template <class T>
void multiply_product(const Product<T>& given) {
  touch(given.a, given.m, given.k);
  touch(given.b, given.k, given.n);
  touch(given.c, given.m, given.n);
  if constexpr (has_parts)
    if (given.k > 0 && is_small(given) && lies_well(given)) return multiply_small(given);
  if (given.k <= 0) {  // empty sums
    const T zero = 0;
    for (Index i = 0; i < given.m; ++i)
      for (Index j = 0; j < given.n; ++j)
        finish(&zero, 1, 1, 1,
               {given.c.data + i * given.c.row + j * given.c.column, given.c.row, given.c.column},
               given.accumulate, given.epilogue.any() ? &given.epilogue : nullptr, i, j);
    return;
  }
  if constexpr (has_parts && sizeof(T) == 4)
    if (is_streamed(given)) return multiply_streamed(given);
  if (lies_well(given) || is_turned(given)) return multiply_as_it_lies(given);
  const Product<T> other = turned(given);
  const bool large = std::min(given.m, given.n) >= columns_that_pay;  // then C decides
  const bool turns = large ? other.c.column == 1 && given.c.column != 1
                           : (has_parts && pays_turned(given)) ||
                                 (is_turned(other) && given.k >= depth_to_turn) ||
                                 cost(other) < cost(given);
  multiply_as_it_lies(turns ? other : given);
}

}  // namespace
}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
