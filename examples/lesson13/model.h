// A list of layers and a loss. The layers have different types; what the model needs of them are
// two functions. The loss is a layer too, the last one. Somebody in the lecture asked where the
// predictions are: calling the model gives both, the loss and the predictions, and keeps them for
// whoever asks later.
#pragma once

#include <gradus/gradus.h>

#include <functional>

#include "layers.h"

namespace lesson::layers {

struct Answer {
  Tensor loss, preds;
};

struct Model {
  struct Layer {
    std::function<Tensor(const Tensor&)> forward;
    std::function<void()> backward;
  };
  std::vector<Layer> chain;
  Mse loss;
  Answer last;

  template <class L>
  void add(L& layer) {
    chain.push_back({std::ref(layer), [&layer] { layer.backward(); }});
  }
  Answer operator()(const Tensor& x, const Tensor& targ) {
    Tensor preds = x;
    for (Layer& layer : chain) preds = layer.forward(preds);
    return last = {loss(preds, targ), preds};
  }
  void backward() {  // the loss first, then the layers from the last to the first
    loss.backward();
    for (auto layer = chain.rbegin(); layer != chain.rend(); ++layer) layer->backward();
  }
};

}  // namespace lesson::layers
