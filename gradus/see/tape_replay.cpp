// Which calls run again, and running them; see tape_replay.h.
#include <gradus/ops/ops.h>
#include <gradus/ops/registry.h>
#include <gradus/program/apply.h>
#include <gradus/see/tape_replay.h>
#include <gradus/see/words.h>

#include <algorithm>
#include <set>

namespace gradus::see {
namespace {

constexpr int deepest_recomputation = 64;  // of what was not kept; more is not worth its time

/// Whether the backward pass went through a call: it, or a composite around it, was differentiated.
bool is_differentiated(const Tape& tape, TapeIndex event) {
  for (; event != none; event = at(tape.events, event).parent) {
    const TapeEvent& call = at(tape.events, event);
    if (!call.backward.empty()) return true;
    for (const TapeIndex y : call.outputs)
      if (at(tape.values, y).gradient != none) return true;
  }
  return false;
}

Op in_dtype(Op op, DType dtype) {
  for (const AttributeInfo& a : op.attributes())
    if (const DType* given = std::get_if<DType>(&a.value); given && is_floating(*given))
      op = op.with(a.name, dtype_name(dtype));
  return op;
}
Tensor in_dtype(const Tensor& x, DType dtype) {
  return is_floating(x.dtype()) && x.dtype() != dtype ? astype(x, dtype) : x;
}

/// A reduced result with its reduced axes again, so that it meets what it was made from.
Tensor with_reduced_axes(const Tensor& reduced, const Op& op, const Tensor& x) {
  Ints wide = x.shape().to_vector();
  std::vector<int> axes;
  for (const AttributeInfo& a : op.attributes())
    if (const Ints* given = a.name == "axis" ? std::get_if<Ints>(&a.value) : nullptr)
      axes = normalize_axes(*given, x.ndim());
  if (axes.empty())
    for (int k = 0; k < x.ndim(); ++k) axes.push_back(k);
  for (const int k : axes) wide[static_cast<std::size_t>(k)] = 1;
  return reshape(reduced, wide);
}

/// On which side of its kinks, or of its jumps, each element of a call lies; nothing where it has
/// none. Two runs with equal sides lie on one smooth piece.
std::optional<Tensor> sides_of(const Op& op, const Tensors& x, const Tensors& y) {
  const std::string_view name = op.name();
  if (name == "relu" || name == "leaky_relu" || name == "abs") return x[0] > 0;
  if (name == "maximum" || name == "minimum" || name == "floor_divide") return x[0] > x[1];
  if (name == "clip") return sign(x[0] - y[0]);
  if (name == "amax" || name == "amin") return equal(x[0], with_reduced_axes(y[0], op, x[0]));
  if (name == "sign" || name == "floor" || name == "ceil" || name == "round" || name == "trunc")
    return y[0];
  for (const Tensor& one : y)  // comparisons, argmax, argsort
    if (!is_floating(one.dtype())) return one;
  return std::nullopt;
}

}  // namespace

Op op_of(const TapeEvent& event) {
  Op op = find_op(event.op);
  const std::string text = " " + event.attributes;  // "axis=0 keepdims=false"
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

namespace {

TapeReplay::Root root_of_step(const Tape& tape, TapeIndex step) {
  const TapeIndex loss = tape.loss_of(step);
  if (loss == none)
    throw ValueError("step " + std::to_string(step) + " has no loss",
                     "go behind its backward pass");
  return {loss, at(tape.values, loss).gradient};
}

}  // namespace

TapeReplay::TapeReplay(const Elements& elements, TapeIndex value, TapeIndex step)
    : TapeReplay(elements, value, step, {root_of_step(elements.tape(), step)}) {}

TapeReplay::TapeReplay(const Elements& elements, TapeIndex value, TapeIndex step,
                       std::vector<Root> roots)
    : elements_(elements), value_(value), roots_(std::move(roots)) {
  const Tape& tape = elements.tape();
  // Forwards: what the value reaches. Inner calls of a composite make its result.
  std::set<TapeIndex> reached{value}, held;
  const auto [first, last] = tape.ticks_of(step);
  for (TapeIndex e = first < last ? at(tape.ticks, first).first : 0;
       e < (first < last ? at(tape.ticks, last - 1).last : 0); ++e) {
    const TapeEvent& call = at(tape.events, e);
    if (call.phase != Phase::forward ||
        std::none_of(call.inputs.begin(), call.inputs.end(),
                     [&](TapeIndex x) { return reached.contains(x); }))
      continue;
    const Op op = op_of(call);
    if (op.draws()) continue;  // a mask stays as it was drawn
    // Comparisons and the like have no gradient anywhere, and kinks to be counted.
    const bool runs = !op.has_gradient() || is_differentiated(tape, e);
    for (const TapeIndex y : call.outputs)
      if (at(tape.values, y).made_by == e) (runs ? reached : held).insert(y);
  }
  const std::string last_name = roots_.empty() ? "a loss" : tape.name_of(roots_.back().value);
  std::erase_if(roots_, [&](const Root& root) { return !reached.contains(root.value); });
  if (roots_.empty())
    throw ValueError(
        tape.name_of(value) + " does not lead to " + last_name + " of step " + std::to_string(step),
        "name a value between the data and the loss");
  // Backwards: what of that the roots need.
  std::vector<TapeIndex> open(roots_.size());
  std::ranges::transform(roots_, open.begin(), &Root::value);
  std::set<TapeIndex> seen;
  while (!open.empty()) {
    const TapeIndex y = open.back();
    open.pop_back();
    if (y == value || !reached.contains(y)) {
      if (held.contains(y) && held_ == none) held_ = at(tape.values, y).made_by;
      continue;
    }
    const TapeIndex e = at(tape.values, y).made_by;
    if (!seen.insert(e).second) continue;
    calls_.push_back(e);
    for (const TapeIndex x : at(tape.events, e).inputs) open.push_back(x);
  }
  std::sort(calls_.begin(), calls_.end());
}

Tensor TapeReplay::fixed(TapeIndex value, DType dtype, int depth) const {
  const auto key = std::pair(value, dtype);
  if (const auto found = fixed_.find(key); found != fixed_.end()) return found->second;
  const Tape& tape = elements_.tape();
  const TapeIndex maker = at(tape.values, value).made_by;
  Tensor x = at(tape.values, value).payload;
  // A product that was never looked at, or a step on the way, has no elements of its own.
  const bool can_be_made = maker != none && depth < deepest_recomputation &&
                           at(tape.events, maker).target == none &&
                           !op_of(at(tape.events, maker)).draws();
  if (x || !can_be_made) {
    x = in_dtype(elements_.of(value).detach(), dtype);
  } else {
    const TapeEvent& call = at(tape.events, maker);
    Tensors inputs;
    for (const TapeIndex input : call.inputs) inputs.push_back(fixed(input, dtype, depth + 1));
    const Tensors made = apply_all(in_dtype(op_of(call), dtype), inputs);
    for (std::size_t i = 0; i < made.size(); ++i)
      if (call.outputs[i] == value) x = made[i];
  }
  return fixed_[key] = x;
}

TapeReplay::Result TapeReplay::run(const Tensor& x) const {
  const Unobserved not_seen;
  const NoGrad not_recorded;
  const Tape& tape = elements_.tape();
  const DType dtype = x.dtype();
  std::map<TapeIndex, Tensor> values{{value_, x}};
  const auto value_of = [&](TapeIndex v) {
    const auto found = values.find(v);
    return found == values.end() ? fixed(v, dtype) : found->second;
  };
  Result result;
  for (const TapeIndex e : calls_) {
    const TapeEvent& call = at(tape.events, e);
    const Op op = in_dtype(op_of(call), dtype);
    Tensors inputs;
    for (const TapeIndex input : call.inputs) inputs.push_back(value_of(input));
    const Tensors made = apply_all(op, inputs);
    for (std::size_t i = 0; i < made.size(); ++i) values[call.outputs[i]] = made[i];
    if (std::optional<Tensor> sides = sides_of(op, inputs, made))
      result.sides.push_back(std::move(*sides));
  }
  for (const Root& root : roots_) {
    Tensor loss = value_of(root.value);
    if (root.seed != none)
      loss = loss * fixed(root.seed, dtype);  // backward(g) begins with weights
    for (const double one : loss.to_vector<double>()) {
      result.loss += one;
      result.weight += one < 0 ? -one : one;
    }
  }
  return result;
}

}  // namespace gradus::see
