// The door; see apply.h. Read `call` from top to bottom: it is the life of a call.
#include <gradus/program/apply.h>

#include <algorithm>
#include <atomic>

#include <gradus/core/pool.h>
#include <gradus/core/subnormals.h>
#include <gradus/program/deferred.h>
#include <gradus/program/place_scope.h>

namespace gradus {
namespace {

using Outputs = Few<Tensor, 1>;

/// What the door knows of the present thread and asks at every call. Trivial, so that it is reached
/// without asking whether it was made.
struct Door {
  bool is_observed = false;  // whether `observers` has any
  int depth = 0;
  const Place* caller = nullptr;  // the user's line, inside of an operation that calls others
  Phase phase = Phase::forward;
  const Node* forward_twin = nullptr;
};
constinit thread_local Door door;
thread_local std::vector<Observer*> observers;
thread_local std::shared_ptr<const std::string> scope_name;

std::uint64_t next_sequence() {
  static std::atomic<std::uint64_t> counter{0};
  return counter.fetch_add(1, std::memory_order_relaxed) + 1;
}

std::string describe(std::span<const Tensor> inputs) {
  std::string text;
  for (const Tensor& x : inputs)
    text += (text.empty() ? "" : ", ") + (x ? x.spec().str() : std::string("empty"));
  return text;
}

/// Runs `body`, which may throw; errors get the user's view of the call.
template <class Body>
auto with_context(std::string_view name, std::span<const Tensor> inputs, Place at, Body&& body) {
  try {
    return body();
  } catch (Error& error) {
    error.add_context(name, describe(inputs), at);
    throw;
  }
}

/// The user's line for a call written at `at`.
Place users_place(Place at) { return door.caller ? *door.caller : at; }

/// While an operation calls others. Its own code stands where the user called it; a function of the
/// user's, which stands for itself, gives no place.
struct Inside {
  explicit Inside(const Place* at) : caller_before(door.caller) {
    ++door.depth;
    door.caller = at && caller_before ? caller_before : at;
  }
  ~Inside() {
    --door.depth;
    door.caller = caller_before;
  }
  Inside(const Inside&) = delete;

