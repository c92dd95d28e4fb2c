// Packing for gemm_inl.h: operands in the order in which its tiles read them.
#if defined(GRADUS_KERNELS_GEMM_PACK_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_KERNELS_GEMM_PACK_INL_H
#undef GRADUS_KERNELS_GEMM_PACK_INL_H
#else
#define GRADUS_KERNELS_GEMM_PACK_INL_H
#endif

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Index = std::int64_t;

template <class T>
using Tag = hn::ScalableTag<T>;
template <class T>
inline constexpr Index lanes = static_cast<Index>(HWY_LANES(T));

#if HWY_TARGET != HWY_SCALAR
/// A vector whose 128-bit blocks come from rows apart by `step`.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE hn::Vec<D> load_blocks(D d, const T* from, Index step) {
  if constexpr (hn::MaxLanes(D()) * sizeof(T) <= 16) {
    return hn::LoadU(d, from);
  } else {
    const hn::Half<D> half;
    const Index rows = static_cast<Index>(hn::MaxLanes(D())) / 2;
    return hn::Combine(d, load_blocks(half, from + rows * step, step),
                       load_blocks(half, from, step));
  }
}

/// to[k * tile + i] = from[i * step + k] for as many i as d has lanes, k < depth.
template <class D, class T = hn::TFromD<D>>
void transpose_rows(D d, const T* from, Index step, Index depth, T* to, Index tile) {
  constexpr Index block = 16 / static_cast<Index>(sizeof(T)),
                  n = static_cast<Index>(hn::MaxLanes(D()));
  Index k = 0;
  for (; k + block <= depth; k += block) {
    const auto r0 = load_blocks(d, from + k, step), r1 = load_blocks(d, from + step + k, step);
    T* out = to + k * tile;
    if constexpr (block == 2) {
      hn::StoreU(hn::InterleaveLower(d, r0, r1), d, out);
      hn::StoreU(hn::InterleaveUpper(d, r0, r1), d, out + tile);
    } else {
      const hn::Repartition<double, D> pairs;
      const auto r2 = load_blocks(d, from + 2 * step + k, step),
                 r3 = load_blocks(d, from + 3 * step + k, step);
      const auto a = hn::BitCast(pairs, hn::InterleaveLower(d, r0, r1)),
                 b = hn::BitCast(pairs, hn::InterleaveUpper(d, r0, r1)),
                 e = hn::BitCast(pairs, hn::InterleaveLower(d, r2, r3)),
                 f = hn::BitCast(pairs, hn::InterleaveUpper(d, r2, r3));
      hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, a, e)), d, out);
      hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, a, e)), d, out + tile);
      hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, b, f)), d, out + 2 * tile);
      hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, b, f)), d, out + 3 * tile);
    }
  }
  for (; k < depth; ++k)
    for (Index i = 0; i < n; ++i) to[k * tile + i] = from[i * step + k];
}
#endif

/// Copies whole vectors from i on, as long as there are some; where it stopped.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE Index copy_lanes(D d, const T* from, T* to, Index i, Index count) {
  constexpr Index n = static_cast<Index>(hn::MaxLanes(D()));
  for (; i + n <= count; i += n) hn::StoreU(hn::LoadU(d, from + i), d, to + i);
  return i;
}

/// packed[k * tile + i] = source[i * step + k * along] for i < count, 0 for the rest of the tile.
template <class T>
void pack(const T* source, Index step, Index along, Index count, Index depth, T* packed,
          Index tile) {
  if (count < tile)  // then tiles are whole vectors
    for (Index k = 0; k < depth; ++k)
      for (Index i = count / lanes<T> * lanes<T>; i < tile; i += lanes<T>)
        hn::StoreU(hn::Zero(Tag<T>()), Tag<T>(), packed + k * tile + i);
  if (step == 1) {
    for (Index k = 0; k < depth; ++k) {
      const T* from = source + k * along;
      T* to = packed + k * tile;
      if (k + 16 < depth) __builtin_prefetch(from + 16 * along, 0, 2);  // rows lie far apart
      Index i = copy_lanes(Tag<T>(), from, to, 0, count);
      i = copy_lanes(hn::CappedTag<T, 4>(), from, to, i, count);
      copy_lanes(hn::CappedTag<T, 1>(), from, to, i, count);
    }
    return;
  }
  Index i = 0;
#if HWY_TARGET != HWY_SCALAR
  if (along == 1) {
    for (; i + lanes<T> <= count; i += lanes<T>)
      transpose_rows(Tag<T>(), source + i * step, step, depth, packed + i, tile);
    constexpr Index few = 16 / static_cast<Index>(sizeof(T));
    for (; i + few <= count; i += few)
      transpose_rows(hn::FixedTag<T, few>(), source + i * step, step, depth, packed + i, tile);
  }
#endif
  for (; i < count; ++i)
    for (Index k = 0; k < depth; ++k) packed[k * tile + i] = source[i * step + k * along];
}

}  // namespace
}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
