// Products of few rows with a B whose columns lie along k: columns are turned into lanes in the
// registers, 16 k's at a time, on their way to the sums. Packing would write and read again what is
// used once. For gemm_inl.h.
#if defined(GRADUS_KERNELS_GEMM_TURN_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_KERNELS_GEMM_TURN_INL_H
#undef GRADUS_KERNELS_GEMM_TURN_INL_H
#else
#define GRADUS_KERNELS_GEMM_TURN_INL_H
#endif

#include <gradus/kernels/gemm_product.h>
#include <gradus/kernels/gemm_tile_inl.h>

#include <algorithm>
#include <utility>

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {
namespace {

/// Whether rows lie apart by so many bytes that all have the same few places in the first cache.
template <class T>
bool share_lines(const Matrix<const T>& a) {
  return a.row * static_cast<Index>(sizeof(T)) % 4096 == 0;
}

#if HWY_TARGET <= HWY_AVX3
inline constexpr int most_rows_turned = 10;
inline constexpr Index turned_depth = lanes<float>;  // k's turned at a time: a line of a column
inline constexpr Index fetched_ahead = 64;           // k's: four lines

/// turned[k] = number k of each of the columns, which lie `step` apart. Four lines of memory at a
/// time are read to their ends: columns often lie apart by a power of 2 and share a few places of
/// the first cache.
template <class D, class V = hn::Vec<D>>
HWY_INLINE void turn_columns(D d, const float* from, Index step, V (&turned)[turned_depth]) {
  const Whole<hn::FixedTag<float, 4>> block;
  V quads[4][4];  // [k / 4][column % 4]: four k's of every fourth column
#pragma GCC unroll 4
  for (Index column = 0; column < 4; ++column) {
    const float* at = from + column * step;
#pragma GCC unroll 4
    for (Index other = 0; other < static_cast<Index>(hn::MaxLanes(D())); other += 4)
      __builtin_prefetch(at + other * step + fetched_ahead);
#pragma GCC unroll 4
    for (Index k = 0; k < 4; ++k)
      quads[k][column] = load_blocks(d, block, at + 4 * k, AllRows{step}, 0);
  }
  const hn::Repartition<double, D> pairs;
#pragma GCC unroll 4
  for (Index k = 0; k < 4; ++k) {
    const auto& q = quads[k];
    const auto a = hn::BitCast(pairs, hn::InterleaveLower(d, q[0], q[1])),
               b = hn::BitCast(pairs, hn::InterleaveUpper(d, q[0], q[1])),
               e = hn::BitCast(pairs, hn::InterleaveLower(d, q[2], q[3])),
               f = hn::BitCast(pairs, hn::InterleaveUpper(d, q[2], q[3]));
    turned[4 * k] = hn::BitCast(d, hn::InterleaveLower(pairs, a, e));
    turned[4 * k + 1] = hn::BitCast(d, hn::InterleaveUpper(pairs, a, e));
    turned[4 * k + 2] = hn::BitCast(d, hn::InterleaveLower(pairs, b, f));
    turned[4 * k + 3] = hn::BitCast(d, hn::InterleaveUpper(pairs, b, f));
  }
}

/// One vector of columns, or the first run.columns of them. (Checked by sanitizers, unlike the
/// tiles: what packing's functions mark on the stack, they must unmark.)
template <int rows>
void multiply_turned(const TileRun<float>& run) {
  using D = Tag<float>;
  const D d;
  constexpr Index n = lanes<float>;
  hn::Vec<D> sums[rows][1];
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i) sums[i][0] = hn::Zero(d);
  constexpr int groups = (rows + 2) / 3;
  const float* group[groups];
  for (int g = 0; g < groups; ++g) group[g] = run.a + 3 * g * run.a_row;
  HWY_ALIGN float few[n * turned_depth] = {};
  for (Index k0 = 0; k0 < run.depth; k0 += turned_depth) {
    const float* from = run.b + k0;
    Index step = run.b_strip;
    const Index depth = std::min(run.depth - k0, turned_depth);
    if (depth < turned_depth || run.columns < n) {  // nothing is read that is not there
      const Part<D> part(d, depth);
      for (Index i = 0; i < run.columns; ++i)
        hn::Store(part.load(from + i * step), d, few + i * turned_depth);
      from = few;
      step = turned_depth;
    }
    hn::Vec<D> turned[turned_depth];
    turn_columns(d, from, step, turned);
#pragma GCC unroll 16
    for (Index k = 0; k < turned_depth; ++k) {
      if (k >= depth) break;
#pragma GCC unroll 16
      for (int i = 0; i < rows; ++i)
        sums[i][0] = fused(d, hn::Set(d, group[i / 3][(i % 3) * run.a_row]), turned[k], sums[i][0]);
#pragma GCC unroll 4
      for (int g = 0; g < groups; ++g) group[g] += run.a_column;
    }
  }
  const Part<D> stored(d, run.columns);
  if (run.how == Store::set)
    store_tile<Store::set>(d, sums, run.out, run.out_row, stored, run.rate);
  else
    store_tile<Store::add>(d, sums, run.out, run.out_row, stored, run.rate);
}

template <int... row>
TileKernel<float> turned_kernel(Index rows, std::integer_sequence<int, row...>) {
  static constexpr TileKernel<float> of_rows[] = {&multiply_turned<row + 1>...};
  return of_rows[rows - 1];
}

/// Whether multiply_turning is for this product.
template <class T>
bool is_turned(const Product<T>& p) {
  return sizeof(T) == 4 && p.b.row == 1 && p.b.column != 1 && p.m <= most_rows_turned;
}

inline void multiply_turning(const Product<float>& p) {
  const TileKernel<float> kernel =
      turned_kernel(p.m, std::make_integer_sequence<int, most_rows_turned>());
  Matrix<const float> a = p.a;
  if (p.m > 1 && p.n > lanes<float> && share_lines(a)) {
    float* packed = scratch<float, 1>(p.m * p.k);
    pack(a.data, a.row, a.column, p.m, p.k, packed, p.m);
    a = {packed, 1, p.m};
  }
  TileRun<float> run{0,          nullptr, a.row,   a.column, 0, nullptr,    1,
                     p.b.column, nullptr, p.c.row, 1,        0, Store::set, p.epilogue.rate};
  for (Index j = 0; j < p.n; j += lanes<float>) {
    run.columns = std::min(lanes<float>, p.n - j);
    run.out = p.c.data + j;
    for (Index k0 = 0; k0 < p.k; k0 += gemm_block_depth) {
      run.depth = std::min(gemm_block_depth, p.k - k0);
      run.a = a.data + k0 * a.column;
      run.b = p.b.data + j * p.b.column + k0;
      run.how = p.accumulate || k0 > 0 ? Store::add : Store::set;
      kernel(run);
    }
  }
}
#else
template <class T>
bool is_turned(const Product<T>&) {
  return false;
}
#endif

}  // namespace
}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
