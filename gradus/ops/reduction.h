// What all reductions share: which axes go, which shape stays, and the one loop that folds.
// Read next: reduction.cpp (sums), extremum.cpp (largest and smallest), statistics.cpp.
#pragma once

#include <algorithm>

#include <gradus/kernels/reduce.h>
#include <gradus/ops/elementwise.h>
#include <gradus/ops/samples.h>

namespace gradus::op {

/// The axes of a reduction, sorted into kept and reduced ones.
struct Split {
  Shape kept_sizes, kept_strides, sizes, strides;
  /// Takes no memory: plans come here in every step.
  Split(const Layout& x, const Ints& axis) {
    for (int k = 0; k < x.rank(); ++k) {
      const bool is_reduced =
          axis.empty() || std::any_of(axis.begin(), axis.end(), [&](std::int64_t a) {
            return normalize_axis(a, x.rank()) == k;
          });
      (is_reduced ? sizes : kept_sizes).push_back(x.shape[k]);
      (is_reduced ? strides : kept_strides).push_back(x.strides[k]);
    }
  }
};

inline Shape reduced_shape(const Shape& x, const Ints& axis, bool keepdims) {
  Shape result;
  if (axis.empty()) {  // all of them: needs no list
    for (int k = 0; keepdims && k < x.rank(); ++k) result.push_back(1);
    return result;
  }
  const std::vector<int> reduced = normalize_axes(axis, x.rank());
  for (int k = 0; k < x.rank(); ++k) {
    const bool is_reduced = std::find(reduced.begin(), reduced.end(), k) != reduced.end();
    if (!is_reduced)
      result.push_back(x[k]);
    else if (keepdims)
      result.push_back(1);
  }
  return result;
}

inline std::int64_t reduced_count(const Shape& x, const Ints& axis) {
  std::int64_t count = 1;
  for (int k : normalize_axes(axis, x.rank())) count *= x[k];
  return count;
}

template <class Acc, class X, class Y, class Prepare, class Combine, class Finish>
void reduce(In x, Out y, const Ints& axis, Acc identity, Prepare prepare, Combine combine,
            Finish finish) {
  const Split s(*x.layout, axis);
  kernels::reduce(x.as<X>(), s.kept_sizes.data(), s.kept_strides.data(), s.kept_sizes.rank(),
                  s.sizes.data(), s.strides.data(), s.sizes.rank(), y.as<Y>(), identity, prepare,
                  combine, finish);
}

/// A reduced result brought back to the rank of the input, for broadcasting against it.
inline Tensor with_reduced_axes(const Tensor& y, const Shape& x, const Ints& axis) {
  return reshape(y, reduced_shape(x, axis, true).to_vector());
}

/// Fields and shape rule that all reductions share.
template <class D>
struct Reduction {
  Ints axis;
  bool keepdims = false;
  static constexpr auto list_attributes() {
    return std::tuple{attr("axis", &Reduction::axis, "axes to reduce, all when empty"),
                      attr("keepdims", &Reduction::keepdims, "keep reduced axes with size 1")};
  }
  Spec infer(const Spec& x) const {
    return {reduced_shape(x.shape, axis, keepdims), D::result(x.dtype)};
  }
  static DType result(DType x) { return x; }
  static Samples samples() {
    D rows, all_axes;
    rows.axis = {-1};
    all_axes.axis = {0, 2};
    all_axes.keepdims = true;
    return {{rows, {sample({3, 4})}}, {all_axes, {sample({2, 3, 2})}}, {D{}, {sample({3, 2})}}};
  }
};

}  // namespace gradus::op
