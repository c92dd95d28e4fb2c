// Activations, elementwise, and the two that scale along an axis: softmax and log_softmax.
// Next: comparison.cpp.
#include <algorithm>
#include <cmath>
#include <numbers>

#include <gradus/kernels/arithmetic.h>
#include <gradus/kernels/softmax.h>
#include <gradus/ops/elementwise.h>
#include <gradus/ops/registry.h>
#include <gradus/ops/samples.h>

namespace gradus {
namespace op {

struct Relu : Unary<Relu> {
  static constexpr Card card{.name = "relu",
                             .also = "torch.relu, torch.nn.functional.relu, jax.nn.relu",
                             .onnx = "Relu",
                             .formula = R"(y = \max(x, 0))",
                             .doc = "Zero where x is negative; gradient 0 at 0.",
                             .shapes = "x -> x"};
  static constexpr Domain domain = Domain::numbers;
  static constexpr Keep keep{.inputs = 0, .outputs = 1};
  // Not max(): a NaN goes through.
  template <class T>
  T value(T x) const {
    return x < T(0) ? T(0) : x;
  }
  void forward(const In& x, const Out& y) const {
    if (!is_floating(x.dtype)) return Unary::forward(x, y);
    dispatch_floating(x.dtype, [&]<class T>() {
      kernels::apply_relu(x.as<T>(), x.strides().data(), y.as<T>(), y.strides().data(),
                          y.shape().data(), y.shape().rank());
    });
  }
  Tensor derivative(
      const Call& c) const {  // Open where not y <= 0: a NaN stays a NaN on the way back.
    return astype(logical_not(c.output() <= 0), c.output_spec().dtype);
  }
  static Samples samples() {
    return {{Relu{}, {sample({3, 4}, 0.1, 2)}}, {Relu{}, {sample({5}, -2, -0.1)}}};
  }
};

struct LeakyRelu : Unary<LeakyRelu> {
  double negative_slope = 0.01;
  static constexpr Card card{.name = "leaky_relu",
                             .also = "torch.nn.functional.leaky_relu",
                             .onnx = "LeakyRelu",
                             .formula = R"(y = x \text{ if } x > 0 \text{ else } a x)",
                             .doc = "x where positive, `negative_slope` times x elsewhere.",
                             .shapes = "x -> x"};
  static constexpr auto attrs =
      std::tuple{attr("negative_slope", &LeakyRelu::negative_slope, "slope below 0")};
  template <class T>
  T value(T x) const {
    return x > 0 ? x : static_cast<T>(negative_slope) * x;
  }
  Tensor derivative(const Call& c) const {
    return astype(where(c.input(0) > 0, Tensor::scalar(1, DType::f64),
                        Tensor::scalar(negative_slope, DType::f64)),
                  c.output_spec().dtype);
  }
  static Samples samples() {
    return {{LeakyRelu{}, {sample({3, 4}, 0.1, 2)}}, {LeakyRelu{{}, 0.3}, {sample({5}, -2, -0.1)}}};
  }
};

struct Tanh : UnaryFunction<Tanh> {
  static constexpr Card card{.name = "tanh",
                             .also = "torch.tanh, numpy.tanh",
                             .onnx = "Tanh",
                             .formula = R"(y = \tanh x)",
                             .doc = "The hyperbolic tangent.",
                             .shapes = "x -> x"};
  static constexpr Keep keep{.inputs = 0, .outputs = 1};
  static constexpr auto function = kernels::MathFunction::tanh;
  Tensor derivative(const Call& c) const { return 1 - square(c.output()); }
  static Samples samples() { return {{Tanh{}, {sample({3, 4})}}}; }
};

struct Sigmoid : UnaryFunction<Sigmoid> {
  static constexpr Card card{.name = "sigmoid",
                             .also = "torch.sigmoid, scipy.special.expit",
                             .onnx = "Sigmoid",
                             .formula = R"(y = 1 / (1 + e^{-x}))",
                             .doc = "The logistic function, stable on both sides.",
                             .shapes = "x -> x"};
  static constexpr Keep keep{.inputs = 0, .outputs = 1};
  static constexpr auto function = kernels::MathFunction::sigmoid;
  Tensor derivative(const Call& c) const { return c.output() * (1 - c.output()); }
  static Samples samples() { return {{Sigmoid{}, {sample({3, 4}, -3, 3)}}}; }
};

struct Gelu {
  std::string approximate = "none";
  static constexpr Card card{
      .name = "gelu",
      .also = "torch.nn.functional.gelu",
      .onnx = "Gelu",
      .formula = R"(y = x \Phi(x))",
      .doc = "x times the normal distribution function; `approximate` = none or tanh.",
      .shapes = "x -> x"};
  static constexpr auto attrs = std::tuple{attr("approximate", &Gelu::approximate, "none or tanh")};
  Tensor compose(const Tensor& x) const {
    if (approximate == "none") return 0.5 * x * (1 + erf(x * (std::numbers::sqrt2 / 2)));
    if (approximate != "tanh")
      throw ValueError("approximate is '" + approximate + "'", "it is none or tanh");
    const double scale = std::sqrt(2 / std::numbers::pi);
    return 0.5 * x * (1 + tanh(scale * (x + 0.044715 * (x * x * x))));
  }
  static Samples samples() { return {{Gelu{}, {sample({3, 4})}}, {Gelu{"tanh"}, {sample({5})}}}; }
};

struct Softplus {
  double beta = 1, threshold = 20;
  static constexpr Card card{.name = "softplus",
                             .also = "torch.nn.functional.softplus",
                             .onnx = "Softplus",
                             .formula = R"(y = \ln(1 + e^{\beta x}) / \beta)",
                             .doc = "A smooth relu; x itself where `beta` x is above `threshold`.",
                             .shapes = "x -> x"};
  static constexpr auto attrs =
      std::tuple{attr("beta", &Softplus::beta, "sharpness"),
                 attr("threshold", &Softplus::threshold, "linear above this")};
  Tensor compose(const Tensor& x) const {
    const Tensor z = beta * x;
    const Tensor linear = z > threshold;
    // max(z,0) + log1p(exp(-|z|)) neither overflows forward nor gives NaN backward.
    const Tensor soft = (relu(z) + log1p(exp(neg(abs(z))))) / beta;
    // abs and relu both have slope 0 at 0, where the slope is 1/2: written with the sigmoid's rule
    // it would need its own primitive; where() keeps 0 apart instead.
    const Tensor at_zero = std::log(2.0) / beta + 0.5 * x;
    return where(linear, x, where(z == 0, at_zero, soft));
  }
  static Samples samples() {
    return {{Softplus{}, {sample({3, 4})}}, {Softplus{2, 3}, {sample({7}, -1, 4)}}};
  }
};

struct Silu {
  static constexpr Card card{.name = "silu",
                             .also = "torch.nn.functional.silu, jax.nn.swish",
                             .onnx = "",
                             .formula = R"(y = x \sigma(x))",
                             .doc = "x times its sigmoid.",
                             .shapes = "x -> x"};
  Tensor compose(const Tensor& x) const { return x * sigmoid(x); }
  static Samples samples() { return {{Silu{}, {sample({3, 4})}}}; }
};

/// What softmax and log_softmax share: rows along one axis of a floating tensor.
template <class D>
struct AlongAxis {
  Tensors prepare(std::span<const Tensor> inputs) const {
    return prepare_elementwise(inputs, Domain::floating);
  }
  Spec infer(const Spec& x) const {
    normalize_axis(self().axis, std::max(x.rank(), 1));
    return x;
  }
  void forward(In x, Out y) const {
    const int rank = x.shape().rank(), axis = normalize_axis(self().axis, std::max(rank, 1));
    dispatch_floating(x.dtype, [&]<class T>() {
      kernels::softmax(D::logarithm, x.as<T>(), x.strides().data(), y.as<T>(), y.strides().data(),
                       x.shape().data(), rank, axis);
    });
  }

