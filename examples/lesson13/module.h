// The base: a layer says forward and backward, and derives as `struct Relu : Module<Relu>`. The
// base keeps what the layer was called with, in `args`, and what it answered.
#pragma once

#include <gradus/gradus.h>

#include <functional>

namespace lesson {
using namespace gradus;

/// A layer with a forward for these inputs, and the backward that belongs to it.
template <class Layer, class... Inputs>
concept HasForward = requires(Layer& layer, const Inputs&... x) {
  { layer.forward(x...) } -> std::convertible_to<Tensor>;
};
template <class Layer, class... Inputs>
concept HasBackward = requires(Layer& layer, const Tensor& g, const Inputs&... x) {
  layer.backward(g, x...);
};

template <class Layer>
struct Module {
  /// How a layer is handed a tensor.
  using In = const Tensor&;

  Tensors args;
  Tensor answer;

  /// Runs forward(x...), and keeps x and the answer. What Python finds out when it runs, a layer
  /// without forward, C++ says before: it does not compile.
  template <class... Inputs>
  Tensor operator()(const Inputs&... x) {
    static_assert(HasForward<Layer, Inputs...>,
                  "this layer has no forward: write `Tensor forward(In x)` with one In for each "
                  "tensor it is called with");
    static_assert(HasBackward<Layer, Inputs...>,
                  "this layer has no backward: write `void backward(In g, In x)`, the gradient of "
                  "the output first, then what forward takes");
    if constexpr (HasForward<Layer, Inputs...> && HasBackward<Layer, Inputs...>) {
      args = {x...};
      answer = static_cast<Layer&>(*this).forward(x...);
      run_ = [x...](Layer& layer) { layer.backward(layer.answer.grad(), x...); };
    }
    return answer;
  }
  /// Runs backward(g, x...) with the gradient of the last answer, and with what it was made from.
  void bwd() { run_(static_cast<Layer&>(*this)); }

 private:
  std::function<void(Layer&)> run_;
};

/// Puts onto each tensor its gradient.
inline void give(const Tensors& tensors, const Tensors& gradients) {
  for (std::size_t i = 0; i < tensors.size(); ++i) tensors[i].set_grad(gradients[i]);
}

}  // namespace lesson
