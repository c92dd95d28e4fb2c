// Visitors over the fields; see module.h.
#include <gradus/nn/module.h>

#include <map>

namespace gradus::nn {
namespace {

std::string join(const std::string& path, std::string_view name) {
  return path.empty() ? std::string(name) : path + "." + std::string(name);
}

void collect(Module& module, const std::string& path, NamedTensors& found) {
  module.visit_fields(
      {[&](std::string_view name, Tensor& x) { found.emplace_back(join(path, name), x); },
       [&](std::string_view name, Module& inner) { collect(inner, join(path, name), found); }});
}

}  // namespace

NamedTensors Module::state_dict() {
  NamedTensors found;
  collect(*this, "", found);
  return found;
}

NamedTensors Module::named_parameters() {
  NamedTensors found;
  for (auto& [name, x] : state_dict())
    if (x.requires_grad()) {
      x.set_name(name);
      found.emplace_back(name, x);
    }
  return found;
}

Tensors Module::parameters() {
  Tensors found;
  for (const auto& [name, x] : named_parameters()) found.push_back(x);
  return found;
}

void Module::load_state_dict(const NamedTensors& state) {
  std::map<std::string, Tensor> given(state.begin(), state.end());
  NamedTensors mine = state_dict();
  for (const auto& [name, x] : mine) {
    const auto found = given.find(name);
    if (found == given.end())
      throw NameError("the state has no '" + name + "' of " + x.spec().str(),
                      "load a state of the same layers");
    if (found->second.shape() != x.shape())
      throw ShapeError("'" + name + "' is " + found->second.spec().str() + " in the state, " +
                           x.spec().str() + " in the module",
                       "make the module with the sizes of the state");
  }
  for (const auto& [name, x] : given) {
    bool known = false;
    for (const auto& [own, y] : mine) known |= own == name;
    if (!known)
      throw NameError("the module has no '" + name + "'", "load a state of the same layers");
  }
  NoGrad guard;
  for (auto& [name, x] : mine) x.copy_(given.at(name));
}

std::int64_t Module::parameter_count() {
  std::int64_t count = 0;
  for (const Tensor& x : parameters()) count += x.numel();
  return count;
}

void Module::zero_grad() {
  for (const Tensor& x : parameters()) x.zero_grad();
}

void Module::to(DType dtype, Place at) {
  if (!is_floating(dtype))
    throw DTypeError("parameters of dtype " + std::string(dtype_name(dtype)), "use f32 or f64", at);
  visit_fields({[&](std::string_view, Tensor& x) {
                  if (!is_floating(x.dtype()) || x.dtype() == dtype) return;
                  const bool is_parameter = x.requires_grad();
                  x = astype(x.detach(), dtype).set_requires_grad(is_parameter);
                },
                [&](std::string_view, Module& inner) { inner.to(dtype, at); }});
}

void Module::visit_modules(const std::string& path,
                           const std::function<void(const std::string&, Module&)>& f) {
  f(path, *this);
  visit_fields(
      {[](std::string_view, Tensor&) {},
       [&](std::string_view name, Module& inner) { inner.visit_modules(join(path, name), f); }});
}

void Module::train(bool on) {
  visit_modules("", [on](const std::string&, Module& module) { module.training_ = on; });
}

std::string Module::summary(const Spec& input) {
  std::string text;
  NoGrad guard;
  const bool was_training = training_;
  eval();
  Tensor x = Tensor::empty(input.shape, input.dtype);
  if (x.numel() > 0) x.zero_();
  visit_modules("", [&](const std::string& path, Module& module) {
    const auto depth =
        static_cast<std::size_t>(path.empty() ? 0 : 1 + std::count(path.begin(), path.end(), '.'));
    std::string line(2 * depth, ' ');
    if (!path.empty()) line += path.substr(path.rfind('.') + 1) + ": ";
    line += module.describe();
    if (depth == 1) {
      x = module(x);
      line.resize(std::max<std::size_t>(line.size() + 2, 32), ' ');
      line += x.shape().str();
    }
    line.resize(std::max<std::size_t>(line.size() + 2, 48), ' ');
    text += line + std::to_string(module.parameter_count()) + "\n";
  });
  train(was_training);
  return text;
}

}  // namespace gradus::nn
