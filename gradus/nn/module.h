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
#include <memory>

#include <gradus/ops/ops.h>

namespace gradus::nn {

class Module;

/// Called for each field of a module, in the order of GRADUS_FIELDS.
struct FieldVisitor {
  std::function<void(std::string_view name, Tensor&)> tensor;
  std::function<void(std::string_view name, Module&)> module;
  /// Modules behind shared pointers become copies first: for clone.
  bool copies_pointers = false;
};

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

class Module {
 public:
  virtual ~Module() = default;

  /// The output for x. Override it; call the module itself, net(x).
  virtual Tensor forward(const Tensor& x) = 0;
  Tensor operator()(const Tensor& x, Place at = Place::current());

  /// "Linear(784, 50)": what it is and how it was made; the name of the type unless overridden.
  virtual std::string describe() const;
  virtual void visit_fields(const FieldVisitor&) {}

  /// Tensors that require a gradient, in the order of the fields; one that two fields share counts
  /// once. (torch.nn.Module.parameters)
  Tensors parameters();
  NamedTensors named_parameters();
  /// All tensor fields, "0.weight": the tensors themselves, not copies.
  /// (torch.nn.Module.state_dict)
  NamedTensors state_dict();
  /// Copies values by name. Throws NameError that lists the missing and the unknown names, or
  /// ShapeError that lists the names of other shapes; then nothing was changed.
  void load_state_dict(const NamedTensors& state, Place at = Place::current());
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
  /// Whether this module alone is in training mode: for one inside that is frozen.
  void set_training(bool on) { training_ = on; }
  /// Calls f with this module and every one inside it, outer ones first.
  void for_each_module(const std::function<void(Module&)>& f);
  /// A tree with one line a module: name, description, output shape when zeros of `input` run
  /// through the net in evaluation mode (of the last call; "-" for a module that is not called),
  /// and number of parameters, with the total in the end.
  std::string summary(const Spec& input);
  /// The same without shapes, for modules of several inputs.
  std::string summary();

 protected:
  /// In forward: the line that called this module, for a layer whose errors are to name its user's
  /// line and not its own. `here` where forward was called directly.
  Place called_at(Place here = Place::current()) const;

  Module() = default;
  Module(const Module&) = default;
  Module& operator=(const Module&) = default;

 private:
  bool training_ = true;
};

/// Evaluation mode while it lives, in the module and everything inside it; then each has its own
/// mode again, a frozen layer too, also after an exception.
class Evaluating {
 public:
  explicit Evaluating(Module& module);
  ~Evaluating();
  Evaluating(const Evaluating&) = delete;
  Evaluating& operator=(const Evaluating&) = delete;

 private:
  std::vector<std::pair<Module*, bool>> modes_;
};

namespace detail {

/// A new module of the same type with the fields of `module`.
template <class M>
std::shared_ptr<Module> copy_of(const Module& module) {
  if constexpr (std::is_copy_constructible_v<M> && !std::is_abstract_v<M>)
    return std::make_shared<M>(static_cast<const M&>(module));
  else
    throw ValueError("a " + module.describe() + " is held as a type that cannot be copied",
                     "keep it as shared_ptr of its own type");
}

/// Gives the fields of a copy tensors and modules of their own.
void own_fields(Module& copy);

/// A field that holds nothing (a bias that is not there) is passed over.
template <class Field>
void visit_field(const FieldVisitor& visitor, std::string_view name, Field& field) {
  if constexpr (std::is_same_v<Field, Tensor>) {
    if (field) visitor.tensor(name, field);
  } else if constexpr (std::is_base_of_v<Module, Field>) {
    visitor.module(name, field);
  } else if (field) {  // a pointer to a module
    using M = typename std::pointer_traits<Field>::element_type;
    if constexpr (std::is_same_v<Field, std::shared_ptr<M>>)
      if (visitor.copies_pointers) field = std::static_pointer_cast<M>(copy_of<M>(*field));
    visitor.module(name, *field);
  }
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

/// A module of the same type with tensors of its own: equal values, no gradients. A tensor in two
/// fields stays one tensor. Modules behind shared pointers are copied too, as the types that their
/// pointers say; ValueError where that type is abstract. (copy.deepcopy of a torch.nn.Module)
template <class M>
requires std::is_base_of_v<Module, M> M clone(const M& module) {
  M copy = module;
  detail::own_fields(copy);
  return copy;
}

/// Names the tensor and module fields of a module.
#define GRADUS_FIELDS(...)                                                 \
  void visit_fields(const ::gradus::nn::FieldVisitor& visitor) override {  \
    ::gradus::nn::detail::visit_named(visitor, #__VA_ARGS__, __VA_ARGS__); \
  }

}  // namespace gradus::nn