  const Place* caller_before;
};

template <class Notify>
void tell_observers(const Op& op, std::span<const Tensor> inputs, std::span<const Tensor> outputs,
                    const Tensor* target, Place at, Notify&& notify) {
  const Event event{op,         inputs,     outputs,           target,    users_place(at),
                    door.depth, door.phase, door.forward_twin, scope_name};
  for (Observer* observer : observers) notify(*observer, event);
}

/// Built without hooks (cmake -DGRADUS_HOOKS=OFF), nobody stands at the door.
#ifdef GRADUS_NO_HOOKS
constexpr bool has_hooks = false;
#else
constexpr bool has_hooks = true;
#endif

void tell_before(const Op& op, std::span<const Tensor> inputs, const Tensor* target, Place at) {
  if (!has_hooks || !door.is_observed) return;
  tell_observers(op, inputs, {}, target, at, [](Observer& o, const Event& e) { o.before(e); });
}
void tell_after(const Op& op, std::span<const Tensor> inputs, std::span<const Tensor> outputs,
                const Tensor* target, Place at) {
  if (!has_hooks || !door.is_observed) return;
  tell_observers(op, inputs, outputs, target, at, [](Observer& o, const Event& e) { o.after(e); });
}

In as_input(const Tensor& x) { return {x.raw_data(), &x.layout(), x.dtype()}; }
Out as_output(const Tensor& y) { return {y.raw_data(), &y.layout(), y.dtype()}; }

void run_kernel(const Op& op, std::span<const Tensor> inputs, std::span<const Tensor> outputs) {
  Few<In, 3> x;
  Few<Out, 1> y;
  x.fill(inputs.size(), [&](std::size_t i) { return as_input(inputs[i]); });
  y.fill(outputs.size(), [&](std::size_t i) { return as_output(outputs[i]); });
  const FlushSubnormals mode;
  op.model().forward(x, y);
}

Specs infer(const Op& op, std::span<const Tensor> inputs) {
  Few<Spec, 3> specs;
  for (const Tensor& x : inputs) specs.emplace_back(x.shape(), x.dtype());
  return op.model().infer(specs);
}

void run(const Op& op, std::span<const Tensor> inputs, Outputs& outputs) {
  for (Tensor& y : op.model().run(inputs)) outputs.push_back(std::move(y));
}

/// How many elements each operand of an elementwise operation has, where they are of one floating
/// dtype and one shape and lie in order, as most are: then nothing is to be prepared or inferred,
/// and the result lies as they do. 0 otherwise.
std::int64_t numel_alike(const Op& op, std::span<const Tensor> inputs) {
  const auto operands = static_cast<std::size_t>(op.facts().elementwise);
  if (operands == 0 || inputs.size() != operands || !is_floating(inputs[0].dtype())) return 0;
  const Layout& first = inputs[0].layout();
  if (!first.is_in_order()) return 0;
  for (const Tensor& x : inputs.subspan(1))
    if (x.dtype() != inputs[0].dtype() || x.shape() != first.shape || x.strides() != first.strides)
      return 0;
  return first.numel();
}

DType dtype_alike(const Op& op, std::span<const Tensor> inputs) {
  return op.facts().is_truth ? DType::boolean : inputs[0].dtype();
}

/// One list, filled on every way: it is made where the caller wants it, and never moved.
Outputs execute(const Op& op, std::span<const Tensor> inputs, std::int64_t alike, Place at) {
  Outputs outputs;
  if (alike > 0) {
    outputs.push_back(inputs[0].empty_alike(dtype_alike(op, inputs), alike));
    run_kernel(op, inputs, outputs);
    return outputs;
  }
  if (op.kind() == OpKind::composite) {
    const Inside inside(&at);
    run(op, inputs, outputs);
    return outputs;
  }
  if (op.kind() == OpKind::function) {
    const Inside inside(nullptr);
    NoGrad guard;
    run(op, inputs, outputs);
    return outputs;
  }
  if (op.kind() == OpKind::view && inputs.size() == 1) {  // its errors are those of `infer`
    const Layout* layout = &inputs[0].layout();
    if (std::optional<Layout> seen = op.model().view(std::span(&layout, 1))) {
      outputs.push_back(inputs[0].with_layout(*seen));
      return outputs;
    }
  }
  const Specs specs = infer(op, inputs);
  if (op.facts().deferrable && is_worth_deferring(inputs, specs[0])) {
    outputs.push_back(defer_call(op, inputs, specs[0]));
    return outputs;
  }
  if (op.facts().has_shortcut) {
    NoGrad guard;
    const Inside inside(&at);
    if (Tensor y = op.model().shortcut(inputs)) {
      outputs.push_back(std::move(y));
      return outputs;
    }
  }
  for (const Spec& spec : specs) outputs.push_back(Tensor::empty(spec.shape, spec.dtype));
  run_kernel(op, inputs, outputs);
  return outputs;
}

bool is_kept(std::uint32_t mask, std::size_t i) {
  return (mask >> std::min<std::size_t>(i, 31)) & 1;
}

/// Makes the call part of its outputs' history.
void record(const Op& op, std::span<const Tensor> inputs, std::span<const Tensor> outputs,
            Place at) {
  bool any_floating = false;
  for (const Tensor& y : outputs) any_floating |= is_floating(y.dtype());
  if (!any_floating) {
    // Integers and truth values carry no gradient: the path ends here, and says so when asked.
    auto cut = std::make_shared<const std::string>(std::string(op.name()) + " to " +
                                                   std::string(dtype_name(outputs[0].dtype())) +
                                                   " at " + short_place(at));
    for (const Tensor& y : outputs) y.set_cut(cut);
    return;
  }
  if (!op.has_gradient())
    throw GradError("has no gradient rule, and an input requires a gradient",
                    "call it inside no_grad, on x.detach(), or give the definition a vjp");
  auto node = std::allocate_shared<Node>(Pooled<Node>(), op, at);
  node->sequence = next_sequence();
  node->scope = scope_name;
  const Keep keep = op.facts().keep;
  node->inputs.reserve(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i)
    node->inputs.emplace_back(inputs[i], is_kept(keep.inputs, i));
  node->outputs.reserve(outputs.size());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    node->outputs.emplace_back(outputs[i], is_kept(keep.outputs, i));
    if (is_floating(outputs[i].dtype()))
      outputs[i].set_history({node, static_cast<std::uint32_t>(i)});
  }
}

/// Where no parameter is involved, the reason of an earlier cut travels on.
void inherit_cut(std::span<const Tensor> inputs, std::span<const Tensor> outputs) {
  for (const Tensor& x : inputs) {
    if (!x.cut()) [[likely]]
      continue;
    for (const Tensor& y : outputs) y.set_cut(x.cut());
    return;
  }
}

bool any_requires_grad(std::span<const Tensor> inputs) {
  for (const Tensor& x : inputs)
    if (x.requires_grad()) return true;
  return false;
}

void keep_history(const Op& op, std::span<const Tensor> inputs, std::span<const Tensor> outputs,
                  Place at) {
  if (grad_enabled() && any_requires_grad(inputs))
    return record(op, inputs, outputs, users_place(at));
  inherit_cut(inputs, outputs);
  // What a gradient rule makes was made by the call that it differentiates.
  const Place made = door.forward_twin ? door.forward_twin->place : users_place(at);
  for (const Tensor& y : outputs) y.note_made_at(made);
}

void check_defined(std::span<const Tensor> inputs) {
  for (const Tensor& x : inputs)
    if (!x)
      throw ValueError(
          "input " + std::to_string(&x - inputs.data()) + " is an empty tensor: it holds no value",
          "assign it first");
}

/// A kernel reads an element and then writes it: right only where no other element of the target or
/// of an input lies at that place.
void check_overlap(const Tensor& target, std::span<const Tensor> inputs) {
  if (target.layout().overlaps_itself())
    throw ValueError("the target " + target.spec().str() +
                         " overlaps itself: several of its elements lie at one place",
                     "write into a copy of its own, x = x.clone(), or before broadcasting");
  for (const Tensor& x : inputs)
    if (is_seen_otherwise(x, target))
      throw ValueError("input " + std::to_string(&x - inputs.data()) + " " + x.spec().str() +
                           " sees the target's elements in another order: they would be read after "
                           "they were written",
                       "pass a copy, x.clone()");
}

/// The inputs as the operation wants them; nothing where `given` are.
Tensors prepare(const Op& op, std::span<const Tensor> given, Place at) {
  if (!op.facts().has_prepare) return {};
  const Inside inside(&at);
  return op.model().prepare(given);
}

Outputs call(const Op& op, std::span<const Tensor> given, Place at) {
  return with_context(op.name(), given, at, [&] {
    check_defined(given);
    const std::int64_t alike = numel_alike(op, given);
    const Tensors prepared = alike ? Tensors() : prepare(op, given, at);
    const std::span<const Tensor> inputs = prepared.empty() ? given : std::span(prepared);
    tell_before(op, inputs, nullptr, at);
    Outputs outputs = execute(op, inputs, alike, at);
    if (op.facts().has_captured) {
      Tensors used(inputs.begin(), inputs.end());
      for (Tensor& x : op.model().captured()) used.push_back(std::move(x));
      keep_history(op, used, outputs, at);
    } else if (op.is_primitive()) {
      keep_history(op, inputs, outputs, at);
    }
    tell_after(op, inputs, outputs, nullptr, at);
    return outputs;
  });
}

}  // namespace

