// Orders along an axis: cumsum, sort, argsort, topk. Next: movement.cpp.
#include <algorithm>
#include <cmath>
#include <numeric>

#include <gradus/ops/elementwise.h>
#include <gradus/ops/registry.h>
#include <gradus/ops/samples.h>

namespace gradus {
namespace op {
namespace {

/// Calls f(start in x, start in y) for every row along `axis`.
template <class F>
void for_each_row(const Layout& x, const Layout& y, int axis, F&& f) {
  Shape sizes = x.shape, x_strides = x.strides, y_strides = y.strides;
  sizes.erase(axis);
  x_strides.erase(axis);
  y_strides.erase(axis);
  const kernels::Walk<2> walk(sizes.data(), sizes.rank(), {x_strides.data(), y_strides.data()});
  const int inner = walk.rank - 1;
  walk.for_each_run([&](const std::int64_t* at, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i)
      f(at[0] + i * walk.strides[0][inner], at[1] + i * walk.strides[1][inner]);
  });
}

}  // namespace

struct Cumsum {
  std::int64_t axis = 0;
  bool reverse = false;
  static constexpr Card card{
      .name = "cumsum",
      .also = "torch.cumsum, numpy.cumsum",
      .onnx = "CumSum",
      .formula = R"(y_i = \sum_{j \le i} x_j)",
      .doc = "Running sum along `axis`, from the end when `reverse`; integers as i64.",
      .shapes = "x -> x"};
  static constexpr auto attrs = std::tuple{attr("axis", &Cumsum::axis, "axis to run along"),
                                           attr("reverse", &Cumsum::reverse, "from the end")};
  static constexpr Keep keep{.inputs = 0};
  Spec infer(const Spec& x) const {
    normalize_axis(axis, x.rank());
    return {x.shape, is_floating(x.dtype) ? x.dtype : DType::i64};
  }
  void forward(In x, Out y) const {
    const int k = normalize_axis(axis, x.shape().rank());
    const std::int64_t n = x.shape()[k];
    dispatch(x.dtype, [&]<class T>() {
      using R = std::conditional_t<std::is_floating_point_v<T>, T, std::int64_t>;
      using Sum = std::conditional_t<std::is_floating_point_v<T>, T, std::uint64_t>;
      for_each_row(*x.layout, *y.layout, k, [&](std::int64_t from, std::int64_t to) {
        Sum running = 0;
        for (std::int64_t i = 0; i < n; ++i) {
          const std::int64_t at = reverse ? n - 1 - i : i;
          running += static_cast<Sum>(x.as<T>()[from + at * x.strides()[k]]);
          y.as<R>()[to + at * y.strides()[k]] = static_cast<R>(running);
        }
      });
    });
  }
  Tensor vjp(const Call&, const Tensor& g) const { return apply(Cumsum{axis, !reverse}, {g}); }
  static Samples samples() {
    return {{Cumsum{1, false}, {sample({3, 4})}}, {Cumsum{0, true}, {sample({3, 4})}}};
  }
};

struct Argsort {
  std::int64_t axis = -1;
  bool descending = false;
  static constexpr Card card{.name = "argsort",
                             .also = "torch.argsort, numpy.argsort",
                             .onnx = "",
                             .formula = "x_{y_0} \\le x_{y_1} \\le \\ldots",
                             .doc =
                                 "The indices that sort along `axis`; equal elements keep their "
                                 "order, NaN counts as largest.",
                             .shapes = "x -> i64 x"};
  static constexpr auto attrs =
      std::tuple{attr("axis", &Argsort::axis, "axis to sort along"),
                 attr("descending", &Argsort::descending, "largest first")};
  static constexpr Keep keep{.inputs = 0};
  Spec infer(const Spec& x) const {
    normalize_axis(axis, x.rank());
    return {x.shape, DType::i64};
  }
  void forward(In x, Out y) const {
    const int k = normalize_axis(axis, x.shape().rank());
    const std::int64_t n = x.shape()[k], step = x.strides()[k];
    std::vector<std::int64_t> order(static_cast<std::size_t>(n));
    dispatch(x.dtype, [&]<class T>() {
      auto is_less = [](T a, T b) {
        if constexpr (std::is_floating_point_v<T>)
          return std::isnan(b) ? !std::isnan(a) : a < b;
        else
          return a < b;
      };
      for_each_row(*x.layout, *y.layout, k, [&](std::int64_t from, std::int64_t to) {
        const T* row = x.as<T>() + from;
        std::iota(order.begin(), order.end(), 0);
        std::stable_sort(order.begin(), order.end(), [&](std::int64_t i, std::int64_t j) {
          return descending ? is_less(row[j * step], row[i * step])
                            : is_less(row[i * step], row[j * step]);
        });
        for (std::int64_t i = 0; i < n; ++i)
          y.as<std::int64_t>()[to + i * y.strides()[k]] = order[static_cast<std::size_t>(i)];
      });
    });
  }
  static Samples samples() { return {{Argsort{}, {sample({3, 4})}}}; }
};

struct Sort {
  std::int64_t axis = -1;
  bool descending = false;
  static constexpr Card card{
      .name = "sort",
      .also = "torch.sort, numpy.sort",
      .onnx = "",
      .formula = "y_0 \\le y_1 \\le \\ldots",
      .doc = "The elements in order along `axis`, NaN as largest; argsort gives the indices.",
      .shapes = "x -> x"};
  static constexpr auto attrs = std::tuple{attr("axis", &Sort::axis, "axis to sort along"),
                                           attr("descending", &Sort::descending, "largest first")};
  Tensor compose(const Tensor& x) const { return gather(x, argsort(x, axis, descending), axis); }
  static Samples samples() {
    return {{Sort{}, {sample({3, 4})}}, {Sort{0, true}, {sample({3, 4})}}};
  }
};

struct Topk {
  std::int64_t k = 1, axis = -1;
  bool largest = true;
  static constexpr Card card{
      .name = "topk",
      .also = "torch.topk",
      .onnx = "TopK",
      .formula = "y_0 \\ge \\ldots \\ge y_{k-1}",
      .doc = "The `k` largest (smallest) elements along `axis` in order, and their indices.",
      .shapes = "x [..., n, ...] -> values [..., k, ...], indices"};
  static constexpr auto attrs =
      std::tuple{attr("k", &Topk::k, "how many"), attr("axis", &Topk::axis, "axis to choose along"),
                 attr("largest", &Topk::largest, "largest or smallest")};
  Tensors compose(std::span<const Tensor> inputs) const {
    if (inputs.size() != 1) detail::throw_arity(1, inputs.size());
    const Tensor& x = inputs[0];
    const std::int64_t n = x.size(axis);
    if (k < 0 || k > n)
      throw ValueError("k is " + std::to_string(k) + ", axis " + std::to_string(axis) + " has " +
                           std::to_string(n),
                       "k lies in 0.." + std::to_string(n));
    const Tensor indices = slice(argsort(x, axis, largest), axis, 0, k);
    return {gather(x, indices, axis), indices};
  }
  static Samples samples() {
    return {{Topk{2, -1, true}, {sample({3, 4})}}, {Topk{1, 0, false}, {sample({3, 4})}}};
  }
};

}  // namespace op

Tensor cumsum(const Tensor& x, std::int64_t axis, Place at) {
  return apply(op::Cumsum{axis, false}, {x}, at);
}
Tensor sort(const Tensor& x, std::int64_t axis, bool descending, Place at) {
  return apply(op::Sort{axis, descending}, {x}, at);
}
Tensor argsort(const Tensor& x, std::int64_t axis, bool descending, Place at) {
  return apply(op::Argsort{axis, descending}, {x}, at);
}
ValuesIndices topk(const Tensor& x, std::int64_t k, std::int64_t axis, bool largest, Place at) {
  Tensors both = apply_all(op::Topk{k, axis, largest}, std::span(&x, 1), at);
  return {both[0], both[1]};
}

std::vector<Op> sorting_ops() {
  using namespace op;
  return {Cumsum{}, Sort{}, Argsort{}, Topk{}};
}

}  // namespace gradus
