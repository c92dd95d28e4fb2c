// The two loops of a sum: over what lies in a row, and over rows that lie side by side; see sum.h.
#include <gradus/kernels/sum.h>

#include <gradus/kernels/highway.h>
#include <gradus/kernels/reduce.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/kernels/sum.cpp"
#include <hwy/foreach_target.h>
// After it, once for each instruction set:
#include <hwy/highway.h>

#include <gradus/kernels/reduce_inl.h>

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {
namespace {

using Index = std::int64_t;

template <class T>
void sum_one(const void*, const void* x, const detail::Fold& f, void* y) {
  const T* base = static_cast<const T*>(x);
  if (f.n <= reduce_block && f.stride == 1 && !f.positions) {  // one block is the whole tree
    *static_cast<T*>(y) = sum_of_block(base, f.n);
    return;
  }
  PairwiseTree<T, Plus> tree({});
  T gathered[reduce_block];
  for (Index begin = 0; begin < f.n; begin += reduce_block) {
    const Index n = std::min(reduce_block, f.n - begin);
    const T* block = base + begin;
    if (f.positions || f.stride != 1) {
      for (Index k = 0; k < n; ++k)
        gathered[k] = base[f.positions ? f.positions[begin + k] : (begin + k) * f.stride];
      block = gathered;
    }
    tree.push(sum_of_block(block, n));
  }
  *static_cast<T*>(y) = tree.finish(0);
}

/// The sums of side_by_side neighbours.
template <class T>
struct Side {
  T values[detail::side_by_side];
};
template <class T>
HWY_INLINE void add_row(const T* row, T* to) {
  constexpr hn::ScalableTag<T> d;
  constexpr Index width = static_cast<Index>(HWY_LANES(T));
  for (Index w = 0; w < detail::side_by_side; w += width)
    hn::StoreU(hn::LoadU(d, to + w) + hn::LoadU(d, row + w), d, to + w);
}
struct PlusSides {
  template <class T>
  Side<T> operator()(Side<T> a, const Side<T>& b) const {
    add_row(b.values, a.values);
    return a;
  }
};

template <class T>
void sum_columns(const void*, const void* x, const detail::Fold& f, void* y) {
  PairwiseTree<Side<T>, PlusSides> tree({});
  for (Index begin = 0; begin < f.n; begin += reduce_block) {
    const Index n = std::min(reduce_block, f.n - begin);
    Side<T> lanes[reduce_lanes] = {};
    for (Index k = 0; k < n; ++k)
      add_row(static_cast<const T*>(x) + (begin + k) * f.stride, lanes[k % reduce_lanes].values);
    tree.push(join_lanes(lanes, PlusSides()));
  }
  const Side<T> total = tree.finish({});
  std::copy_n(total.values, detail::side_by_side, static_cast<T*>(y));
}

}  // namespace

detail::FoldOutputs sum_loop(bool is_double, bool columns) {
  if (columns) return is_double ? sum_columns<double> : sum_columns<float>;
  return is_double ? sum_one<double> : sum_one<float>;
}

}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::kernels {

HWY_EXPORT(sum_loop);

template <class T>
void sum(const T* x, const std::int64_t* kept_sizes, const std::int64_t* kept_strides,
         int kept_rank, const std::int64_t* sizes, const std::int64_t* strides, int rank, T* y) {
  const auto loop = HWY_DYNAMIC_DISPATCH(sum_loop);
  detail::reduce({x, sizeof(T), y, sizeof(T), loop(sizeof(T) == 8, false),
                  loop(sizeof(T) == 8, true), nullptr},
                 kept_sizes, kept_strides, kept_rank, sizes, strides, rank);
}
template void sum(const float*, const std::int64_t*, const std::int64_t*, int, const std::int64_t*,
                  const std::int64_t*, int, float*);
template void sum(const double*, const std::int64_t*, const std::int64_t*, int, const std::int64_t*,
                  const std::int64_t*, int, double*);

}  // namespace gradus::kernels
#endif
