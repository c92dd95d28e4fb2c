// The loops of gemm for one instruction set: blocking (Goto and van de Geijn, "Anatomy of
// high-performance matrix multiplication", 2008) around the micro-kernel (gemm_tile_inl.h) and
// packing (gemm_pack_inl.h), and what ends a product. Included once for each instruction set
// (Highway's foreach_target.h), so the guard is Highway's. Lanes always run along columns of C; a
// product that fits better the other way round is computed as C^T = B^T A^T.
#if defined(GRADUS_KERNELS_GEMM_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_KERNELS_GEMM_INL_H
#undef GRADUS_KERNELS_GEMM_INL_H
#else
#define GRADUS_KERNELS_GEMM_INL_H
#endif

#include <gradus/kernels/gemm_pack_inl.h>
#include <gradus/kernels/gemm_product.h>
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
inline constexpr Index depth_that_pays = 16;    // as do so many k's
inline constexpr Index depth_to_turn = 128;     // so many k's pay for a C written across
inline constexpr Index few_rows = 256;      // of A, to which a B in the second cache may be larger
inline constexpr Index streamed = 1 << 21;  // a B of so many numbers is read along its rows
inline constexpr Index rows_streamed = 8;   // so many of them at a time
inline constexpr Index rows_for_half = 8;   // fewer wait for each other's sums
inline constexpr Index columns_that_pay = 256;  // so many columns pay for packing A
inline constexpr Index side = 256;              // of a piece of C whose sums are kept apart

/// What is done to finished sums: a weight's update alone, which is the most of a small net's step,
/// or whatever the epilogue says.
enum class Ending { update, any };

/// One vector (its first lanes, one number) of finished sums goes to C.
template <Ending ending, class Some, class T>
HWY_INLINE void finish_lanes(const Some& some, const T* sum, T* out, bool add, const Epilogue<T>& e,
                             T row_bias, const T* column_bias, const T* mask) {
  const auto d = some.d;
  auto v = some.load(sum);
  if constexpr (ending == Ending::update) {
    v = hn::Sub(some.load(out), hn::Mul(hn::Set(d, e.rate), v));
  } else {
    const auto zero = hn::Zero(d);
    if (add) v = hn::Add(some.load(out), v);
    if (e.scales) v = hn::Mul(v, hn::Set(d, e.scale));
    if (e.bias_of_row && !e.column_first) v = hn::Add(v, hn::Set(d, row_bias));
    if (column_bias) v = hn::Add(v, some.load(column_bias));
    if (e.bias_of_row && e.column_first) v = hn::Add(v, hn::Set(d, row_bias));
    if (e.relu) v = hn::IfThenElse(hn::Lt(v, zero), zero, v);
    if (mask) v = hn::Mul(v, hn::IfThenElse(hn::Le(some.load(mask), zero), zero, hn::Set(d, T(1))));
    if (e.updates) v = hn::Sub(some.load(out), hn::Mul(hn::Set(d, e.rate), v));
  }
  some.store(v, out);
}

template <Ending ending, class T>
void finish_rows(const T* sums, Index sums_row, Index height, Index width, Matrix<T> c, bool add,
                 const Epilogue<T>& given, Index i0, Index j0) {
  const Epilogue<T> e = given;  // a copy that writing to C cannot change
  const bool runs = c.column == 1 && (!e.mask.data || e.mask.column == 1);
  const T* column_bias = e.bias_of_column ? e.bias_of_column + j0 : nullptr;
  for (Index i = 0; i < height; ++i) {
    const T row_bias = e.bias_of_row ? e.bias_of_row[i0 + i] : T(0);
    const T* mask =
        e.mask.data ? e.mask.data + (i0 + i) * e.mask.row + j0 * e.mask.column : nullptr;
    const T* sum = sums + i * sums_row;
    T* out = c.data + i * c.row;
    const auto take = [&](const auto& some, Index j) HWY_ATTR {
      finish_lanes<ending>(some, sum + j, out + j * c.column, add, e, row_bias,
                           column_bias ? column_bias + j : nullptr,
                           mask ? mask + j * e.mask.column : nullptr);
    };
    Index j = 0;
    if (runs) {
      for (; j + lanes<T> <= width; j += lanes<T>) take(Whole<Tag<T>>{}, j);
      if (has_parts && j < width) {
        take(Part<Tag<T>>({}, width - j), j);
        continue;
      }
    }
    for (; j < width; ++j) take(Whole<hn::CappedTag<T, 1>>{}, j);
  }
}

/// C (+)= sums, then the epilogue if there is one. (i0, j0) is where this piece lies in the whole.
template <class T>
bool update_alone(const Epilogue<T>& e) {
  return e.updates && !e.scales && !e.bias_of_row && !e.bias_of_column && !e.relu && !e.mask.data;
}

template <class T>
void finish(const T* sums, Index sums_row, Index height, Index width, Matrix<T> c, bool add,
            const Epilogue<T>* given, Index i0, Index j0) {
  const Epilogue<T> e = given ? *given : Epilogue<T>{};
  if (update_alone(e) && !add)
    finish_rows<Ending::update>(sums, sums_row, height, width, c, add, e, i0, j0);
  else
    finish_rows<Ending::any>(sums, sums_row, height, width, c, add, e, i0, j0);
}

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

