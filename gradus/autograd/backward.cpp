// The walk; see backward.h. Nodes are taken in falling order of execution, which is a reverse
// topological order, so no recursion is needed and chains may be of any length.
#include <gradus/autograd/backward.h>
#include <gradus/core/diagnostic.h>
#include <gradus/program/watch.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include <gradus/ops/ops.h>

namespace gradus {
namespace {

[[noreturn]] void fail(std::string_view name, const Tensor& output, Place at, std::string problem,
                       std::string hint) {
  GradError error(std::move(problem), std::move(hint));
  error.add_context(name, output ? output.spec().str() : "", at);
  throw error;
}

/// The gradient after the hooks, which may be added or taken away while they run.
Tensor after_hooks(const std::shared_ptr<HookList>& hooks, Tensor gradient, std::string_view name,
                   Place at) {
  if (!hooks) return gradient;
  const HookList now = *hooks;
  for (const std::shared_ptr<GradientHook>& hook : now) {
    const Tensor replaced = (*hook)(gradient);
    if (!replaced) continue;
    if (replaced.spec() != gradient.spec())
      fail(name, gradient, at,
           "a hook gave " + replaced.spec().str() + " for a gradient of " + gradient.spec().str(),
           "a gradient has the shape and dtype of its tensor: mend the hook");
    gradient = replaced;
  }
  return gradient;
}

/// All nodes after number `since` that `outputs` depend on, latest first.
std::vector<std::shared_ptr<Node>> collect(std::span<const Tensor> outputs, std::uint64_t since) {
  std::vector<std::shared_ptr<Node>> found, open;
  std::unordered_set<const Node*> seen;
  auto visit = [&](const std::shared_ptr<Node>& node) {
    if (node && node->sequence > since && seen.insert(node.get()).second) open.push_back(node);
  };
  for (const Tensor& y : outputs) visit(y.history().node);
  while (!open.empty()) {
    std::shared_ptr<Node> node = std::move(open.back());
    open.pop_back();
    for (const Node::Input& input : node->inputs)
      if (input.needs_gradient) visit(input.history.node);
    found.push_back(std::move(node));
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a->sequence > b->sequence; });
  return found;
}

class Walk {
 public:
  Walk(std::string_view name, BackwardOptions options, Place at)
      : name_(name), options_(options), at_(at) {
    options_.keep_graph |= options_.create_graph;
  }

  /// Computes; afterwards leaf_gradients() and gradient_of() hold the results. `wanted` computed
  /// tensors keep their gradients.
  void run(std::span<const Tensor> outputs, std::span<const Tensor> seeds,
           std::span<const Tensor> wanted) {
    GradMode recording(options_.create_graph);
    PhaseScope phase(Phase::backward);
    for (const Tensor& x : wanted)
      if (x.history()) kept_[slot(x.history())] = Tensor{};
    for (std::size_t k = 0; k < outputs.size(); ++k)
      start(outputs[k], k < seeds.size() ? seeds[k] : Tensor{});
    for (const std::shared_ptr<Node>& node : collect(outputs, options_.since)) step(node);
  }

  Tensor gradient_of(const Tensor& x) const {
    if (x.history()) {
      const auto kept = kept_.find(slot(x.history()));
      if (kept != kept_.end() && kept->second) return kept->second;
      const auto beyond = pending_.find(slot(x.history()));  // of a call that was not walked
      return beyond == pending_.end() ? Tensor{} : beyond->second;
    }
    for (const auto& [leaf, gradient] : leaves_)
      if (leaf.id() == x.id()) return gradient;
    return {};
  }

  /// Parameters and their gradients, in the order in which the walk met them first.
  const std::vector<std::pair<Tensor, Tensor>>& leaves() const { return leaves_; }

