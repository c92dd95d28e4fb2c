// Lists of layers: ModuleList, whose owner calls them, and Sequential, which runs them in turn.
#pragma once

#include <gradus/nn/module.h>

namespace gradus::nn {

/// Modules by number: a field of modules that call them themselves. Copying a list shares its
/// modules; nn::clone copies them. (torch.nn.ModuleList)
class ModuleList : public Module {
 public:
  ModuleList() = default;
  template <class... Layers>
  requires(std::is_base_of_v<Module, std::remove_cvref_t<Layers>>&&...) explicit ModuleList(
      Layers&&... layers) {
    (push_back(std::make_shared<std::remove_cvref_t<Layers>>(std::forward<Layers>(layers))), ...);
  }
  template <class Layer>
  void push_back(std::shared_ptr<Layer> layer) {
    layers_.push_back({std::move(layer), &detail::copy_of<Layer>});
  }
  std::size_t size() const { return layers_.size(); }
  Module& operator[](std::size_t i) const { return *layers_.at(i).module; }
  /// A list has no order of calls of its own: throws ValueError.
  Tensor forward(const Tensor& x) override;
  std::string describe() const override { return "ModuleList"; }
  void visit_fields(const FieldVisitor& visitor) override;

 private:
  struct Layer {
    std::shared_ptr<Module> module;
    std::shared_ptr<Module> (*copy)(const Module&);
  };
  std::vector<Layer> layers_;
};

/// Modules one after the other. (torch.nn.Sequential)
class Sequential : public ModuleList {
 public:
  using ModuleList::ModuleList;
  Tensor forward(const Tensor& x) override;
  std::string describe() const override { return "Sequential"; }
};

}  // namespace gradus::nn
