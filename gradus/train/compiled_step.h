// A training step that learns to run as a plan (compile/compile.h): forward, loss, backward and
// update in one. Counting and learning rates stay outside, so that schedules go on.
#pragma once

#include <gradus/compile/compile.h>
#include <gradus/data/dataset.h>
#include <gradus/nn/layers.h>
#include <gradus/optim/optimizer.h>
#include <gradus/train/metric.h>

namespace gradus {

/// One batch: changes the parameters, gives the loss and the net's output. Every batch has the bits
/// of the plain loop `loss.backward(); optimizer.step(); optimizer.zero_grad();`, as long as what
/// the host decides (a layer's probability, a factor of the loss) changes only before recheck() or
/// forget().
class CompiledStep {
 public:
  struct Result {
    Tensor loss, output;  ///< without history; the next call overwrites them
  };

  /// Keeps references to net and optimizer. `before_update` is called when gradients are there and
  /// parameters not yet changed; it is part of what is traced. Errors of net and loss name `at`.
  CompiledStep(nn::Module& net, optim::Optimizer& optimizer, LossFunction loss,
               std::function<void()> before_update, compile::PlanOptions options = {},
               Place at = Place::current());

  /// The batch, eagerly as long as no plan is there, or when `eagerly` is asked for.
  Result operator()(const data::Batch& batch, bool eagerly);

  /// Why some batches run eagerly for good; empty as long as nothing was found.
  const std::string& obstacle() const { return compiled_.obstacle(); }
  /// The plan for batches like this one; null while there is none.
  const compile::Plan* plan(const data::Batch& batch) const;
  int plans_made() const { return compiled_.plans_made(); }
  /// What the last recheck that dropped a plan found; empty as long as none was dropped.
  const std::string& change() const { return compiled_.change(); }
  /// To be called when the net runs otherwise than before: another mode, other layers.
  void forget();
  /// To be called when the net may run otherwise than before: the next batch of each size runs
  /// step by step and is compared with its plan, which goes where they differ.
  void recheck() { compiled_.recheck(); }

 private:
  Result run_eagerly(const data::Batch& batch);
  Tensors run_traceable(std::span<const Tensor> inputs);
  Tensors inputs_of(const data::Batch& batch) const;
  /// Whether something changed that is frozen in a plan besides the calls.
  bool has_other_settings();

  nn::Module& net_;
  optim::Optimizer& optimizer_;
  LossFunction loss_;
  std::function<void()> before_update_;
  Place at_;
  Compiled compiled_;
  std::optional<std::vector<std::size_t>> which_;  // parameters that have gradients
  std::vector<double> settings_;
  std::vector<std::pair<const void*, bool>> parameters_;  // storage, and whether it is trained
  Tensors numbers_;                                       // of the optimizer's step, 0-dim
  bool has_stepped_ = false;
};

}  // namespace gradus
