// Copies, factors, sums; see chain.h.
#include <gradus/see/chain.h>
#include <gradus/see/why.h>
#include <gradus/see/words.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace gradus::see {

double Chain::read(const Element& e, std::int64_t n) const {
  const Tensor x = elements_.of(e.value);
  std::int64_t position = x.layout().offset;
  for (std::size_t i = 0; i < e.index.size(); ++i)
    position += (e.index[i] == running ? n : e.index[i]) * x.strides()[static_cast<int>(i)];
  return dispatch(x.dtype(), [&]<class T>() {
    return static_cast<double>(reinterpret_cast<const T*>(x.storage().data())[position]);
  });
}
const Shape& Chain::shape(TapeIndex value) const { return at(tape_.values, value).spec.shape; }
const TapeEvent* Chain::maker(TapeIndex value) const {
  const TapeIndex event = at(tape_.values, value).made_by;
  return event == none ? nullptr : &at(tape_.events, event);
}

std::string Chain::layer_of(const TapeEvent& event) const {
  return event.twin == none ? "" : at(tape_.ticks, at(tape_.events, event.twin).tick).label;
}

std::string Chain::label(const Element& e) const {
  std::string text = tape_.name_of(e.value);
  if (e.index.empty()) return text;
  text += "[";
  for (std::size_t i = 0; i < e.index.size(); ++i)
    text += (i ? "," : "") + (e.index[i] == running ? "n" : std::to_string(e.index[i]));
  return text + "]";
}

