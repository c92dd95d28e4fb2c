// What a page is made of; see explain_page.h. explain_page_text.cpp writes it.
#include <gradus/see/explain_page.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <gradus/ops/registry.h>
#include <gradus/see/words.h>

namespace gradus::see {
namespace {

/// "w.T" for a transpose of w that has no name of its own.
std::string name_in_call(const Tape& tape, TapeIndex value) {
  const TapeValue& x = at(tape.values, value);
  if (!x.name.empty() || x.made_by == none) return tape.name_of(value);
  const TapeEvent& maker = at(tape.events, x.made_by);
  const bool is_transpose = maker.op == "permute_dims" && maker.attributes == "axes=1,0";
  return is_transpose ? tape.name_of(maker.inputs[0]) + ".T" : tape.name_of(value);
}

TapeCall call_on_page(const Tape& tape, TapeIndex event) {
  const TapeEvent& call = at(tape.events, event);
  TapeCall one;
  one.tick = "t" + std::to_string(at(tape.ticks, call.tick).number);
  one.op = call.op;
  if (!call.outputs.empty()) one.result = tape.name_of(call.outputs[0]);
  for (std::size_t i = 0; i < call.outputs.size(); ++i)
    one.text += (i ? ", " : "") + tape.name_of(call.outputs[i]);
  one.text += " = " + call.op + "(";
  for (std::size_t i = 0; i < call.inputs.size(); ++i)
    one.text += (i ? ", " : "") + name_in_call(tape, call.inputs[i]);
  one.text += ")";
  one.also = find_op(call.op).card().also;
  return one;
}

/// "each of the 39200 weights of lin1", "each of the 50 numbers of b1", "w".
std::string per_what(const Tape& tape, const TapeFormula& f) {
  const TapeValue& of = at(tape.values, f.of);
  std::string name = tape.name_of(f.of);
  const std::int64_t count = of.spec.shape.numel();
  if (count == 1) return name;
  const TapeEvent& call = at(tape.events, f.events.at(0));
  const bool in_module = of.is_parameter && of.spec.shape.rank() > 1 && !call.scope.empty();
  std::string layer = at(tape.ticks, call.tick).label;
  if (layer.find_first_not_of("0123456789") == layer.npos) layer.insert(0, "layer ");
  return "each of the " + std::to_string(count) + (in_module ? " weights of " : " numbers of ") +
         (in_module ? layer : name);
}

/// The value whose elements a view shows: they are kept once.
TapeIndex shown_by(const Tape& tape, TapeIndex value) {
  static const std::set<std::string> views{"permute_dims", "transpose",    "reshape", "squeeze",
                                           "expand_dims",  "broadcast_to", "flatten"};
  for (TapeIndex maker; at(tape.values, value).name.empty() &&
                        (maker = at(tape.values, value).made_by) != none &&
                        views.contains(at(tape.events, maker).op);)
    value = at(tape.events, maker).inputs[0];
  return value;
}

/// The calls of backward passes that a gradient was made by, its own and those before it.
std::set<TapeIndex> makers_of(const Tape& tape, TapeIndex gradient) {
  std::set<TapeIndex> makers;
  std::vector<TapeIndex> open{gradient};
  while (!open.empty()) {
    const TapeIndex maker = at(tape.values, open.back()).made_by;
    open.pop_back();
    if (maker == none || at(tape.events, maker).phase != Phase::backward) continue;
    if (!makers.insert(maker).second) continue;
    const std::vector<TapeIndex>& inputs = at(tape.events, maker).inputs;
    open.insert(open.end(), inputs.begin(), inputs.end());
  }
  return makers;
}

/// What the backward pass read, for this gradient, of what was there before it: by that the calls'
/// memory is bound.
void count_saved(const Tape& tape, TapeExplanation& page) {
  const std::set<TapeIndex> makers = makers_of(tape, page.formula.gradient);
  std::map<std::int64_t, std::pair<std::int64_t, std::string>> kept;  // by tensor: bytes, name
  const auto differentiate = [&](const TapeEvent& forward) {
    for (const TapeIndex b : forward.backward) {
      if (!makers.contains(b)) continue;
      for (const TapeIndex x : at(tape.events, b).inputs) {
        const TapeValue& value = at(tape.values, x);
        const bool is_older =
            value.made_by == none || at(tape.events, value.made_by).phase != Phase::backward;
        const bool is_constant = value.made_by == none && value.spec.shape.rank() == 0;
        if (!is_older || is_constant || value.gradient_of != none) continue;
        const TapeIndex shown = shown_by(tape, x);
        const TapeValue& whole = at(tape.values, shown);
        kept[whole.tensor] = {
            whole.spec.shape.numel() * static_cast<std::int64_t>(dtype_size(whole.spec.dtype)),
            tape.name_of(shown)};
      }
    }
  };
  for (const TapeIndex e : page.formula.events) {
    const int depth = at(tape.events, e).depth;
    differentiate(at(tape.events, e));
    for (TapeIndex inner = e + 1;
         inner < std::ssize(tape.events) && at(tape.events, inner).depth > depth; ++inner)
      differentiate(at(tape.events, inner));
  }
  std::vector<std::pair<std::int64_t, std::string>> sorted;
  sorted.reserve(kept.size());
  for (const auto& [tensor, one] : kept) sorted.push_back(one);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  for (const auto& [bytes, name] : sorted) {
    page.saved += bytes;
    page.saved_names.push_back(name);
  }
}

Ints unravelled(std::size_t place, const Shape& shape) {
  Ints index(shape.size(), 0);
  for (std::size_t k = shape.size(); k-- > 0;) {
    const auto n = static_cast<std::size_t>(shape[static_cast<int>(k)]);
    index[k] = static_cast<std::int64_t>(place % n);
    place /= n;
  }
  return index;
}

void check_element(const Elements& elements, const TapeFormula& f, TapeElement& element) {
  if (!std::isfinite(element.value)) {
    element.no_slope = "the run has " + number(element.value) + " here, which no slope is equal to";
    return;
  }
  try {
    element.slope = gradient_slope(elements, f.gradient, element.index);
  } catch (const Error& error) {
    element.no_slope = error.problem();
    if (element.no_slope.ends_with("not kept"))
      element.no_slope += elements.tape().level == TapeLevel::full
                              ? " (a larger --budget keeps more)"
                              : " (gradus step --keep full keeps all)";
    return;
  }
  const DType dtype = at(elements.tape().values, f.of).spec.dtype;
  element.fits =
      element.slope->fits(element.slope->judged(element.value), rounding_of(element.reason, dtype));
}

}  // namespace

TapeExplanation explained(const Elements& elements, std::string_view what, TapeIndex tick) {
  const Tape& tape = elements.tape();
  const ElementName said = parse_element(what);
  TapeExplanation page;
  page.formula = formula_on_tape(tape, said.name, tick);
  const TapeFormula& f = page.formula;
  page.name = said.name.ends_with(".g") ? said.name : said.name + ".g";
  page.of = tape.name_of(f.of);
  page.per = per_what(tape, f);
  page.chain = chain_of(tape, f);
  for (const TapeIndex event : f.events) page.calls.push_back(call_on_page(tape, event));
  LeafTypes types;
  for (const auto& [leaf_name, leaf_value] : f.leaves)
    types[leaf_name] = at(tape.values, leaf_value).spec.dtype;
  page.cost = gradient_cost(f.term, types, at(tape.values, f.gradient).spec.dtype);
  count_saved(tape, page);
  Tensor value;
  try {
    value = elements.of(f.gradient);
  } catch (const ValueError&) {  // the tape kept no elements
    return page;
  }
  const std::vector<double> all = value.to_vector<double>();
  double squares = 0;
  std::size_t zeros_here = 0, largest = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    squares += all[i] * all[i];
    zeros_here += all[i] == 0;
    if (magnitude(all[i]) > magnitude(all[largest])) largest = i;
  }
  page.norm = std::sqrt(squares);
  page.zeros =
      static_cast<double>(zeros_here) / static_cast<double>(std::max<std::size_t>(all.size(), 1));
  if (all.empty()) return page;
  const Shape& shape = at(tape.values, f.gradient).spec.shape;
  TapeElement element;
  element.is_largest = said.index.empty() && shape.rank() > 0;
  element.index = element.is_largest ? unravelled(largest, shape) : said.index;
  element.name = page.name;
  if (shape.rank() > 0) element.name += Shape(element.index).str();
  try {
    element.reason = reason_of(elements, element.name, tick);
  } catch (const ValueError& error) {  // the tape kept only some elements
    element.reason.title = asked_element(Chain(elements), elements, element.name, tick).title;
    element.reason.untold = error.problem();
  }
  std::int64_t place = 0;  // what lies outside was refused
  for (std::size_t k = 0; k < element.index.size(); ++k) {
    const std::int64_t size = shape[static_cast<int>(k)];
    if (element.index[k] < 0) element.index[k] += size;
    place = place * size + element.index[k];
  }
  element.value = at(all, place);
  try {
    element.since_update = given_since_update(elements, f.gradient, element.index);
    element.by_formula = element_by_formula(f, elements, element.index);
  } catch (const ValueError&) {  // the same
  }
  check_element(elements, f, element);
  page.element = std::move(element);
  return page;
}

std::string explain_on_tape(const Elements& elements, std::string_view what, TapeIndex tick,
                            TermStyle style) {
  return page_text(explained(elements, what, tick), style);
}

std::string explain(const Elements& elements, const Tensor& x, TermStyle style) {
  const Tape& tape = elements.tape();
  const auto last = static_cast<TapeIndex>(tape.ticks.size()) - 1;
  std::string name = x.defined() ? x.name() : "";
  // A module's parameters have names on the tape alone: known by their elements.
  if (x.defined() && (name.empty() || tape.find(name, last) == none))
    for (TapeIndex v = 0; v < std::ssize(tape.values); ++v) {
      const TapeValue& value = at(tape.values, v);
      if (value.payload && value.payload.storage().data() == x.storage().data() &&
          value.spec == x.spec() && value.gradient_of == none)
        name = tape.name_of(v);
    }
  if (last < 0 || name.empty() || tape.find(name, last) == none)
    throw NameError("this tensor is not on the tape",
                    "record the program that it is part of, or name it: x.set_name(\"x\")");
  return explain_on_tape(elements, name, last, style);
}

}  // namespace gradus::see
