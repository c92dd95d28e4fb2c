// Products of gemm_inl.h that are done as they lie: little is decided and nothing packed, but for a
// small B whose columns lie along k.
#if defined(GRADUS_KERNELS_GEMM_SMALL_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_KERNELS_GEMM_SMALL_INL_H
#undef GRADUS_KERNELS_GEMM_SMALL_INL_H
#else
#define GRADUS_KERNELS_GEMM_SMALL_INL_H
#endif

#include <gradus/kernels/gemm_finish_inl.h>
#include <gradus/kernels/gemm_tile_inl.h>

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {
namespace {

inline constexpr Index depth_that_pays = 16;  // fewer k's are little more than writing C
inline constexpr Index few_rows = 256;      // of A, to which a B in the second cache may be larger
inline constexpr Index streamed = 1 << 21;  // a B of so many numbers is read along its rows
inline constexpr Index rows_streamed = 8;   // so many of them at a time
inline constexpr Index rows_for_half = 8;   // sums of fewer rows would wait for each other

/// The width of a strip of B as it lies. Few k's write C by longer runs.
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
  return p.b.column == 1 && p.c.column == 1 && stays_in_cache(p) && ends_in_tiles(p) &&
         !(p.epilogue.updates && p.k > gemm_block_depth);
}

/// One strip or more of C, `most` rows at a time.
template <class T, class Kernel>
HWY_INLINE void multiply_strips(const Product<T>& p, TileRun<T>& run, Index most, Kernel kernel) {
  const Index tiles = (p.m + most - 1) / most, height = (p.m + tiles - 1) / tiles,
              whole = p.m / height, rest = p.m - whole * height;
  run.tiles = whole;
  run.a_tile = height * p.a.row;
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
  TileRun<T> run{0, nullptr, p.a.row, p.a.column, 0, nullptr,    p.b.row,
                 0, nullptr, p.c.row, 0,          0, Store::set, p.epilogue.rate};
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
  return p.m <= most_rows[wide_tile] && p.b.column == 1 && p.c.column == 1 &&
         p.n >= most_vectors * lanes<T> && p.n * p.k >= streamed && !p.epilogue.any();
}

/// Some rows of B at a time are read from end to end, as memory likes it, while the sums wait in C,
/// or apart where C has older ones.
template <class T>
void multiply_streamed(const Product<T>& p) {
  const Index vectors = strip_width(p.m, most_vectors, p.k), strip = vectors * lanes<T>,
              rest = p.n % strip;
  TileRun<T> run{0,     nullptr, p.a.row, p.a.column, 0,          nullptr,    p.b.row,
                 strip, nullptr, 0,       1,          p.n - rest, Store::set, T(0)};
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
  const Index columns = (p.n + lanes<T> - 1) / lanes<T> * lanes<T>;  // not apart by a power of 2
  rows.b = {nullptr, columns % 512 == 0 ? columns + lanes<T> : columns, 1};
  if (!is_small(rows)) return false;
  T* packed = scratch<T, 0>(rows.b.row * p.k);
  pack(p.b.data, p.b.column, p.b.row, p.n, p.k, packed, rows.b.row);
  rows.b.data = packed;
  multiply_small(rows);
  return true;
}

}  // namespace
}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
