// Arithmetic, elementwise: + - * / and what schools call arithmetic with them.
// Integer results wrap around as in NumPy. Next: sign_and_rounding.cpp.
#include <cmath>
#include <type_traits>

#include <gradus/kernels/arithmetic.h>
#include <gradus/ops/elementwise.h>
#include <gradus/ops/registry.h>
#include <gradus/ops/samples.h>

namespace gradus {
namespace op {
namespace {

Samples binary_samples(const Op& op, double low = -2, double high = 2) {
  return {{op, {sample({3, 4}, low, high, 1), sample({3, 4}, low, high, 2)}},
          {op, {sample({2, 1, 3}, low, high, 3), sample({4, 1}, low, high, 4)}},
          {op, {sample({}, low, high, 5), sample({5}, low, high, 6)}}};
}

/// A Binary whose floating loops are the kernels'.
template <class D, kernels::Arithmetic kind>
struct Arithmetic : Binary<D> {
  void forward(const In& a, const In& b, const Out& y) const {
    if (!is_floating(a.dtype)) return Binary<D>::forward(a, b, y);
    Shape room_a, room_b;
    const std::int64_t* strides_a = strides_over(a, y.shape(), room_a);
    const std::int64_t* strides_b = strides_over(b, y.shape(), room_b);
    dispatch_floating(a.dtype, [&]<class T>() {
      kernels::apply_arithmetic(kind, a.as<T>(), strides_a, b.as<T>(), strides_b, y.as<T>(),
                                y.strides().data(), y.shape().data(), y.shape().rank());
    });
  }
};

}  // namespace

struct Add : Arithmetic<Add, kernels::Arithmetic::add> {
  static constexpr Card card{.name = "add",
                             .also = "torch.add, numpy.add",
                             .onnx = "Add",
                             .formula = "y = a + b",
                             .doc = "Sum of two tensors; of truth values, their or.",
                             .shapes = "a, b -> broadcast(a, b)"};
  static constexpr Domain domain = Domain::any;
  static constexpr bool deferrable = true;  // shapes can be asked without the elements
  static constexpr Keep keep{.inputs = 0};
  template <class T>
  T value(T a, T b) const {
    if constexpr (std::is_same_v<T, bool>)
      return a || b;
    else
      return wrapping(a, b, [](auto v, auto w) { return v + w; });
  }
  Tensor gradient(const Call&, const Tensor& g, std::size_t) const { return g; }
  static Samples samples() { return binary_samples(Add{}); }
};

struct Sub : Arithmetic<Sub, kernels::Arithmetic::sub> {
  static constexpr Card card{.name = "sub",
                             .also = "torch.sub, numpy.subtract",
                             .onnx = "Sub",
                             .formula = "y = a - b",
                             .doc = "Difference of two tensors.",
                             .shapes = "a, b -> broadcast(a, b)"};
  static constexpr Domain domain = Domain::numbers;
  static constexpr bool deferrable = true;  // shapes can be asked without the elements
  static constexpr Keep keep{.inputs = 0};
  template <class T>
  T value(T a, T b) const {
    return wrapping(a, b, [](auto v, auto w) { return v - w; });
  }
  Tensor gradient(const Call&, const Tensor& g, std::size_t i) const { return i == 0 ? g : neg(g); }
  static Samples samples() { return binary_samples(Sub{}); }
};

struct Mul : Arithmetic<Mul, kernels::Arithmetic::mul> {
  static constexpr Card card{.name = "mul",
                             .also = "torch.mul, numpy.multiply",
                             .onnx = "Mul",
                             .formula = "y = a b",
                             .doc = "Product, element by element; of truth values, their and.",
                             .shapes = "a, b -> broadcast(a, b)"};
  static constexpr Domain domain = Domain::any;
  static constexpr bool deferrable = true;  // its sum needs no elements: product_sum.h
  template <class T>
  T value(T a, T b) const {
    if constexpr (std::is_same_v<T, bool>)
      return a && b;
    else
      return wrapping(a, b, [](auto v, auto w) { return v * w; });
  }
  Tensor gradient(const Call& c, const Tensor& g, std::size_t i) const {
    return g * c.input(1 - i);
  }
  static Samples samples() { return binary_samples(Mul{}); }
};

struct Div : Arithmetic<Div, kernels::Arithmetic::div> {
  static constexpr Card card{
      .name = "div",
      .also = "torch.div, torch.true_divide, numpy.divide, numpy.true_divide",
      .onnx = "Div",
      .formula = "y = a / b",
      .doc = "True quotient; integers give f32.",
      .shapes = "a, b -> broadcast(a, b)"};
  template <class T>
  T value(T a, T b) const {
    return a / b;
  }
  Tensor gradient(const Call& c, const Tensor& g, std::size_t i) const {
    const Tensor b = c.input(1);
    return i == 0 ? g / b : neg(g * (c.input(0) / b) / b);
  }
  static Samples samples() {
    return {{Div{}, {sample({3, 4}, -2, 2, 1), sample({3, 4}, 0.5, 2, 2)}},
            {Div{}, {sample({2, 1, 3}, -2, 2, 3), sample({4, 1}, -2, -0.5, 4)}}};
  }
};

struct FloorDivide : Binary<FloorDivide> {
  static constexpr Card card{.name = "floor_divide",
                             .also = "torch.floor_divide, numpy.floor_divide",
                             .onnx = "",
                             .formula = R"(y = \lfloor a / b \rfloor)",
                             .doc = "Quotient rounded down; its gradient is 0.",
                             .shapes = "a, b -> broadcast(a, b)"};
  static constexpr Domain domain = Domain::numbers;
  static constexpr Keep keep{.inputs = 0};
  template <class T>
  T value(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      // From the exact remainder: a / b alone may round up to the next integer.
      if (b == 0) return a / b;
      T r = std::fmod(a, b);
      T q = (a - r) / b;
      if (r != 0 && (r < 0) != (b < 0)) q -= 1;
      return std::round(q);
    } else {
      if (b == 0)
        throw ValueError("an integer was divided by zero", "convert to a floating dtype first");
      if constexpr (std::is_signed_v<T>)
        if (b == -1) return wrapping(T(0), a, [](auto v, auto w) { return v - w; });
      const T q = static_cast<T>(a / b);
      return static_cast<T>(q - ((a % b != 0) && ((a % b < 0) != (b < 0)) ? 1 : 0));
    }
  }
  Tensor gradient(const Call&, const Tensor& g, std::size_t) const { return zeros_like(g); }
  static Samples samples() {
    return {{FloorDivide{}, {sample({3, 4}, 0.1, 0.9, 1), sample({4}, 1, 2, 2)}}};
  }
};

struct Remainder : Binary<Remainder> {
  static constexpr Card card{.name = "remainder",
                             .also = "torch.remainder, numpy.remainder, numpy.mod",
                             .onnx = "Mod",
                             .formula = R"(y = a - \lfloor a / b \rfloor b)",
                             .doc = "What is left by floor_divide, with the sign of b.",
                             .shapes = "a, b -> broadcast(a, b)"};
  static constexpr Domain domain = Domain::numbers;
  template <class T>
  T value(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      T r = std::fmod(a, b);
      if (r != 0 && (r < 0) != (b < 0)) r += b;
      return r;
    } else {
      if (b == 0)
        throw ValueError("an integer was divided by zero", "convert to a floating dtype first");
      if constexpr (std::is_signed_v<T>)
        if (b == -1) return T(0);
      const T r = static_cast<T>(a % b);
      return static_cast<T>(r != 0 && (r < 0) != (b < 0) ? r + b : r);
    }
  }
  Tensor gradient(const Call& c, const Tensor& g, std::size_t i) const {
    return i == 0 ? g : neg(g * floor_divide(c.input(0), c.input(1)));
  }
  static Samples samples() {
    return {{Remainder{}, {sample({3, 4}, 2.1, 2.9, 1), sample({4}, 1.5, 2, 2)}}};
  }
};

