// Arithmetic of one number: its sign, size, square, limits and roundings. Next: exponential.cpp.
#include <cmath>
#include <limits>
#include <optional>
#include <type_traits>

#include <gradus/ops/elementwise.h>
#include <gradus/ops/registry.h>
#include <gradus/ops/samples.h>

namespace gradus {
namespace op {
struct Neg : Unary<Neg> {
  static constexpr Card card{.name = "neg",
                             .also = "torch.neg, numpy.negative",
                             .onnx = "Neg",
                             .formula = "y = -x",
                             .doc = "The negative.",
                             .shapes = "x -> x"};
  static constexpr Domain domain = Domain::numbers;
  static constexpr Keep keep{.inputs = 0};
  template <class T>
  T value(T x) const {
    if constexpr (std::is_floating_point_v<T>)
      return -x;
    else
      return wrapping(T(0), x, [](auto v, auto w) { return v - w; });
  }
  Tensors vjp(const Call&, const Tensor& g) const { return {neg(g)}; }
  static Samples samples() { return unary_samples(Neg{}); }
};

struct Abs : Unary<Abs> {
  static constexpr Card card{.name = "abs",
                             .also = "torch.abs, numpy.absolute",
                             .onnx = "Abs",
                             .formula = "y = |x|",
                             .doc = "The absolute value; gradient 0 at 0.",
                             .shapes = "x -> x"};
  static constexpr Domain domain = Domain::numbers;
  template <class T>
  T value(T x) const {
    if constexpr (std::is_floating_point_v<T>)
      return std::fabs(x);
    else if constexpr (std::is_unsigned_v<T>)
      return x;
    else
      return x < 0 ? wrapping(T(0), x, [](auto v, auto w) { return v - w; }) : x;
  }
  Tensor derivative(const Call& c) const { return sign(c.input(0)); }
  static Samples samples() {
    return {{Abs{}, {sample({3, 4}, 0.2, 2)}}, {Abs{}, {sample({5}, -2, -0.2)}}};
  }
};

struct Sign : Unary<Sign> {
  static constexpr Card card{.name = "sign",
                             .also = "torch.sign, numpy.sign",
                             .onnx = "Sign",
                             .formula = R"(y = \operatorname{sgn} x)",
                             .doc = "-1, 0 or 1; its gradient is 0.",
                             .shapes = "x -> x"};
  static constexpr Domain domain = Domain::numbers;
  static constexpr Keep keep{.inputs = 0};
  template <class T>
  T value(T x) const {
    if (is_nan(x)) return x;
    return static_cast<T>((x > T(0)) - (x < T(0)));
  }
  Tensors vjp(const Call&, const Tensor& g) const { return {zeros_like(g)}; }
  static Samples samples() { return {{Sign{}, {sample({3, 4}, 0.2, 2)}}}; }
};

struct Square : Unary<Square> {
  static constexpr Card card{.name = "square",
                             .also = "torch.square, numpy.square",
                             .onnx = "",
                             .formula = "y = x^2",
                             .doc = "The square.",
                             .shapes = "x -> x"};
  static constexpr Domain domain = Domain::numbers;
  template <class T>
  T value(T x) const {
    return wrapping(x, x, [](auto v, auto w) { return v * w; });
  }
  Tensor derivative(const Call& c) const { return 2 * c.input(0); }
  static Samples samples() { return unary_samples(Square{}); }
};

struct Clip : Unary<Clip> {
  std::optional<double> min, max;
  static constexpr Card card{.name = "clip",
                             .also = "torch.clamp, torch.clip, numpy.clip",
                             .onnx = "Clip",
                             .formula = R"(y = \min(\max(x, a), b))",
                             .doc =
                                 "Limits x to `min`..`max`; either may be missing. Gradient 1 "
                                 "inside, 0 at and outside the limits. Integers with a limit that "
                                 "is not whole give f32.",
                             .shapes = "x -> x"};
  static constexpr auto attrs =
      std::tuple{attr("min", &Clip::min, "lower limit"), attr("max", &Clip::max, "upper limit")};
  static constexpr Domain domain = Domain::numbers;
  static constexpr int elementwise = 0;  // `infer` looks at the limits
  /// As a floating number beside an integer tensor does: else 0 would stay 0 above a `min` of 0.5.
  Tensors prepare(std::span<const Tensor> inputs) const {
    const auto is_whole = [](double limit) { return !(std::trunc(limit) != limit); };
    const bool are_whole = is_whole(min.value_or(0)) && is_whole(max.value_or(0));
    if (inputs.size() != 1 || are_whole || !is_integer(inputs[0].dtype())) return {};
    return {astype(inputs[0], DType::f32)};
  }
  void forward(In x, Out y) const {
    constexpr double inf = std::numeric_limits<double>::infinity();
    const double least = min.value_or(-inf), most = max.value_or(inf);
    dispatch_domain<domain>(x.dtype, [&]<class T>() {
      const auto clipped = [low = convert<T>(least), high = convert<T>(most)](T v) {
        v = v < low ? low : v;
        return v > high ? high : v;
      };
      kernels::map1(clipped, x.as<T>(), x.strides().data(), y.as<T>(), y.strides().data(),
                    y.shape().data(), y.shape().rank());
    });
  }
  Tensor derivative(const Call& c) const {
    const Tensor x = c.input(0);
    Tensor inside = x == x;
    if (min) inside = logical_and(inside, x > *min);
    if (max) inside = logical_and(inside, x < *max);
    return inside.astype(x.dtype());
  }
  Spec infer(const Spec& x) const {
    if (std::isnan(min.value_or(0)) || std::isnan(max.value_or(0)))
      throw ValueError("a limit is NaN", "give numbers, or leave a limit out");
    if (min && max && *min > *max)
      throw ValueError("min " + to_text(*min) + " is above max " + to_text(*max), "exchange them");
    check_domain(x.dtype, domain);
    return x;
  }
  static Samples samples() {
    return {{Clip{{}, -0.5, 0.7}, {sample({3, 4})}}, {Clip{{}, 0.1, {}}, {sample({5})}}};
  }
};

#define GRADUS_ROUNDING(Name, text, function, torch_name, onnx_name, latex, sentence) \
  struct Name : Unary<Name> {                                                         \
    static constexpr Card card{.name = text,                                          \
                               .also = torch_name,                                    \
                               .onnx = onnx_name,                                     \
                               .formula = latex,                                      \
                               .doc = sentence,                                       \
                               .shapes = "x -> x"};                                   \
    static constexpr Domain domain = Domain::numbers;                                 \
    static constexpr Keep keep{.inputs = 0};                                          \
    template <class T>                                                                \
    T value(T x) const {                                                              \
      if constexpr (std::is_floating_point_v<T>)                                      \
        return function(x);                                                           \
      else                                                                            \
        return x;                                                                     \
    }                                                                                 \
    Tensors vjp(const Call&, const Tensor& g) const { return {zeros_like(g)}; }       \
    static Samples samples() { return {{Name{}, {sample({3, 4}, 1.1, 1.4)}}}; }       \
  };
GRADUS_ROUNDING(Floor, "floor", std::floor, "torch.floor, numpy.floor", "Floor",
                R"(y = \lfloor x \rfloor)", "Rounds down; its gradient is 0.")
GRADUS_ROUNDING(Ceil, "ceil", std::ceil, "torch.ceil, numpy.ceil", "Ceil", R"(y = \lceil x \rceil)",
                "Rounds up; its gradient is 0.")
GRADUS_ROUNDING(Round, "round", std::nearbyint, "torch.round, numpy.round", "Round",
                R"(y = \operatorname{round} x)",
                "To the nearest integer, halves to even; its gradient is 0.")
#undef GRADUS_ROUNDING

}  // namespace op

Tensor neg(const Tensor& x, Place at) { return apply(op::Neg{}, {x}, at); }
Tensor abs(const Tensor& x, Place at) { return apply(op::Abs{}, {x}, at); }
Tensor sign(const Tensor& x, Place at) { return apply(op::Sign{}, {x}, at); }
Tensor square(const Tensor& x, Place at) { return apply(op::Square{}, {x}, at); }
Tensor clip(const Tensor& x, std::optional<double> min, std::optional<double> max, Place at) {
  op::Clip definition;
  definition.min = min;
  definition.max = max;
  return apply(definition, {x}, at);
}
Tensor floor(const Tensor& x, Place at) { return apply(op::Floor{}, {x}, at); }
Tensor ceil(const Tensor& x, Place at) { return apply(op::Ceil{}, {x}, at); }
Tensor round(const Tensor& x, Place at) { return apply(op::Round{}, {x}, at); }

std::vector<Op> sign_and_rounding_ops() {
  using namespace op;
  return {Neg{}, Abs{}, Sign{}, Square{}, Clip{}, Floor{}, Ceil{}, Round{}};
}

}  // namespace gradus