std::optional<Element> Chain::source(const Element& e) const {
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
Element Chain::traced(Element e, bool at_least_once) const {
  for (bool first = at_least_once; first || at(tape_.values, e.value).name.empty(); first = false) {
    if (!first && at(tape_.values, e.value).gradient_of != none) break;
    const std::optional<Element> next = source(e);
    if (!next) break;
    e = *next;
  }
  return e;
}
std::optional<Element> Chain::broadcast(const Element& e, TapeIndex input) const {
  const Shape& small = shape(input);
  const std::size_t more = e.index.size() - static_cast<std::size_t>(small.rank());
  Element result{input, {}};
  for (int i = 0; i < small.rank(); ++i)
    result.index.push_back(small[i] == 1 ? 0 : e.index[static_cast<std::size_t>(i) + more]);
  return result;
}

std::optional<Element> Chain::same_place(const Element& e, TapeIndex input) const {
  const Shape &small = shape(input), &large = shape(e.value);
  if (small.rank() > large.rank()) return std::nullopt;
  for (int i = 1; i <= small.rank(); ++i)
    if (small[small.rank() - i] != 1 && small[small.rank() - i] != large[large.rank() - i])
      return std::nullopt;
  return broadcast(e, input);
}

std::vector<Factor> Chain::factors(const Element& given, std::int64_t n, int depth) const {
  const Element e = traced(given, false);
  const TapeEvent* event = maker(e.value);
  const double value = read(e, n);
  const std::string name = tape_.name_of(e.value);
  const std::string layer =
      event && event->twin != none ? at(tape_.ticks, at(tape_.events, event->twin).tick).label : "";
  const auto plain = [&](const std::string& text) {
    return std::vector<Factor>{{text, value, {}, layer}};
  };
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
  std::vector<Factor> inner;
  try {
    inner = inner_factors(*event, e, n, depth + 1);
  } catch (const ValueError&) {  // it goes back as far as elements were kept
  }
  if (inner.empty()) return plain(numbered(e));
  // What overflowed stands for itself: the product of what it was made from is another number.
  if (!std::isfinite(value) && std::all_of(inner.begin(), inner.end(),
                                           [](const Factor& f) { return std::isfinite(f.value); }))
    return {{numbered(e), value,
             "overflows " + std::string(dtype_name(at(tape_.values, e.value).spec.dtype)), layer}};
  for (Factor& f : inner)
    if (f.layer.empty()) f.layer = layer;
  return inner;
}

std::vector<Factor> Chain::inner_factors(const TapeEvent& event, const Element& e, std::int64_t n,
                                         int depth) const {
  const std::vector<TapeIndex>& inputs = event.inputs;
  if (event.op == "astype" && event.twin != none &&
      at(tape_.values, inputs[0]).spec.dtype == DType::boolean) {
    const Element before{at(tape_.events, event.twin).inputs[0], e.index};
    const std::string reason = tape_.name_of(before.value) + " = " + number(read(before, n), 4);
    return {{"gate", read(e, n), reason, {}}};
  }
  std::vector<Element> sides;
  if (event.op == "mul" && inputs.size() == 2)
    sides = {*broadcast(e, inputs[0]), *broadcast(e, inputs[1])};
  if (event.op == "matmul" && e.index.size() == 2 && shape(inputs[0]).rank() == 2 &&
      shape(inputs[0])[1] == 1)
    sides = {{inputs[0], {e.index[0], 0}}, {inputs[1], {0, e.index[1]}}};
  std::vector<Factor> all;
  for (const Element& side : sides)
    for (Factor& f : factors(side, n, depth)) all.push_back(std::move(f));
  return all;
}

std::optional<Element> Chain::permuted(const Element& e, TapeIndex input,
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
std::optional<Element> Chain::reshaped(const Element& e, TapeIndex input) const {
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

Asked asked_element(const Chain& chain, const Elements& elements, std::string_view text,
                    TapeIndex tick) {
  const ElementName said = parse_element(text);
  const Tape& tape = elements.tape();
  Element e{elements.find(said.name, tick), said.index};
  const Shape& shape = chain.shape(e.value);
  if (e.index.size() != static_cast<std::size_t>(shape.rank()))
    throw IndexError(said.name + " has shape " + shape.str() + ": one number for each axis",
                     shape.rank() == 0 ? said.name + " alone is its one number"
                                       : said.name + index_text(Ints(shape.size(), 0)));
  for (std::size_t i = 0; i < e.index.size(); ++i) {
    const std::int64_t size = shape[static_cast<int>(i)];
    if (e.index[i] < -size || e.index[i] >= size)
      throw IndexError(
          "index " + std::to_string(e.index[i]) + " is out of range for axis " + std::to_string(i) +
              " of " + said.name + ", of size " + std::to_string(size),
          "valid indices are " + std::to_string(-size) + ".." + std::to_string(size - 1));
    if (e.index[i] < 0) e.index[i] += size;
  }
  // The tick where the number was computed, not where a copy of it was put aside.
  Element root = chain.traced(e, true);
  for (std::optional<Element> next; (next = chain.source(root));) root = *next;
  const TapeTick& born = at(tape.ticks, tape.tick_of_value(root.value));
  std::string head = chain.label(e);
  if (said.name != tape.name_of(e.value))
    head = said.name + head.substr(std::min(head.find('['), head.size()));
  head += " = " + number(chain.read(e), 6) + " (";
  if (tape.steps() > 1) head += "step " + std::to_string(born.step) + ", ";  // each has such a tick
  head += "t" + std::to_string(born.number) + ")";
  return {e, root, head};
}

double Products::term(const Chain& chain, std::int64_t n) const {
  double product = 1;
  for (const Element& side : sides) product *= chain.read(side, n);
  return product;
}

std::int64_t Products::followed(const Chain& chain) const {
  const double first = term(chain, 0);
  std::int64_t largest = 0;
  double most = magnitude(first);
  for (std::int64_t n = 1; n < count; ++n)
    if (const double size = magnitude(term(chain, n)); size > most) largest = n, most = size;
  return first == 0 || (std::isfinite(first) && !std::isfinite(most)) ? largest : 0;
}

std::vector<Factor> Products::factors(const Chain& chain, std::int64_t n) const {
  // From the loss: the side that is a gradient comes first, wherever it stands in the product.
  const auto is_gradient = [&](const Element& side) {
    const TapeEvent* maker = chain.maker(side.value);
    return maker && maker->phase == Phase::backward;
  };
  std::vector<Element> ordered(sides.rbegin(), sides.rend());
  std::stable_partition(ordered.begin(), ordered.end(), is_gradient);
  std::vector<Factor> all;
  for (const Element& side : ordered)
    for (Factor& f : chain.factors(side, n)) {
      if (f.layer.empty()) f.layer = layer;
      all.push_back(std::move(f));
    }
  return all;
}

std::optional<Products> products_of(const Chain& chain, const Element& root) {
  const TapeEvent* event = chain.maker(root.value);
  if (!event) return std::nullopt;
  const std::string layer = chain.layer_of(*event);
  // Sides are read where they were computed: a transpose may not be kept where what it shows is.
  if (event->op == "matmul" && chain.shape(event->inputs[0]).rank() == 2 &&
      chain.shape(event->inputs[1]).rank() == 2)
    return Products{{chain.traced({event->inputs[0], {root.index[0], running}}, false),
                     chain.traced({event->inputs[1], {running, root.index[1]}}, false)},
                    chain.shape(event->inputs[0])[1],
                    layer};
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
        return Products{{in}, from[summed], layer};
    }
  }
  return std::nullopt;
}

}  // namespace gradus::see
