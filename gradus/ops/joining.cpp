// Joining and splitting tensors, and the triangles. Next: indexing.cpp.
#include <algorithm>
#include <cstdint>

#include <gradus/ops/elementwise.h>
#include <gradus/ops/registry.h>
#include <gradus/ops/samples.h>

namespace gradus {
namespace op {

struct Concat {
  std::int64_t axis = 0;
  static constexpr Card card{
      .name = "concat",
      .also = "torch.cat, numpy.concatenate, tf.concat",
      .onnx = "Concat",
      .formula = "y = [a; b; \\ldots]",
      .doc = "Tensors one behind the other along `axis`; the other sizes must be equal.",
      .shapes = "x0 [..., n0, ...], x1 [..., n1, ...], ... -> [..., n0 + n1 + ..., ...]"};
  static constexpr auto attrs = std::tuple{attr("axis", &Concat::axis, "axis to join along")};
  static constexpr Keep keep{.inputs = 0};
  Tensors prepare(std::span<const Tensor> xs) const { return prepare_elementwise(xs, Domain::any); }
  Specs infer(std::span<const Spec> xs) const {
    if (xs.empty()) throw ShapeError("nothing to join", "give at least one tensor");
    Spec result = xs[0];
    const int k = normalize_axis(axis, result.rank());
    for (std::size_t i = 1; i < xs.size(); ++i) {
      Shape expected = result.shape;
      bool fits = xs[i].rank() == result.rank();
      if (fits) {
        expected[k] = xs[i].shape[k];
        fits = expected == xs[i].shape;
      }
      if (!fits)
        throw ShapeError("tensor " + std::to_string(i) + " of shape " + xs[i].shape.str() +
                             " does not join " + xs[0].shape.str() + " along axis " +
                             std::to_string(axis),
                         "all sizes but the joined one must be equal");
      result.shape[k] += xs[i].shape[k];
    }
    return {result};
  }
  void forward(std::span<const In> xs, std::span<const Out> ys) const {
    const Out y = ys[0];
    const int k = normalize_axis(axis, y.shape().rank());
    std::int64_t at = 0;
    for (const In& x : xs) {
      dispatch(x.dtype,
               [&]<class T>() { copy_elements(x, y.as<T>() + at * y.strides()[k], y.strides()); });
      at += x.shape()[k];
    }
  }
  Tensors vjp(const Call& c, const Tensor& g) const {
    const int k = normalize_axis(axis, g.ndim());
    Tensors gradients(c.input_count());
    std::int64_t at = 0;
    for (std::size_t i = 0; i < c.input_count(); ++i) {
      const std::int64_t n = c.input_spec(i).shape[k];
      if (c.needs(i)) gradients[i] = slice(g, k, at, at + n);
      at += n;
    }
    return gradients;
  }
  static Samples samples() {
    return {{Concat{}, {sample({2, 3}, -2, 2, 1), sample({1, 3}, -2, 2, 2)}},
            {Concat{-1}, {sample({2, 1}, -2, 2, 1), sample({2, 3}, -2, 2, 2), sample({2, 0})}}};
  }
};

struct Stack {
  std::int64_t axis = 0;
  static constexpr Card card{.name = "stack",
                             .also = "torch.stack, numpy.stack",
                             .onnx = "",
                             .formula = "y_i = x_i",
                             .doc = "Tensors of one shape side by side along a new `axis`.",
                             .shapes = "n x [...] -> [..., n, ...]"};
  static constexpr auto attrs = std::tuple{attr("axis", &Stack::axis, "place of the new axis")};
  Tensors compose(std::span<const Tensor> xs) const {
    Tensors wide;
    for (const Tensor& x : xs) wide.push_back(expand_dims(x, axis));
    if (wide.empty()) throw ShapeError("nothing to stack", "give at least one tensor");
    return {concat(wide, normalize_axis(axis, wide[0].ndim()))};
  }
  static Samples samples() {
    return {{Stack{1}, {sample({2, 3}, -2, 2, 1), sample({2, 3}, -2, 2, 2)}}};
  }
};

struct SplitSizes {
  Ints sizes;
  std::int64_t axis = 0;
  static constexpr Card card{.name = "split",
                             .also = "torch.split, numpy.split",
                             .onnx = "Split",
                             .formula = "x = [y_0; y_1; \\ldots]",
                             .doc =
                                 "Parts along `axis`: of the given `sizes`, or of one size each "
                                 "(the last may be smaller).",
                             .shapes = "x -> parts"};
  static constexpr auto attrs =
      std::tuple{attr("sizes", &SplitSizes::sizes, "sizes of the parts, or one for all"),
                 attr("axis", &SplitSizes::axis, "axis to cut")};
  Tensors compose(std::span<const Tensor> inputs) const {
    if (inputs.size() != 1) detail::throw_arity(1, inputs.size());
    const Tensor& x = inputs[0];
    const std::int64_t n = x.size(axis);
    Ints parts = sizes;
    if (parts.size() == 1 && parts[0] != n) {
      const std::int64_t part = parts[0];
      if (part <= 0)
        throw ValueError("parts of size " + std::to_string(part), "sizes are 1 or more");
      parts.clear();
      for (std::int64_t at = 0; at < n; at += part) parts.push_back(std::min(part, n - at));
    }
    std::int64_t total = 0;
    for (std::int64_t part : parts) {
      if (part < 0)
        throw ValueError("a part of size " + std::to_string(part), "sizes are 0 or more");
      // Beyond any axis already: stays there instead of overflowing.
      total = part > INT64_MAX - total ? INT64_MAX : total + part;
    }
    if (total != n)
      throw ShapeError("sizes " + Shape(parts).str() + " add up to " + std::to_string(total) +
                           ", axis " + std::to_string(axis) + " has " + std::to_string(n),
                       "the sizes must add up to the axis");
    Tensors result;
    std::int64_t at = 0;
    for (std::int64_t part : parts) {
      result.push_back(slice(x, axis, at, at + part));
      at += part;
    }
    return result;
  }
  static Samples samples() {
    return {{SplitSizes{{1, 2}, 1}, {sample({2, 3})}}, {SplitSizes{{2}, 0}, {sample({5})}}};
  }
};

struct Chunk {
  std::int64_t chunks = 1, axis = 0;
  static constexpr Card card{
      .name = "chunk",
      .also = "torch.chunk",
      .onnx = "",
      .formula = "x = [y_0; y_1; \\ldots]",
      .doc = "At most `chunks` parts of equal size along `axis`; the last may be smaller.",
      .shapes = "x -> parts"};
  static constexpr auto attrs = std::tuple{attr("chunks", &Chunk::chunks, "how many"),
                                           attr("axis", &Chunk::axis, "axis to cut")};
  Tensors compose(std::span<const Tensor> inputs) const {
    if (inputs.size() != 1) detail::throw_arity(1, inputs.size());
    if (chunks <= 0) throw ValueError(std::to_string(chunks) + " chunks", "ask for 1 or more");
    const std::int64_t n = inputs[0].size(axis);
    if (n == 0) return {slice(inputs[0], axis, {}, {})};
    return split(inputs[0], {(n - 1) / chunks + 1}, axis);
  }
  static Samples samples() { return {{Chunk{2, 1}, {sample({2, 5})}}}; }
};

/// tril and triu.
template <class D>
struct Triangle {
  std::int64_t k = 0;
  static constexpr Keep keep{.inputs = 0};
  Spec infer(const Spec& x) const {
    if (x.rank() < 2)
      throw ShapeError("a triangle needs two axes, x is " + x.str(), "reshape it to a matrix");
    return x;
  }
  void forward(In x, Out y) const {
    const Shape& shape = x.shape();
    const std::int64_t rows = shape[shape.rank() - 2], columns = shape.back();
    const std::int64_t diagonal = std::clamp(k, -rows, columns);  // beyond is all or nothing
    copy_elements(x, y.data, y.strides());
    if (shape.numel() == 0) return;
    dispatch(x.dtype, [&]<class T>() {
      for (std::int64_t n = 0; n < shape.numel() / (rows * columns); ++n)
        for (std::int64_t i = 0; i < rows; ++i)
          for (std::int64_t j = 0; j < columns; ++j)
            if (D::is_lower ? j > i + diagonal : j < i + diagonal)
              y.as<T>()[(n * rows + i) * columns + j] = T(0);
    });
  }
  Tensor vjp(const Call&, const Tensor& g) const {
    return apply(static_cast<const D&>(*this), {g});
  }
  static Samples samples() { return {{D{}, {sample({3, 4})}}, {D{{1}}, {sample({2, 3, 3})}}}; }
};
struct Tril : Triangle<Tril> {
  static constexpr bool is_lower = true;
  static constexpr Card card{
      .name = "tril",
      .also = "torch.tril, numpy.tril",
      .onnx = "Trilu",
      .formula = R"(y_{ij} = x_{ij} [j \le i + k])",
      .doc = "The lower triangle of the last two axes, zero above diagonal `k`.",
      .shapes = "x [..., n, m] -> x"};
  static constexpr auto attrs = std::tuple{attr("k", &Tril::k, "diagonal, 0 is the main one")};
};
struct Triu : Triangle<Triu> {
  static constexpr bool is_lower = false;
  static constexpr Card card{
      .name = "triu",
      .also = "torch.triu, numpy.triu",
      .onnx = "",
      .formula = R"(y_{ij} = x_{ij} [j \ge i + k])",
      .doc = "The upper triangle of the last two axes, zero below diagonal `k`.",
      .shapes = "x [..., n, m] -> x"};
  static constexpr auto attrs = std::tuple{attr("k", &Triu::k, "diagonal, 0 is the main one")};
};

}  // namespace op

Tensor concat(std::span<const Tensor> xs, std::int64_t axis, Place at) {
  return apply(op::Concat{axis}, xs, at);
}
Tensor stack(std::span<const Tensor> xs, std::int64_t axis, Place at) {
  return apply(op::Stack{axis}, xs, at);
}
Tensors split(const Tensor& x, const Ints& sizes, std::int64_t axis, Place at) {
  return apply_all(op::SplitSizes{sizes, axis}, std::span(&x, 1), at);
}
Tensors chunk(const Tensor& x, std::int64_t chunks, std::int64_t axis, Place at) {
  return apply_all(op::Chunk{chunks, axis}, std::span(&x, 1), at);
}
Tensor tril(const Tensor& x, std::int64_t k, Place at) { return apply(op::Tril{{k}}, {x}, at); }
Tensor triu(const Tensor& x, std::int64_t k, Place at) { return apply(op::Triu{{k}}, {x}, at); }

std::vector<Op> joining_ops() {
  using namespace op;
  return {Concat{}, Stack{}, SplitSizes{}, Chunk{}, Tril{}, Triu{}};
}

}  // namespace gradus
