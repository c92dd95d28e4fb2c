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
  HWY_ALIGN T lanes[reduce_lanes] = {};  // a zero more changes no lane: none is -0
  std::copy(x + k, x + n, lanes);
  for (std::int64_t v = 0; v < vectors; ++v) {
    sums[v] = sums[v] + hn::Load(d, lanes + v * width);
    hn::Store(sums[v], d, lanes + v * width);
  }
  return join_lanes(lanes, Plus());
}

}  // namespace
}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // once for each instruction set
