// The usual layers, and lists of layers.
#pragma once

#include <memory>

#include <gradus/nn/module.h>

namespace gradus::nn {

/// y = x W^T + b; weight [out, in], bias [out], both U(-1/sqrt(in), 1/sqrt(in)) drawn in this order
/// from the default generator. x [..., in] -> [..., out]. (torch.nn.Linear)
struct Linear : Module {
  Linear(std::int64_t in, std::int64_t out, bool with_bias = true);
  Tensor weight, bias;
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;
  void visit_fields(const FieldVisitor& visitor) override;
};

/// Layers without parameters; each calls the function of its name.
struct ReLU : Module {
  Tensor forward(const Tensor& x) override { return relu(x); }
  std::string describe() const override { return "ReLU()"; }
};
struct Tanh : Module {
  Tensor forward(const Tensor& x) override { return tanh(x); }
  std::string describe() const override { return "Tanh()"; }
};
struct Sigmoid : Module {
  Tensor forward(const Tensor& x) override { return sigmoid(x); }
  std::string describe() const override { return "Sigmoid()"; }
};
struct GELU : Module {
  Tensor forward(const Tensor& x) override { return gelu(x); }
  std::string describe() const override { return "GELU()"; }
};
/// All axes but the first become one. (torch.nn.Flatten)
struct Flatten : Module {
  Tensor forward(const Tensor& x) override { return flatten(x, 1); }
  std::string describe() const override { return "Flatten()"; }
};
/// Active in training mode alone. (torch.nn.Dropout)
struct Dropout : Module {
  explicit Dropout(double probability = 0.5) : p(probability) {}
  double p;
  Tensor forward(const Tensor& x) override { return dropout(x, p, is_training()); }
  std::string describe() const override;
};

/// Modules by number: a field of modules that call them themselves. (torch.nn.ModuleList)
class ModuleList : public Module {
 public:
  ModuleList() = default;
  template <class... Layers>
  requires(std::is_base_of_v<Module, std::remove_cvref_t<Layers>>&&...) explicit ModuleList(
      Layers&&... layers) {
    (push_back(std::make_shared<std::remove_cvref_t<Layers>>(std::forward<Layers>(layers))), ...);
  }
  void push_back(std::shared_ptr<Module> layer) { layers_.push_back(std::move(layer)); }
  std::size_t size() const { return layers_.size(); }
  Module& operator[](std::size_t i) const { return *layers_.at(i); }
  /// A list has no order of calls of its own: throws ValueError.
  Tensor forward(const Tensor& x) override;
  std::string describe() const override { return "ModuleList"; }
  void visit_fields(const FieldVisitor& visitor) override;

 private:
  std::vector<std::shared_ptr<Module>> layers_;
};

/// Modules one after the other. (torch.nn.Sequential)
class Sequential : public ModuleList {
 public:
  using ModuleList::ModuleList;
  Tensor forward(const Tensor& x) override;
  std::string describe() const override { return "Sequential"; }
};

/// "Linear(784, 50); ReLU(); Linear(50, 10)": the layers of a Sequential as text, and back.
/// make_layers throws DataError for text that it does not know; parameters are drawn anew.
std::string layer_list(const Sequential& net);
Sequential make_layers(std::string_view list);

/// Fills `x` in place from the default generator. (torch.nn.init)
void uniform_(Tensor& x, double low, double high);
void normal_(Tensor& x, double mean = 0, double std = 1);
/// U(-a, a) with a = gain * sqrt(3 / fan_in); gain sqrt(2) suits relu. x [out, in]. (He et al.
/// 2015)
void kaiming_uniform_(Tensor& x, double gain = 1.4142135623730951);
/// U(-a, a) with a = sqrt(6 / (in + out)). (Glorot and Bengio 2010)
void xavier_uniform_(Tensor& x);

}  // namespace gradus::nn
