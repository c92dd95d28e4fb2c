// trace: runs a function and writes down its calls as a Program. An interpreter at the door: the
// function does not know, and loops and branches are followed as they went this time.
#pragma once

#include <gradus/program/program.h>

namespace gradus {

/// A function of tensors to tensors: a forward pass, a whole training step.
using TensorFunction = std::function<Tensors(std::span<const Tensor>)>;

/// The primitive calls that `function` makes on `inputs`, forward, backward and in place alike.
/// Tensors that it uses from outside (parameters) become constants, shared, not copied.
/// (jax.make_jaxpr, torch.fx)
Program trace(const TensorFunction& function, std::span<const Tensor> inputs);

/// What trace_for_replay saw besides the program.
struct ReplayTrace {
  Program program;
  Tensors results;  ///< what the function returned
  /// Why running the program would not do what the function does; empty where nothing was seen. A
  /// value that depends on the inputs was read (item, to_vector, data), so that a branch may hang
  /// on it.
  std::string obstacle;
};
/// As trace, for a program that is to stand in for the function: the calls inside functions
/// (checkpoint, custom gradients) are written down one by one.
ReplayTrace trace_for_replay(const TensorFunction& function, std::span<const Tensor> inputs);

}  // namespace gradus
