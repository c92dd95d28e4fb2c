// Products: matmul is the primitive; einsum, outer, dot and the trace are made of it. Next:
// loss.cpp.
#include <algorithm>
#include <map>

#include <gradus/kernels/gemm.h>
#include <gradus/ops/elementwise.h>
#include <gradus/ops/registry.h>
#include <gradus/ops/samples.h>

namespace gradus {
namespace op {

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
    return prepare_elementwise(inputs, Domain::numbers);
  }
  Spec infer(const Spec& a, const Spec& b) const {
    check_domain(a.dtype, Domain::numbers);
    if (a.rank() == 0 || b.rank() == 0)
      throw ShapeError("a scalar has no rows or columns", "multiply by a number with a * b");
    const std::int64_t inner_a = a.shape.back(), inner_b = b.shape[std::max(b.rank() - 2, 0)];
    if (inner_a != inner_b)
      throw ShapeError(
          "inner sizes " + std::to_string(inner_a) + " and " + std::to_string(inner_b) + " differ",
          "the last size of the left must be the " +
              std::string(b.rank() == 1 ? "size" : "last but one") + " of the right" +
              (b.rank() == 2 && b.shape[1] == inner_a ? "; did you mean matmul(a, b.T())?" : ""));
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
    if (c.needs(0))
      gradients[0] = reshape(sum_to(matmul(g, right.T()), left.shape()), a.shape().to_vector());
    if (c.needs(1))
      gradients[1] = reshape(sum_to(matmul(left.T(), g), right.shape()), b.shape().to_vector());
    return gradients;
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

namespace {

/// The k-th diagonal of axes i and j, which go; the diagonal becomes the last axis. By reshaping,
/// so that the gradient comes along.
Tensor diagonal(const Tensor& x, int i, int j, std::int64_t k) {
  Ints order;
  for (int axis = 0; axis < x.ndim(); ++axis)
    if (axis != i && axis != j) order.push_back(axis);
  Ints flat;
  for (std::int64_t axis : order) flat.push_back(x.shape()[static_cast<int>(axis)]);
  order.push_back(i);
  order.push_back(j);
  const std::int64_t rows = x.shape()[i], columns = x.shape()[j];
  flat.push_back(rows * columns);
  const std::int64_t length = std::max<std::int64_t>(
      0, std::min(rows - std::max<std::int64_t>(0, -k), columns - std::max<std::int64_t>(0, k)));
  const std::int64_t first = k >= 0 ? k : -k * columns;
  const Tensor y = reshape(permute_dims(x, order), flat);
  if (length == 0) return slice(y, -1, 0, 0);
  return slice(y, -1, first, first + (length - 1) * (columns + 1) + 1, columns + 1);
}

/// A tensor whose axes carry labels: letters, or negative numbers for those under "...".
struct Labelled {
  Tensor tensor;
  std::vector<int> labels;

  int axis_of(int label) const {
    const auto at = std::find(labels.begin(), labels.end(), label);
    return at == labels.end() ? -1 : static_cast<int>(at - labels.begin());
  }
  std::int64_t size_of(int label) const { return tensor.shape()[axis_of(label)]; }
  void drop(int label, bool by_sum) {
    const int axis = axis_of(label);
    tensor = by_sum ? sum(tensor, {axis}) : squeeze(tensor, {axis});
    labels.erase(labels.begin() + axis);
  }
  /// Axes in the order of `wanted`; labels that are missing get size 1.
  Tensor arranged(const std::vector<int>& wanted) const {
    Ints order, shape;
    for (int label : wanted) {
      const int axis = axis_of(label);
      if (axis >= 0) order.push_back(axis);
      shape.push_back(axis >= 0 ? tensor.shape()[axis] : 1);
    }
    return reshape(permute_dims(tensor, order), shape);
  }
};

Tensor merge_last(const Tensor& x, std::size_t keep, std::initializer_list<std::size_t> groups) {
  Ints shape(x.shape().begin(), x.shape().begin() + keep);
  int axis = static_cast<int>(keep);
  for (std::size_t count : groups) {
    std::int64_t product = 1;
    for (std::size_t k = 0; k < count; ++k) product *= x.shape()[axis++];
    shape.push_back(product);
  }
  return reshape(x, shape);
}

/// One contraction through matmul: labels in both that nobody needs afterwards are summed.
Labelled contract(Labelled a, Labelled b, const std::vector<int>& needed) {
  auto is_needed = [&](int label) {
    return std::find(needed.begin(), needed.end(), label) != needed.end();
  };
  auto reduce_own = [&](Labelled& one, const Labelled& other) {
    for (int label : std::vector<int>(one.labels)) {
      if (is_needed(label)) continue;
      // A size of 1 against n: the n is summed apart, the 1 goes.
      if (other.axis_of(label) < 0 || one.size_of(label) != other.size_of(label))
        one.drop(label, true);
    }
  };
  const Labelled a_before = a;
  reduce_own(a, b);
  reduce_own(b, a_before);
  std::vector<int> batch, left, right, inner;
  for (int label : a.labels)
    (b.axis_of(label) < 0 ? left : is_needed(label) ? batch : inner).push_back(label);
  for (int label : b.labels)
    if (a.axis_of(label) < 0) right.push_back(label);
  auto join = [](std::vector<int> first, const std::vector<int>& second,
                 const std::vector<int>& third) {
    first.insert(first.end(), second.begin(), second.end());
    first.insert(first.end(), third.begin(), third.end());
    return first;
  };
  const Tensor wide_a = a.arranged(join(batch, left, inner)),
               wide_b = b.arranged(join(batch, inner, right));
  const Tensor y = matmul(merge_last(wide_a, batch.size(), {left.size(), inner.size()}),
                          merge_last(wide_b, batch.size(), {inner.size(), right.size()}));
  Ints shape(y.shape().begin(), y.shape().begin() + batch.size());
  for (int label : left) shape.push_back(a.size_of(label));
  for (int label : right) shape.push_back(b.size_of(label));
  return {reshape(y, shape), join(batch, left, right)};
}

}  // namespace

struct Einsum {
  std::string equation;
  static constexpr Card card{
      .name = "einsum",
      .also = "torch.einsum, numpy.einsum",
      .onnx = "Einsum",
      .formula = R"(y_{\text{out}} = \sum_{\text{others}} \prod_n x_n)",
      .doc =
          "Einstein summation by `equation`, \"ij,jk->ik\"; \"...\" stands for broadcast axes, "
          "without an arrow the letters that occur once come out in order. Contracted pair by pair "
          "from the left through matmul.",
      .shapes = "as the equation says"};
  static constexpr auto attrs = std::tuple{
      attr("equation", &Einsum::equation, "letters of the inputs -> letters of the output")};

  Tensors prepare(std::span<const Tensor> inputs) const {
    return prepare_elementwise(inputs, Domain::numbers);
  }
  Tensors compose(std::span<const Tensor> xs) const {
    std::string text;
    for (char c : equation)
      if (c != ' ') text += c;
    const std::size_t arrow = text.find("->");
    const std::vector<std::string> terms = split_terms(text.substr(0, arrow));
    if (terms.size() != xs.size())
      throw ShapeError("equation '" + equation + "' names " + std::to_string(terms.size()) +
                           " inputs, got " + std::to_string(xs.size()),
                       "separate the inputs by commas");
    std::vector<Labelled> operands;
    std::map<int, int> occurrences;
    int widest = 0;
    for (std::size_t i = 0; i < xs.size(); ++i) {
      operands.push_back(label(xs[i], terms[i], occurrences, widest));
    }
    check_sizes(operands);
    const std::vector<int> output =
        output_labels(arrow == text.npos ? nullptr : &text, arrow, occurrences, widest);
    for (int wanted : output) {
      bool found = wanted < 0;
      for (const Labelled& operand : operands) found |= operand.axis_of(wanted) >= 0;
      if (!found)
        throw ShapeError(
            "output letter '" + std::string(1, static_cast<char>(wanted)) + "' is in no input",
            "every output letter must name an input axis");
    }
    Labelled result = operands[0];
    for (std::size_t i = 1; i < operands.size(); ++i) {
      std::vector<int> needed = output;
      for (std::size_t later = i + 1; later < operands.size(); ++later)
        needed.insert(needed.end(), operands[later].labels.begin(), operands[later].labels.end());
      result = contract(result, operands[i], needed);
    }
    for (int left : std::vector<int>(result.labels))
      if (std::find(output.begin(), output.end(), left) == output.end()) result.drop(left, true);
    return {result.arranged(output)};
  }
  static Samples samples() {
    return {{Einsum{"ij,jk->ik"}, {sample({2, 3}, -2, 2, 1), sample({3, 4}, -2, 2, 2)}},
            {Einsum{"ij,ik->jk"}, {sample({4, 2}, -2, 2, 1), sample({4, 3}, -2, 2, 2)}},
            {Einsum{"ik,kj->ikj"}, {sample({2, 3}, -2, 2, 1), sample({3, 2}, -2, 2, 2)}},
            {Einsum{"ii->i"}, {sample({3, 3})}},
            {Einsum{"ij"}, {sample({2, 3})}},
            {Einsum{"...ij,...jk->...ik"},
             {sample({2, 1, 2, 3}, -2, 2, 1), sample({3, 3, 2}, -2, 2, 2)}},
            {Einsum{"i,j,ij->"},
             {sample({2}, -2, 2, 1), sample({3}, -2, 2, 2), sample({2, 3}, -2, 2, 3)}}};
  }

 private:
  static std::vector<std::string> split_terms(const std::string& text) {
    std::vector<std::string> terms(1);
    for (char c : text) {
      if (c == ',')
        terms.emplace_back();
      else
        terms.back() += c;
    }
    return terms;
  }
  Error bad_equation(const std::string& why) const {
    return ValueError("equation '" + equation + "': " + why,
                      "write letters for axes: \"ij,jk->ik\"");
  }
  /// The labels of a term; repeated letters are replaced by their diagonal.
  Labelled label(const Tensor& x, const std::string& term, std::map<int, int>& occurrences,
                 int& widest) const {
    Labelled result{x, {}};
    int letters = 0;
    for (char c : term) letters += c != '.';
    for (std::size_t at = 0; at < term.size(); ++at) {
      const char c = term[at];
      if (c == '.') {
        if (term.compare(at, 3, "...") != 0 || term.find('.', at + 3) != term.npos)
          throw bad_equation("'...' must stand whole and once");
        const int covered = x.ndim() - letters;
        if (covered < 0) break;
        widest = std::max(widest, covered);
        for (int k = covered; k > 0; --k) result.labels.push_back(-k);
        at += 2;
      } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
        result.labels.push_back(c);
        ++occurrences[c];
      } else {
        throw bad_equation(std::string("'") + c + "' is not a letter");
      }
    }
    if (static_cast<int>(result.labels.size()) != x.ndim())
      throw ShapeError("term '" + term + "' names " + std::to_string(result.labels.size()) +
                           " axes, the input is " + x.spec().str(),
                       "name each axis by one letter");
    for (std::size_t i = 0; i < result.labels.size(); ++i)
      for (std::size_t j = i + 1; j < result.labels.size();) {
        if (result.labels[i] != result.labels[j]) {
          ++j;
          continue;
        }
        const int twice = result.labels[i];
        if (result.tensor.shape()[static_cast<int>(i)] !=
            result.tensor.shape()[static_cast<int>(j)])
          throw ShapeError("letter '" + std::string(1, static_cast<char>(twice)) +
                               "' names axes of sizes " +
                               std::to_string(result.tensor.shape()[static_cast<int>(i)]) +
                               " and " + std::to_string(result.tensor.shape()[static_cast<int>(j)]),
                           "a repeated letter takes the diagonal of a square");
        result.tensor = diagonal(result.tensor, static_cast<int>(i), static_cast<int>(j), 0);
        result.labels.erase(result.labels.begin() + static_cast<std::ptrdiff_t>(j));
        result.labels.erase(result.labels.begin() + static_cast<std::ptrdiff_t>(i));
        result.labels.push_back(twice);
        j = i + 1;
      }
    return result;
  }
  void check_sizes(const std::vector<Labelled>& operands) const {
    std::map<int, std::int64_t> sizes;
    for (const Labelled& operand : operands)
      for (int name : operand.labels) {
        std::int64_t& known = sizes.try_emplace(name, 1).first->second;
        const std::int64_t size = operand.size_of(name);
        if (known != size && known != 1 && size != 1)
          throw ShapeError((name < 0 ? std::string("'...'")
                                     : "letter '" + std::string(1, static_cast<char>(name)) + "'") +
                               " names axes of sizes " + std::to_string(known) + " and " +
                               std::to_string(size),
                           "axes of one letter must have equal sizes, or 1");
        if (size != 1) known = size;
      }
  }
  std::vector<int> output_labels(const std::string* text, std::size_t arrow,
                                 const std::map<int, int>& occurrences, int widest) const {
    std::vector<int> output;
    auto push_ellipsis = [&] {
      for (int k = widest; k > 0; --k) output.push_back(-k);
    };
    if (!text) {
      push_ellipsis();
      for (const auto& [letter, count] : occurrences)
        if (count == 1) output.push_back(letter);
      return output;
    }
    const std::string term = text->substr(arrow + 2);
    bool has_ellipsis = false;
    for (std::size_t at = 0; at < term.size(); ++at) {
      if (term[at] == '.') {
        if (term.compare(at, 3, "...") != 0 || has_ellipsis)
          throw bad_equation("'...' must stand whole and once");
        push_ellipsis();
        has_ellipsis = true;
        at += 2;
      } else if (std::find(output.begin(), output.end(), term[at]) != output.end()) {
        throw bad_equation(std::string("output letter '") + term[at] + "' stands twice");
      } else {
        output.push_back(term[at]);
      }
    }
    return output;
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
    return sum(diagonal(x, x.ndim() - 2, x.ndim() - 1, k), {-1});
  }
  static Samples samples() {
    return {{TraceOfMatrix{}, {sample({3, 4})}}, {TraceOfMatrix{-1}, {sample({2, 3, 3})}}};
  }
};

}  // namespace op

Tensor matmul(const Tensor& a, const Tensor& b, Place at) {
  return apply(op::Matmul{}, {a, b}, at);
}
Tensor einsum(const std::string& equation, std::span<const Tensor> xs, Place at) {
  return apply(op::Einsum{equation}, xs, at);
}
Tensor outer(const Tensor& a, const Tensor& b, Place at) { return apply(op::Outer{}, {a, b}, at); }
Tensor dot(const Tensor& a, const Tensor& b, Place at) { return apply(op::Dot{}, {a, b}, at); }
Tensor diagonal_sum(const Tensor& x, std::int64_t k, Place at) {
  return apply(op::TraceOfMatrix{k}, {x}, at);
}

std::vector<Op> linear_algebra_ops() {
  using namespace op;
  return {Matmul{}, Einsum{}, Outer{}, Dot{}, TraceOfMatrix{}};
}

}  // namespace gradus
