// New tensors from nothing but attributes. Next: arithmetic.cpp.
#include <algorithm>
#include <span>

#include <gradus/ops/elementwise.h>
#include <gradus/ops/ops.h>
#include <gradus/ops/registry.h>

namespace gradus {
namespace op {

struct Full {
  Ints shape;
  double value = 0;
  DType dtype = DType::f32;
  static constexpr Card card{.name = "full",
                             .also = "torch.full, numpy.full",
                             .onnx = "ConstantOfShape",
                             .formula = "y_i = v",
                             .doc = "A tensor of `shape` with one `value` everywhere.",
                             .shapes = "-> `shape`"};
  static constexpr auto attrs =
      std::tuple{attr("shape", &Full::shape, "sizes"), attr("value", &Full::value, "every element"),
                 attr("dtype", &Full::dtype, "dtype of the result")};
  Spec infer() const {
    const Shape sizes(shape);
    sizes.numel();  // throws for negative sizes
    return {sizes, dtype};
  }
  void forward(Out y) const {
    dispatch(dtype, [&]<class T>() {
      std::fill(y.as<T>(), y.as<T>() + y.shape().numel(), convert<T>(value));
    });
  }
  static Samples samples() { return {{Full{{2, 3}, 1.5, DType::f64}, {}}}; }
};

#define GRADUS_CONSTANT(Name, text, number, names, sentence)                                      \
  struct Name {                                                                                   \
    Ints shape;                                                                                   \
    DType dtype = DType::f32;                                                                     \
    static constexpr Card card{.name = text,                                                      \
                               .also = names,                                                     \
                               .onnx = "",                                                        \
                               .formula = "y_i = " #number,                                       \
                               .doc = sentence,                                                   \
                               .shapes = "-> `shape`"};                                           \
    static constexpr auto attrs = std::tuple{attr("shape", &Name::shape, "sizes"),                \
                                             attr("dtype", &Name::dtype, "dtype of the result")}; \
    Tensor compose() const { return full(shape, number, dtype); }                                 \
    static Samples samples() { return {{Name{{2, 3}, DType::f64}, {}}}; }                         \
  };
GRADUS_CONSTANT(Zeros, "zeros", 0, "torch.zeros, numpy.zeros", "A tensor of `shape` full of zeros.")
GRADUS_CONSTANT(Ones, "ones", 1, "torch.ones, numpy.ones", "A tensor of `shape` full of ones.")
#undef GRADUS_CONSTANT

struct Arange {
  double start = 0, stop = 0, step = 1;
  DType dtype = DType::i64;
  static constexpr Card card{.name = "arange",
                             .also = "torch.arange, numpy.arange",
                             .onnx = "Range",
                             .formula = "y_i = a + i s",
                             .doc = "`start`, `start` + `step`, ... before `stop`.",
                             .shapes = "-> [n]"};
  static constexpr auto attrs = std::tuple{attr("start", &Arange::start, "first value"),
                                           attr("stop", &Arange::stop, "end, not included"),
                                           attr("step", &Arange::step, "distance"),
                                           attr("dtype", &Arange::dtype, "dtype of the result")};
  Spec infer() const {
    if (step == 0 || !std::isfinite(start) || !std::isfinite(stop) || !std::isfinite(step))
      throw ValueError(
          "start " + to_text(start) + ", stop " + to_text(stop) + ", step " + to_text(step),
          "the step must not be 0, and all must be finite");
    const double count = std::ceil((stop - start) / step);
    if (count > 1e15)
      throw ValueError("a range of " + to_text(count) + " values", "use a larger step");
    return {{static_cast<std::int64_t>(std::max(0.0, count))}, dtype};
  }
  void forward(Out y) const {
    dispatch(dtype, [&]<class T>() {
      for (std::int64_t i = 0; i < y.shape().numel(); ++i)
        y.as<T>()[i] = convert<T>(start + static_cast<double>(i) * step);
    });
  }
  static Samples samples() { return {{Arange{1, 7, 2, DType::i64}, {}}}; }
};

struct Linspace {
  double start = 0, stop = 1;
  std::int64_t num = 50;
  DType dtype = DType::f32;
  static constexpr Card card{
      .name = "linspace",
      .also = "torch.linspace, numpy.linspace",
      .onnx = "",
      .formula = "y_i = a + i (b - a) / (n - 1)",
      .doc = "`num` evenly spaced values from `start` to `stop`, both included.",
      .shapes = "-> [num]"};
  static constexpr auto attrs = std::tuple{attr("start", &Linspace::start, "first value"),
                                           attr("stop", &Linspace::stop, "last value"),
                                           attr("num", &Linspace::num, "how many"),
                                           attr("dtype", &Linspace::dtype, "dtype of the result")};
  Spec infer() const {
    if (num < 0) throw ValueError("num is " + std::to_string(num), "it counts: 0 or more");
    return {{num}, dtype};
  }
  void forward(Out y) const {
    const double step = num > 1 ? (stop - start) / static_cast<double>(num - 1) : 0;
    dispatch(dtype, [&]<class T>() {
      // From both ends, so that both are exact.
      for (std::int64_t i = 0; i < num; ++i)
        y.as<T>()[i] = convert<T>(2 * i < num ? start + step * static_cast<double>(i)
                                              : stop - step * static_cast<double>(num - 1 - i));
    });
  }
  static Samples samples() { return {{Linspace{0, 1, 5, DType::f64}, {}}}; }
};

struct Eye {
  std::int64_t n = 1;
  std::optional<std::int64_t> m;
  DType dtype = DType::f32;
  static constexpr Card card{
      .name = "eye",
      .also = "torch.eye, numpy.eye",
      .onnx = "EyeLike",
      .formula = "y_{ij} = [i = j]",
      .doc = "Ones on the diagonal of an `n` x `m` matrix, square by default.",
      .shapes = "-> [n, m]"};
  static constexpr auto attrs =
      std::tuple{attr("n", &Eye::n, "rows"), attr("m", &Eye::m, "columns, n when none"),
                 attr("dtype", &Eye::dtype, "dtype of the result")};
  Spec infer() const {
    const Shape shape{n, m.value_or(n)};
    shape.numel();
    return {shape, dtype};
  }
  void forward(Out y) const {
    const std::int64_t columns = y.shape()[1];
    dispatch(dtype, [&]<class T>() {
      std::fill(y.as<T>(), y.as<T>() + y.shape().numel(), T(0));
      for (std::int64_t i = 0; i < std::min(n, columns); ++i) y.as<T>()[i * columns + i] = T(1);
    });
  }
  static Samples samples() { return {{Eye{3, 4, DType::f64}, {}}}; }
};

}  // namespace op

Tensor full(const Ints& shape, Number value, DType dtype, Place at) {
  const Number as_attribute = value.to_double();
  if (dtype == DType::i64 && as_attribute.to<std::int64_t>() != value.to<std::int64_t>())
    return clone(broadcast_to(Tensor::scalar(value, dtype), shape, at), at);
  return apply(op::Full{shape, as_attribute.to_double(), dtype}, {}, at);
}
Tensor zeros(const Ints& shape, DType dtype, Place at) {
  return apply(op::Zeros{shape, dtype}, {}, at);
}
Tensor ones(const Ints& shape, DType dtype, Place at) {
  return apply(op::Ones{shape, dtype}, {}, at);
}
Tensor full_like(const Tensor& x, Number value, Place at) {
  return full(x.shape().to_vector(), value, x.dtype(), at);
}
Tensor zeros_like(const Tensor& x, Place at) { return full_like(x, 0, at); }
Tensor ones_like(const Tensor& x, Place at) { return full_like(x, 1, at); }
Tensor arange(double start, double stop, double step, DType dtype, Place at) {
  return apply(op::Arange{start, stop, step, dtype}, {}, at);
}
Tensor linspace(double start, double stop, std::int64_t num, DType dtype, Place at) {
  return apply(op::Linspace{start, stop, num, dtype}, {}, at);
}
Tensor eye(std::int64_t n, std::optional<std::int64_t> m, DType dtype, Place at) {
  return apply(op::Eye{n, m, dtype}, {}, at);
}

namespace {

std::string row_of(std::size_t n) {
  return n == 1 ? "a row of 1 value" : "a row of " + std::to_string(n) + " values";
}

/// How many parts the braces have, from the outermost to the innermost, read along the first ones.
std::vector<std::size_t> lengths_of(const Literal& literal) {
  std::vector<std::size_t> result;
  for (const Literal* part = &literal; !part->is_number(); part = part->parts().begin()) {
    result.push_back(part->parts().size());
    if (result.back() == 0) break;
  }
  return result;
}

/// Appends the numbers of `literal`, whose braces must have these lengths.
void collect(const Literal& literal, std::span<const std::size_t> lengths,
             std::vector<Literal::Number>& numbers, Place at) {
  if (literal.is_number() != lengths.empty() ||
      (!lengths.empty() && literal.parts().size() != lengths[0]))
    throw ShapeError((lengths.empty() ? "a number" : row_of(lengths[0])) + " beside " +
                         (literal.is_number() ? "a number" : row_of(literal.parts().size())),
                     "make all rows equally long", at);
  if (literal.is_number()) return numbers.push_back(literal.number());
  for (const Literal& part : literal.parts()) collect(part, lengths.subspan(1), numbers, at);
}

DType common_dtype(std::span<const Literal::Number> numbers) {
  const auto any = [&]<class T>(T) {
    return std::ranges::any_of(numbers, std::holds_alternative<T, double, std::int64_t, bool>);
  };
  if (numbers.empty() || any(double())) return DType::f32;
  return any(std::int64_t()) ? DType::i64 : DType::boolean;
}

}  // namespace

Tensor tensor(Literal values, std::optional<DType> dtype, Place at) {
  const std::vector<std::size_t> lengths = lengths_of(values);
  std::vector<Literal::Number> numbers;
  collect(values, lengths, numbers, at);
  Tensor result = Tensor::empty(Shape(Ints(lengths.begin(), lengths.end())),
                                dtype.value_or(common_dtype(numbers)));
  dispatch(result.dtype(), [&]<class T>() {
    std::ranges::transform(numbers, result.data<T>(), [](Literal::Number number) {
      return std::visit([](auto x) { return Number(x).to<T>(); }, number);
    });
  });
  result.note_made_at(at);
  return result;
}

std::vector<Op> creation_ops() {
  using namespace op;
  return {Full{}, Zeros{}, Ones{}, Arange{}, Linspace{}, Eye{}};
}

}  // namespace gradus
