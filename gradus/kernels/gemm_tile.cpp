// The innermost loops of gemm: one micro-kernel template holds a tile of C in registers while it
// walks k. Compiled for every instruction set; sizes of tiles differ, the order of sums never does.
#include <gradus/kernels/gemm_tile.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <gradus/kernels/highway.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/kernels/gemm_tile.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h, which includes this file once for each instruction set.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using detail::TileJob;
using Index = std::int64_t;

/// a * b + c, rounded once, on every instruction set.
template <class V>
HWY_INLINE V fused(V a, V b, V c) {
#if HWY_NATIVE_FMA
  return hn::MulAdd(a, b, c);
#else
  const hn::DFromV<V> d;
  using T = hn::TFromD<decltype(d)>;
  HWY_ALIGN T x[hn::MaxLanes(d)], y[hn::MaxLanes(d)], z[hn::MaxLanes(d)];
  hn::Store(a, d, x);
  hn::Store(b, d, y);
  hn::Store(c, d, z);
  for (std::size_t i = 0; i < hn::Lanes(d); ++i) z[i] = std::fma(x[i], y[i], z[i]);
  return hn::Load(d, z);
#endif
}

/// One element through the epilogue, but for the update.
template <class T>
HWY_INLINE T finish(const Epilogue<T>& e, T y, Index i, Index j) {
  if (e.bias.data) y = y + e.bias.data[i * e.bias.row + j * e.bias.column];
  if (e.relu) y = y < T(0) ? T(0) : y;
  if (e.gate.data) y = y * (e.gate.data[i * e.gate.row + j * e.gate.column] <= T(0) ? T(0) : T(1));
  return y;
}

/// The elements of row i from column j on, where they lie side by side or are one.
template <class D, class T>
HWY_INLINE hn::Vec<D> row_of(D d, const Matrix<const T>& m, Index i, Index j) {
  const T* at = m.data + i * m.row + j * m.column;
  return m.column == 0 ? hn::Set(d, *at) : hn::LoadU(d, at);
}

template <class D, class T>
HWY_INLINE hn::Vec<D> finish(D d, const Epilogue<T>& e, hn::Vec<D> y, Index i, Index j) {
  const auto zero = hn::Zero(d);
  if (e.bias.data) y = hn::Add(y, row_of(d, e.bias, i, j));
  if (e.relu) y = hn::IfThenElse(hn::Lt(y, zero), zero, y);
  if (e.gate.data) {
    const auto closed = hn::Le(row_of(d, e.gate, i, j), zero);
    y = hn::Mul(y, hn::IfThenElse(closed, zero, hn::Set(d, T(1))));
  }
  return y;
}

template <class T>
bool lies_in_rows(const Matrix<const T>& m) {
  return !m.data || m.column == 1 || m.column == 0;
}

template <class T, int rows, int vectors>
void multiply_tile(const TileJob<T>& job) {
  const hn::ScalableTag<T> d;
  using V = hn::Vec<decltype(d)>;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  V sums[rows][vectors];
#pragma GCC unroll 12
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) sums[i][v] = hn::Zero(d);

  // Three rows share a pointer: the others are reached by address arithmetic that costs nothing.
  constexpr int bases = (rows + 2) / 3;
  const T* base[bases];
  for (int g = 0; g < bases; ++g) base[g] = job.a + 3 * g * job.a_row;
  const Index a_row = job.a_row, a_column = job.a_column;
  const T* b = job.b;
  for (Index k = 0; k < job.depth; ++k) {
    V right[vectors];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) right[v] = hn::LoadU(d, b + v * lanes);
    b += job.b_row;
#pragma GCC unroll 12
    for (int i = 0; i < rows; ++i) {
      const V left = hn::Set(d, base[i / 3][(i % 3) * a_row]);
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) sums[i][v] = fused(left, right[v], sums[i][v]);
    }
#pragma GCC unroll 4
    for (int g = 0; g < bases; ++g) base[g] += a_column;
  }

  const Epilogue<T>* e = job.epilogue;
  if (job.c.column == 1 && job.width == vectors * lanes &&
      (!e || (lies_in_rows(e->bias) && lies_in_rows(e->gate)))) {
#pragma GCC unroll 12
    for (int i = 0; i < rows; ++i)
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) {
        T* out = job.c.data + i * job.c.row + v * lanes;
        V y = sums[i][v];
        if (job.add) y = hn::Add(hn::LoadU(d, out), y);
        if (e) {
          y = finish(d, *e, y, i, v * lanes);
          if (e->rate) y = hn::Sub(hn::LoadU(d, out), hn::Mul(hn::Set(d, *e->rate), y));
        }
        hn::StoreU(y, d, out);
      }
    return;
  }
  HWY_ALIGN T spilled[rows * vectors * hn::MaxLanes(d)];
#pragma GCC unroll 12
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) hn::Store(sums[i][v], d, spilled + (i * vectors + v) * lanes);
  for (Index j = 0; j < job.width; ++j)
    for (int i = 0; i < rows; ++i) {
      T& out = job.c.data[i * job.c.row + j * job.c.column];
      T y = spilled[i * vectors * lanes + j];
      if (job.add) y = out + y;
      if (e) {
        y = finish(*e, y, i, j);
        if (e->rate) y = out - *e->rate * y;
      }
      out = y;
    }
}

