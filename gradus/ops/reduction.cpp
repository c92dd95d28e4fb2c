// Sums, products and quantifiers over axes. The kernels fold in one fixed order
// (kernels/reduce.h); the rest is composed. Next: extremum.cpp.
#include <gradus/kernels/sum.h>
#include <gradus/ops/product_sum.h>
#include <gradus/ops/reduction.h>
#include <gradus/ops/registry.h>

namespace gradus {
namespace op {
namespace {

/// For each element of the last axis the product of the others: of its neighbour in a pair, and of
/// the other pairs. It divides by nothing, which may be 0, and costs about three products each.
Tensor product_of_others(const Tensor& x) {
  const std::int64_t n = x.size(-1);
  if (n <= 1) return ones_like(x);
  Ints shape = x.shape().to_vector();
  shape.back() = 1;
  const Tensor even = n % 2 == 0 ? x : concat({x, ones(shape, x.dtype())}, -1);
  shape.back() = (n + 1) / 2;
  shape.push_back(2);
  const Tensor pairs = reshape(even, shape);
  const Tensor left = slice(pairs, -1, 0, 1), right = slice(pairs, -1, 1, 2);
  const Tensor others = product_of_others(squeeze(left * right, {-1}));
  const Tensor each = expand_dims(others, -1) * flip(pairs, {-1});
  return slice(reshape(each, even.shape().to_vector()), -1, 0, n);
}

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
  Tensor shortcut(const Tensor& x) const { return sum_of_product(x, axis, keepdims); }
  void forward(In x, Out y) const {
    dispatch(x.dtype, [&]<class T>() {
      if constexpr (std::is_floating_point_v<T>) {
        const Split s(*x.layout, axis);
        kernels::sum(x.as<T>(), s.kept_sizes.data(), s.kept_strides.data(), s.kept_sizes.rank(),
                     s.sizes.data(), s.strides.data(), s.sizes.rank(), y.as<T>());
      } else {
        reduce<std::uint64_t, T, std::int64_t>(
            x, y, axis, 0, [](T v) { return static_cast<std::uint64_t>(v); },
            [](std::uint64_t a, std::uint64_t b) { return a + b; },
            [](std::uint64_t v) { return static_cast<std::int64_t>(v); });
      }
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
  /// The product of the others: exact where factors are 0, and differentiable again.
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
    const Tensor scaled = product_of_others(flat) * expand_dims(reshape(g, kept), -1);
    Ints inverse(order.size());
    for (std::size_t k = 0; k < order.size(); ++k)
      inverse[static_cast<std::size_t>(order[k])] = static_cast<std::int64_t>(k);
    return permute_dims(reshape(scaled, moved.shape().to_vector()), inverse);
  }
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

}  // namespace op

#define GRADUS_REDUCTION(name, ...)                                         \
  Tensor name(const Tensor& x, const Ints& axis, bool keepdims, Place at) { \
    return apply(op::__VA_ARGS__, {x}, at);                                 \
  }
GRADUS_REDUCTION(sum, Sum{{axis, keepdims}})
GRADUS_REDUCTION(mean, Mean{{axis, keepdims}})
GRADUS_REDUCTION(prod, Prod{{axis, keepdims}})
GRADUS_REDUCTION(any, Any{{{axis, keepdims}}})
GRADUS_REDUCTION(all_true, All{{{axis, keepdims}}})
#undef GRADUS_REDUCTION

std::vector<Op> reduction_ops() {
  using namespace op;
  return {Sum{}, Mean{}, Prod{}, Any{}, All{}};
}

}  // namespace gradus
