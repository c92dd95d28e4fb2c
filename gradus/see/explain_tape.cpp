// From a gradient's value back to the call that it differentiates; see explain_tape.h.
#include <gradus/see/explain_tape.h>

#include <algorithm>
#include <cmath>

#include <gradus/core/error.h>
#include <gradus/ops/ops.h>
#include <gradus/see/tape_replay.h>
#include <gradus/see/term_views.h>
#include <gradus/see/words.h>

namespace gradus::see {
namespace {

/// The value by whose name the gradient of a call's output is known. A sum gives its gradient to
/// both sides as it is, so that of x @ w, to which b is added, is known to the reader as the sum's.
TapeIndex owner_of_gradient(const Tape& tape, TapeIndex value) {
  const auto& y = at(tape.values, value);
  for (TapeIndex e = y.made_by; y.name.empty() && e < std::ssize(tape.events); ++e) {
    const TapeEvent& sum = at(tape.events, e);
    if (sum.phase != Phase::forward || sum.op != "add" || sum.outputs.size() != 1) continue;
    const bool takes = std::find(sum.inputs.begin(), sum.inputs.end(), value) != sum.inputs.end();
    const TapeValue& z = at(tape.values, sum.outputs[0]);
    if (takes && z.spec.shape == y.spec.shape && z.gradient != none) return sum.outputs[0];
  }
  return value;
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
    if (event.phase != Phase::forward || !takes(e)) continue;
    // A sum hands its gradient on as it is, without a call.
    const bool was_passed = !event.backward.empty() ||
                            std::any_of(event.outputs.begin(), event.outputs.end(), [&](auto y) {
                              return at(tape.values, y).gradient != none;
                            });
    if (!was_passed) continue;
    TapeIndex outermost = e;
    for (TapeIndex p = event.parent; p != none; p = at(tape.events, p).parent)
      if (takes(p)) outermost = p;
    if (std::find(calls.begin(), calls.end(), outermost) == calls.end()) calls.push_back(outermost);
  }
  return calls;
}

/// A layer that multiplies by w.T makes a transpose that the reader has no name for, a loss of
/// out[:,0] another view: the formula of its gradient, turned back, is that of w's, of out's.
/// Nothing where `formula` is no such thing.
std::optional<TapeFormula> through_view(const Tape& tape, const TapeFormula& formula) {
  const bool is_turned = formula.term.is(TermKind::permute);
  if (formula.events.size() != 1 || (!is_turned && !formula.term.is(TermKind::reshape)))
    return std::nullopt;
  const TapeValue& turned = at(tape.values, at(tape.events, formula.events[0]).outputs.at(0));
  const bool is_gradient_alone = formula.term.parts()[0].is(TermKind::leaf);
  if (!is_gradient_alone || !turned.name.empty() || turned.gradient == none) return std::nullopt;
  try {
    TapeFormula through =
        formula_of(tape, turned.gradient, at(tape.events, formula.events[0]).outputs[0]);
    const auto turn_back = [&](const Term& term) {
      return is_turned ? permuted(term, formula.term.ints()) : moved_in(term, formula.term.shape());
    };
    for (Term& term : through.terms)
      if (term) term = turn_back(term);
    through.term = turn_back(through.term);
    through.gradient = formula.gradient;
    through.of = formula.of;
    return through;
  } catch (const Error&) {  // a call without a formula behind it
    return std::nullopt;
  }
}

/// A sum that goes without saying what is 0.
Term plus(const Term& sum, const Term& more) { return !sum ? more : !more ? sum : sum + more; }

std::size_t nodes_of(const Term& t) {
  std::size_t count = 1;
  for (const Term& p : t.parts()) count += nodes_of(p);
  return count;
}

/// A number in another shape, or a fraction of two; as a number or a fraction of shape [].
Term constant_in(const Term& t) {
  const auto of_part = [&](std::size_t k) { return constant_in(t.parts()[k]); };
  if (t.is(TermKind::number)) return t;
  if (t.is(TermKind::stretch) || t.is(TermKind::reshape)) return of_part(0);
  if (!t.is(TermKind::div) || !of_part(0).is(TermKind::number) || !of_part(1).is(TermKind::number))
    return {};
  return of_part(0) / of_part(1);
}

/// The same kind of node over other parts, where a factor of 1 goes and numbers meet.
Term rebuilt(const Term& t, Terms parts) {
  Term same = t.with_parts(parts);
  if (const Term number = constant_in(same)) return stretch(number, t.shape());
  if (!t.is(TermKind::mul)) return same;
  for (const std::size_t k : {std::size_t{0}, std::size_t{1}}) {
    const Term number = constant_in(parts[k]), other = parts[1 - k];
    if (!number || !(other.shape() == t.shape())) continue;
    // 1/300 * (2 * x) is 2/300 * x.
    if (number.is(TermKind::div) && other.is(TermKind::mul) &&
        other.parts()[0].is(TermKind::number) && other.parts()[1].shape() == t.shape())
      return Term(number.parts()[0].number() * other.parts()[0].number()) / number.parts()[1] *
             other.parts()[1];
    return number * other;
  }
  return same;
}

/// Puts the formula of each gradient in its place, up to the loss.
struct ChainOfTerms {
  const Tape& tape;
  std::map<TapeIndex, Term> known{};  // by whose gradient it is

