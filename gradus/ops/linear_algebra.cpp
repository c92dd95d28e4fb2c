// Products: matmul is the primitive; outer, dot and einsum are made of it. Next: einsum.cpp.
#include <algorithm>
#include <optional>

#include <gradus/core/diagnostic.h>
#include <gradus/kernels/gemm.h>
#include <gradus/ops/elementwise.h>
#include <gradus/ops/registry.h>
#include <gradus/ops/samples.h>

namespace gradus {
namespace op {

namespace {

/// Problem and hint where the inner sizes of a product differ.
std::optional<std::pair<std::string, std::string>> inner_misfit(const Shape& a, const Shape& b) {
  const std::int64_t inner_a = a.back(), inner_b = b[std::max(b.rank() - 2, 0)];
  if (inner_a == inner_b) return {};
  return std::pair{
      "inner sizes " + std::to_string(inner_a) + " and " + std::to_string(inner_b) + " differ",
      "the last size of the left must be the " +
          std::string(b.rank() == 1 ? "size" : "last but one") + " of the right" +
          (b.rank() == 2 && b[1] == inner_a ? "; did you mean matmul(a, b.T())?" : "")};
}

std::string last_part(const std::string& path) { return path.substr(path.rfind('.') + 1); }

/// "l2 from relu1 (mlp.cpp:58)", "lin2.w (made at mlp.cpp:31)", "a parameter of lin2, transposed
/// (made at mlp.cpp:31)"
std::string origin(const Tensor& x) {
  const auto made_at = [](const Tensor& leaf) {
    return leaf.made_at().line() == 0 ? "" : " (made at " + short_place(leaf.made_at()) + ")";
  };
  const auto leaf_name = [](const Tensor& leaf) -> std::string {
    if (!leaf.name().empty()) return leaf.name();
    if (!leaf.requires_grad()) return "a tensor without a name";
    return Scope::current() ? "a parameter of " + last_part(*Scope::current())
                            : "a parameter without a name";
  };
  const std::shared_ptr<Node>& node = x.history().node;
  if (!node) return leaf_name(x) + made_at(x);
  const std::string name = x.name().empty() ? "" : x.name() + " ";
  if (const Tensor& whole = node->inputs[0].leaf;
      name.empty() && node->op.kind() == OpKind::view && whole)
    return leaf_name(whole) +
           (x.ndim() == 2 && x.layout() == whole.layout().permute({1, 0})
                ? ", transposed"
                : ", seen by " + std::string(node->op.name())) +
           made_at(whole);
  return name + "from " + (node->scope ? last_part(*node->scope) : std::string(node->op.name())) +
         " (" + short_place(node->place) + ")";
}

/// S1, with the tensors' names and where they come from.
void check_inner_sizes(const Tensor& a, const Tensor& b) {
  const auto misfit = inner_misfit(a.shape(), b.shape());
  if (!misfit) return;
  std::string repair;
  if (b.ndim() == 2 && b.shape()[1] == a.shape().back()) {
    repair = "Its transpose would fit: matmul(a, b.T())?";
  } else if (b.ndim() == 2) {
    const Shape fits({a.shape().back(), b.shape()[1]});
    std::string sizes = sizes_text(fits);
    repair = "A weight of " + sizes + " would fit: Linear" + sizes + "?";
  } else {
    repair = misfit->second + ".";
    repair[0] = 'T';
  }
  const auto& scope = Scope::current();
  throw Coded<ShapeError>(
      {"S1",
       (scope ? last_part(*scope) + ": " : std::string()) + "matmul " + sizes_text(a.shape()) +
           " @ " + sizes_text(b.shape()) + ": " + misfit->first,
       "left is " + origin(a) + ", right is " + origin(b) + ". " + repair},
      misfit->first, misfit->second);
}

}  // namespace

struct Matmul {
  static constexpr Card card{.name = "matmul",
                             .also = "torch.matmul, torch.mm, torch.bmm, numpy.matmul",
                             .onnx = "MatMul",
                             .formula = R"(y_{ij} = \sum_k a_{ik} b_{kj})",
                             .doc =
                                 "Matrix product; leading axes are batches and broadcast; a vector "
                                 "counts as a row on the left, a column on the right.",
                             .shapes = "a [..., n, k], b [..., k, m] -> [..., n, m]"};
  Tensors prepare(std::span<const Tensor> inputs) const {
    if (inputs.size() == 2 && inputs[0].ndim() > 0 && inputs[1].ndim() > 0)
      check_inner_sizes(inputs[0], inputs[1]);
    return prepare_elementwise(inputs, Domain::numbers);
  }
  Spec infer(const Spec& a, const Spec& b) const {
    check_domain(a.dtype, Domain::numbers);
    if (a.rank() == 0 || b.rank() == 0)
      throw ShapeError("a scalar has no rows or columns", "multiply by a number with a * b");
    if (const auto misfit = inner_misfit(a.shape, b.shape))
      throw ShapeError(misfit->first, misfit->second);
    Shape result = broadcast_shapes(batch(a.shape), batch(b.shape));
    if (a.rank() > 1) result.push_back(a.shape[a.rank() - 2]);
    if (b.rank() > 1) result.push_back(b.shape.back());
    return {result, a.dtype};
  }
  void forward(In a, In b, Out y) const {
    const std::int64_t n = a.shape().rank() > 1 ? a.shape()[a.shape().rank() - 2] : 1;
    const std::int64_t k = a.shape().back();
    const std::int64_t m = b.shape().rank() > 1 ? b.shape().back() : 1;
    const Shape batches = broadcast_shapes(batch(a.shape()), batch(b.shape()));
    const Layout batch_a = Layout{batch(a.shape()), batch(a.strides()), 0}.broadcast_to(batches);
    const Layout batch_b = Layout{batch(b.shape()), batch(b.strides()), 0}.broadcast_to(batches);
    Layout batch_y = Layout::contiguous(batches);
    for (std::int64_t& stride : batch_y.strides) stride *= n * m;
    const kernels::Walk<3> walk(
        batches.data(), batches.rank(),
        {batch_a.strides.data(), batch_b.strides.data(), batch_y.strides.data()});
    const int inner = walk.rank - 1;
    const std::int64_t row_a = a.shape().rank() > 1 ? a.strides()[a.shape().rank() - 2] : 0;
    const std::int64_t row_b =
        b.shape().rank() > 1 ? b.strides()[b.shape().rank() - 2] : b.strides()[0];
    const std::int64_t column_b = b.shape().rank() > 1 ? b.strides().back() : 0;
    dispatch(a.dtype, [&]<class T>() {
      if constexpr (!std::is_same_v<T, bool>)
        walk.for_each_run([&](const std::int64_t* at, std::int64_t run) {
          for (std::int64_t i = 0; i < run; ++i)
            kernels::gemm<T>(
                n, m, k,
                {a.as<T>() + at[0] + i * walk.strides[0][inner], row_a, a.strides().back()},
                {b.as<T>() + at[1] + i * walk.strides[1][inner], row_b, column_b},
                {y.as<T>() + at[2] + i * walk.strides[2][inner], m, 1}, false);
        });
    });
  }
  Tensors vjp(const Call& c, const Tensor& given) const {
    const Tensor a = c.input(0), b = c.input(1);
    const Tensor left = a.ndim() == 1 ? expand_dims(a, 0) : a;
    const Tensor right = b.ndim() == 1 ? expand_dims(b, 1) : b;
    Ints shape = given.shape().to_vector();
    if (a.ndim() == 1) shape.insert(shape.end() - (b.ndim() > 1), 1);
    if (b.ndim() == 1) shape.push_back(1);
    const Tensor g = reshape(given, shape);
    Tensors gradients(2);
    if (c.needs(0)) {
      const Tensor grad = lies_in_columns(left) ? matmul(right, g.T()).T() : matmul(g, right.T());
      gradients[0] = reshape(sum_to(grad, left.shape()), a.shape().to_vector());
    }
    if (c.needs(1)) {
      const Tensor grad = lies_in_columns(right) ? matmul(g.T(), left).T() : matmul(left.T(), g);
      gradients[1] = reshape(sum_to(grad, right.shape()), b.shape().to_vector());
    }
    return gradients;
  }
  /// A transposed matrix, as the weight in x W^T. Its gradient is made transposed too, from the
  /// same products in the same order, so that W's own gradient lies in rows and is copied in one
  /// piece.
  static bool lies_in_columns(const Tensor& x) {
    return x.size(-1) > 1 && x.strides()[x.ndim() - 2] == 1 && x.strides()[x.ndim() - 1] != 1;
  }
  static Samples samples() {
    return {{Matmul{}, {sample({3, 4}, -2, 2, 1), sample({4, 2}, -2, 2, 2)}},
            {Matmul{}, {sample({2, 1, 2, 3}, -2, 2, 1), sample({3, 3, 2}, -2, 2, 2)}},
            {Matmul{}, {sample({4}, -2, 2, 1), sample({4, 2}, -2, 2, 2)}},
            {Matmul{}, {sample({2, 3, 4}, -2, 2, 1), sample({4}, -2, 2, 2)}},
            {Matmul{}, {sample({3}, -2, 2, 1), sample({3}, -2, 2, 2)}}};
  }

