// Exponentials, logarithms, roots and trigonometry, elementwise. Each is a value rule, or the name
// of a kernel, and a derivative rule. Next: activation.cpp.
#include <cmath>
#include <numbers>

#include <gradus/ops/elementwise.h>
#include <gradus/ops/registry.h>
#include <gradus/ops/samples.h>

namespace gradus {
namespace op {
namespace {

constexpr Keep keeps_output{.inputs = 0, .outputs = 1};

}  // namespace

struct Sqrt : Unary<Sqrt> {
  static constexpr Card card{.name = "sqrt",
                             .also = "torch.sqrt, numpy.sqrt",
                             .onnx = "Sqrt",
                             .formula = R"(y = \sqrt{x})",
                             .doc = "The square root.",
                             .shapes = "x -> x"};
  static constexpr Keep keep = keeps_output;
  template <class T>
  T value(T x) const {
    return std::sqrt(x);
  }
  Tensor derivative(const Call& c) const { return 0.5 / c.output(); }
  static Samples samples() { return unary_samples(Sqrt{}, 0.5, 4); }
};

struct Rsqrt : Unary<Rsqrt> {
  static constexpr Card card{.name = "rsqrt",
                             .also = "torch.rsqrt",
                             .onnx = "",
                             .formula = R"(y = 1 / \sqrt{x})",
                             .doc = "One over the square root.",
                             .shapes = "x -> x"};
  static constexpr Keep keep = keeps_output;
  template <class T>
  T value(T x) const {
    return 1 / std::sqrt(x);
  }
  Tensor derivative(const Call& c) const {
    const Tensor y = c.output();
    return -0.5 * (y * y * y);
  }
  static Samples samples() { return unary_samples(Rsqrt{}, 0.5, 4); }
};

struct Exp : UnaryFunction<Exp> {
  static constexpr Card card{.name = "exp",
                             .also = "torch.exp, numpy.exp",
                             .onnx = "Exp",
                             .formula = "y = e^x",
                             .doc = "The exponential.",
                             .shapes = "x -> x"};
  static constexpr Keep keep = keeps_output;
  static constexpr auto function = kernels::MathFunction::exp;
  Tensor derivative(const Call& c) const { return c.output(); }
  static Samples samples() { return unary_samples(Exp{}, -2, 2); }
};

struct Expm1 : UnaryFunction<Expm1> {
  static constexpr Card card{.name = "expm1",
                             .also = "torch.expm1, numpy.expm1",
                             .onnx = "",
                             .formula = "y = e^x - 1",
                             .doc = "exp(x) - 1, exact for small x.",
                             .shapes = "x -> x"};
  static constexpr Keep keep = keeps_output;
  static constexpr auto function = kernels::MathFunction::expm1;
  Tensor derivative(const Call& c) const { return c.output() + 1; }
  static Samples samples() { return unary_samples(Expm1{}, -2, 2); }
};

struct Log : UnaryFunction<Log> {
  static constexpr Card card{.name = "log",
                             .also = "torch.log, numpy.log",
                             .onnx = "Log",
                             .formula = R"(y = \ln x)",
                             .doc = "The natural logarithm.",
                             .shapes = "x -> x"};
  static constexpr auto function = kernels::MathFunction::log;
  Tensors vjp(const Call& c, const Tensor& g) const { return {g / c.input(0)}; }
  static Samples samples() { return unary_samples(Log{}, 0.5, 4); }
};

struct Log1p : UnaryFunction<Log1p> {
  static constexpr Card card{.name = "log1p",
                             .also = "torch.log1p, numpy.log1p",
                             .onnx = "",
                             .formula = R"(y = \ln(1 + x))",
                             .doc = "log(1 + x), exact for small x.",
                             .shapes = "x -> x"};
  static constexpr auto function = kernels::MathFunction::log1p;
  Tensors vjp(const Call& c, const Tensor& g) const { return {g / (c.input(0) + 1)}; }
  static Samples samples() { return unary_samples(Log1p{}, -0.5, 3); }
};

struct Log2 : UnaryFunction<Log2> {
  static constexpr Card card{.name = "log2",
                             .also = "torch.log2, numpy.log2",
                             .onnx = "",
                             .formula = R"(y = \log_2 x)",
                             .doc = "The logarithm to base 2.",
                             .shapes = "x -> x"};
  static constexpr auto function = kernels::MathFunction::log2;
  Tensors vjp(const Call& c, const Tensor& g) const {
    return {g / (c.input(0) * std::numbers::ln2)};
  }
  static Samples samples() { return unary_samples(Log2{}, 0.5, 4); }
};

struct Sin : UnaryFunction<Sin> {
  static constexpr Card card{.name = "sin",
                             .also = "torch.sin, numpy.sin",
                             .onnx = "Sin",
                             .formula = R"(y = \sin x)",
                             .doc = "The sine.",
                             .shapes = "x -> x"};
  static constexpr auto function = kernels::MathFunction::sin;
  Tensor derivative(const Call& c) const { return cos(c.input(0)); }
  static Samples samples() { return unary_samples(Sin{}, -3, 3); }
};

struct Cos : UnaryFunction<Cos> {
  static constexpr Card card{.name = "cos",
                             .also = "torch.cos, numpy.cos",
                             .onnx = "Cos",
                             .formula = R"(y = \cos x)",
                             .doc = "The cosine.",
                             .shapes = "x -> x"};
  static constexpr auto function = kernels::MathFunction::cos;
  Tensor derivative(const Call& c) const { return neg(sin(c.input(0))); }
  static Samples samples() { return unary_samples(Cos{}, -3, 3); }
};

struct Tan : UnaryFunction<Tan> {
  static constexpr Card card{.name = "tan",
                             .also = "torch.tan, numpy.tan",
                             .onnx = "Tan",
                             .formula = R"(y = \tan x)",
                             .doc = "The tangent.",
                             .shapes = "x -> x"};
  static constexpr Keep keep = keeps_output;
  static constexpr auto function = kernels::MathFunction::tan;
  Tensor derivative(const Call& c) const { return square(c.output()) + 1; }
  static Samples samples() { return unary_samples(Tan{}, -1, 1); }
};

struct Erf : UnaryFunction<Erf> {
  static constexpr Card card{.name = "erf",
                             .also = "torch.erf, scipy.special.erf",
                             .onnx = "Erf",
                             .formula = R"(y = \tfrac{2}{\sqrt{\pi}} \int_0^x e^{-t^2} dt)",
                             .doc = "The error function.",
                             .shapes = "x -> x"};
  static constexpr auto function = kernels::MathFunction::erf;
  Tensor derivative(const Call& c) const {
    return 2 * std::numbers::inv_sqrtpi * exp(neg(square(c.input(0))));
  }
  static Samples samples() { return unary_samples(Erf{}, -2, 2); }
};

}  // namespace op

#define GRADUS_UNARY(name, Definition) \
  Tensor name(const Tensor& x, Place at) { return apply(op::Definition{}, {x}, at); }
GRADUS_UNARY(sqrt, Sqrt)
GRADUS_UNARY(rsqrt, Rsqrt)
GRADUS_UNARY(exp, Exp)
GRADUS_UNARY(expm1, Expm1)
GRADUS_UNARY(log, Log)
GRADUS_UNARY(log1p, Log1p)
GRADUS_UNARY(log2, Log2)
GRADUS_UNARY(sin, Sin)
GRADUS_UNARY(cos, Cos)
GRADUS_UNARY(tan, Tan)
GRADUS_UNARY(erf, Erf)
#undef GRADUS_UNARY

std::vector<Op> exponential_ops() {
  using namespace op;
  return {Sqrt{}, Rsqrt{}, Exp{}, Expm1{}, Log{}, Log1p{}, Log2{}, Sin{}, Cos{}, Tan{}, Erf{}};
}

}  // namespace gradus
