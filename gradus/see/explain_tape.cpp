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

/// The name of the gradient of a call's output. A sum gives its gradient to both sides as it is, so
/// that of x @ w, to which b is added, is known to the reader by the name of the sum's.
std::pair<std::string, TapeIndex> output_gradient(const Tape& tape, TapeIndex value) {
  const auto& y = at(tape.values, value);
  for (TapeIndex e = y.made_by; y.name.empty() && e < std::ssize(tape.events); ++e) {
    const TapeEvent& sum = at(tape.events, e);
    if (sum.phase != Phase::forward || sum.op != "add" || sum.outputs.size() != 1) continue;
    const bool takes = std::find(sum.inputs.begin(), sum.inputs.end(), value) != sum.inputs.end();
    const TapeValue& z = at(tape.values, sum.outputs[0]);
    if (takes && z.spec.shape == y.spec.shape && z.gradient != none)
      return {tape.name_of(sum.outputs[0]) + ".g", z.gradient};
  }
  return {tape.name_of(value) + ".g", y.gradient};
}

/// The calls whose gradients add up to that of `of`: those that take it, the outermost of each
/// nest, where the backward pass went through.
std::vector<TapeIndex> calls_of(const Tape& tape, TapeIndex of) {
  const auto takes = [&](TapeIndex e) {
    const std::vector<TapeIndex>& inputs = at(tape.events, e).inputs;
    return std::find(inputs.begin(), inputs.end(), of) != inputs.end();
  };
  std::vector<TapeIndex> calls;
  for (TapeIndex e = 0; e < std::ssize(tape.events); ++e) {
    const TapeEvent& event = at(tape.events, e);
    if (event.phase != Phase::forward || event.backward.empty() || !takes(e)) continue;
    TapeIndex outermost = e;
    for (TapeIndex p = event.parent; p != none; p = at(tape.events, p).parent)
      if (takes(p)) outermost = p;
    if (std::find(calls.begin(), calls.end(), outermost) == calls.end()) calls.push_back(outermost);
  }
  return calls;
}

std::string brackets_of(const Ints& index) {
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
  TapeFormula result{gradient, at(tape.values, gradient).gradient_of, {}, {}, {}};
  if (result.of != none) result.events = calls_of(tape, result.of);
  for (const TapeIndex event : result.events) {
    const TapeEvent& call = at(tape.events, event);
    const Op op = op_of(call);
    CallNames names = call_names(op, call.inputs.size(), call.outputs.size());
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
      const auto [name_of_gradient, gradient_of_y] = output_gradient(tape, y);
      add(names.gradients[i], gradient_of_y, name_of_gradient);
    }
    const Terms all = gradient_formulas(op, in, out, names);
    for (std::size_t i = 0; i < all.size(); ++i)  // x * x has the sum of both
      if (call.inputs[i] == result.of && all[i])
        result.term = result.term ? result.term + all[i] : all[i];
  }
  if (!result.term)
    throw ValueError("no call of this tape gives " + plain + " a gradient that has a formula",
                     "why " + plain + ".g[0] follows an element");
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

std::vector<TapeFormula> formulas_asked(const Tape& tape, std::string_view what, TapeIndex tick) {
  if (!what.empty()) return {formula_on_tape(tape, what.substr(0, what.find('[')), tick)};
  std::vector<TapeFormula> all;
  for (const TapeIndex v : tape.results_of(tick)) {
    if (at(tape.values, v).gradient_of == none) continue;
    try {
      all.push_back(formula_on_tape(tape, tape.name_of(v), tick));
    } catch (const Error&) {  // the gradient of the loss itself has no formula
    }
  }
  if (all.empty())
    throw ValueError("t" + std::to_string(at(tape.ticks, tick).number) + " makes no gradient",
                     "name one, w1.g, or go to a tick of the backward pass");
  return all;
}

std::string explain_on_tape(const Elements& elements, std::string_view what, TapeIndex tick,
                            TermStyle style) {
  const Tape& tape = elements.tape();
  ElementName said = parse_element(what);
  const TapeFormula f = formula_on_tape(tape, said.name, tick);
  if (!said.name.ends_with(".g")) said.name += ".g";
  const Shape& shape = at(tape.values, f.gradient).spec.shape;
  std::string text = "WHAT     " + said.name + " = " + write(f.term, style) +
                     ": how much the loss moves per unit of " + tape.name_of(f.of) + "\n";
  for (const TapeIndex event : f.events) {
    const TapeEvent& call = at(tape.events, event);
    text += "WHY      t" + std::to_string(at(tape.ticks, call.tick).number) + ": ";
    for (std::size_t i = 0; i < call.outputs.size(); ++i)
      text += (i ? ", " : "") + tape.name_of(call.outputs[i]);
    text += " = " + call.op + "(";
    for (std::size_t i = 0; i < call.inputs.size(); ++i)
      text += (i ? ", " : "") + tape.name_of(call.inputs[i]);
    text += ")\n";
  }
  text += "SHAPES   " + write(f.term, style, true) + " -> " + shape.str() + ", that of " +
          tape.name_of(f.of) + "\n";
  if (const auto form = einsum_form(f.term)) text += "EINSUM   " + form->str() + "\n";
  text += "LATEX    " + write(f.term, TermStyle::latex) + "\n";
  text += "COST     " + cost_text(gradient_cost(f.term)) + "\n";
  Tensor value;
  try {
    value = elements.of(f.gradient);
  } catch (const ValueError&) {
    return text + "NUMBERS  the tape kept no elements: record it with gradus step --keep full\n";
  }
  const std::vector<double> all = value.to_vector<double>();
  double squares = 0;
  std::size_t zeros_here = 0, largest = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    squares += all[i] * all[i];
    zeros_here += all[i] == 0;
    if (std::fabs(all[i]) > std::fabs(all[largest])) largest = i;
  }
  text += "NUMBERS  L2 " + number(std::sqrt(squares), 5) + ", " +
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
  const std::string element = said.name + (shape.rank() > 0 ? brackets_of(said.index) : "");
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