 private:
  /// The leading axes, without the last two (one for a vector).
  static Shape batch(const Shape& shape) {
    return Shape(std::span(shape.begin(), static_cast<std::size_t>(std::max(shape.rank() - 2, 0))));
  }
};

struct Outer {
  static constexpr Card card{.name = "outer",
                             .also = "torch.outer, numpy.outer",
                             .onnx = "",
                             .formula = "y_{ij} = a_i b_j",
                             .doc = "All products of two vectors.",
                             .shapes = "a [n], b [m] -> [n, m]"};
  Tensor compose(const Tensor& a, const Tensor& b) const {
    if (a.ndim() != 1 || b.ndim() != 1) throw ShapeError("takes two vectors", "flatten them first");
    return expand_dims(a, 1) * expand_dims(b, 0);
  }
  static Samples samples() { return {{Outer{}, {sample({3}, -2, 2, 1), sample({4}, -2, 2, 2)}}}; }
};

struct Dot {
  static constexpr Card card{.name = "dot",
                             .also = "torch.dot, numpy.dot of vectors",
                             .onnx = "",
                             .formula = R"(y = \sum_i a_i b_i)",
                             .doc = "Sum of the products of two vectors.",
                             .shapes = "a [n], b [n] -> []"};
  Tensor compose(const Tensor& a, const Tensor& b) const {
    if (a.ndim() != 1 || b.ndim() != 1)
      throw ShapeError("takes two vectors", "use matmul for matrices");
    return matmul(a, b);
  }
  static Samples samples() { return {{Dot{}, {sample({3}, -2, 2, 1), sample({3}, -2, 2, 2)}}}; }
};

struct Diagonal {
  std::int64_t k = 0, axis0 = -2, axis1 = -1;
  static constexpr Card card{
      .name = "diagonal",
      .also = "torch.diagonal, numpy.diagonal, array-api linalg.diagonal",
      .onnx = "",
      .formula = "y_i = x_{i,i+k}",
      .doc = "The `k`-th diagonal of two axes, which go; it becomes the last axis.",
      .shapes = "x [..., n, m] -> [..., min(n, m)]"};
  static constexpr auto attrs =
      std::tuple{attr("k", &Diagonal::k, "diagonal, 0 is the main one, above it 1"),
                 attr("axis0", &Diagonal::axis0, "axis of the rows"),
                 attr("axis1", &Diagonal::axis1, "axis of the columns")};
  Tensor compose(const Tensor& x) const {
    const int i = normalize_axis(axis0, x.ndim()), j = normalize_axis(axis1, x.ndim());
    if (i == j)
      throw ShapeError("axes " + std::to_string(axis0) + " and " + std::to_string(axis1) +
                           " are the same axis of " + x.spec().str(),
                       "a diagonal needs two axes");
    Ints order, flat;
    for (int axis = 0; axis < x.ndim(); ++axis)
      if (axis != i && axis != j) {
        order.push_back(axis);
        flat.push_back(x.shape()[axis]);
      }
    order.push_back(i);
    order.push_back(j);
    const std::int64_t rows = x.shape()[i], columns = x.shape()[j];
    flat.push_back(rows * columns);
    const std::int64_t off = std::clamp(k, -rows, columns);  // beyond, nothing is left
    const std::int64_t length =
        std::min(rows - std::max<std::int64_t>(0, -off), columns - std::max<std::int64_t>(0, off));
    const std::int64_t first = off >= 0 ? off : -off * columns;
    const Tensor y = reshape(permute_dims(x, order), flat);
    if (length <= 0) return slice(y, -1, 0, 0);
    return slice(y, -1, first, first + (length - 1) * (columns + 1) + 1, columns + 1);
  }
  static Samples samples() {
    return {{Diagonal{}, {sample({3, 4})}},
            {Diagonal{1, 0, 2}, {sample({3, 2, 4})}},
            {Diagonal{-1, 1, 0}, {sample({2, 3, 3})}}};
  }
};

struct TraceOfMatrix {
  std::int64_t k = 0;
  static constexpr Card card{.name = "trace",
                             .also = "torch.trace, numpy.trace",
                             .onnx = "",
                             .formula = R"(y = \sum_i x_{i,i+k})",
                             .doc = "Sum of the `k`-th diagonal of the last two axes.",
                             .shapes = "x [..., n, m] -> [...]"};
  static constexpr auto attrs =
      std::tuple{attr("k", &TraceOfMatrix::k, "diagonal, 0 is the main one")};
  Tensor compose(const Tensor& x) const {
    if (x.ndim() < 2) throw ShapeError("a trace needs two axes", "reshape it to a matrix");
    return sum(diagonal(x, k), {-1});
  }
  static Samples samples() {
    return {{TraceOfMatrix{}, {sample({3, 4})}}, {TraceOfMatrix{-1}, {sample({2, 3, 3})}}};
  }
};

}  // namespace op

Tensor matmul(const Tensor& a, const Tensor& b, Place at) {
  return apply(op::Matmul{}, {a, b}, at);
}
Tensor outer(const Tensor& a, const Tensor& b, Place at) { return apply(op::Outer{}, {a, b}, at); }
Tensor dot(const Tensor& a, const Tensor& b, Place at) { return apply(op::Dot{}, {a, b}, at); }
Tensor diagonal(const Tensor& x, std::int64_t k, std::int64_t axis0, std::int64_t axis1, Place at) {
  return apply(op::Diagonal{k, axis0, axis1}, {x}, at);
}
Tensor diagonal_sum(const Tensor& x, std::int64_t k, Place at) {
  return apply(op::TraceOfMatrix{k}, {x}, at);
}

std::vector<Op> linear_algebra_ops() {
  using namespace op;
  return {Matmul{}, Outer{}, Dot{}, Diagonal{}, TraceOfMatrix{}};
}

}  // namespace gradus
