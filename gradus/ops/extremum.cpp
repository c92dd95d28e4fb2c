// The largest and the smallest over axes: the value, where it is, or both. Next: statistics.cpp.
#include <cmath>
#include <limits>

#include <gradus/ops/reduction.h>
#include <gradus/ops/registry.h>

namespace gradus {
namespace op {

/// Largest or smallest value; NaN wins; empty input throws.
template <class D>
struct ExtremumOver : Reduction<D> {
  static constexpr Keep keep{.inputs = 1, .outputs = 1};
  Spec infer(const Spec& x) const {
    Spec result = Reduction<D>::infer(x);
    if (reduced_count(x.shape, this->axis) == 0 && result.shape.numel() != 0)
      throw ShapeError("no elements to compare in " + x.str(),
                       "reduce over axes that are not empty");
    return result;
  }
  void forward(In x, Out y) const {
    dispatch(x.dtype, [&]<class T>() {
      T identity = D::is_maximum ? std::numeric_limits<T>::lowest() : std::numeric_limits<T>::max();
      if constexpr (std::is_floating_point_v<T>)
        identity = D::is_maximum ? -std::numeric_limits<T>::infinity()
                                 : std::numeric_limits<T>::infinity();
      reduce<T, T, T>(
          x, y, this->axis, identity, [](T v) { return v; },
          // A NaN is never less, so it stays once it is a; without branches, so that lanes are
          // vectors.
          [](T a, T b) { return ((D::is_maximum ? a < b : b < a) | (b != b)) ? b : a; },
          [](T v) { return v; });
    });
  }
  Tensor vjp(const Call& c, const Tensor& g) const {
    const Tensor x = c.input(0);
    const Tensor here = x == with_reduced_axes(c.output().detach(), x.shape(), this->axis);
    const Tensor share = astype(here, g.dtype());
    const Tensor count = sum(share, this->axis, true);
    return share / count * with_reduced_axes(g, x.shape(), this->axis);
  }
};

struct Amax : ExtremumOver<Amax> {
  static constexpr bool is_maximum = true;
  static constexpr Card card{.name = "amax",
                             .also = "torch.amax, numpy.max, numpy.amax",
                             .onnx = "ReduceMax",
                             .formula = R"(y = \max_i x_i)",
                             .doc = "Largest value over `axis`; ties share the gradient evenly.",
                             .shapes = "x -> x without `axis`"};
  static constexpr auto attrs = list_attributes();
};
struct Amin : ExtremumOver<Amin> {
  static constexpr bool is_maximum = false;
  static constexpr Card card{.name = "amin",
                             .also = "torch.amin, numpy.min, numpy.amin",
                             .onnx = "ReduceMin",
                             .formula = R"(y = \min_i x_i)",
                             .doc = "Smallest value over `axis`; ties share the gradient evenly.",
                             .shapes = "x -> x without `axis`"};
  static constexpr auto attrs = list_attributes();
};

template <class D>
struct ArgExtremum {
  std::optional<std::int64_t> axis;
  bool keepdims = false;
  static constexpr Keep keep{.inputs = 0};
  Ints axes() const { return axis ? Ints{*axis} : Ints{}; }
  Spec infer(const Spec& x) const {
    const Shape shape = reduced_shape(x.shape, axes(), keepdims);
    if (reduced_count(x.shape, axes()) == 0 && shape.numel() != 0)
      throw ShapeError("no elements to compare in " + x.str(),
                       "reduce over an axis that is not empty");
    return {shape, DType::i64};
  }
  void forward(In x, Out y) const {
    const Split s(*x.layout, axes());
    const kernels::Walk<1> kept(s.kept_sizes.data(), s.kept_sizes.rank(), {s.kept_strides.data()});
    const kernels::Walk<1> over(s.sizes.data(), s.sizes.rank(), {s.strides.data()});
    std::int64_t written = 0;
    dispatch(x.dtype, [&]<class T>() {
      kept.for_each_run([&](const std::int64_t* at, std::int64_t run) {
        for (std::int64_t i = 0; i < run; ++i) {
          const T* base = x.as<T>() + at[0] + i * kept.strides[0][kept.rank - 1];
          std::int64_t best = 0, position = 0;
          T value = base[0];
          over.for_each_run([&](const std::int64_t* from, std::int64_t n) {
            for (std::int64_t k = 0; k < n; ++k, ++position) {
              const T v = base[from[0] + k * over.strides[0][over.rank - 1]];
              bool better = D::is_maximum ? v > value : v < value;
              if constexpr (std::is_floating_point_v<T>)
                better = !std::isnan(value) && (better || std::isnan(v));
              if (better) {
                value = v;
                best = position;
              }
            }
          });
          y.as<std::int64_t>()[written++] = best;
        }
      });
    });
  }
  static Samples samples() {
    D rows;
    rows.axis = 1;
    return {{rows, {sample({3, 4})}}, {D{}, {sample({3, 4})}}};
  }
};

struct Argmax : ArgExtremum<Argmax> {
  static constexpr bool is_maximum = true;
  static constexpr Card card{.name = "argmax",
                             .also = "torch.argmax, numpy.argmax",
                             .onnx = "ArgMax",
                             .formula = R"(y = \operatorname{argmax}_i x_i)",
                             .doc =
                                 "Where the largest value is along `axis`, or in the flattened "
                                 "tensor; the first of equals, NaN wins.",
                             .shapes = "x -> i64 x without `axis`"};
  static constexpr auto attrs =
      std::tuple{attr("axis", &Argmax::axis, "one axis, or none for all"),
                 attr("keepdims", &Argmax::keepdims, "keep the axis with size 1")};
};
struct Argmin : ArgExtremum<Argmin> {
  static constexpr bool is_maximum = false;
  static constexpr Card card{.name = "argmin",
                             .also = "torch.argmin, numpy.argmin",
                             .onnx = "ArgMin",
                             .formula = R"(y = \operatorname{argmin}_i x_i)",
                             .doc =
                                 "Where the smallest value is along `axis`, or in the flattened "
                                 "tensor; the first of equals, NaN wins.",
                             .shapes = "x -> i64 x without `axis`"};
  static constexpr auto attrs =
      std::tuple{attr("axis", &Argmin::axis, "one axis, or none for all"),
                 attr("keepdims", &Argmin::keepdims, "keep the axis with size 1")};
};

/// max and min: with an axis values and indices, without one the value over all.
template <class D>
struct ValueAndIndex {
  std::optional<std::int64_t> axis;
  bool keepdims = false;
  Tensors compose(std::span<const Tensor> inputs) const {
    if (inputs.size() != 1) detail::throw_arity(1, inputs.size());
    const Tensor& x = inputs[0];
    if (!axis) return {D::is_maximum ? amax(x) : amin(x)};
    if (x.ndim() == 0) {
      normalize_axis(*axis, 1);
      return {x, Tensor::scalar(0, DType::i64)};
    }
    const Tensor where_it_is = D::is_maximum ? argmax(x, axis, true) : argmin(x, axis, true);
    const Tensor values = gather(x, where_it_is, *axis);
    if (keepdims) return {values, where_it_is};
    return {squeeze(values, {*axis}), squeeze(where_it_is, {*axis})};
  }
  static Samples samples() {
    D rows;
    rows.axis = 1;
    return {{rows, {sample({3, 4})}}, {D{}, {sample({3, 4})}}};
  }
};
struct Max : ValueAndIndex<Max> {
  static constexpr bool is_maximum = true;
  static constexpr Card card{.name = "max",
                             .also = "torch.max",
                             .onnx = "",
                             .formula = R"(y = \max_i x_i)",
                             .doc =
                                 "Largest values along `axis` and their indices (the first of "
                                 "equals), or the largest of all.",
                             .shapes = "x -> values, i64 indices"};
  static constexpr auto attrs =
      std::tuple{attr("axis", &Max::axis, "one axis, or none for all"),
                 attr("keepdims", &Max::keepdims, "keep the axis with size 1")};
};
struct Min : ValueAndIndex<Min> {
  static constexpr bool is_maximum = false;
  static constexpr Card card{.name = "min",
                             .also = "torch.min",
                             .onnx = "",
                             .formula = R"(y = \min_i x_i)",
                             .doc =
                                 "Smallest values along `axis` and their indices (the first of "
                                 "equals), or the smallest of all.",
                             .shapes = "x -> values, i64 indices"};
  static constexpr auto attrs =
      std::tuple{attr("axis", &Min::axis, "one axis, or none for all"),
                 attr("keepdims", &Min::keepdims, "keep the axis with size 1")};
};

}  // namespace op

Tensor amax(const Tensor& x, const Ints& axis, bool keepdims, Place at) {
  return apply(op::Amax{{{axis, keepdims}}}, {x}, at);
}
Tensor amin(const Tensor& x, const Ints& axis, bool keepdims, Place at) {
  return apply(op::Amin{{{axis, keepdims}}}, {x}, at);
}
ValuesIndices max(const Tensor& x, std::int64_t axis, bool keepdims, Place at) {
  Tensors both = apply_all(op::Max{{axis, keepdims}}, std::span(&x, 1), at);
  return {both[0], both[1]};
}
ValuesIndices min(const Tensor& x, std::int64_t axis, bool keepdims, Place at) {
  Tensors both = apply_all(op::Min{{axis, keepdims}}, std::span(&x, 1), at);
  return {both[0], both[1]};
}
Tensor max(const Tensor& x, Place at) { return apply(op::Max{}, {x}, at); }
Tensor min(const Tensor& x, Place at) { return apply(op::Min{}, {x}, at); }
Tensor argmax(const Tensor& x, std::optional<std::int64_t> axis, bool keepdims, Place at) {
  return apply(op::Argmax{{axis, keepdims}}, {x}, at);
}
Tensor argmin(const Tensor& x, std::optional<std::int64_t> axis, bool keepdims, Place at) {
  return apply(op::Argmin{{axis, keepdims}}, {x}, at);
}

std::vector<Op> extremum_ops() {
  using namespace op;
  return {Amax{}, Amin{}, Max{}, Min{}, Argmax{}, Argmin{}};
}

}  // namespace gradus