struct Pow : Binary<Pow> {
  static constexpr Card card{.name = "pow",
                             .also = "torch.pow, numpy.power",
                             .onnx = "Pow",
                             .formula = "y = a^b",
                             .doc = "a to the power b; the gradient of b counts 0 where a is 0.",
                             .shapes = "a, b -> broadcast(a, b)"};
  static constexpr Domain domain = Domain::numbers;
  static constexpr Keep keep{.inputs = 3, .outputs = 1};
  template <class T>
  T value(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      // The square is exact to one rounding either way; the library's pow is slow.
      return b == 2 ? a * a : std::pow(a, b);
    } else {
      if (std::is_signed_v<T> && b < 0)
        throw ValueError("an integer to a negative power", "convert to a floating dtype first");
      T result = 1;
      for (auto n = static_cast<std::make_unsigned_t<T>>(b); n != 0;
           n = static_cast<decltype(n)>(n >> 1)) {
        if (n & 1) result = wrapping(result, a, [](auto v, auto w) { return v * w; });
        a = wrapping(a, a, [](auto v, auto w) { return v * w; });
      }
      return result;
    }
  }
  Tensor gradient(const Call& c, const Tensor& g, std::size_t i) const {
    const Tensor a = c.input(0), b = c.input(1);
    // b a^(b-1), and 0 where b is 0, also for a = 0.
    if (i == 0) return where(b == 0, 0.0, g * b * pow(a, b - 1));
    const Tensor counts = a == 0;
    return where(counts, 0.0, g * c.output() * log(where(counts, 1.0, a)));
  }
  static Samples samples() {
    return {{Pow{}, {sample({3, 4}, 0.5, 2, 1), sample({3, 4}, -2, 2, 2)}},
            {Pow{}, {sample({2, 1, 3}, 0.5, 2, 3), sample({4, 1}, 1, 3, 4)}}};
  }
};

