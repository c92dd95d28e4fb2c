// Spread and size of numbers over axes: var, std, norm, and the sum of exponentials that softmax
// needs. Next: sorting.cpp.
#include <cmath>
#include <limits>

#include <gradus/ops/reduction.h>
#include <gradus/ops/registry.h>

namespace gradus {
namespace op {

/// f(total), and 0 where the total is 0: there the slope of a root is taken as 0, as PyTorch does,
/// not as the infinity that would meet a 0.
template <class F>
Tensor root_of(const Tensor& total, F f) {
  const Tensor is_zero = total == 0;
  return where(is_zero, 0.0, f(where(is_zero, 1.0, total)));
}

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
                             .doc =
                                 "Standard deviation over `axis`, divisor n - `correction`; "
                                 "gradient 0 where it is 0.",
                             .shapes = "x -> x without `axis`"};
  static constexpr auto attrs =
      std::tuple{attr("axis", &Std::axis, "axes to reduce, all when empty"),
                 attr("correction", &Std::correction, "1 for a sample, 0 for all there is"),
                 attr("keepdims", &Std::keepdims, "keep reduced axes with size 1")};
  Tensor compose(const Tensor& x) const {
    return root_of(variance(x), [](const Tensor& v) { return sqrt(v); });
  }
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
    if (ord == 2)
      return root_of(sum(square(x), axis, keepdims), [](const Tensor& v) { return sqrt(v); });
    if (ord == 1) return sum(abs(x), axis, keepdims);
    const Tensor is_zero = x == 0;
    // Through sign, whose gradient is 0, so that a gradient of zeros comes back.
    if (ord == 0) return sum(where(is_zero, sign(x), 1.0), axis, keepdims);
    if (std::isinf(ord))
      return ord > 0 ? amax(abs(x), axis, keepdims) : amin(abs(x), axis, keepdims);
    const double at_zero = ord > 0 ? 0 : std::numeric_limits<double>::infinity();
    const Tensor total =
        sum(where(is_zero, at_zero, pow(abs(where(is_zero, 1.0, x)), ord)), axis, keepdims);
    const auto power = [&](const Tensor& v) { return pow(v, 1 / ord); };
    return ord > 0 ? root_of(total, power) : power(total);
  }
  static Samples samples() {
    return {{Norm{}, {sample({3, 4})}},
            {Norm{3, {-1}, false}, {sample({3, 4}, 0.3, 2)}},
            {Norm{1, {0}, true}, {sample({3, 4}, 0.3, 2)}}};
  }
};

}  // namespace op

Tensor logsumexp(const Tensor& x, const Ints& axis, bool keepdims, Place at) {
  return apply(op::LogSumExp{{axis, keepdims}}, {x}, at);
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

std::vector<Op> statistics_ops() {
  using namespace op;
  return {Var{}, Std{}, LogSumExp{}, Norm{}};
}

}  // namespace gradus
