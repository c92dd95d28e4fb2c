// Comparisons, logic and where: results are truth values, which carry no gradient; where passes it
// to the side that was taken. Next: conversion.cpp.
#include <bit>
#include <cmath>
#include <cstdint>
#include <type_traits>

#include <gradus/ops/elementwise.h>
#include <gradus/ops/registry.h>
#include <gradus/ops/samples.h>

namespace gradus {
namespace op {

#define GRADUS_COMPARISON(Name, text, expression, torch_name, onnx_name, latex, sentence)     \
  struct Name : Binary<Name> {                                                                \
    static constexpr Card card{.name = text,                                                  \
                               .also = torch_name,                                            \
                               .onnx = onnx_name,                                             \
                               .formula = latex,                                              \
                               .doc = sentence,                                               \
                               .shapes = "a, b -> bool broadcast(a, b)"};                     \
    static constexpr Domain domain = Domain::any;                                             \
    static constexpr Keep keep{.inputs = 0};                                                  \
    template <class T>                                                                        \
    bool value(T a, T b) const {                                                              \
      return expression;                                                                      \
    }                                                                                         \
    static Samples samples() {                                                                \
      return {{Name{}, {sample_integers({3, 4}, -1, 2, 1), sample_integers({4}, -1, 2, 2)}}}; \
    }                                                                                         \
  };
GRADUS_COMPARISON(Equal, "equal", a == b, "torch.eq, numpy.equal", "Equal", "a = b",
                  "True where a equals b.")
GRADUS_COMPARISON(NotEqual, "not_equal", a != b, "torch.ne, numpy.not_equal", "", R"(a \ne b)",
                  "True where a differs from b.")
GRADUS_COMPARISON(Less, "less", a < b, "torch.lt, numpy.less", "Less", "a < b",
                  "True where a is less than b.")
GRADUS_COMPARISON(LessEqual, "less_equal", a <= b, "torch.le, numpy.less_equal", "LessOrEqual",
                  R"(a \le b)", "True where a is not above b.")
GRADUS_COMPARISON(Greater, "greater", a > b, "torch.gt, numpy.greater", "Greater", "a > b",
                  "True where a is above b.")
GRADUS_COMPARISON(GreaterEqual, "greater_equal", a >= b, "torch.ge, numpy.greater_equal",
                  "GreaterOrEqual", R"(a \ge b)", "True where a is not less than b.")
GRADUS_COMPARISON(LogicalAnd, "logical_and", (a != T(0)) && (b != T(0)),
                  "torch.logical_and, numpy.logical_and", "And", R"(a \wedge b)",
                  "True where both are not zero.")
GRADUS_COMPARISON(LogicalOr, "logical_or", (a != T(0)) || (b != T(0)),
                  "torch.logical_or, numpy.logical_or", "Or", R"(a \vee b)",
                  "True where one is not zero.")
GRADUS_COMPARISON(LogicalXor, "logical_xor", (a != T(0)) != (b != T(0)),
                  "torch.logical_xor, numpy.logical_xor", "Xor", R"(a \oplus b)",
                  "True where exactly one is not zero.")
#undef GRADUS_COMPARISON

#define GRADUS_PREDICATE(Name, text, floating, integer, torch_name, onnx_name, latex, sentence) \
  struct Name : Unary<Name> {                                                                   \
    static constexpr Card card{.name = text,                                                    \
                               .also = torch_name,                                              \
                               .onnx = onnx_name,                                               \
                               .formula = latex,                                                \
                               .doc = sentence,                                                 \
                               .shapes = "x -> bool x"};                                        \
    static constexpr Domain domain = Domain::any;                                               \
    static constexpr Keep keep{.inputs = 0};                                                    \
    template <class T>                                                                          \
    bool value([[maybe_unused]] T x) const {                                                    \
      if constexpr (std::is_floating_point_v<T>)                                                \
        return floating;                                                                        \
      else                                                                                      \
        return integer;                                                                         \
    }                                                                                           \
    static Samples samples() { return {{Name{}, {sample_integers({3, 4}, -1, 2, 1)}}}; }        \
  };
GRADUS_PREDICATE(LogicalNot, "logical_not", x == T(0), x == T(0),
                 "torch.logical_not, numpy.logical_not", "Not", R"(\neg x)",
                 "True where x is zero.")
GRADUS_PREDICATE(IsNan, "isnan", std::isnan(x), false, "torch.isnan, numpy.isnan", "IsNaN",
                 R"(x \ne x)", "True where x is not a number.")
GRADUS_PREDICATE(IsInf, "isinf", std::isinf(x), false, "torch.isinf, numpy.isinf", "IsInf",
                 R"(|x| = \infty)", "True where x is infinite.")
GRADUS_PREDICATE(IsFinite, "isfinite", std::isfinite(x), true, "torch.isfinite, numpy.isfinite", "",
                 R"(|x| < \infty)", "True where x is neither infinite nor NaN.")
#undef GRADUS_PREDICATE

/// c ? a : b, by bits: a branch on truth values in no order is wrong every other time.
template <class T>
T choose(bool c, T a, T b) {
  if constexpr (sizeof(T) == 1) {
    return c ? a : b;
  } else {
    using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
    const Bits mask = Bits{0} - Bits{c};
    return std::bit_cast<T>((std::bit_cast<Bits>(a) & mask) | (std::bit_cast<Bits>(b) & ~mask));
  }
}

struct Where {
  static constexpr Card card{.name = "where",
                             .also = "torch.where, numpy.where",
                             .onnx = "Where",
                             .formula = R"(y = a \text{ if } c \text{ else } b)",
                             .doc = "a where the condition is true, else b.",
                             .shapes = "condition, a, b -> broadcast(condition, a, b)"};
  static constexpr Keep keep{.inputs = 1};

