// Following an element back through the calls that made it; see why.h.
#include <gradus/see/why.h>
#include <gradus/see/words.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace gradus::see {
namespace {

constexpr std::int64_t running = -1;  // the index that a sum runs over, in place of a number

std::string signed_number(double v) {
  char text[40];
  std::snprintf(text, sizeof text, "%+.4g", v);
  return text;
}

/// An element of a value; one entry of the index may be `running`.
struct Element {
  TapeIndex value;
  Ints index;
};

struct Factor {
  std::string text;
  double value;
};

class Chain {
 public:
  explicit Chain(const Elements& elements) : elements_(elements), tape_(elements.tape()) {}

  double read(const Element& e, std::int64_t n = 0) const {
    const Tensor x = elements_.of(e.value);
    std::int64_t position = x.layout().offset;
    for (std::size_t i = 0; i < e.index.size(); ++i)
      position += (e.index[i] == running ? n : e.index[i]) * x.strides()[static_cast<int>(i)];
    return dispatch(x.dtype(), [&]<class T>() {
      return static_cast<double>(reinterpret_cast<const T*>(x.storage().data())[position]);
    });
  }
  const Shape& shape(TapeIndex value) const { return at(tape_.values, value).spec.shape; }
  const TapeEvent* maker(TapeIndex value) const {
    const TapeIndex event = at(tape_.values, value).made_by;
    return event == none ? nullptr : &at(tape_.events, event);
  }

  std::string label(const Element& e) const {
    std::string text = tape_.name_of(e.value);
    if (e.index.empty()) return text;
    text += "[";
    for (std::size_t i = 0; i < e.index.size(); ++i)
      text += (i ? "," : "") + (e.index[i] == running ? "n" : std::to_string(e.index[i]));
    return text + "]";
  }

  /// The element of the call's input that this one is a copy of; none where it was computed.
  std::optional<Element> source(const Element& e) const {
    const TapeEvent* event = maker(e.value);
    if (!event || event->inputs.empty() || event->target != none) return std::nullopt;
    const Element in{event->inputs[0], {}};
    const Shape &from = shape(in.value), &to = shape(e.value);
    const std::string& op = event->op;
    if (op == "clone" || op == "contiguous" || (op == "sum_to" && from == to))
      return Element{in.value, e.index};
    if (op == "permute_dims") return permuted(e, in.value, event->attributes);
    if (op == "reshape" || op == "squeeze" || op == "expand_dims") return reshaped(e, in.value);
    if (op == "broadcast_to") return broadcast(e, in.value);
    return std::nullopt;
  }
  /// The same through any number of copies, as long as the name stays unknown to the reader.
  Element traced(Element e, bool at_least_once) const {
    for (bool first = at_least_once; first || at(tape_.values, e.value).name.empty();
         first = false) {
      if (!first && at(tape_.values, e.value).gradient_of != none) break;
      const std::optional<Element> next = source(e);
      if (!next) break;
      e = *next;
    }
    return e;
  }
  std::optional<Element> broadcast(const Element& e, TapeIndex input) const {
    const Shape& small = shape(input);
    const std::size_t more = e.index.size() - static_cast<std::size_t>(small.rank());
    Element result{input, {}};
    for (int i = 0; i < small.rank(); ++i)
      result.index.push_back(small[i] == 1 ? 0 : e.index[static_cast<std::size_t>(i) + more]);
    return result;
  }

  /// The same where the input's shape allows it at all.
  std::optional<Element> same_place(const Element& e, TapeIndex input) const {
    const Shape &small = shape(input), &large = shape(e.value);
    if (small.rank() > large.rank()) return std::nullopt;
    for (int i = 1; i <= small.rank(); ++i)
      if (small[small.rank() - i] != 1 && small[small.rank() - i] != large[large.rank() - i])
        return std::nullopt;
    return broadcast(e, input);
  }

  std::vector<Factor> factors(const Element& given, std::int64_t n, int depth = 0) const {
    const Element e = traced(given, false);
    const TapeEvent* event = maker(e.value);
    const double value = read(e, n);
    const std::string name = tape_.name_of(e.value);
    const auto plain = [&](const std::string& text) { return std::vector<Factor>{{text, value}}; };
    const auto numbered = [&](Element x) {
      for (std::int64_t& i : x.index) i = i == running ? n : i;
      return label(x);
    };
    if (!event || depth > 12 || event->phase != Phase::backward) return plain(numbered(e));
    // The chain begins where the loss was differentiated.
    const TapeTick& tick = at(tape_.ticks, event->tick);
    const TapeIndex loss = tape_.loss_of(tick.step);
    if (name.ends_with(".g") && loss != none && tick.twin == tape_.tick_of_value(loss))
      return plain("dloss/d" + name.substr(0, name.size() - 2));
    if (event->op == "astype" && event->twin != none &&
        at(tape_.values, event->inputs[0]).spec.dtype == DType::boolean) {
      const Element before{at(tape_.events, event->twin).inputs[0], e.index};
      return {{"gate", value},
              {"(" + tape_.name_of(before.value) + " = " + number(read(before, n), 4) + ")",
               std::nan("")}};
    }
    if (event->op == "mul" && event->inputs.size() == 2) return joined(*event, e, n, depth);
    if (event->op == "matmul" && e.index.size() == 2 && shape(event->inputs[0]).rank() == 2 &&
        shape(event->inputs[0])[1] == 1) {
      std::vector<Factor> all = factors({event->inputs[0], {e.index[0], 0}}, n, depth + 1);
      for (Factor& f : factors({event->inputs[1], {0, e.index[1]}}, n, depth + 1))
        all.push_back(std::move(f));
      return all;
    }
    return plain(numbered(e));
  }