bool is_seen_otherwise(const Tensor& x, const Tensor& target) {
  return x.storage() == target.storage() && x.layout() != target.layout() && x.numel() > 0;
}

Tensors apply_all(const Op& op, std::span<const Tensor> inputs, Place at) {
  Outputs outputs = call(op, inputs, at);
  return {std::move_iterator(outputs.begin()), std::move_iterator(outputs.end())};
}

Tensor apply(const Op& op, std::span<const Tensor> inputs, Place at) {
  return std::move(call(op, inputs, at)[0]);
}

void apply_into(const Op& op, std::span<const Tensor> given, Tensor& target, std::string_view name,
                Place at) {
  with_context(name, given, at, [&] {
    check_defined(given);
    check_defined(std::span(&target, 1));
    if (!op.facts().in_place_safe)
      throw ValueError("cannot write in place", "compute it apart and use copy_: x.copy_(op(x))");
    const std::int64_t alike = numel_alike(op, given);
    const Tensors prepared = alike ? Tensors() : prepare(op, given, at);
    const std::span<const Tensor> inputs = prepared.empty() ? given : std::span(prepared);
    const bool recording = grad_enabled() && (target.requires_grad() || any_requires_grad(inputs));
    if (recording && target.is_leaf() && target.requires_grad())
      throw GradError("a parameter that requires a gradient would be overwritten while recording",
                      "update parameters inside no_grad: no_grad([&] { w.sub_(g); })");
    if (recording && target.storage().is_viewed())
      throw GradError("other tensors see the storage that would be overwritten while recording",
                      "build the new value from its parts with where or concat instead");
    const Spec result =
        alike ? Spec{inputs[0].shape(), dtype_alike(op, inputs)} : infer(op, inputs)[0];
    if (result != target.spec())
      throw ShapeError(
          "the result " + result.str() + " does not fit the target " + target.spec().str(),
          "in place, the result must have the target's shape and dtype");
    check_overlap(target, inputs);
    tell_before(op, inputs, &target, at);
    if (recording) {
      // A gradient rule may keep the output, so it gets one of its own; the target shares history.
      Outputs outputs = execute(op, inputs, alike, at);
      record(op, inputs, outputs, users_place(at));
      target.set_history(outputs[0].history());
    }
    target.storage().prepare_write();
    run_kernel(op, inputs, std::span(&target, 1));
    target.storage().note_write(name, users_place(at));
    tell_after(op, inputs, std::span(&target, 1), &target, at);
  });
}

