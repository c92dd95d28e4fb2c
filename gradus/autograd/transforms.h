// Derivatives of functions of tensors: vjp, jvp, jacobian, hessian; all built on grad().
#pragma once

#include <gradus/autograd/backward.h>
#include <gradus/program/trace.h>

namespace gradus {

using ScalarFunction = std::function<Tensor(const Tensor&)>;

/// Outputs of `f` at `inputs`, and the product of `cotangents` (one for each output, or none at all
/// for one number) with its Jacobian, one for each input (zeros where there is no influence; an
/// output of integers has none, and its cotangent is not looked at). (jax.vjp)
struct ValueAndTensors {
  Tensors value, tensors;
};
ValueAndTensors vjp(const TensorFunction& f, std::span<const Tensor> inputs,
                    std::span<const Tensor> cotangents, Place at = Place::current());
/// Outputs of `f` and the product of its Jacobian with `tangents`, one for each output (zeros where
/// nothing moves it). Made from
/// the gradient rules: the vjp is linear in its cotangent, and this is its own vjp. (jax.jvp)
ValueAndTensors jvp(const TensorFunction& f, std::span<const Tensor> inputs,
                    std::span<const Tensor> tangents, Place at = Place::current());
/// d f(x)[i...] / d x[j...], shape f(x).shape + x.shape: rows are outputs, columns inputs.
/// (torch.autograd.functional.jacobian)
Tensor jacobian(const ScalarFunction& f, const Tensor& x, Place at = Place::current());
/// Second derivatives of a function to one number, shape x.shape + x.shape.
/// (torch.autograd.functional.hessian)
Tensor hessian(const ScalarFunction& f, const Tensor& x, Place at = Place::current());

/// f(inputs), keeping only the inputs and what f uses from outside, and computing the rest again in
/// backward; random draws repeat. (torch.utils.checkpoint)
Tensors checkpoint(const TensorFunction& f, std::span<const Tensor> inputs,
                   Place at = Place::current());

/// An operation from two functions: outputs of inputs, and gradients of the inputs from inputs,
/// outputs and cotangents: one for each input, an empty Tensor for none (GradError for another
/// number of them). `forward` is not recorded; `backward` may be differentiated again where it is
/// made of operations. (torch.autograd.Function)
struct CustomFunction {
  std::string name = "custom";
  std::function<Tensors(std::span<const Tensor> inputs)> forward;
  std::function<Tensors(std::span<const Tensor> inputs, std::span<const Tensor> outputs,
                        std::span<const Tensor> cotangents)>
      backward;
  Tensors operator()(std::span<const Tensor> inputs, Place at = Place::current()) const;
};

}  // namespace gradus