 private:
  std::vector<Factor> joined(const TapeEvent& event, const Element& e, std::int64_t n,
                             int depth) const {
    std::vector<Factor> all;
    for (const TapeIndex input : event.inputs)
      for (Factor& f : factors(*broadcast(e, input), n, depth + 1)) all.push_back(std::move(f));
    return all;
  }
  std::optional<Element> permuted(const Element& e, TapeIndex input,
                                  const std::string& attributes) const {
    // "axes=1,0"
    Ints axes;
    const char* at_text = attributes.data() + attributes.find('=') + 1;
    const char* end = attributes.data() + attributes.size();
    while (at_text < end) {
      std::int64_t axis = 0;
      const auto [next, error] = std::from_chars(at_text, end, axis);
      if (error != std::errc()) return std::nullopt;
      axes.push_back(axis < 0 ? axis + static_cast<std::int64_t>(e.index.size()) : axis);
      at_text = next + 1;
    }
    if (axes.size() != e.index.size()) return std::nullopt;
    Element result{input, Ints(e.index.size())};
    for (std::size_t i = 0; i < axes.size(); ++i) at(result.index, axes[i]) = e.index[i];
    return result;
  }
  std::optional<Element> reshaped(const Element& e, TapeIndex input) const {
    const Shape &from = shape(input), &to = shape(e.value);
    Ints sizes, kept;
    for (int i = 0; i < to.rank(); ++i)
      if (to[i] != 1) {
        sizes.push_back(to[i]);
        kept.push_back(e.index[static_cast<std::size_t>(i)]);
      }
    Element result{input, {}};
    std::size_t k = 0;
    for (int i = 0; i < from.rank(); ++i) {
      if (from[i] != 1 && (k >= sizes.size() || sizes[k] != from[i])) return std::nullopt;
      result.index.push_back(from[i] == 1 ? 0 : kept[k]);
      k += from[i] != 1;
    }
    return k == sizes.size() ? std::optional(result) : std::nullopt;
  }

  const Elements& elements_;
  const Tape& tape_;
};

std::string chain_text(const std::vector<Factor>& factors) {
  std::string text;
  double product = 1;
  for (const Factor& f : factors) {
    if (std::isnan(f.value) && f.text.starts_with("(")) {  // a remark
      text += " " + f.text;
      continue;
    }
    product *= f.value;
    text += (text.empty() ? "" : " * ") + f.text + " " + number(f.value, 5);
  }
  char total[40];
  std::snprintf(total, sizeof total, "%+.5g", product);
  return text + " = " + total;
}

/// The element as a sum of products: what each side reads at n.
std::string sum_text(const Chain& chain, const Elements& elements, TapeIndex tick,
                     const std::vector<Element>& sides, std::int64_t count,
                     const std::string& head) {
  std::vector<std::pair<double, std::int64_t>> terms(static_cast<std::size_t>(count));
  std::int64_t not_zero = 0;
  for (std::int64_t n = 0; n < count; ++n) {
    double term = 1;
    for (const Element& side : sides) term *= chain.read(side, n);
    terms[static_cast<std::size_t>(n)] = {term, n};
    not_zero += term != 0;
  }
  std::string text = head + " = sum over n of ";
  for (std::size_t i = 0; i < sides.size(); ++i)
    text += (i ? "*" : "") + chain.label(chain.traced(sides[i], false));
  text += "; " + std::to_string(not_zero) + " of " + std::to_string(count) + " terms are not 0\n";
  const double first = terms.empty() ? 0 : terms[0].first;
  const auto shown = std::min<std::size_t>(3, terms.size());
  std::partial_sort(terms.begin(), terms.begin() + static_cast<std::ptrdiff_t>(shown), terms.end(),
                    [&](const auto& a, const auto& b) {
                      return std::fabs(a.first) != std::fabs(b.first)
                                 ? std::fabs(a.first) > std::fabs(b.first)
                                 : a.second < b.second;
                    });
  // A label says more than a row number, where there is one for each row.
  const TapeIndex y = elements.tape().find("y", tick);
  const bool has_labels = y != none && chain.shape(y).rank() == 1 && chain.shape(y)[0] == count;
  text += "  largest:";
  for (std::size_t i = 0; i < shown; ++i) {
    const auto [term, n] = terms[i];
    text += std::string(i ? "   " : " ") + "n=" + std::to_string(n);
    if (has_labels) text += " (y=" + number(chain.read({y, {n}}), 5) + ")";
    if (i == 0 && sides.size() > 1)
      for (std::size_t k = 0; k < sides.size(); ++k)
        text += (k ? "*" : " ") + number(chain.read(sides[k], n), 5);
    text += (i == 0 && sides.size() > 1 ? " = " : " ") + signed_number(term);
  }
  text += "\n";
  if (terms.empty()) return text;
  const std::int64_t row = first != 0 ? 0 : terms[0].second;
  std::vector<Factor> factors;
  for (auto side = sides.rbegin(); side != sides.rend(); ++side)
    for (Factor& f : chain.factors(*side, row)) factors.push_back(std::move(f));
  return text + "  n=" + std::to_string(row) + ": " + chain_text(factors) + "\n";
}

}  // namespace

