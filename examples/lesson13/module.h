// The Module of chapter 14: a layer says forward and backward, this base keeps what it was called
// with and what it answered. Derive as struct Relu : Module<Relu>.
#pragma once

#include <gradus/gradus.h>

namespace lesson {

/// A layer with a forward for these inputs, and the backward that belongs to it.
template <class Layer, class... Inputs>
concept HasForward = requires(Layer& layer, const Inputs&... x) {
  { layer.forward(x...) } -> std::convertible_to<gradus::Tensor>;
};
template <class Layer, class... Inputs>
concept HasBackward = requires(Layer& layer, const gradus::Tensor& out, const Inputs&... x) {
  layer.backward(out, x...);
};

template <class Layer>
struct Module {
  std::vector<gradus::Tensor> args;
  gradus::Tensor answer;

  template <class... Inputs>
  requires HasForward<Layer, Inputs...> && HasBackward<Layer, Inputs...> gradus::Tensor operator()(
      const Inputs&... x) {
    args = {x...};
    answer = self().forward(x...);
    run_ = [this, x...] { self().backward(answer, x...); };
    return answer;
  }
  /// Gradients of the inputs of the last call, from the gradient of its output.
  void bwd() { run_(); }

 private:
  Layer& self() { return static_cast<Layer&>(*this); }
  std::function<void()> run_;
};

}  // namespace lesson