/// The larger or smaller of two; ties give half of the gradient to each, as PyTorch does.
template <class D, kernels::Arithmetic kind>
struct Extremum : Arithmetic<D, kind> {
  static constexpr Domain domain = Domain::any;
  Tensor gradient(const Call& c, const Tensor& g, std::size_t i) const {
    const Tensor mine = c.input(i), other = c.input(1 - i);
    // Not "wins": of a NaN and a number none loses, and both get the gradient.
    const Tensor loses = D::is_maximum ? mine < other : mine > other;
    return g * where(loses, 0.0, where(mine == other, 0.5, 1.0)).astype(g.dtype());
  }
};

struct Maximum : Extremum<Maximum, kernels::Arithmetic::maximum> {
  static constexpr bool is_maximum = true;
  static constexpr Card card{.name = "maximum",
                             .also = "torch.maximum, numpy.maximum",
                             .onnx = "Max",
                             .formula = R"(y = \max(a, b))",
                             .doc = "The larger of two; NaN if either is. Ties share the gradient.",
                             .shapes = "a, b -> broadcast(a, b)"};
  template <class T>
  T value(T a, T b) const {
    return a > b || is_nan(a) ? a : b;
  }
  static Samples samples() { return binary_samples(Maximum{}); }
};

struct Minimum : Extremum<Minimum, kernels::Arithmetic::minimum> {
  static constexpr bool is_maximum = false;
  static constexpr Card card{
      .name = "minimum",
      .also = "torch.minimum, numpy.minimum",
      .onnx = "Min",
      .formula = R"(y = \min(a, b))",
      .doc = "The smaller of two; NaN if either is. Ties share the gradient.",
      .shapes = "a, b -> broadcast(a, b)"};
  template <class T>
  T value(T a, T b) const {
    return a < b || is_nan(a) ? a : b;
  }
  static Samples samples() { return binary_samples(Minimum{}); }
};

}  // namespace op

#define GRADUS_BINARY(name, Definition)                               \
  Tensor name(const Operand& a, const Operand& b, Place at) {         \
    return apply(op::Definition{}, {a.resolve(b), b.resolve(a)}, at); \
  }
GRADUS_BINARY(add, Add)
GRADUS_BINARY(sub, Sub)
GRADUS_BINARY(mul, Mul)
GRADUS_BINARY(div, Div)
GRADUS_BINARY(floor_divide, FloorDivide)
GRADUS_BINARY(remainder, Remainder)
GRADUS_BINARY(pow, Pow)
GRADUS_BINARY(minimum, Minimum)
GRADUS_BINARY(maximum, Maximum)
#undef GRADUS_BINARY

namespace {
/// target = op(target, other), where `other` counts as it is before.
void combine(const Op& op, Tensor& target, const Tensor& other, std::string_view name, Place at) {
  const bool meets = other && target && is_seen_otherwise(other, target);
  const Tensor before = meets ? clone(other, at) : Tensor();
  apply_into(op, {target, meets ? before : other}, target, name, at);
}

/// The number in the dtype of x. Throws DTypeError where the dtype does not have it: a result cut
/// to fit would look as if it were right.
Tensor exact_scalar(Number number, const Tensor& x, std::string_view name, Place at) {
  if (!number.fits(x.dtype())) {
    DTypeError error(to_text(number.to_double()) + " cannot go into elements of " +
                         std::string(dtype_name(x.dtype())),
                     "write x = x " + std::string(name == "add_" ? "+" : "*") + " " +
                         to_text(number.to_double()) + ", or convert first with astype");
    error.add_context(name, x.spec().str(), at);
    throw error;
  }
  return Tensor::scalar(number, x.dtype());
}
}  // namespace

// In place: the same definitions, written into the tensor.
Tensor& Tensor::add_(const Tensor& other, Place at) {
  combine(op::Add{}, *this, other, "add_", at);
  return *this;
}
Tensor& Tensor::add_(Number other, Place at) {
  return add_(exact_scalar(other, *this, "add_", at), at);
}
Tensor& Tensor::sub_(const Tensor& other, Place at) {
  combine(op::Sub{}, *this, other, "sub_", at);
  return *this;
}
Tensor& Tensor::mul_(const Tensor& other, Place at) {
  combine(op::Mul{}, *this, other, "mul_", at);
  return *this;
}
Tensor& Tensor::mul_(Number other, Place at) {
  return mul_(exact_scalar(other, *this, "mul_", at), at);
}

std::vector<Op> arithmetic_ops() {
  using namespace op;
  return {Add{}, Sub{}, Mul{}, Div{}, FloorDivide{}, Remainder{}, Pow{}, Minimum{}, Maximum{}};
}

}  // namespace gradus