ElementName parse_element(std::string_view text) {
  const auto fail = [&] {
    throw ValueError("'" + std::string(text) + "' is no element",
                     "say name[row,column]: w1.g[3,2]");
  };
  std::string plain;
  for (const char c : text)
    if (c != ' ') plain += c;
  const std::size_t open = plain.find('[');
  ElementName element{plain.substr(0, open), {}};
  if (element.name.empty()) fail();
  if (open == plain.npos) return element;
  if (plain.back() != ']') fail();
  const char *begin = plain.data() + open + 1, *end = plain.data() + plain.size() - 1;
  while (begin < end) {
    std::int64_t i = 0;
    const auto [next, error] = std::from_chars(begin, end, i);
    if (error != std::errc() || (next != end && *next != ',') || next + 1 == end) fail();
    element.index.push_back(i);
    begin = next + (next != end);
  }
  return element;
}

std::string why(const Elements& elements, std::string_view text, TapeIndex tick) {
  const ElementName said = parse_element(text);
  const Tape& tape = elements.tape();
  const Chain chain(elements);
  Element e{elements.find(said.name, tick), said.index};
  const Shape& shape = chain.shape(e.value);
  if (e.index.size() != static_cast<std::size_t>(shape.rank()))
    throw IndexError(said.name + " has shape " + shape.str() + ", not " +
                         std::to_string(e.index.size()) + " axes",
                     "give one number for each axis");
  for (std::size_t i = 0; i < e.index.size(); ++i) {
    const std::int64_t size = shape[static_cast<int>(i)];
    if (e.index[i] < -size || e.index[i] >= size)
      throw IndexError("index " + std::to_string(e.index[i]) + " is outside of axis " +
                           std::to_string(i) + " of " + said.name + ", which has " +
                           std::to_string(size),
                       "count from 0");
    if (e.index[i] < 0) e.index[i] += size;
  }
  // The tick where the number was computed, not where a copy of it was put aside.
  Element root = chain.traced(e, true);
  for (std::optional<Element> next; (next = chain.source(root));) root = *next;
  const TapeTick& born = at(tape.ticks, tape.tick_of_value(root.value));
  std::string head = chain.label(e);
  if (said.name != tape.name_of(e.value))
    head = said.name + head.substr(std::min(head.find('['), head.size()));
  head += " = " + number(chain.read(e), 6) + " (t" + std::to_string(born.number) + ")";
  const TapeEvent* event = chain.maker(root.value);
  if (!event) return head + ": it came from outside, no call of this tape made it\n";
  if (event->op == "matmul" && chain.shape(event->inputs[0]).rank() == 2 &&
      chain.shape(event->inputs[1]).rank() == 2)
    return sum_text(chain, elements, tick,
                    {{event->inputs[0], {root.index[0], running}},
                     {event->inputs[1], {running, root.index[1]}}},
                    chain.shape(event->inputs[0])[1], head);
  if ((event->op == "sum" || event->op == "sum_to") && chain.shape(event->inputs[0]).rank() > 0) {
    // One axis was summed away, or kept with size 1.
    const Shape& from = chain.shape(event->inputs[0]);
    const Shape& to = chain.shape(root.value);
    int summed = none, count = 0;
    const int more = from.rank() - to.rank();
    for (int axis = 0; axis < from.rank(); ++axis) {
      const bool kept =
          more == 0 ? to[axis] == from[axis] : axis >= more && to[axis - more] == from[axis];
      if (!kept) summed = axis, ++count;
    }
    if (count == 1) {
      Element in{event->inputs[0], root.index};
      if (more == 0)
        in.index[static_cast<std::size_t>(summed)] = running;
      else
        in.index.insert(in.index.begin() + summed, running);
      if (in.index.size() == static_cast<std::size_t>(from.rank()))
        return sum_text(chain, elements, tick, {in}, from[summed], head);
    }
  }
  std::string line = head + " = " + event->op + " of";
  for (std::size_t i = 0; i < event->inputs.size(); ++i) {
    const TapeIndex input = event->inputs[i];
    line += i ? " and " : " ";
    // Elementwise calls read the same place, broadcasting aside; others are only named.
    if (const std::optional<Element> same = chain.same_place(root, input)) {
      const Element in = chain.traced(*same, false);
      line += chain.label(in) + " " + number(chain.read(in), 5);
    } else {
      line += tape.name_of(input) + " " + at(tape.values, input).spec.shape.str();
    }
  }
  return line + "\n";
}

}  // namespace gradus::see