 private:
  /// G2, G1: the two mistakes at the start of a walk.
  [[noreturn]] void fail_lost(const Tensor& y) const {
    const std::string name = y.name().empty() ? "this tensor" : y.name();
    std::string when;
    if (MeaningWatch* watch = GRADUS_MEANING_WATCH)
      if (const auto end = watch->cut(y)) when = end->str() + ", ";
    Coded<GradError> error(
        {"G2", std::string(name_) + "(): no parameter leads to " + name + ". " +
                   (y.cut() ? "The path ends at " + when + *y.cut() + "."
                            : "Mark parameters with set_requires_grad(), and compute outside "
                              "no_grad.")},
        "no parameter leads to this tensor" +
            (y.cut() ? "; the path ends at " + *y.cut() : std::string()),
        y.cut() ? "let the values that lead to it stay recorded"
                : "mark parameters with set_requires_grad(), and compute outside no_grad");
    error.add_context(name_, y.spec().str(), at_);
    throw error;
  }
  [[noreturn]] void fail_many(const Tensor& y) const {
    const std::string name = y.name().empty() ? "out" : y.name(),
                      count = std::to_string(y.numel()) + " numbers";
    Coded<GradError> error(
        {"G1", std::string(name_) + "() needs one number, " + name + " has shape " +
                   sizes_text(y.shape()) + " = " + count + ". Reduce it (" + name +
                   ".mean()) or say what to weigh them with: " + name +
                   ".backward(g), g of shape " + sizes_text(y.shape()) + "."},
        "needs one number, the output has shape " + y.shape().str() + " = " + count,
        "reduce it, out.mean(), or say what to weigh them with: out.backward(g), g of shape " +
            y.shape().str());
    error.add_context(name_, y.spec().str(), at_);
    throw error;
  }

  using Slot = std::pair<const Node*, std::uint32_t>;
  struct SlotHash {
    std::size_t operator()(const Slot& s) const {
      return std::hash<const void*>()(s.first) * 31 + s.second;
    }
  };
  static Slot slot(const History& h) { return {h.node.get(), h.output}; }

  void start(const Tensor& y, Tensor seed) {
    if (!y) fail(name_, y, at_, "the output is an empty tensor", "compute it first");
    if (!y.requires_grad()) fail_lost(y);
    if (!seed) {
      if (y.numel() != 1) fail_many(y);
      seed = ones_like(y, at_);
    } else if (seed.shape() != y.shape()) {
      fail(name_, y, at_,
           "the seed has shape " + seed.shape().str() + ", the output " + y.shape().str(),
           "a seed weighs each element: give it the output's shape");
    }
    if (seed.dtype() != y.dtype()) seed = astype(seed, y.dtype(), at_);
    if (MeaningWatch* watch = GRADUS_MEANING_WATCH) watch->root(y, seed);
    if (y.history())
      accumulate(pending_[slot(y.history())], seed);
    else
      add_to_leaf(y, seed);
  }

  void step(const std::shared_ptr<Node>& node) {
    Tensors cotangents(node->outputs.size());
    bool any = false;
    for (std::size_t k = 0; k < cotangents.size(); ++k) {
      const Slot here{node.get(), static_cast<std::uint32_t>(k)};
      if (auto found = pending_.find(here); found != pending_.end()) {
        cotangents[k] = std::move(found->second);
        pending_.erase(found);
        cotangents[k] = after_hooks(node->outputs[k].hooks, cotangents[k], name_, at_);
        if (auto kept = kept_.find(here); kept != kept_.end()) kept->second = cotangents[k];
        any = true;
      }
    }
    if (!any) return;
    for (std::size_t k = 0; k < cotangents.size(); ++k)
      if (!cotangents[k] && is_floating(node->outputs[k].spec.dtype))
        cotangents[k] = zeros(node->outputs[k].spec.shape.to_vector(), node->outputs[k].spec.dtype);
    if (MeaningWatch* watch = GRADUS_MEANING_WATCH)
      for (std::size_t k = 0; k < cotangents.size(); ++k)
        if (cotangents[k]) watch->gradient(*node, k, cotangents[k]);
    PhaseScope phase(Phase::backward, node.get());
    Tensors gradients;
    try {
      gradients = node->op.model().vjp(Call(node), cotangents);
    } catch (GradError& error) {
      error.add_context(name_, "", at_);
      throw;
    }
    for (std::size_t i = 0; i < node->inputs.size() && i < gradients.size(); ++i) {
      const Node::Input& input = node->inputs[i];
      if (!input.needs_gradient || !gradients[i]) continue;
      if (gradients[i].shape() != input.spec.shape || gradients[i].dtype() != input.spec.dtype)
        throw GradError("the gradient rule of " + std::string(node->op.name()) + " gave " +
                            gradients[i].spec().str() + " for input " + std::to_string(i) + " of " +
                            input.spec.str(),
                        "a gradient has the shape and dtype of its tensor: mend the vjp");
      if (input.history)
        accumulate(pending_[slot(input.history)], gradients[i]);
      else
        add_to_leaf(input.leaf, gradients[i]);
    }
    if (!options_.keep_graph) node->release(at_);
  }

