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
/// of the plain loop `loss.backward(); optimizer.step(); optimizer.zero_grad();`.
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
  /// To be called when the net may run otherwise than before: another mode, other layers.
  void forget();

 private:
  Result run_eagerly(const data::Batch& batch);
  Tensors run_traceable(std::span<const Tensor> inputs);
  Tensors inputs_of(const data::Batch& batch) const;
  /// What is frozen in a plan besides the calls; a plan is worth nothing when it changes.
  std::vector<double> settings() const;

  nn::Module& net_;
  optim::Optimizer& optimizer_;
  LossFunction loss_;
  std::function<void()> before_update_;
  Place at_;
  Compiled compiled_;
  std::optional<std::vector<std::size_t>> which_;  // parameters that have gradients
  std::vector<double> settings_;
  Tensors numbers_;  // of the optimizer's step, 0-dim
  bool has_stepped_ = false;
};

}  // namespace gradus
