// A term: a typed expression of tensors, in which gradients are written on paper.
// The one idea: one tree says everything. It is printed as text, LaTeX and einsum, and it is
// evaluated in f64 by naive loops that share no line with the kernels, so the formula that is shown
// is a second implementation of the gradient.
// Next: term.cpp builds and types, term_value.cpp evaluates, term_print.cpp writes;
// gradient_formula.h has the terms of all operations.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gradus/core/tensor.h>

namespace gradus::see {

/// Elements of a term in row-major order.
struct TermValue {
  Shape shape;
  std::vector<double> elements;
};
using TermValues = std::map<std::string, TermValue>;

enum class TermKind {
  leaf,    ///< a tensor, by name
  number,  ///< `number`, of shape []
  add,     ///< these four broadcast
  sub,
  mul,
  div,
  map,      ///< `name` is a formula of gradus/symbolic in x, y, z: the parts, element by element
  compare,  ///< 1 where it holds, else 0; `name` is the sign
  select,   ///< part 1 where part 0 is not 0, else part 2
  sum,      ///< over the axes `ints`
  unbroadcast,  ///< summed over what broadcasting stretched, to `shape`
  stretch,      ///< broadcast to `shape`
  reshape,
  permute,   ///< axis k of the result is axis ints[k]
  einsum,    ///< `name` is the equation
  position,  ///< the index along axis ints[0]
  part,      ///< ints: axis, start, step
  unpart,    ///< zeros of `shape` with the part filled in; ints as of part
  flip,      ///< along the axes `ints`
  roll,      ///< ints: shift, axis
  cumsum,    ///< ints: axis, 1 for from the end
  gather,    ///< parts: x, index; ints: axis
  scatter,   ///< zeros of `shape`, part 0 added at part 1 along axis ints[0]
  argsort,   ///< ints: axis, 1 for largest first
  softmax,   ///< ints: axis
  others,    ///< product of all other elements over the axes `ints`
};

/// A value: copying shares the tree, which never changes. A default Term is empty: no gradient.
class Term {
 public:
  Term() = default;
  Term(double number);  // NOLINT: numbers are terms

  explicit operator bool() const { return node_ != nullptr; }
  TermKind kind() const;
  const Shape& shape() const;
  const std::string& name() const;
  double number() const;
  const Ints& ints() const;
  const std::vector<Term>& parts() const;
  bool is(TermKind k) const { return node_ && kind() == k; }
  bool is_number(double value) const { return is(TermKind::number) && number() == value; }
  /// The same node over other parts, which must have the shapes of its own.
  Term with_parts(std::vector<Term> parts) const;

  /// The elements where the leaves have these values. Throws NameError for a leaf without one.
  TermValue evaluate(const TermValues& leaves) const;

  struct Node;
  explicit Term(std::shared_ptr<const Node> node) : node_(std::move(node)) {}

 private:
  std::shared_ptr<const Node> node_;
};
using Terms = std::vector<Term>;

// Builders. Shapes are checked as the tree grows: ShapeError.
Term leaf(std::string name, const Shape& shape);
Term operator+(const Term& a, const Term& b);
Term operator-(const Term& a, const Term& b);
Term operator*(const Term& a, const Term& b);
Term operator/(const Term& a, const Term& b);
Term operator-(const Term& a);
/// A formula of x, y, z, "1 - tanh(x)^2"; the parts are leaves or functions, so that it can be
/// read.
Term map(std::string formula, Terms parts);
Term compare(const Term& a, std::string sign, const Term& b);
Term select(const Term& condition, const Term& a, const Term& b);
Term sum_over(const Term& x, Ints axes, bool keep = false);
Term unbroadcast(const Term& x, const Shape& shape);
Term stretch(const Term& x, const Shape& shape);
Term reshaped(const Term& x, const Shape& shape);
Term permuted(const Term& x, Ints order);
Term contraction(std::string equation, Terms parts);
Term position(int axis, const Shape& shape);
Term part(const Term& x, int axis, std::int64_t start, std::int64_t step, std::int64_t count);
Term unpart(const Term& x, const Shape& shape, int axis, std::int64_t start, std::int64_t step);
Term flipped(const Term& x, Ints axes);
Term rolled(const Term& x, std::int64_t shift, int axis);
Term running_sum(const Term& x, int axis, bool from_end);
Term gathered(const Term& x, const Term& index, int axis);
Term scattered(const Term& x, const Term& index, int axis, const Shape& shape);
Term sorting(const Term& x, int axis, bool descending);
Term softmax_of(const Term& x, int axis);
Term product_of_others(const Term& x, Ints axes);

/// A tensor's elements as a term's.
TermValue term_value(const Tensor& x);

enum class TermStyle { ascii, unicode, latex };
/// "x.T @ g", "x\u1d40 \u00b7 g" or "x^{\\top} g"; with shapes on every leaf where asked for.
std::string write(const Term& term, TermStyle style = TermStyle::ascii, bool with_shapes = false);

/// A term as one contraction: number * einsum(equation, factors).
struct EinsumForm {
  double scale = 1;
  std::string equation;
  Terms factors;
  /// Letters of all axes of the term. '0' stands for one of one element that is summed away, which
  /// the equation has not: it is put back afterwards.
  std::string result;
  /// "2 * einsum(\"ni,nj->ij\", x, g)"
  std::string str() const;
};
/// Nothing where the term is no sum of products of whole axes.
std::optional<EinsumForm> einsum_form(const Term& term);

/// Additions and multiplications of the naive evaluation, one each.
double flops(const Term& term);

}  // namespace gradus::see