Observe::Observe(Observer& observer) : observer_(&observer) {
  if (!has_hooks)
    throw ValueError("this gradus was built without hooks: nothing can be traced or recorded",
                     "build it with -DGRADUS_HOOKS=ON");
  observers.push_back(observer_);
  door.is_observed = true;
}
Observe::~Observe() {
  std::erase(observers, observer_);
  door.is_observed = !observers.empty();
}

Unobserved::Unobserved() {
  before_.swap(observers);
  door.is_observed = false;
}
Unobserved::~Unobserved() {
  before_.swap(observers);
  door.is_observed = !observers.empty();
}
bool is_observed() { return has_hooks && door.is_observed; }

PlaceScope::PlaceScope(Place at) : at_(at), before_(door.caller) {
  if (!before_) door.caller = &at_;
}
PlaceScope::~PlaceScope() { door.caller = before_; }

Scope::Scope(std::string_view name) : before_(scope_name) {
  scope_name = std::make_shared<const std::string>(before_ ? *before_ + "." + std::string(name)
                                                           : std::string(name));
}
Scope::~Scope() { scope_name = std::move(before_); }
const std::shared_ptr<const std::string>& Scope::current() { return scope_name; }

PhaseScope::PhaseScope(Phase phase, const Node* forward_twin)
    : before_(door.phase), twin_before_(door.forward_twin) {
  if (!has_hooks) return;
  door.phase = phase;
  door.forward_twin = forward_twin;
}
PhaseScope::~PhaseScope() {
  if (!has_hooks) return;
  door.phase = before_;
  door.forward_twin = twin_before_;
}

}  // namespace gradus