  Term through(const TapeFormula& formula, int depth) {
    return replaced(formula.term, formula, depth);
  }
  Term replaced(const Term& t, const TapeFormula& formula, int depth) {
    if (t.is(TermKind::leaf)) return of_leaf(t, formula, depth);
    Terms parts;
    for (const Term& p : t.parts()) parts.push_back(replaced(p, formula, depth));
    return parts.empty() ? t : rebuilt(t, std::move(parts));
  }
  Term of_leaf(const Term& t, const TapeFormula& formula, int depth) {
    if (!t.name().ends_with(".g")) return t;
    const auto value = formula.leaves.find(t.name());
    if (value == formula.leaves.end() || is_seed(value->second))
      return t.shape().numel() == 1 ? reshaped(Term(1), t.shape()) : t;
    if (depth == 0) return t;
    const TapeIndex of = formula.owners.at(t.name());
    if (const auto found = known.find(of); found != known.end()) return found->second;
    try {
      const TapeFormula inner = formula_of(tape, value->second, of);
      Term whole = through(inner, depth - 1);
      // The chain of a deep net is no line to read: what is too long stays a gradient.
      if (nodes_of(whole) > most_nodes || !(whole.shape() == t.shape())) whole = t;
      return known[of] = whole;
    } catch (const Error&) {  // a call without a formula
      return known[of] = t;
    }
  }
  /// The 1 that the backward pass begins with.
  bool is_seed(TapeIndex gradient) const {
    const TapeValue& g = at(tape.values, gradient);
    if (g.gradient_of == none || (g.statistics && g.statistics->mean != 1)) return false;
    const TapeIndex tick = tape.tick_of_value(g.gradient_of);
    return tape.loss_of(at(tape.ticks, tick).step) == g.gradient_of;
  }
  static constexpr std::size_t most_nodes = 60;
};

/// The gradients of a step, those of weights first, then of other parameters, each from the first
/// layer on; without the loss's, which is 1.
std::vector<std::string> explainable_gradients(const Tape& tape, TapeIndex tick) {
  const TapeIndex step = at(tape.ticks, tick).step, end = tape.ticks_of(step).second - 1;
  std::vector<std::string> all = tape.names(end);
  const auto value_of = [&](const std::string& name) {
    return tape.find(name.substr(0, name.size() - 2), end);
  };
  std::erase_if(all, [&](const std::string& one) {
    return !one.ends_with(".g") || value_of(one) == none || value_of(one) == tape.loss_of(step);
  });
  std::reverse(all.begin(), all.end());  // the backward pass came to the first layer last
  const auto rank = [&](const std::string& one) {
    const TapeValue& v = at(tape.values, value_of(one));
    return v.is_parameter ? 1 + (v.spec.shape.rank() > 1) : 0;
  };
  std::stable_sort(all.begin(), all.end(),
                   [&](const std::string& a, const std::string& b) { return rank(a) > rank(b); });
  return all;
}
std::string gradient_to_name(const Tape& tape, TapeIndex tick) {
  const std::vector<std::string> all = explainable_gradients(tape, tick);
  return all.empty() ? "w1.g" : all.front();
}

}  // namespace

