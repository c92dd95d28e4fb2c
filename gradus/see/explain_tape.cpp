// From a gradient's value back to the call that it differentiates; see explain_tape.h.
#include <gradus/see/explain_tape.h>

#include <algorithm>
#include <cmath>

#include <gradus/core/error.h>
#include <gradus/ops/ops.h>
#include <gradus/ops/registry.h>
#include <gradus/see/why.h>
#include <gradus/see/words.h>

namespace gradus::see {
namespace {

/// The operation of an event, with its attributes: "axis=0 keepdims=false".
Op op_of(const TapeEvent& event) {
  Op op = find_op(event.op);
  const std::string text = " " + event.attributes;
  std::vector<std::pair<std::size_t, std::string>> starts;
  for (const AttributeInfo& a : op.attributes()) {
    const std::size_t found = text.find(" " + std::string(a.name) + "=");
    if (found != text.npos) starts.emplace_back(found, std::string(a.name));
  }
  std::sort(starts.begin(), starts.end());
  for (std::size_t k = 0; k < starts.size(); ++k) {
    const std::size_t begin = starts[k].first + starts[k].second.size() + 2;
    const std::size_t end = k + 1 < starts.size() ? starts[k + 1].first : text.size();
    const std::string value = text.substr(begin, end - begin);
    if (value != "none") op = op.with(starts[k].second, value);
  }
  return op;
}

/// The gradient of a call's output: its own value, or that of the copies that pass it on.
TapeIndex gradient_of(const Tape& tape, TapeIndex value) { return at(tape.values, value).gradient; }

/// The forward call behind a gradient: the twin of the event that made it, copies left out.
TapeIndex forward_call(const Tape& tape, TapeIndex gradient, TapeIndex of) {
  for (TapeIndex value = gradient; value != none;) {
    const TapeIndex made = at(tape.values, value).made_by;
    if (made == none) return none;
    const TapeEvent& event = at(tape.events, made);
    for (TapeIndex twin = event.twin; twin != none; twin = at(tape.events, twin).parent) {
      const TapeEvent& call = at(tape.events, twin);
      if (std::find(call.inputs.begin(), call.inputs.end(), of) != call.inputs.end() &&
          has_gradient_formula(find_op(call.op)))
        return twin;
    }
    if (event.inputs.size() != 1) return none;  // no copy, and not of a call of this tensor
    value = event.inputs[0];
  }
  return none;
}

std::string index_text(const Ints& index) {
  std::string text;
  for (const std::int64_t i : index) text += (text.empty() ? "" : ",") + std::to_string(i);
  return "[" + text + "]";
}

}  // namespace

TapeFormula formula_on_tape(const Tape& tape, std::string_view name, TapeIndex tick) {
  std::string plain(name);
  if (plain.ends_with(".g")) plain.resize(plain.size() - 2);
  const TapeIndex gradient = tape.find(plain + ".g", tick);
  if (gradient == none) {
    const std::string near = nearest(plain + ".g", tape.names(tick));
    throw NameError("there is no gradient '" + plain + ".g' here",
                    near.empty() ? "go behind the backward pass" : "did you mean '" + near + "'?");
  }
  const TapeIndex of = at(tape.values, gradient).gradient_of;
  const TapeIndex event = of == none ? none : forward_call(tape, gradient, of);
  if (event == none)
    throw ValueError(plain +
                         ".g is no gradient of one call: several calls or a rule without a "
                         "formula made it",
                     "why " + plain + ".g[0] follows an element");
  const TapeEvent& call = at(tape.events, event);
  TapeFormula result{gradient, of, event, op_of(call), {}, {}};
  CallNames names = call_names(result.op, call.inputs.size(), call.outputs.size());
  std::vector<Shape> in, out;
  const auto add = [&](std::string& formal, TapeIndex value, const std::string& actual) {
    formal = actual;
    if (value != none) result.leaves[actual] = value;
  };
  for (std::size_t i = 0; i < call.inputs.size(); ++i) {
    in.push_back(at(tape.values, call.inputs[i]).spec.shape);
    add(names.inputs[i], call.inputs[i], tape.name_of(call.inputs[i]));
  }
  for (std::size_t i = 0; i < call.outputs.size(); ++i) {
    const TapeIndex y = call.outputs[i];
    out.push_back(at(tape.values, y).spec.shape);
    add(names.outputs[i], y, tape.name_of(y));
    add(names.gradients[i], gradient_of(tape, y), tape.name_of(y) + ".g");
  }
  const Terms all = gradient_formulas(result.op, in, out, names);
  for (std::size_t i = 0; i < all.size(); ++i)
    if (call.inputs[i] == of) {
      // Used twice in one call: x * x has the sum of both.
      if (all[i]) result.term = result.term ? result.term + all[i] : all[i];
    }
  if (!result.term)
    throw ValueError(plain + " gets no gradient from " + call.op, "explain another input");
  return result;
}

std::optional<double> element_by_formula(const TapeFormula& formula, const Elements& elements,
                                         const Ints& index, double most) {
  // The gradient of the loss itself is 1 and may be no value of the tape.
  const auto tensor_of = [&](const std::string& name, const Shape& shape) -> std::optional<Tensor> {
    const auto found = formula.leaves.find(name);
    if (found != formula.leaves.end()) return elements.of(found->second);
    if (name.ends_with(".g") && shape.numel() == 1) return ones(shape.to_vector(), DType::f64);
    return std::nullopt;
  };
  const auto leaves_of = [&](const auto& self, const Term& t, TermValues& values) -> bool {
    if (t.is(TermKind::leaf)) {
      const std::optional<Tensor> x = tensor_of(t.name(), t.shape());
      if (x) values[t.name()] = term_value(*x);
      return x.has_value();
    }
    for (const Term& p : t.parts())
      if (!self(self, p, values)) return false;
    return true;
  };
  const auto size_of = [](const auto& self, const Term& t) -> double {
    double size = static_cast<double>(t.shape().numel());
    for (const Term& p : t.parts()) size += self(self, p);
    return size;
  };
  if (flops(formula.term) <= most && size_of(size_of, formula.term) <= most) {
    TermValues values;
    if (!leaves_of(leaves_of, formula.term, values)) return std::nullopt;
    const TermValue all = formula.term.evaluate(values);
    std::int64_t place = 0;
    for (int k = 0; k < all.shape.rank(); ++k) place = place * all.shape[k] + at(index, k);
    return at(all.elements, place);
  }
  const std::optional<EinsumForm> form = einsum_form(formula.term);
  if (!form) return std::nullopt;
  const std::size_t arrow = form->equation.find("->");
  const std::string output = form->equation.substr(arrow + 2);
  std::string equation, letters = form->equation.substr(0, arrow) + ",";
  TermValues values;
  Terms factors;
  for (std::size_t p = 0; p < form->factors.size(); ++p) {
    const Term& f = form->factors[p];
    if (!f.is(TermKind::leaf)) return std::nullopt;
    std::optional<Tensor> x = tensor_of(f.name(), f.shape());
    if (!x) return std::nullopt;
    const std::string own = letters.substr(0, letters.find(','));
    letters.erase(0, own.size() + 1);
    std::string left;
    for (std::size_t k = 0; k < own.size(); ++k) {
      const std::size_t fixed = output.find(own[k]);
      const int axis = static_cast<int>(left.size());
      if (fixed == output.npos) {
        left += own[k];
        continue;
      }
      const std::int64_t i = x->shape()[axis] == 1 ? 0 : index[fixed];
      x = squeeze(slice(*x, axis, i, i + 1), {axis});
    }
    equation += (p ? "," : "") + left;
    const std::string name = "f" + std::to_string(p);
    factors.push_back(leaf(name, x->shape()));
    values[name] = term_value(x->detach());
  }
  const Term one = contraction(equation + "->", factors);
  if (flops(one) > most) return std::nullopt;
  return form->scale * one.evaluate(values).elements[0];
}

std::string explain_on_tape(const Elements& elements, std::string_view what, TapeIndex tick,
                            TermStyle style) {
  const Tape& tape = elements.tape();
  ElementName said = parse_element(what);
  const TapeFormula f = formula_on_tape(tape, said.name, tick);
  if (!said.name.ends_with(".g")) said.name += ".g";
  const TapeEvent& call = at(tape.events, f.event);
  const Shape& shape = at(tape.values, f.gradient).spec.shape;
  std::string text = "WHAT     " + said.name + " = " + write(f.term, style) +
                     ": how much the loss moves per unit of " + tape.name_of(f.of) + "\n";
  text += "WHY      t" + std::to_string(at(tape.ticks, call.tick).number) + ": " + call.op + "(";
  for (std::size_t i = 0; i < call.inputs.size(); ++i)
    text += (i ? ", " : "") + tape.name_of(call.inputs[i]);
  text += ") = " + tape.name_of(call.outputs.at(0)) + "; the rule of " + call.op + "\n";
  text += "SHAPES   " + write(f.term, style, true) + " -> " + shape.str() + ", that of " +
          tape.name_of(f.of) + "\n";
  if (const auto form = einsum_form(f.term)) text += "EINSUM   " + form->str() + "\n";
  text += "LATEX    " + write(f.term, TermStyle::latex) + "\n";
  const Tensor value = elements.of(f.gradient);
  const std::vector<double> all = value.to_vector<double>();
  double squares = 0;
  std::size_t zeros_here = 0, largest = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    squares += all[i] * all[i];
    zeros_here += all[i] == 0;
    if (std::fabs(all[i]) > std::fabs(all[largest])) largest = i;
  }
  text += "NUMBERS  L2 " + number(std::sqrt(squares)) + ", " +
          number(100.0 * static_cast<double>(zeros_here) /
                     static_cast<double>(std::max<std::size_t>(all.size(), 1)),
                 3) +
          "% zero\n";
  if (all.empty()) return text;
  const bool is_largest = said.index.empty() && shape.rank() > 0;
  if (is_largest) {
    said.index.assign(shape.size(), 0);
    for (std::size_t k = shape.size(), rest = largest; k-- > 0;) {
      const auto n = static_cast<std::size_t>(shape[static_cast<int>(k)]);
      said.index[k] = static_cast<std::int64_t>(rest % n);
      rest /= n;
    }
  }
  const std::string element = said.name + (shape.rank() > 0 ? index_text(said.index) : "");
  text += std::string(is_largest ? "LARGEST  " : "ELEMENT  ") + why(elements, element, tick);
  Ints index = said.index;  // why() has refused what lies outside
  for (std::size_t k = 0; k < index.size(); ++k)
    if (index[k] < 0) index[k] += shape[static_cast<int>(k)];
  std::int64_t place = 0;
  for (int k = 0; k < shape.rank(); ++k) place = place * shape[k] + at(index, k);
  const double ours = at(all, place);
  if (const auto paper = element_by_formula(f, elements, index)) {
    const double apart = std::fabs(*paper - ours) / std::max(std::fabs(*paper), 1e-300);
    text += "FORMULA  in f64 " + element + " = " + number(*paper, 9) + "; the run has " +
            number(ours, 9) + ", rel " + number(*paper == ours ? 0 : apart, 2) + "\n";
  }
  return text;
}

}  // namespace gradus::see