  void accumulate(Tensor& sum, const Tensor& gradient) const {
    sum = sum ? add(sum, gradient, at_) : gradient;
  }
  void add_to_leaf(const Tensor& leaf, const Tensor& gradient) {
    if (MeaningWatch* watch = GRADUS_MEANING_WATCH) watch->leaf(leaf, gradient);
    const auto [found, is_new] = leaf_index_.try_emplace(leaf.id(), leaves_.size());
    if (is_new)
      leaves_.emplace_back(leaf, gradient);
    else
      accumulate(leaves_[found->second].second, gradient);
  }

  std::string_view name_;
  BackwardOptions options_;
  Place at_;
  std::unordered_map<Slot, Tensor, SlotHash> pending_, kept_;
  std::unordered_map<const void*, std::size_t> leaf_index_;
  std::vector<std::pair<Tensor, Tensor>> leaves_;
};

/// What a leaf's slot holds already; it must be a gradient of that leaf, set_grad takes anything.
void check_slot(const Tensor& leaf, std::string_view name, Place at) {
  const Tensor held = leaf.grad();
  if (held && held.spec() != leaf.spec())
    fail(name, leaf, at,
         "the gradient set before is " + held.spec().str() + ", its tensor " + leaf.spec().str(),
         "a gradient has the shape and dtype of its tensor: set another, or zero_grad()");
}

}  // namespace

Tensors grad(std::span<const Tensor> outputs, std::span<const Tensor> inputs,
             std::span<const Tensor> seeds, BackwardOptions options, Place at) {
  Walk walk("grad", options, at);
  walk.run(outputs, seeds, inputs);
  Tensors gradients;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Tensor g = walk.gradient_of(inputs[i]);
    if (g && inputs[i].is_leaf()) g = after_hooks(inputs[i].hooks(), g, "grad", at);
    if (!g && !options.allow_unused)
      fail("grad", outputs[0], at,
           "input " + std::to_string(i) + " " + inputs[i].spec().str() +
               " has no influence on the outputs",
           "mark it with set_requires_grad() before computing, or pass allow_unused");
    gradients.push_back(g);
  }
  return gradients;
}

void backward(std::span<const Tensor> outputs, std::span<const Tensor> seeds,
              BackwardOptions options, Place at) {
  Walk walk("backward", options, at);
  walk.run(outputs, seeds, {});
  GradMode recording(options.create_graph);
  PhaseScope phase(Phase::backward);
  for (const auto& [leaf, gradient] : walk.leaves()) {
    const Tensor g = after_hooks(leaf.hooks(), gradient, "backward", at);
    check_slot(leaf, "backward", at);
    // A gradient may be a view of another tensor's bytes (a broadcast seed), or that of two leaves;
    // a parameter owns its own.
    leaf.set_grad(leaf.grad() ? add(leaf.grad(), g, at) : clone(g, at));
    if (MeaningWatch* watch = GRADUS_MEANING_WATCH) watch->leaf(leaf, leaf.grad());
  }
}

void Tensor::backward(const Tensor& seed, bool keep_graph, Place at) const {
  gradus::backward(std::span(this, 1), std::span(&seed, 1), {.keep_graph = keep_graph}, at);
}

HookHandle Tensor::register_hook(GradientHook hook, Place at) const {
  if (!requires_grad())
    fail("register_hook", *this, at, "this tensor requires no gradient, the hook would never run",
         "register it on a tensor that was computed from parameters");
  std::shared_ptr<HookList>& list =
      history() ? history().node->outputs[history().output].hooks : state().hooks;
  if (!list) list = std::make_shared<HookList>();
  list->push_back(std::make_shared<GradientHook>(std::move(hook)));
  return {list, list->back()};
}

void Tensor::retain_grad(Place at) const {
  if (is_leaf() || state().retains_grad) return;  // parameters keep theirs anyway
  // Weak, or the node's hook would keep the tensor that keeps the node.
  // The slot goes with the tensor, and with its history: a write in place gives it another.
  if (!state().grad) state().grad = std::make_shared<Tensor>();
  register_hook(
      [weak = std::weak_ptr(state().grad), at](const Tensor& g) -> Tensor {
        if (const auto slot = weak.lock()) *slot = *slot ? add(*slot, g, at) : g;
        return {};
      },
      at);
  state().retains_grad = true;
}

}  // namespace gradus