  Tensors prepare(const Tensor& condition, const Tensor& a, const Tensor& b) const {
    if (condition.dtype() == DType::boolean && a.dtype() == b.dtype()) return {};
    const DType common = promote(a.dtype(), b.dtype());
    return {astype(condition, DType::boolean), astype(a, common), astype(b, common)};
  }
  Spec infer(const Spec& condition, const Spec& a, const Spec& b) const {
    return {broadcast_shapes(condition.shape, broadcast_shapes(a.shape, b.shape)), a.dtype};
  }
  void forward(In condition, In a, In b, Out y) const {
    const Shape strides_c = condition.layout->strides_over(y.shape());
    const Shape strides_a = a.layout->strides_over(y.shape());
    const Shape strides_b = b.layout->strides_over(y.shape());
    dispatch(a.dtype, [&]<class T>() {
      kernels::map3([](bool c, T v, T w) { return choose(c, v, w); }, condition.as<bool>(),
                    strides_c.data(), a.as<T>(), strides_a.data(), b.as<T>(), strides_b.data(),
                    y.as<T>(), y.strides().data(), y.shape().data(), y.shape().rank());
    });
  }
  Tensors vjp(const Call& c, const Tensor& g) const {
    const Tensor condition = c.input(0), nothing = Tensor::scalar(0, g.dtype());
    Tensors gradients(3);
    if (c.needs(1)) gradients[1] = sum_to(where(condition, g, nothing), c.input_spec(1).shape);
    if (c.needs(2)) gradients[2] = sum_to(where(condition, nothing, g), c.input_spec(2).shape);
    return gradients;
  }
  static Samples samples() {
    return {{Where{},
             {astype(sample_integers({3, 4}, 0, 2), DType::boolean), sample({3, 4}, -2, 2, 1),
              sample({4}, -2, 2, 2)}},
            {Where{},
             {astype(sample_integers({2, 1}, 0, 2), DType::boolean), sample({}, -2, 2, 1),
              sample({3}, -2, 2, 2)}}};
  }
};

}  // namespace op

#define GRADUS_BINARY(name, Definition)                               \
  Tensor name(const Operand& a, const Operand& b, Place at) {         \
    return apply(op::Definition{}, {a.resolve(b), b.resolve(a)}, at); \
  }
GRADUS_BINARY(equal, Equal)
GRADUS_BINARY(not_equal, NotEqual)
GRADUS_BINARY(less, Less)
GRADUS_BINARY(less_equal, LessEqual)
GRADUS_BINARY(greater, Greater)
GRADUS_BINARY(greater_equal, GreaterEqual)
GRADUS_BINARY(logical_and, LogicalAnd)
GRADUS_BINARY(logical_or, LogicalOr)
GRADUS_BINARY(logical_xor, LogicalXor)
#undef GRADUS_BINARY

Tensor logical_not(const Tensor& x, Place at) { return apply(op::LogicalNot{}, {x}, at); }
Tensor isnan(const Tensor& x, Place at) { return apply(op::IsNan{}, {x}, at); }
Tensor isinf(const Tensor& x, Place at) { return apply(op::IsInf{}, {x}, at); }
Tensor isfinite(const Tensor& x, Place at) { return apply(op::IsFinite{}, {x}, at); }
Tensor where(const Tensor& condition, const Operand& a, const Operand& b, Place at) {
  return apply(op::Where{}, {condition, a.resolve(b), b.resolve(a)}, at);
}

std::vector<Op> comparison_ops() {
  using namespace op;
  return {Equal{},        NotEqual{},   Less{},      LessEqual{},  Greater{},
          GreaterEqual{}, LogicalAnd{}, LogicalOr{}, LogicalXor{}, LogicalNot{},
          IsNan{},        IsInf{},      IsFinite{},  Where{}};
}

}  // namespace gradus
