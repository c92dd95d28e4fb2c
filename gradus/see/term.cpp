// Builders of terms: each checks what it is given and says the shape of what it makes.
// Next: term_value.cpp.
#include <gradus/see/term_node.h>

#include <algorithm>

#include <gradus/core/error.h>
#include <gradus/core/shape.h>

namespace gradus::see {
namespace {

Term made(Term::Node node) { return Term(std::make_shared<const Term::Node>(std::move(node))); }

Term arithmetic(TermKind kind, const Term& a, const Term& b) {
  return made({kind, broadcast_shapes(a.shape(), b.shape()), "", 0, {}, {a, b}});
}

}  // namespace

Term::Term(double number)
    : node_(std::make_shared<const Node>(Node{TermKind::number, {}, "", number, {}, {}})) {}
TermKind Term::kind() const { return node_->kind; }
const Shape& Term::shape() const { return node_->shape; }
const std::string& Term::name() const { return node_->name; }
double Term::number() const { return node_->number; }
const Ints& Term::ints() const { return node_->ints; }
const std::vector<Term>& Term::parts() const { return node_->parts; }

Term Term::with_parts(std::vector<Term> parts) const {
  Node node = *node_;
  node.parts = std::move(parts);
  return made(std::move(node));
}

Term leaf(std::string name, const Shape& shape) {
  return made({TermKind::leaf, shape, std::move(name), 0, {}, {}});
}
Term operator+(const Term& a, const Term& b) { return arithmetic(TermKind::add, a, b); }
Term operator-(const Term& a, const Term& b) { return arithmetic(TermKind::sub, a, b); }
Term operator*(const Term& a, const Term& b) {
  if (a.is_number(1)) return b;
  if (b.is_number(1)) return a;
  return arithmetic(TermKind::mul, a, b);
}
Term operator/(const Term& a, const Term& b) {
  return b.is_number(1) ? a : arithmetic(TermKind::div, a, b);
}
Term operator-(const Term& a) { return Term(-1) * a; }

Term map(std::string formula, Terms parts) {
  Shape shape;
  for (const Term& p : parts) shape = broadcast_shapes(shape, p.shape());
  return made({TermKind::map, shape, std::move(formula), 0, {}, std::move(parts)});
}
Term compare(const Term& a, std::string sign, const Term& b) {
  return made(
      {TermKind::compare, broadcast_shapes(a.shape(), b.shape()), std::move(sign), 0, {}, {a, b}});
}
Term select(const Term& condition, const Term& a, const Term& b) {
  const Shape shape = broadcast_shapes(condition.shape(), broadcast_shapes(a.shape(), b.shape()));
  return made({TermKind::select, shape, "", 0, {}, {condition, a, b}});
}

Term sum_over(const Term& x, Ints axes, bool keep) {
  if (axes.empty()) return x;
  std::sort(axes.begin(), axes.end());
  Shape shape = x.shape();
  for (std::size_t k = axes.size(); k-- > 0;) {
    const int axis = static_cast<int>(axes[k]);
    if (keep)
      shape[axis] = 1;
    else
      shape.erase(axis);
  }
  return made({TermKind::sum, shape, "", 0, std::move(axes), {x}});
}
Term unbroadcast(const Term& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  if (!(broadcast_shapes(x.shape(), shape) == x.shape()))
    throw ShapeError(x.shape().str() + " is not " + shape.str() + " stretched",
                     "sum over other axes");
  return made({TermKind::unbroadcast, shape, "", 0, {}, {x}});
}
Term stretch(const Term& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  if (!(broadcast_shapes(x.shape(), shape) == shape))
    throw ShapeError(x.shape().str() + " does not stretch to " + shape.str(), "reshape it first");
  return made({TermKind::stretch, shape, "", 0, {}, {x}});
}
Term reshaped(const Term& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  if (x.shape().numel() != shape.numel())
    throw ShapeError(x.shape().str() + " has not as many elements as " + shape.str(),
                     "sum or stretch it");
  return made({TermKind::reshape, shape, "", 0, {}, {x}});
}
Term permuted(const Term& x, Ints order) {
  if (order.size() != x.shape().size() || std::is_sorted(order.begin(), order.end())) return x;
  if (x.is(TermKind::permute)) {  // twice turned is once turned, or not at all
    for (std::int64_t& axis : order) axis = x.ints()[static_cast<std::size_t>(axis)];
    return permuted(x.parts()[0], std::move(order));
  }
  Shape shape = x.shape();
  for (int k = 0; k < shape.rank(); ++k)
    shape[k] = x.shape()[static_cast<int>(order[static_cast<std::size_t>(k)])];
  if (x.is(TermKind::einsum)) {  // (a b).T is b.T a.T
    const std::size_t arrow = x.name().find("->");
    std::string equation;
    Terms parts(x.parts().rbegin(), x.parts().rend());
    for (const std::string& letters : Equation(x.name(), x.parts()).inputs)
      equation = letters + (equation.empty() ? "" : ",") + equation;
    equation += "->";
    for (const std::int64_t axis : order)
      equation += x.name()[arrow + 2 + static_cast<std::size_t>(axis)];
    return contraction(std::move(equation), std::move(parts));
  }
  return made({TermKind::permute, shape, "", 0, std::move(order), {x}});
}

Term contraction(std::string equation, Terms parts) {
  const Equation read(equation, parts);
  Shape shape;
  for (const char c : read.output) shape.push_back(read.sizes.at(c));
  return made({TermKind::einsum, shape, std::move(equation), 0, {}, std::move(parts)});
}
Term position(int axis, const Shape& shape) {
  return made({TermKind::position, shape, "", 0, {axis}, {}});
}
Term part(const Term& x, int axis, std::int64_t start, std::int64_t step, std::int64_t count) {
  Shape shape = x.shape();
  shape[axis] = count;
  return made({TermKind::part, shape, "", 0, {axis, start, step}, {x}});
}
Term unpart(const Term& x, const Shape& shape, int axis, std::int64_t start, std::int64_t step) {
  return made({TermKind::unpart, shape, "", 0, {axis, start, step}, {x}});
}
Term flipped(const Term& x, Ints axes) {
  return made({TermKind::flip, x.shape(), "", 0, std::move(axes), {x}});
}
Term rolled(const Term& x, std::int64_t shift, int axis) {
  return made({TermKind::roll, x.shape(), "", 0, {shift, axis}, {x}});
}
Term running_sum(const Term& x, int axis, bool from_end) {
  return made({TermKind::cumsum, x.shape(), "", 0, {axis, from_end}, {x}});
}
Term gathered(const Term& x, const Term& index, int axis) {
  return made({TermKind::gather, index.shape(), "", 0, {axis}, {x, index}});
}
Term scattered(const Term& x, const Term& index, int axis, const Shape& shape) {
  return made({TermKind::scatter, shape, "", 0, {axis}, {x, index}});
}
Term sorting(const Term& x, int axis, bool descending) {
  return made({TermKind::argsort, x.shape(), "", 0, {axis, descending}, {x}});
}
Term softmax_of(const Term& x, int axis) {
  return made({TermKind::softmax, x.shape(), "", 0, {axis}, {x}});
}
Term product_of_others(const Term& x, Ints axes) {
  return made({TermKind::others, x.shape(), "", 0, std::move(axes), {x}});
}

Equation::Equation(const std::string& text, const Terms& parts) {
  const std::size_t arrow = text.find("->");
  output = text.substr(arrow + 2);
  inputs.emplace_back();
  for (const char c : text.substr(0, arrow)) {
    if (c == ',')
      inputs.emplace_back();
    else
      inputs.back() += c;
  }
  if (inputs.size() != parts.size())
    throw ShapeError("'" + text + "' has not one term for each tensor", "separate them by commas");
  for (std::size_t p = 0; p < parts.size(); ++p) {
    if (inputs[p].size() != parts[p].shape().size())
      throw ShapeError("'" + inputs[p] + "' does not name the axes of " + parts[p].shape().str(),
                       "one letter for each");
    for (std::size_t k = 0; k < inputs[p].size(); ++k) {
      std::int64_t& size = sizes.try_emplace(inputs[p][k], 1).first->second;
      const std::int64_t here = parts[p].shape()[static_cast<int>(k)];
      if (size != here && size != 1 && here != 1)
        throw ShapeError(std::string("letter '") + inputs[p][k] + "' names two sizes",
                         "equal letters, equal sizes");
      if (here != 1) size = here;
    }
  }
}

}  // namespace gradus::see
