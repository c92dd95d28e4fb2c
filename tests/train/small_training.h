// A small training with everything that it leaves, to be compared bit by bit: compiled with eager,
// disturbed with undisturbed.
#pragma once

#include <gradus/gradus.h>

namespace gradus::test {

struct Outcome {
  std::vector<std::vector<float>> parameters;
  std::vector<double> losses;
  std::vector<std::vector<double>> state;
  std::string plan;
  bool operator==(const Outcome& o) const {
    return parameters == o.parameters && losses == o.losses && state == o.state;
  }
};

using MakeOptimizer = std::function<std::unique_ptr<optim::Optimizer>(const Tensors&)>;

template <class Rule, class Options>
MakeOptimizer maker(const Options& options) {
  return [=](const Tensors& p) { return std::make_unique<Rule>(p, options); };
}

inline std::shared_ptr<const data::Dataset> spirals() {
  manual_seed(5);
  const Tensor x = randn({210, 6});
  const Tensor y = argmax(x[{all, Slice{0, 3}}], 1);
  return std::make_shared<data::TensorDataset>(x, y);
}

inline nn::Sequential small_net(double dropout) {
  manual_seed(3);
  return nn::Sequential{nn::Linear(6, 16), nn::ReLU(), nn::Dropout(dropout), nn::Linear(16, 3)};
}

/// Four epochs of batches of 32, the last one of 18; `net` and `loss` may be others.
inline Outcome train(const MakeOptimizer& make, FitOptions options, nn::Module& net,
                     const LossFunction& loss, const std::vector<Callback*>& callbacks) {
  const auto data = spirals();
  const auto optimizer = make(net.parameters());
  manual_seed(11);
  options.epochs = 4;
  Trainer trainer(net, *optimizer, loss);
  for (Callback* callback : callbacks) trainer.with(*callback);
  const auto records =
      trainer.fit(data::DataLoader(data, {.batch_size = 32, .shuffle = true}), options);
  Outcome outcome;
  for (const Tensor& p : net.parameters()) outcome.parameters.push_back(p.to_vector<float>());
  for (const EpochRecord& r : records) outcome.losses.push_back(r.train_loss);
  for (const auto& [name, value] : optimizer->state_dict())
    outcome.state.push_back(value.to_vector<double>());
  outcome.plan = trainer.plan();
  return outcome;
}

inline Outcome train(const MakeOptimizer& make, FitOptions options, double dropout = 0.2,
                     Callback* callback = nullptr) {
  nn::Sequential net = small_net(dropout);
  std::vector<Callback*> callbacks;
  if (callback) callbacks.push_back(callback);
  return train(make, std::move(options), net, cross_entropy, callbacks);
}

}  // namespace gradus::test
