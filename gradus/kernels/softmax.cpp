// Three passes over a row: the largest, the exponentials and their sum, the results; long rows one
// after the other, short ones side by side. See softmax.h.
#include <gradus/kernels/softmax.h>

#include <gradus/kernels/highway.h>
#include <gradus/kernels/reduce.h>
#include <gradus/kernels/strided.h>
#include <gradus/kernels/threads.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/kernels/softmax.cpp"
#include <hwy/foreach_target.h>
// After it, once for each instruction set:
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include <gradus/kernels/math_inl.h>
#include <gradus/kernels/reduce_inl.h>

#ifndef GRADUS_KERNELS_SOFTMAX_ROW
#define GRADUS_KERNELS_SOFTMAX_ROW
namespace gradus::kernels::detail {

/// `count` rows of n elements; how many elements lie from one to the next along a row, and across.
struct SoftmaxRows {
  std::int64_t n, count;
  const void* x;
  std::int64_t x_step, x_across;
  void* y;
  std::int64_t y_step, y_across;
};
using SoftmaxOfRows = void (*)(const SoftmaxRows& rows, bool logarithm);

/// Rows of so many elements at most are taken side by side.
inline constexpr std::int64_t short_row = 64;

}  // namespace gradus::kernels::detail
#endif

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {
namespace {

using Index = std::int64_t;

/// A function of its own, to be there once.
template <class T>
HWY_NOINLINE hn::Vec<hn::ScalableTag<T>> log_of(hn::Vec<hn::ScalableTag<T>> x) {
  return log(hn::ScalableTag<T>(), x);
}

/// v, or `so_far` where that is larger; a NaN stays.
template <class V>
HWY_INLINE V larger_or_nan(V v, V so_far) {
  return hn::IfThenElse(hn::Or(v > so_far, hn::IsNaN(v)), v, so_far);
}

/// A block of a row, filled up with -inf to whole groups of reduce_lanes: those change neither the
/// largest nor, since e^-inf is 0, the sum. So there is no remainder in what follows.
template <class T>
class Block {
 public:
  static constexpr hn::ScalableTag<T> d{};
  static constexpr Index width = static_cast<Index>(HWY_LANES(T)), vectors = reduce_lanes / width;
  using V = hn::Vec<hn::ScalableTag<T>>;

  HWY_NOINLINE void bring(const T* x, Index step, Index n) {
    n_ = n;
    end_ = (n + reduce_lanes - 1) / reduce_lanes * reduce_lanes;
    const V nothing = hn::Set(d, -std::numeric_limits<T>::infinity());
    for (Index k = 0; k < reduce_lanes; k += width)
      hn::Store(nothing, d, values_ + end_ - reduce_lanes + k);
    if (step == 1)
      std::copy_n(x, n, values_);
    else
      for (Index k = 0; k < n; ++k) values_[k] = x[k * step];
  }
  HWY_NOINLINE void put(T* y, Index step) const {
    if (step == 1)
      std::copy_n(values_, n_, y);
    else
      for (Index k = 0; k < n_; ++k) y[k * step] = values_[k];
  }

  /// Lane by lane.
  V largest(V so_far) const {
    for (Index k = 0; k < end_; k += width)
      so_far = larger_or_nan(hn::Load(d, values_ + k), so_far);
    return so_far;
  }
  /// The sum of f(value) in the order of fold_block (reduce.h); `keep` puts f(value) in the place
  /// of the value.
  template <class F>
  T sum(bool keep, F f) {
    V sums[vectors];
    for (V& sum : sums) sum = hn::Zero(d);
    for (Index k = 0; k < end_; k += reduce_lanes)
      for (Index v = 0; v < vectors; ++v) {
        T* at = values_ + k + v * width;
        const V value = f(hn::Load(d, at));
        sums[v] = sums[v] + value;
        if (keep) hn::Store(value, d, at);
      }
    HWY_ALIGN T lanes[reduce_lanes];
    for (Index v = 0; v < vectors; ++v) hn::Store(sums[v], d, lanes + v * width);
    return join_lanes(lanes, Plus());
  }
  template <class F>
  void change(F f) {
    for (Index k = 0; k < end_; k += width) hn::Store(f(hn::Load(d, values_ + k)), d, values_ + k);
  }

 private:
  HWY_ALIGN T values_[reduce_block];
  Index n_ = 0, end_ = 0;
};

template <class T>
T across_lanes(hn::Vec<hn::ScalableTag<T>> largest) {
  HWY_ALIGN T lanes[static_cast<std::size_t>(Block<T>::width)];
  hn::Store(largest, Block<T>::d, lanes);
  T result = lanes[0];
  for (const T lane : lanes) result = lane > result || std::isnan(lane) ? lane : result;
  return result;
}

/// One row, block by block.
template <class T>
void whole_row(const T* x, T* y, const detail::SoftmaxRows& row, bool logarithm) {
  using V = typename Block<T>::V;
  constexpr auto d = Block<T>::d;
  const bool is_short = row.n <= reduce_block;
  Block<T> block;
  // Visits the blocks of x or y. One that holds the whole row is brought once.
  const auto for_blocks = [&](const T* from, Index step, bool bring, auto visit) {
    for (Index begin = 0; begin < row.n; begin += reduce_block) {
      if (bring) block.bring(from + begin * step, step, std::min(reduce_block, row.n - begin));
      visit(y + begin * row.y_step);
    }
  };
  V lanes = hn::Set(d, -std::numeric_limits<T>::infinity());
  for_blocks(x, row.x_step, true, [&](T*) { lanes = block.largest(lanes); });
  const T largest = across_lanes<T>(lanes);
  // A row of -inf alone has no finite maximum to take out.
  const V shift = hn::Set(d, std::isinf(largest) && largest < 0 ? T(0) : largest);

  PairwiseTree<T, Plus> tree({});
  for_blocks(x, row.x_step, !is_short, [&](T* to) {
    tree.push(block.sum(!logarithm, [&](V v) { return exp(d, v - shift); }));
    if (!logarithm && !is_short) block.put(to, row.y_step);
  });
  const V total = hn::Set(d, tree.finish(0)), taken = logarithm ? log_of<T>(total) : total;
  for_blocks(logarithm ? x : y, logarithm ? row.x_step : row.y_step, !is_short, [&](T* to) {
    if (logarithm)
      block.change([&](V v) { return (v - shift) - taken; });
    else
      block.change([&](V v) { return v / taken; });
    block.put(to, row.y_step);
  });
}

/// Short rows side by side, a row a lane: the steps of one would wait for each other. The order of
/// each sum is that of a row alone.
template <class T>
void side_by_side_rows(const T* x, T* y, const detail::SoftmaxRows& rows, bool logarithm) {
  constexpr auto d = Block<T>::d;
  constexpr Index width = Block<T>::width;
  using V = typename Block<T>::V;
  HWY_ALIGN T values[detail::short_row * width];
  const Index n = rows.n;
  for (Index k = 0; k < n; ++k)
    for (Index r = 0; r < width; ++r)
      values[k * width + r] = x[k * rows.x_step + r * rows.x_across];
  const V lowest = hn::Set(d, -std::numeric_limits<T>::infinity());
  V largest = lowest;
  for (Index k = 0; k < n; ++k) largest = larger_or_nan(hn::Load(d, values + k * width), largest);
  const V shift = hn::IfThenZeroElse(largest == lowest, largest);
  V lanes[reduce_lanes];
  for (V& lane : lanes) lane = hn::Zero(d);
  for (Index k = 0; k < n; ++k) {
    T* at = values + k * width;
    const V shifted = hn::Load(d, at) - shift, e = exp(d, shifted);
    lanes[k % reduce_lanes] = lanes[k % reduce_lanes] + e;
    hn::Store(logarithm ? shifted : e, d, at);
  }
  for (Index half = reduce_lanes / 2; half > 0; half /= 2)
    for (Index l = 0; l < half; ++l) lanes[l] = lanes[l] + lanes[l + half];
  const V taken = logarithm ? log_of<T>(lanes[0]) : lanes[0];
  for (Index k = 0; k < n; ++k) {
    T* at = values + k * width;
    const V v = hn::Load(d, at);
    hn::Store(logarithm ? v - taken : v / taken, d, at);
    for (Index r = 0; r < width; ++r) y[k * rows.y_step + r * rows.y_across] = at[r];
  }
}

template <class T>
void softmax_rows(const detail::SoftmaxRows& rows, bool logarithm) {
  const T* x = static_cast<const T*>(rows.x);
  T* y = static_cast<T*>(rows.y);
  Index i = 0;
  for (constexpr Index width = Block<T>::width;
       rows.n <= detail::short_row && i + width <= rows.count; i += width)
    side_by_side_rows(x + i * rows.x_across, y + i * rows.y_across, rows, logarithm);
  for (; i < rows.count; ++i)
    whole_row(x + i * rows.x_across, y + i * rows.y_across, rows, logarithm);
}

}  // namespace

detail::SoftmaxOfRows softmax_of_rows(bool is_double) {
  return is_double ? softmax_rows<double> : softmax_rows<float>;
}

}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::kernels {

HWY_EXPORT(softmax_of_rows);

namespace {

void softmax_along_axis(detail::SoftmaxOfRows of_rows, bool logarithm, std::int64_t item_size,
                        const void* x, const std::int64_t* x_strides, void* y,
                        const std::int64_t* y_strides, const std::int64_t* sizes, int rank,
                        int axis) {
  const bool is_number = rank == 0;
  const std::int64_t n = is_number ? 1 : sizes[axis], x_step = is_number ? 1 : x_strides[axis],
                     y_step = is_number ? 1 : y_strides[axis];
  if (n == 0) return;
  // The rows: all axes but the one.
  std::int64_t row_sizes[Walk<2>::max_rank], x_rows[Walk<2>::max_rank], y_rows[Walk<2>::max_rank];
  int kept = 0;
  for (int k = 0; k < rank; ++k) {
    if (k == axis) continue;
    row_sizes[kept] = sizes[k];
    x_rows[kept] = x_strides[k];
    y_rows[kept++] = y_strides[k];
  }
  const Walk<2> walk(row_sizes, kept, {x_rows, y_rows});
  const std::int64_t x_across = walk.strides[0][walk.rank - 1],
                     y_across = walk.strides[1][walk.rank - 1];
  walk.for_each_run([&](const std::int64_t* at, std::int64_t rows) {
    parallel_for(rows, elements_per_task / n + 1, [&](std::int64_t begin, std::int64_t end) {
      const auto offset = [&](int k, std::int64_t across) {
        return (at[k] + begin * across) * item_size;
      };
      of_rows({n, end - begin, static_cast<const std::byte*>(x) + offset(0, x_across), x_step,
               x_across, static_cast<std::byte*>(y) + offset(1, y_across), y_step, y_across},
              logarithm);
    });
  });
}

}  // namespace

template <class T>
void softmax(bool logarithm, const T* x, const std::int64_t* x_strides, T* y,
             const std::int64_t* y_strides, const std::int64_t* sizes, int rank, int axis) {
  softmax_along_axis(HWY_DYNAMIC_DISPATCH(softmax_of_rows)(sizeof(T) == 8), logarithm, sizeof(T), x,
                     x_strides, y, y_strides, sizes, rank, axis);
}
template void softmax(bool, const float*, const std::int64_t*, float*, const std::int64_t*,
                      const std::int64_t*, int, int);
template void softmax(bool, const double*, const std::int64_t*, double*, const std::int64_t*,
                      const std::int64_t*, int, int);

}  // namespace gradus::kernels
#endif