TapeFormula formula_on_tape(const Tape& tape, std::string_view name, TapeIndex tick) {
  std::string plain(name);
  if (plain.ends_with(".g")) plain.resize(plain.size() - 2);
  const TapeIndex gradient = tape.find(plain + ".g", tick), itself = tape.find(plain, tick);
  if (itself != none && tape.loss_of(at(tape.ticks, tick).step) == itself &&
      at(tape.values, itself).spec.shape.numel() == 1)
    throw ValueError(
        plain + ".g is 1: the backward pass starts there",
        "name a parameter, or what was computed from one: " + gradient_to_name(tape, tick));
  if (gradient != none) {
    const TapeIndex of = itself;
    const bool is_its = of != none && at(tape.values, of).gradient == gradient;
    return formula_of(tape, gradient, is_its ? of : none);
  }
  if (const TapeIndex there = comes_at(tape, plain + ".g", tick); there != none)
    throw NameError("there is no " + plain + ".g here yet",
                    "it comes at " + time_text(tape, plain + ".g", there, tick));
  const std::vector<std::string> gradients = explainable_gradients(tape, tick);
  const std::string problem = "there is no gradient '" + std::string(name) + "' here";
  if (gradients.empty()) throw NameError(problem, "go behind the backward pass");
  // Where the tape ends inside a backward pass, that may still come to it.
  const TapeTick& latest = tape.ticks.back();
  const bool is_running =
      latest.phase == Phase::backward && latest.step == at(tape.ticks, tick).step;
  if (tape.find(plain, tick) != none)
    throw NameError(plain +
                        (is_running ? " has no gradient so far: the backward pass has not gone"
                                    : " has no gradient: the backward pass did not go") +
                        " through it",
                    "name a parameter, or what was computed from one: " + gradients.front());
  const std::string near = nearest(plain + ".g", gradients);
  throw NameError(problem, near.empty() ? "name a parameter, or what was computed from one: " +
                                              gradients.front()
                                        : "did you mean '" + near + "'?");
}

TapeFormula formula_of(const Tape& tape, TapeIndex gradient, TapeIndex of) {
  TapeFormula result;
  result.gradient = gradient;
  result.of = of != none ? of : at(tape.values, gradient).gradient_of;
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
      const TapeIndex owner = owner_of_gradient(tape, y);
      const std::string name = tape.name_of(owner) + ".g";
      add(names.gradients[i], at(tape.values, owner).gradient, name);
      result.owners[name] = owner;
    }
    const Terms all = gradient_formulas(op, in, out, names);
    Term here;
    for (std::size_t i = 0; i < all.size(); ++i)  // x * x has the sum of both
      if (call.inputs[i] == result.of) here = plus(here, all[i]);
    if (here) here = over_what_is_seen(tape, here, result.leaves);
    result.terms.push_back(here);
    result.term = plus(result.term, here);
  }
  const std::string plain = result.of == none ? tape.name_of(gradient) : tape.name_of(result.of);
  const Shape& shape = at(tape.values, gradient).spec.shape;
  if (!result.term)
    throw ValueError("no call of this tape gives " + plain + " a gradient that has a formula",
                     "why " + plain + ".g" +
                         (shape.rank() == 0 ? "" : index_text(Ints(shape.size(), 0))) +
                         " follows an element");
  return through_view(tape, result).value_or(result);
}

Term chain_of(const Tape& tape, const TapeFormula& formula) {
  return ChainOfTerms{tape}.through(formula, 64);
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
  const std::string& output = form->result;
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

}  // namespace gradus::see