#if HWY_TARGET != HWY_SCALAR
/// The 128-bit parts of v go to out, out + step, ...
template <class D, class T>
HWY_INLINE void store_parts(D d, hn::Vec<D> v, T* out, Index step) {
  if constexpr (hn::MaxLanes(d) * sizeof(T) > 16) {
    const hn::Half<D> half;
    store_parts(half, hn::LowerHalf(half, v), out, step);
    store_parts(
        half, hn::UpperHalf(half, v),
        out + step * static_cast<Index>(hn::Lanes(half)) / static_cast<Index>(16 / sizeof(T)),
        step);
  } else {
    hn::StoreU(v, d, out);
  }
}

/// to[k * tile + i] = from[i * step + k] for i < 128 bits, k < lanes.
template <class D, class T>
HWY_INLINE void turn_block(D d, const T* from, Index step, T* to, Index tile) {
  constexpr Index part = 16 / sizeof(T);
  const auto r0 = hn::LoadU(d, from), r1 = hn::LoadU(d, from + step);
  if constexpr (part == 2) {
    store_parts(d, hn::InterleaveLower(d, r0, r1), to, 2 * tile);
    store_parts(d, hn::InterleaveUpper(d, r0, r1), to + tile, 2 * tile);
  } else {
    const hn::RepartitionToWide<D> pairs;
    const auto r2 = hn::LoadU(d, from + 2 * step), r3 = hn::LoadU(d, from + 3 * step);
    const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, r0, r1));
    const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, r2, r3));
    const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, r0, r1));
    const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, r2, r3));
    store_parts(d, hn::BitCast(d, hn::InterleaveLower(pairs, low01, low23)), to, 4 * tile);
    store_parts(d, hn::BitCast(d, hn::InterleaveUpper(pairs, low01, low23)), to + tile, 4 * tile);
    store_parts(d, hn::BitCast(d, hn::InterleaveLower(pairs, high01, high23)), to + 2 * tile,
                4 * tile);
    store_parts(d, hn::BitCast(d, hn::InterleaveUpper(pairs, high01, high23)), to + 3 * tile,
                4 * tile);
  }
}
#endif

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
  Index turned = 0;  // rows of the source that are packed by whole vectors
#if HWY_TARGET != HWY_SCALAR
  if (along == 1) {
    // Blocks of 128 bits are turned in registers: reads and writes are both contiguous. All rows
    // for a few k, then the next: what is written stays in the nearest cache meanwhile.
    const hn::ScalableTag<T> d;
    constexpr Index part = 16 / sizeof(T);
    const auto lanes = static_cast<Index>(hn::Lanes(d));
    turned = count / part * part;
    Index k = 0;
    for (; k + lanes <= depth; k += lanes)
      for (Index i = 0; i < turned; i += part)
        turn_block(d, source + i * step + k, step, packed + k * tile + i, tile);
    for (; k < depth; ++k)
      for (Index i = 0; i < turned; ++i) packed[k * tile + i] = source[i * step + k];
  }
#endif
  for (Index i = turned; i < count; ++i)
    for (Index k = 0; k < depth; ++k) packed[k * tile + i] = source[i * step + k * along];
}

template <class T, int vectors, int... row>
void fill(detail::Tiles<T>& tiles, std::integer_sequence<int, row...>) {
  tiles.rows[vectors - 1] = sizeof...(row);
  ((tiles.kernel[vectors - 1][row] = multiply_tile<T, row + 1, vectors>), ...);
}

/// As many rows and vectors as the registers hold: 32 with AVX-512, else 16.
template <class T>
detail::Tiles<T> make_tiles() {
  detail::Tiles<T> tiles{};
  tiles.lanes = static_cast<Index>(hn::Lanes(hn::ScalableTag<T>()));
  tiles.pack = pack<T>;
  fill<T, 1>(tiles, std::make_integer_sequence<int, 12>());
#if HWY_TARGET <= HWY_AVX3
  tiles.vectors = 4;
  fill<T, 2>(tiles, std::make_integer_sequence<int, 12>());
  fill<T, 3>(tiles, std::make_integer_sequence<int, 8>());
  fill<T, 4>(tiles, std::make_integer_sequence<int, 6>());
#else
  tiles.vectors = 2;
  fill<T, 2>(tiles, std::make_integer_sequence<int, 6>());
#endif
  return tiles;
}

const detail::Tiles<float>* tiles_f32() {
  static const detail::Tiles<float> tiles = make_tiles<float>();
  return &tiles;
}
const detail::Tiles<double>* tiles_f64() {
  static const detail::Tiles<double> tiles = make_tiles<double>();
  return &tiles;
}

std::int64_t target() { return HWY_TARGET; }

}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::kernels {

HWY_EXPORT(tiles_f32);
HWY_EXPORT(tiles_f64);
HWY_EXPORT(target);

namespace detail {
const Tiles<float>& tiles_f32() { return *HWY_DYNAMIC_DISPATCH(tiles_f32)(); }
const Tiles<double>& tiles_f64() { return *HWY_DYNAMIC_DISPATCH(tiles_f64)(); }
}  // namespace detail

std::string gemm_target() {
  switch (HWY_DYNAMIC_DISPATCH(target)()) {
    case HWY_AVX3:
      return "AVX-512";
    case HWY_SCALAR:
      return "scalar";
    default:
      return hwy::TargetName(HWY_DYNAMIC_DISPATCH(target)());
  }
}

}  // namespace gradus::kernels
#endif
