// compile: a function that learns to run as a plan. The first calls run the function itself and
// write down what it does; when two calls in a row did the same, a plan takes over. Every set of
// input shapes gets a plan of its own.
#pragma once

#include <set>

#include <gradus/compile/plan.h>
#include <gradus/program/trace.h>

namespace gradus {

/// Calls give the bits of the function's own calls. Parameters and state that the function uses
/// from outside are shared with the plan and updated in place; anything else that the function
/// does besides operations (printing, counting) happens only while it is traced. A number of the
/// host that the function uses is part of the plan: call recheck() when it may have changed, or
/// give it as an input. Not thread-safe. (jax.jit, torch.compile)
class Compiled {
 public:
  explicit Compiled(TensorFunction function, compile::PlanOptions options = {})
      : function_(std::move(function)), options_(options) {}

  /// The results, as fresh tensors without history. While an observer stands at the door the
  /// function itself runs, so that every call is seen; the bits are the same.
  Tensors operator()(std::span<const Tensor> inputs);
  /// The same, but results may be the plan's own: the next call overwrites them.
  const Tensors& run(std::span<const Tensor> inputs);
  /// Drops every plan, because something that the function uses is not what it was.
  void forget() { entries_.clear(); }
  /// Has every plan looked at again: the next call for its shapes runs the function itself, and
  /// when that does not do what the plan does, the plan is dropped and learned anew.
  void recheck();

  /// The plan for inputs of these specs; null while there is none.
  const compile::Plan* plan(std::span<const Tensor> inputs) const;
  /// How many plans were made so far.
  int plans_made() const { return plans_made_; }
  /// Why there is no plan and never will be for some inputs: "a computed f32[] was read by item()
  /// at train.cpp:44 ..."; empty as long as nothing was found.
  const std::string& obstacle() const { return obstacle_; }
  /// What the last recheck that dropped a plan found: "a f32[] from outside the operations changes
  /// from call to call"; empty as long as none was dropped.
  const std::string& change() const { return change_; }

 private:
  struct Entry {
    Specs specs;
    int calls = 0;
    std::optional<Program> traced;
    std::set<ValueId> lasting{};  ///< constants that were the same tensors in two traces
    std::unique_ptr<compile::Plan> plan;
    bool is_given_up = false, must_check = false;
  };
  Entry& entry(std::span<const Tensor> inputs);
  void learn(Entry& entry, std::span<const Tensor> inputs);
  void check(Entry& entry, std::span<const Tensor> inputs);
  std::string make_plan(Entry& entry, const Program& traced, const Program& like,
                        std::span<const Tensor> inputs);
  void give_up(Entry& entry, std::string obstacle);
  const Program* known_at_other_sizes(const Program& program) const;

  TensorFunction function_;
  compile::PlanOptions options_;
  std::vector<std::unique_ptr<Entry>> entries_;
  Tensors results_;  // of calls of the function itself
  std::string obstacle_, change_;
  int plans_made_ = 0;
};

}  // namespace gradus
