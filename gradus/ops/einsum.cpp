// einsum: any sum of products by its letters. Terms are contracted two by two through matmul, so
// that no product is ever written out. Next: loss.cpp.
#include <algorithm>
#include <map>

#include <gradus/ops/elementwise.h>
#include <gradus/ops/registry.h>
#include <gradus/ops/samples.h>

namespace gradus {
namespace op {
namespace {

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
        result.tensor =
            diagonal(result.tensor, 0, static_cast<std::int64_t>(i), static_cast<std::int64_t>(j));
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

}  // namespace op

Tensor einsum(const std::string& equation, std::span<const Tensor> xs, Place at) {
  return apply(op::Einsum{equation}, xs, at);
}

std::vector<Op> einsum_ops() { return {op::Einsum{}}; }

}  // namespace gradus
