// Node: one executed call, kept as history: what ran, on what, in which order, where.
// Nodes form a graph through the histories of their inputs; backward walks it
// (autograd/backward.h).
#pragma once

#include <gradus/program/op.h>

namespace gradus {

/// A value kept for a gradient rule, with the version it had.
struct SavedValue {
  explicit SavedValue(const Tensor& x)
      : storage(x.storage()), layout(x.layout()), version(x.storage().version()) {}

  Storage storage;
  Layout layout;
  std::uint64_t version;
};

class Node {
 public:
  struct Input {
    Input(const Tensor& x, bool is_kept);

    Spec spec;
    History history;  // the node that made it, or none
    Tensor leaf;      // the parameter itself, where the input is one
    std::optional<SavedValue> saved;
    std::string name;  // of the tensor, for messages
    bool needs_gradient;
  };
  struct Output {
    Output(const Tensor& y, bool is_kept);

    Spec spec;
    std::optional<SavedValue> saved;
    std::shared_ptr<HookList> hooks;  // null where there are none
  };

  Node(Op op_, Place place_) : op(std::move(op_)), place(place_) {}
  /// Frees chains of any length without recursion.
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Forgets the saved values after a backward; `released_at` says where that was.
  void release(Place at);

  Op op;
  Place place;
  std::uint64_t sequence = 0;                // order of execution in the process
  std::shared_ptr<const std::string> scope;  // module path, may be null
  Few<Input, 2> inputs;
  Few<Output, 1> outputs;
  bool released = false;
  Place released_at;
};

/// What a gradient rule may look at of the call it differentiates.
class Call {
 public:
  explicit Call(std::shared_ptr<Node> node) : node_(std::move(node)) {}

  /// Kept values, with their histories, so that gradients of gradients work. Throw GradError when
  /// the value was changed in place since (naming the write), or after its release.
  Tensor input(std::size_t i) const;
  Tensor output(std::size_t i = 0) const;
  const Spec& input_spec(std::size_t i) const { return node_->inputs[i].spec; }
  const Spec& output_spec(std::size_t i = 0) const { return node_->outputs[i].spec; }
  std::size_t input_count() const { return node_->inputs.size(); }
  /// Whether anybody wants the gradient of input i; a rule may return an empty Tensor otherwise.
  bool needs(std::size_t i) const { return node_->inputs[i].needs_gradient; }
  const Node& node() const { return *node_; }

 private:
  Tensor restore(const std::optional<SavedValue>& saved, const Spec& spec, std::string_view what,
                 const std::string& name) const;
  std::shared_ptr<Node> node_;
};

}  // namespace gradus
