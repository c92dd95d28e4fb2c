// One net, written in three ways.
#pragma once

#include <gradus/gradus.h>

namespace lesson {
using namespace gradus;

// **A module finds its parameters.**
// Two layers are fields, and one line names them: that is all `parameters()` needs.
struct MLP : nn::Module {
  nn::Linear l1{784, 50}, l2{50, 10};
  nn::ReLU relu;
  GRADUS_FIELDS(l1, l2, relu)
  Tensor forward(const Tensor& x) override { return l2(relu(l1(x))); }
  std::string describe() const override { return "MLP"; }
};

// **How does it find them?**
// By hand: whoever adds a layer writes it down under a name, and parameters are looked up in what
// was written down. (In Python an assignment `self.l1 = ...` is caught and written down.)
struct MyModule : nn::Module {
  std::vector<std::pair<std::string, std::shared_ptr<nn::Module>>> layers;
  MyModule() {
    layers.emplace_back("l1", std::make_shared<nn::Linear>(784, 50));
    layers.emplace_back("l2", std::make_shared<nn::Linear>(50, 10));
  }
  void visit_fields(const nn::FieldVisitor& visitor) override {
    for (auto& [name, layer] : layers) visitor.module(name, *layer);
  }
  Tensor forward(const Tensor& x) override {
    return (*layers[1].second)(relu((*layers[0].second)(x)));
  }
  std::string describe() const override { return "MyModule"; }
};

// **A list of modules, called one after the other.**
// Nets that are chains need no `forward` of their own: each module's answer is the next one's
// input.
struct SequentialModel : nn::Module {
  nn::ModuleList layers{nn::Linear(784, 50), nn::ReLU(), nn::Linear(50, 10)};
  GRADUS_FIELDS(layers)
  Tensor forward(const Tensor& x) override {
    Tensor y = x;
    for (std::size_t i = 0; i < layers.size(); ++i) y = layers[i](y);
    return y;
  }
  std::string describe() const override { return "SequentialModel"; }
};

}  // namespace lesson
