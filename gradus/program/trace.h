// trace: runs a function and writes down its calls as a Program. An interpreter at the door: the
// function does not know, and loops and branches are followed as they went this time.
#pragma once

#include <gradus/program/program.h>

namespace gradus {

/// The primitive calls that `function` makes on `inputs`, forward, backward and in place alike.
/// Tensors that it uses from outside (parameters) become constants, shared, not copied.
/// (jax.make_jaxpr, torch.fx)
Program trace(const std::function<Tensors(std::span<const Tensor>)>& function,
              std::span<const Tensor> inputs);

}  // namespace gradus
