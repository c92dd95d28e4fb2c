// Module: a struct of tensors and other modules, with one line that names its fields:
//
//   struct Block : nn::Module {
//     nn::Linear inner{50, 50};
//     Tensor scale = ones({50}).set_requires_grad();
//     GRADUS_FIELDS(inner, scale)
//     Tensor forward(const Tensor& x) override { return x + relu(inner(x)) * scale; }
//   };
//
// Parameters, state, summary and modes are visitors over these fields. layers.h has the usual ones.
#pragma once

#include <functional>

#include <gradus/ops/ops.h>

namespace gradus::nn {

class Module;

/// Called for each field of a module, in the order of GRADUS_FIELDS.
struct FieldVisitor {
  std::function<void(std::string_view name, Tensor&)> tensor;
  std::function<void(std::string_view name, Module&)> module;
};

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

class Module {
 public:
  virtual ~Module() = default;

  /// The output for x. Override it; call the module itself, net(x).
  virtual Tensor forward(const Tensor& x) = 0;
  Tensor operator()(const Tensor& x) { return forward(x); }

  /// "Linear(784, 50)": what it is and how it was made; load_layers (layers.h) reads it back.
  virtual std::string describe() const = 0;
  virtual void visit_fields(const FieldVisitor&) {}

  /// Tensors that require a gradient, in the order of the fields. (torch.nn.Module.parameters)
  Tensors parameters();
  NamedTensors named_parameters();
  /// All tensor fields, "0.weight": the tensors themselves, not copies.
  /// (torch.nn.Module.state_dict)
  NamedTensors state_dict();
  /// Copies values by name. Throws NameError for missing or unknown names, ShapeError for other
  /// shapes; then nothing was changed.
  void load_state_dict(const NamedTensors& state);
  /// Number of parameters' elements.
  std::int64_t parameter_count();
  void zero_grad();
  /// Gives every floating tensor another floating dtype: the fields become new leaves, so make the
  /// optimizer afterwards. Throws DTypeError for any other dtype. (torch.nn.Module.to)
  void to(DType dtype, Place at = Place::current());
  /// Training or evaluation mode, here and below; dropout looks at it.
  void train(bool on = true);
  void eval() { train(false); }
  bool is_training() const { return training_; }
  /// A tree with one line a module: name, description, output shape for `input`, parameters.
  std::string summary(const Spec& input);

 protected:
  /// Calls f(path, module) for this module and all below it.
  void visit_modules(const std::string& path,
                     const std::function<void(const std::string&, Module&)>& f);

 private:
  bool training_ = true;
};

namespace detail {

template <class Field>
void visit_field(const FieldVisitor& visitor, std::string_view name, Field& field) {
  if constexpr (std::is_same_v<Field, Tensor>)
    visitor.tensor(name, field);
  else if constexpr (std::is_base_of_v<Module, Field>)
    visitor.module(name, field);
  else
    visitor.module(name, *field);  // a pointer to a module
}

/// "a, b" with the fields a and b.
template <class... Fields>
void visit_named(const FieldVisitor& visitor, std::string_view names, Fields&... fields) {
  auto next = [&] {
    const std::size_t comma = std::min(names.find(','), names.size());
    std::string_view name = names.substr(0, comma);
    names.remove_prefix(std::min(comma + 1, names.size()));
    while (name.starts_with(' ')) name.remove_prefix(1);
    return name;
  };
  (visit_field(visitor, next(), fields), ...);
}

}  // namespace detail

/// Names the tensor and module fields of a module.
#define GRADUS_FIELDS(...)                                                 \
  void visit_fields(const ::gradus::nn::FieldVisitor& visitor) override {  \
    ::gradus::nn::detail::visit_named(visitor, #__VA_ARGS__, __VA_ARGS__); \
  }

}  // namespace gradus::nn
