// Accuracy, one step, one epoch: all that there is to training.
#pragma once

#include <gradus/gradus.h>

#include <algorithm>

#include "lesson.h"
#include "training.h"

namespace lesson {
using namespace gradus;

// Accuracy: the share of rows whose largest score stands at the label.
inline double accuracy_by_hand(const Tensor& preds, const Tensor& labels) {
  return astype(argmax(preds, 1) == labels, DType::f64).mean().item();
}

// One step: `backward` fills the gradients. The update must not be recorded, so a `NoGrad` stands
// before it. Each gradient is set back to zero in place, because the next backward adds to it.
inline Report step(nn::Sequential& model, const Tensor& x, const Tensor& y) {
  const Tensor preds = model(x);
  const Tensor loss = cross_entropy(preds, y);
  loss.backward();
  NoGrad guard;
  for (std::size_t layer = 0; layer < model.size(); ++layer)
    for (Tensor p : model[layer].parameters()) {  // ReLU has none
      p.sub_(p.grad() * .5);
      p.grad().zero_();
    }
  return {loss.item(), accuracy_by_hand(preds, y), x.size(0)};
}

// One epoch: slices of `bs` rows; the last one ends where the data ends.
inline std::vector<Report> epoch(nn::Sequential& model, const Data& d, std::int64_t bs) {
  std::vector<Report> reports;
  for (std::int64_t i = 0; i < d.x_train.size(0); i += bs) {
    const Slice rows{i, std::min(i + bs, d.x_train.size(0))};
    reports.push_back(step(model, d.x_train[rows], d.y_train[rows]));
  }
  return reports;
}

}  // namespace lesson
