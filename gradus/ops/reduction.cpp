// Reductions over axes. The kernels fold in one fixed order (kernels/reduce.h); the rest is
// composed. Next: sorting.cpp.
#include <cmath>
#include <limits>

#include <gradus/kernels/reduce.h>
#include <gradus/ops/elementwise.h>
#include <gradus/ops/registry.h>
#include <gradus/ops/samples.h>

namespace gradus {
namespace op {
namespace {

/// The axes of a reduction, sorted into kept and reduced ones.
struct Split {
  Shape kept_sizes, kept_strides, sizes, strides;
  Split(const Layout& x, const Ints& axis) {
    std::vector<int> reduced = normalize_axes(axis, x.rank());
    for (int k = 0; k < x.rank(); ++k) {
      const bool is_reduced = std::find(reduced.begin(), reduced.end(), k) != reduced.end();
      (is_reduced ? sizes : kept_sizes).push_back(x.shape[k]);
      (is_reduced ? strides : kept_strides).push_back(x.strides[k]);
    }
  }
};

Shape reduced_shape(const Shape& x, const Ints& axis, bool keepdims) {
  Shape result;
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

std::int64_t reduced_count(const Shape& x, const Ints& axis) {
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
Tensor with_reduced_axes(const Tensor& y, const Shape& x, const Ints& axis) {
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

}  // namespace

struct Sum : Reduction<Sum> {
  static constexpr Card card{.name = "sum",
                             .also = "torch.sum, numpy.sum",
                             .onnx = "ReduceSum",
                             .formula = R"(y = \sum_i x_i)",
                             .doc = "Sum over `axis`; integers and truth values are summed as i64.",
                             .shapes = "x -> x without `axis`"};
  static constexpr auto attrs = list_attributes();
  static constexpr Keep keep{.inputs = 0};
  static DType result(DType x) { return is_floating(x) ? x : DType::i64; }
  void forward(In x, Out y) const {
    dispatch(x.dtype, [&]<class T>() {
      if constexpr (std::is_floating_point_v<T>)
        reduce<T, T, T>(
            x, y, axis, T(0), [](T v) { return v; }, [](T a, T b) { return a + b; },
            [](T v) { return v; });
      else
        reduce<std::uint64_t, T, std::int64_t>(
            x, y, axis, 0, [](T v) { return static_cast<std::uint64_t>(v); },
            [](std::uint64_t a, std::uint64_t b) { return a + b; },
            [](std::uint64_t v) { return static_cast<std::int64_t>(v); });
    });
  }
  Tensor vjp(const Call& c, const Tensor& g) const {
    const Shape& x = c.input_spec(0).shape;
    return broadcast_to(with_reduced_axes(g, x, axis), x.to_vector());
  }
};

struct Mean : Reduction<Mean> {
  static constexpr Card card{.name = "mean",
                             .also = "torch.mean, numpy.mean",
                             .onnx = "ReduceMean",
                             .formula = R"(y = \tfrac{1}{n} \sum_i x_i)",
                             .doc = "Mean over `axis`; integers give f32. NaN over no elements.",
                             .shapes = "x -> x without `axis`"};
  static constexpr auto attrs = list_attributes();
  Tensor compose(const Tensor& x) const {
    const DType dtype = to_floating(x.dtype());
    return sum(astype(x, dtype), axis, keepdims) /
           static_cast<double>(reduced_count(x.shape(), axis));
  }
};

struct Prod : Reduction<Prod> {
  static constexpr Card card{.name = "prod",
                             .also = "torch.prod, numpy.prod",
                             .onnx = "ReduceProd",
                             .formula = R"(y = \prod_i x_i)",
                             .doc = "Product over `axis`; integers as i64.",
                             .shapes = "x -> x without `axis`"};
  static constexpr auto attrs = list_attributes();
  static DType result(DType x) { return is_floating(x) ? x : DType::i64; }
  void forward(In x, Out y) const {
    dispatch(x.dtype, [&]<class T>() {
      if constexpr (std::is_floating_point_v<T>)
        reduce<T, T, T>(
            x, y, axis, T(1), [](T v) { return v; }, [](T a, T b) { return a * b; },
            [](T v) { return v; });
      else
        reduce<std::uint64_t, T, std::int64_t>(
            x, y, axis, 1, [](T v) { return static_cast<std::uint64_t>(v); },
            [](std::uint64_t a, std::uint64_t b) { return a * b; },
            [](std::uint64_t v) { return static_cast<std::int64_t>(v); });
    });
  }
  /// The product of the others, without dividing by x, which may be 0: each element's row is set to
  /// 1 at its own place and multiplied again. n^2 work, exact at zeros, differentiable again.
  Tensor vjp(const Call& c, const Tensor& g) const {
    const Tensor x = c.input(0);
    const Shape& shape = x.shape();
    Ints order, kept;
    const std::vector<int> reduced = normalize_axes(axis, shape.rank());
    for (int k = 0; k < shape.rank(); ++k)
      if (std::find(reduced.begin(), reduced.end(), k) == reduced.end()) order.push_back(k);
    for (std::int64_t k : order) kept.push_back(shape[static_cast<int>(k)]);
    for (int k : reduced) order.push_back(k);
    const std::int64_t n = reduced_count(shape, axis);
    Ints rows = kept;
    rows.push_back(n);
    const Tensor moved = permute_dims(x, order);
    const Tensor flat = reshape(moved, rows);  // [..., n]
    const Tensor others =
        prod(where(eye(n, {}, DType::boolean), 1.0, expand_dims(flat, -2)), {-1});  // [..., n]
    const Tensor scaled = others * expand_dims(reshape(g, kept), -1);
    Ints inverse(order.size());
    for (std::size_t k = 0; k < order.size(); ++k)
      inverse[static_cast<std::size_t>(order[k])] = static_cast<std::int64_t>(k);
    return permute_dims(reshape(scaled, moved.shape().to_vector()), inverse);
  }
};

/// Largest or smallest value; NaN wins; empty input throws.
template <class D>
struct ExtremumOver : Reduction<D> {
  static constexpr Keep keep{.inputs = 1, .outputs = 1};
  Spec infer(const Spec& x) const {
    const Spec result = Reduction<D>::infer(x);
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
          [](T a, T b) {
            if constexpr (std::is_floating_point_v<T>) {
              if (std::isnan(a)) return a;
              if (std::isnan(b)) return b;
            }
            return D::is_maximum ? (a < b ? b : a) : (b < a ? b : a);
          },
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

template <class D>
struct Quantifier : Reduction<D> {
  static constexpr Keep keep{.inputs = 0};
  static DType result(DType) { return DType::boolean; }
  void forward(In x, Out y) const {
    dispatch(x.dtype, [&]<class T>() {
      reduce<bool, T, bool>(
          x, y, this->axis, !D::is_any, [](T v) { return v != T(0); },
          [](bool a, bool b) { return D::is_any ? a || b : a && b; }, [](bool v) { return v; });
    });
  }
};
struct Any : Quantifier<Any> {
  static constexpr bool is_any = true;
  static constexpr Card card{.name = "any",
                             .also = "torch.any, numpy.any",
                             .onnx = "",
                             .formula = R"(y = \exists i: x_i)",
                             .doc = "True where any element over `axis` is not zero.",
                             .shapes = "x -> bool x without `axis`"};
  static constexpr auto attrs = list_attributes();
};
struct All : Quantifier<All> {
  static constexpr bool is_any = false;
  static constexpr Card card{.name = "all",
                             .also = "torch.all, numpy.all",
                             .onnx = "",
                             .formula = R"(y = \forall i: x_i)",
                             .doc = "True where all elements over `axis` are not zero.",
                             .shapes = "x -> bool x without `axis`"};
  static constexpr auto attrs = list_attributes();
};

/// var and std.
template <class D>
struct Spread {
  Ints axis;
  double correction = 1;
  bool keepdims = false;
  Tensor variance(const Tensor& given) const {
    const Tensor x = astype(given, to_floating(given.dtype()));
    const double divisor =
        std::max(0.0, static_cast<double>(reduced_count(x.shape(), axis)) - correction);
    return sum(square(x - mean(x, axis, true)), axis, keepdims) / divisor;
  }
  static Samples samples() {
    return {{D{{{-1}, 1, false}}, {sample({3, 4})}}, {D{{{0, 1}, 0, true}}, {sample({3, 4})}}};
  }
};
struct Var : Spread<Var> {
  static constexpr Card card{.name = "var",
                             .also = "torch.var, numpy.var",
                             .onnx = "",
                             .formula = R"(y = \tfrac{1}{n - c} \sum_i (x_i - \bar x)^2)",
                             .doc = "Variance over `axis`, divisor n - `correction`.",
                             .shapes = "x -> x without `axis`"};
  static constexpr auto attrs =
      std::tuple{attr("axis", &Var::axis, "axes to reduce, all when empty"),
                 attr("correction", &Var::correction, "1 for a sample, 0 for all there is"),
                 attr("keepdims", &Var::keepdims, "keep reduced axes with size 1")};
  Tensor compose(const Tensor& x) const { return variance(x); }
};
struct Std : Spread<Std> {
  static constexpr Card card{.name = "std",
                             .also = "torch.std, numpy.std",
                             .onnx = "",
                             .formula = R"(y = \sqrt{\tfrac{1}{n - c} \sum_i (x_i - \bar x)^2})",
                             .doc = "Standard deviation over `axis`, divisor n - `correction`.",
                             .shapes = "x -> x without `axis`"};
  static constexpr auto attrs =
      std::tuple{attr("axis", &Std::axis, "axes to reduce, all when empty"),
                 attr("correction", &Std::correction, "1 for a sample, 0 for all there is"),
                 attr("keepdims", &Std::keepdims, "keep reduced axes with size 1")};
  Tensor compose(const Tensor& x) const { return sqrt(variance(x)); }
};

struct LogSumExp : Reduction<LogSumExp> {
  static constexpr Card card{
      .name = "logsumexp",
      .also = "torch.logsumexp, scipy.special.logsumexp",
      .onnx = "ReduceLogSumExp",
      .formula = R"(y = m + \ln \sum_i e^{x_i - m},\ m = \max_i x_i)",
      .doc = "Logarithm of the sum of exponentials over `axis`, without overflow.",
      .shapes = "x -> x without `axis`"};
  static constexpr auto attrs = list_attributes();
  Tensor compose(const Tensor& given) const {
    const Tensor x = astype(given, to_floating(given.dtype()));
    if (x.numel() == 0) return log(sum(exp(x), axis, keepdims));
    const Tensor largest = no_grad([&] {
      const Tensor m = amax(x, axis, true);
      return where(isinf(m), 0.0, m);  // inf - inf would be NaN
    });
    const Tensor y = log(sum(exp(x - largest), axis, true)) + largest;
    return keepdims ? y : reshape(y, reduced_shape(x.shape(), axis, false).to_vector());
  }
};

struct Norm {
  double ord = 2;
  Ints axis;
  bool keepdims = false;
  static constexpr Card card{
      .name = "norm",
      .also = "torch.linalg.vector_norm, numpy.linalg.norm",
      .onnx = "",
      .formula = R"(y = (\sum_i |x_i|^p)^{1/p})",
      .doc =
          "Vector norm over `axis`; `ord` may be inf, -inf, 0 (count of non-zeros) or any number.",
      .shapes = "x -> x without `axis`"};
  static constexpr auto attrs =
      std::tuple{attr("ord", &Norm::ord, "the power p"),
                 attr("axis", &Norm::axis, "axes to reduce, all when empty"),
                 attr("keepdims", &Norm::keepdims, "keep reduced axes with size 1")};
  Tensor compose(const Tensor& given) const {
    const Tensor x = astype(given, to_floating(given.dtype()));
    if (ord == 2) {
      // The slope at the origin is taken as 0, not 0/0.
      const Tensor total = sum(square(x), axis, keepdims);
      const Tensor is_zero = total == 0;
      return where(is_zero, 0.0, sqrt(where(is_zero, 1.0, total)));
    }
    if (ord == 1) return sum(abs(x), axis, keepdims);
    if (ord == 0) return sum(astype(x != 0, x.dtype()), axis, keepdims);
    if (std::isinf(ord))
      return ord > 0 ? amax(abs(x), axis, keepdims) : amin(abs(x), axis, keepdims);
    return pow(sum(pow(abs(x), ord), axis, keepdims), 1 / ord);
  }
  static Samples samples() {
    return {{Norm{}, {sample({3, 4})}},
            {Norm{3, {-1}, false}, {sample({3, 4}, 0.3, 2)}},
            {Norm{1, {0}, true}, {sample({3, 4}, 0.3, 2)}}};
  }
};

}  // namespace op

#define GRADUS_REDUCTION(name, Definition)                                  \
  Tensor name(const Tensor& x, const Ints& axis, bool keepdims, Place at) { \
    return apply(op::Definition{{axis, keepdims}}, {x}, at);                \
  }
GRADUS_REDUCTION(sum, Sum)
GRADUS_REDUCTION(mean, Mean)
GRADUS_REDUCTION(prod, Prod)
GRADUS_REDUCTION(logsumexp, LogSumExp)
#undef GRADUS_REDUCTION
// These have one more layer between them and their fields.
#define GRADUS_REDUCTION(name, Definition)                                  \
  Tensor name(const Tensor& x, const Ints& axis, bool keepdims, Place at) { \
    return apply(op::Definition{{{axis, keepdims}}}, {x}, at);              \
  }
GRADUS_REDUCTION(amax, Amax)
GRADUS_REDUCTION(amin, Amin)
GRADUS_REDUCTION(any, Any)
GRADUS_REDUCTION(all_true, All)
#undef GRADUS_REDUCTION

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
Tensor var(const Tensor& x, const Ints& axis, double correction, bool keepdims, Place at) {
  return apply(op::Var{{axis, correction, keepdims}}, {x}, at);
}
Tensor stddev(const Tensor& x, const Ints& axis, double correction, bool keepdims, Place at) {
  return apply(op::Std{{axis, correction, keepdims}}, {x}, at);
}
Tensor norm(const Tensor& x, double ord, const Ints& axis, bool keepdims, Place at) {
  return apply(op::Norm{ord, axis, keepdims}, {x}, at);
}

std::vector<Op> reduction_ops() {
  using namespace op;
  return {Sum{},    Mean{}, Prod{}, Amax{}, Amin{}, Max{},       Min{}, Argmax{},
          Argmin{}, Any{},  All{},  Var{},  Std{},  LogSumExp{}, Norm{}};
}

}  // namespace gradus
