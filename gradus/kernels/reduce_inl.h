// Sums in the order of reduce.h, for one instruction set (the guard is Highway's): sixteen lanes
// are one vector of AVX-512, two of AVX2, sixteen of no instruction set at all.
#if defined(GRADUS_KERNELS_REDUCE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_KERNELS_REDUCE_INL_H
#undef GRADUS_KERNELS_REDUCE_INL_H
#else
#define GRADUS_KERNELS_REDUCE_INL_H
#endif

#include <gradus/kernels/reduce.h>

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

struct Plus {
  template <class T>
  T operator()(T a, T b) const {
    return a + b;
  }
};

/// Lane l plus lane l + n / 2, and so on down to one: the tree of join_lanes.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE T join(D, hn::Vec<D> v) {
#if HWY_TARGET == HWY_SCALAR
  return hn::GetLane(v);
#else
  if constexpr (hn::MaxLanes(D()) == 1) {
    return hn::GetLane(v);
  } else {
    const hn::Half<D> half;
    return join(half, hn::LowerHalf(half, v) + hn::UpperHalf(half, v));
  }
#endif
}

/// The sum of one block of at most reduce_block numbers.
template <class T>
T sum_of_block(const T* x, std::int64_t n) {
  constexpr hn::ScalableTag<T> d;
  constexpr auto width = static_cast<std::int64_t>(HWY_LANES(T)), vectors = reduce_lanes / width;
  static_assert(vectors * width == reduce_lanes);
  hn::Vec<decltype(d)> sums[vectors];
  for (auto& sum : sums) sum = hn::Zero(d);
  std::int64_t k = 0;
  for (; k + reduce_lanes <= n; k += reduce_lanes)
    for (std::int64_t v = 0; v < vectors; ++v) sums[v] = sums[v] + hn::LoadU(d, x + k + v * width);
  if (k < n) {  // a zero more changes no lane: none is -0
#if HWY_TARGET <= HWY_AVX2
    for (std::int64_t v = 0; v < vectors; ++v, k += width)
      sums[v] =
          sums[v] +
          hn::MaskedLoad(hn::FirstN(d, static_cast<std::size_t>(std::max<std::int64_t>(n - k, 0))),
                         d, x + k);
#else
    HWY_ALIGN T lanes[reduce_lanes] = {};
    std::copy(x + k, x + n, lanes);
    for (std::int64_t v = 0; v < vectors; ++v) sums[v] = sums[v] + hn::Load(d, lanes + v * width);
#endif
  }
  for (std::int64_t half = vectors / 2; half > 0; half /= 2)
    for (std::int64_t v = 0; v < half; ++v) sums[v] = sums[v] + sums[v + half];
  return join(d, sums[0]);
}

}  // namespace
}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // once for each instruction set