/// The width of a strip of B as it lies, for multiply_small.
inline Index strip_width(Index m, Index all_vectors, Index k) {
  const Index most = std::min(all_vectors, most_vectors);
  if (m <= 12) {  // the widest tile that holds all rows
    Index v = 1;
    for (Index wider : {2, 3, 4, 6, 12, 16})
      if (wider <= most && most_rows[wider] >= m) v = wider;
    if (m < 4 && v == 6 && all_vectors % 6 == 1) v = 4;  // one vector alone would wait
    return v;
  }
  return widest_tile(std::min<Index>(all_vectors, k < depth_that_pays ? 6 : 4));
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

/// Whether a tile can bring its sums to C itself.
template <class T>
bool ends_in_tiles(const Product<T>& p) {
  return !p.epilogue.any() || (update_alone(p.epilogue) && !p.accumulate);
}

/// Whether rows of C are so short that most lanes would be idle, and columns are not.
template <class T>
bool pays_turned(const Product<T>& p) {
  return p.a.row == 1 && p.n <= lanes<T> * 3 / 4 && p.m >= 2 * lanes<T> && p.k >= depth_to_turn;
}

/// Whether a block of B stays in the second cache while rows of A go by: all of it may be B where
/// there are few of them.
template <class T>
bool stays_in_cache(const Product<T>& p) {
  constexpr Index one = static_cast<Index>(sizeof(T));
  return p.n * std::min(p.k, gemm_block_depth) * one <= (p.m <= few_rows ? 1 << 20 : 5 << 17);
}

/// Whether B and C lie well and are read, and written, so little that nothing has to be packed.
template <class T>
bool is_small(const Product<T>& p) {
  return has_parts && p.b.column == 1 && p.c.column == 1 && stays_in_cache(p) && ends_in_tiles(p) &&
         !(p.epilogue.updates && p.k > gemm_block_depth);
}

/// One strip or more of C, `most` rows at a time.
template <class T, class Kernel>
HWY_INLINE void multiply_strips(const Product<T>& p, TileRun<T>& run, Index most, Kernel kernel) {
  const Index tiles = (p.m + most - 1) / most, height = (p.m + tiles - 1) / tiles,
              whole = p.m / height, rest = p.m - whole * height;
  run.tiles = whole;
  kernel(height)(run);
  if (rest == 0) return;
  TileRun<T> last = run;
  last.a += whole * height * p.a.row;
  last.out += whole * height * p.c.row;
  last.tiles = 1;
  kernel(rest)(last);
}

/// What is small goes as it lies, along the rows of C: no more is decided than has to be, since the
/// whole product may take no longer than that.
template <class T>
void multiply_small(const Product<T>& p) {
  const bool has_half =
      has_halves<T> && p.m >= rows_for_half && p.n % lanes<T> <= lanes<T> / 2 && p.n % lanes<T> > 0;
  const Index all = has_half ? p.n / lanes<T> : (p.n + lanes<T> - 1) / lanes<T>;
  const Index vectors = all > 0 ? strip_width(p.m, all, p.k) : 0;
  TileRun<T> run{0,       nullptr, p.a.row, p.a.column, nullptr,    p.b.row,        0,
                 nullptr, p.c.row, 0,       0,          Store::set, p.epilogue.rate};
  for (Index k0 = 0; k0 < p.k; k0 += gemm_block_depth) {
    run.depth = std::min(gemm_block_depth, p.k - k0);
    run.how = p.accumulate || k0 > 0 ? Store::add : p.epilogue.updates ? Store::update : Store::set;
    run.a = p.a.data + k0 * p.a.column;
    run.b = p.b.data + k0 * p.b.row;
    run.out = p.c.data;
    for (Index left = all, v = vectors; left > 0; v = widest_tile(left)) {
      const Index count = left / v * v;
      run.b_strip = v * lanes<T>;
      run.columns = left == count && !has_half ? p.n - (all - left) * lanes<T> : count * lanes<T>;
      multiply_strips(p, run, most_rows[v], [&](Index rows) { return tile_kernel<T>(rows, v); });
      run.b += count * lanes<T>;
      run.out += count * lanes<T>;
      left -= count;
      if (left == 0) break;
    }
    if constexpr (has_halves<T>)
      if (has_half) {
        run.columns = p.n - all * lanes<T>;
        multiply_strips(p, run, most_rows[1], half_kernel<T>);
      }
  }
}

/// Whether few rows read a B that no second cache holds.
template <class T>
bool is_streamed(const Product<T>& p) {
  return has_parts && sizeof(T) == 4 && p.m <= most_rows[wide_tile] && p.b.column == 1 &&
         p.c.column == 1 && p.n >= most_vectors * lanes<T> && p.n * p.k >= streamed &&
         !p.epilogue.any();
}

/// Some rows of B at a time are read from end to end, as memory likes it, while the sums wait in C,
/// or apart where C has older ones.
template <class T>
void multiply_streamed(const Product<T>& p) {
  const Index vectors = strip_width(p.m, most_vectors, p.k), strip = vectors * lanes<T>,
              rest = p.n % strip;
  TileRun<T> run{0,       nullptr, p.a.row, p.a.column, nullptr,    p.b.row, strip,
                 nullptr, 0,       1,       p.n - rest, Store::set, T(0)};
  T* apart = p.accumulate || p.k > gemm_block_depth ? scratch<T, 0>(p.m * p.n) : nullptr;
  for (Index k0 = 0; k0 < p.k; k0 += gemm_block_depth) {
    const bool add = p.accumulate || k0 > 0;
    run.out = add ? apart : p.c.data;
    run.out_row = add ? p.n : p.c.row;
    const Index end = std::min(p.k, k0 + gemm_block_depth);
    for (Index k = k0; k < end; k += run.depth) {
      run.depth = std::min(rows_streamed, end - k);
      run.a = p.a.data + k * p.a.column;
      run.b = p.b.data + k * p.b.row;
      run.goes_on = k > k0;
      tile_kernel<T>(p.m, vectors)(run);
    }
    if (add)
      finish(apart, p.n, p.m, run.columns, p.c, true, static_cast<const Epilogue<T>*>(nullptr), 0,
             0);
  }
  if (rest == 0) return;
  Product<T> last = p;
  last.n = rest;
  last.b.data += run.columns;
  last.c.data += run.columns;
  multiply_small(last);
}

/// Of a B whose columns lie along k so little is made a matrix with rows.
template <class T>
bool multiply_copied(const Product<T>& p) {
  Product<T> rows = p;
  const Index columns = (p.n + lanes<T> - 1) / lanes<T> * lanes<T>;
  rows.b = {nullptr, columns % 512 == 0 ? columns + lanes<T> : columns, 1};
  if (!is_small(rows)) return false;
  T* packed = scratch<T, 0>(rows.b.row * p.k);
  pack(p.b.data, p.b.column, p.b.row, p.n, p.k, packed, rows.b.row);
  rows.b.data = packed;
  multiply_small(rows);
  return true;
}

/// The sums of one product go to p.c, whose columns must be neighbours, k block by k block.
template <class T>
void multiply_blocks(const Product<T>& p) {
  if constexpr (sizeof(T) == 4)
    if (is_turned(p) && ends_in_tiles(p)) return multiply_turning(p);
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
          const bool straight = whole && !(last && epilogue && !(update_alone(*epilogue) && !add));
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
          for (Index i = 0; i < rows; i += height_of_tile) {
            const Index height = std::min(height_of_tile, rows - i);
            const Matrix<T> out{p.c.data + (i0 + i) * p.c.row + j0 + j, p.c.row, 1};
            if (!straight)  // C comes while the sums are made
              for (Index r = 0; r < height; ++r) {
                __builtin_prefetch(out.data + r * out.row, 1);
                __builtin_prefetch(out.data + r * out.row + width - 1, 1);
              }
            const T* a = pack_a ? packed_a + (packed_before + i) * depth : left + i * p.a.row;
            tile_kernel<T>(height,
                           v)({depth, a, pack_a ? 1 : p.a.row, pack_a ? height_of_tile : p.a.column,
                               right, right_row, right_strip, straight ? out.data : apart,
                               straight ? p.c.row : v * lanes<T>, 1, width, how, p.epilogue.rate});
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

template <class T>
void multiply_product(const Product<T>& given) {
  touch(given.a, given.m, given.k);
  touch(given.b, given.k, given.n);
  touch(given.c, given.m, given.n);
  if (is_small(given) && given.k > 0 && (given.n >= lanes<T> / 2 || given.n >= given.m) &&
      !pays_turned(given))
    return multiply_small(given);
  if (given.k <= 0) {  // empty sums
    const T zero = 0;
    for (Index i = 0; i < given.m; ++i)
      for (Index j = 0; j < given.n; ++j)
        finish(&zero, 1, 1, 1,
               {given.c.data + i * given.c.row + j * given.c.column, given.c.row, given.c.column},
               given.accumulate, given.epilogue.any() ? &given.epilogue : nullptr, i, j);
    return;
  }
  const bool lies_well = given.b.column == 1 && given.c.column == 1;
  if (is_streamed(given)) return multiply_streamed(given);
  if ((lies_well && (given.n >= lanes<T> / 2 || given.n >= given.m) && !pays_turned(given)) ||
      is_turned(given))
    return multiply_as_it_lies(given);
  const Product<T> other = turned(given);
  const bool large = std::min(given.m, given.n) >= columns_that_pay;  // then C decides
  const bool turns = large ? other.c.column == 1 && given.c.column != 1
                           : pays_turned(given) || (is_turned(other) && given.k >= depth_to_turn) ||
                                 cost(other) < cost(given);
  multiply_as_it_lies(turns ? other : given);
}

}  // namespace
}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
