// Reverse mode: gradients by walking the history from the end to the beginning.
// Each node's gradient rule is run through the door, so a backward pass is itself a list of calls
// that can be recorded (create_graph), traced and stepped. transforms.h builds on grad().
#pragma once

#include <functional>

#include <gradus/program/apply.h>

namespace gradus {

struct BackwardOptions {
  /// Keep what gradient rules saved, so that another backward may follow. create_graph implies it.
  bool keep_graph = false;
  /// Record the backward pass, for gradients of gradients.
  bool create_graph = false;
  /// Give an empty Tensor where an input has no influence, instead of throwing GradError.
  bool allow_unused = false;
  /// Walk only calls executed after the one of this number (Node::sequence): the gradients of what
  /// they start from are as those calls leave them.
  std::uint64_t since = 0;
};

/// Gradients of sum_k <seeds[k], outputs[k]> with respect to `inputs` (parameters or computed
/// tensors). An empty seed stands for 1 where the output is one number; else GradError.
/// (torch.autograd.grad)
Tensors grad(std::span<const Tensor> outputs, std::span<const Tensor> inputs,
             std::span<const Tensor> seeds = {}, BackwardOptions options = {},
             Place at = Place::current());
inline Tensors grad(const Tensor& output, std::initializer_list<Tensor> inputs,
                    BackwardOptions options = {}, Place at = Place::current()) {
  return grad(std::span(&output, 1), std::span(inputs.begin(), inputs.size()), {}, options, at);
}

/// Adds the gradients of all parameters that the outputs depend on to their grad(). Throws
/// GradError where set_grad had put a tensor of another shape or dtype there.
/// (torch.autograd.backward)
void backward(std::span<const Tensor> outputs, std::span<const Tensor> seeds = {},
              BackwardOptions options = {}, Place at = Place::current());

}  // namespace gradus