 private:
  const D& self() const { return static_cast<const D&>(*this); }
};

struct Softmax : AlongAxis<Softmax> {
  std::int64_t axis = -1;
  static constexpr Card card{.name = "softmax",
                             .also = "torch.softmax, scipy.special.softmax",
                             .onnx = "Softmax",
                             .formula = R"(y_i = e^{x_i} / \sum_j e^{x_j})",
                             .doc = "Scales exp(x) to sum to one along `axis`.",
                             .shapes = "x [..., n, ...] -> x"};
  static constexpr auto attrs = std::tuple{attr("axis", &Softmax::axis, "axis that sums to one")};
  static constexpr Keep keep{.inputs = 0, .outputs = 1};
  static constexpr bool logarithm = false;
  Tensor vjp(const Call& c, const Tensor& g) const {
    const Tensor y = c.output();
    if (y.ndim() == 0) return zeros_like(g);
    const Tensor weighted = g * y;
    return weighted - y * sum(weighted, {axis}, true);
  }
  static Samples samples() {
    return {{Softmax{}, {sample({3, 4})}}, {Softmax{{}, 0}, {sample({3, 2, 2})}}};
  }
};

struct LogSoftmax : AlongAxis<LogSoftmax> {
  std::int64_t axis = -1;
  static constexpr Card card{.name = "log_softmax",
                             .also = "torch.log_softmax, scipy.special.log_softmax",
                             .onnx = "LogSoftmax",
                             .formula = R"(y_i = x_i - \ln \sum_j e^{x_j})",
                             .doc = "The logarithm of softmax along `axis`, without overflow.",
                             .shapes = "x [..., n, ...] -> x"};
  static constexpr auto attrs =
      std::tuple{attr("axis", &LogSoftmax::axis, "axis whose exponentials sum to one")};
  static constexpr Keep keep{.inputs = 0, .outputs = 1};
  static constexpr bool logarithm = true;
  Tensor vjp(const Call& c, const Tensor& g) const {
    if (g.ndim() == 0) return zeros_like(g);
    return g - exp(c.output()) * sum(g, {axis}, true);
  }
  static Samples samples() {
    return {{LogSoftmax{}, {sample({3, 4})}}, {LogSoftmax{{}, 0}, {sample({3, 2, 2})}}};
  }
};

}  // namespace op

Tensor relu(const Tensor& x, Place at) { return apply(op::Relu{}, {x}, at); }
Tensor leaky_relu(const Tensor& x, double negative_slope, Place at) {
  return apply(op::LeakyRelu{{}, negative_slope}, {x}, at);
}
Tensor tanh(const Tensor& x, Place at) { return apply(op::Tanh{}, {x}, at); }
Tensor sigmoid(const Tensor& x, Place at) { return apply(op::Sigmoid{}, {x}, at); }
Tensor gelu(const Tensor& x, const std::string& approximate, Place at) {
  return apply(op::Gelu{approximate}, {x}, at);
}
Tensor softplus(const Tensor& x, double beta, double threshold, Place at) {
  return apply(op::Softplus{beta, threshold}, {x}, at);
}
Tensor silu(const Tensor& x, Place at) { return apply(op::Silu{}, {x}, at); }
Tensor softmax(const Tensor& x, std::int64_t axis, Place at) {
  return apply(op::Softmax{{}, axis}, {x}, at);
}
Tensor log_softmax(const Tensor& x, std::int64_t axis, Place at) {
  return apply(op::LogSoftmax{{}, axis}, {x}, at);
}

std::vector<Op> activation_ops() {
  using namespace op;
  return {Relu{},     LeakyRelu{}, Tanh{},    Sigmoid{},   Gelu{},
          Softplus{}, Silu{},      Softmax{}, LogSoftmax{}};
}

}  // namespace gradus
