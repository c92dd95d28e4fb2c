// Visitors over the fields; see module.h.
#include <gradus/nn/module.h>
#include <gradus/nn/module_calls.h>
#include <gradus/program/watch.h>

#include <cxxabi.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <typeinfo>
#include <utility>

namespace gradus::nn {
namespace {

/// Sees the result of every module called in this thread; null unless a summary is being made.
thread_local const std::function<void(const Module&, const Tensor&)>* watcher = nullptr;

std::string join(const std::string& path, std::string_view name) {
  return path.empty() ? std::string(name) : path + "." + std::string(name);
}

void collect(Module& module, const std::string& path, NamedTensors& found) {
  module.visit_fields(
      {[&](std::string_view name, Tensor& x) { found.emplace_back(join(path, name), x); },
       [&](std::string_view name, Module& inner) { collect(inner, join(path, name), found); }});
}

using ModuleVisitor = std::function<void(const std::string& path, Module& module)>;

void visit_modules(Module& module, const std::string& path, const ModuleVisitor& f) {
  f(path, module);
  module.visit_fields(
      {[](std::string_view, Tensor&) {},
       [&](std::string_view name, Module& inner) { visit_modules(inner, join(path, name), f); }});
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i == 8) return text + " and " + std::to_string(names.size() - i) + " more";
    text += (i ? ", " : "") + names[i];
  }
  return text;
}

/// Gives a variable another value, and its old one back in the end.
template <class T>
class Resetting {
 public:
  Resetting(T& variable, T value)
      : variable_(variable), before_(std::exchange(variable, std::move(value))) {}
  ~Resetting() { variable_ = std::move(before_); }
  Resetting(const Resetting&) = delete;
  Resetting& operator=(const Resetting&) = delete;

 private:
  T& variable_;
  T before_;
};

/// The modules whose forward runs in this thread, each with the module path at its beginning.
thread_local std::vector<ModuleCall> running;

/// One of them, while it lives.
class Running {
 public:
  explicit Running(ModuleCall one) { running.push_back(std::move(one)); }
  ~Running() { running.pop_back(); }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
};

/// The module called last in this thread that has not ended, and where it was called.
struct Calling {
  const Module* module = nullptr;
  Place at{};
};
thread_local Calling call;

/// The field of `parent` that is `child`; empty where none is.
std::string field_name(Module& parent, const Module& child) {
  std::string found;
  parent.visit_fields({[](std::string_view, Tensor&) {},
                       [&](std::string_view name, Module& inner) {
                         if (&inner == &child) found = name;
                       }});
  return found;
}

}  // namespace

std::span<const ModuleCall> module_calls() { return running; }

Place Module::called_at(Place here) const { return call.module == this ? call.at : here; }

Tensor Module::operator()(const Tensor& x, Place at) {
  const Resetting<Calling> this_call(call, {this, at});
  // The module path is for whoever looks. A parent that opened a scope has named this one itself.
  std::optional<Scope> named;
  std::optional<Running> inside;
  if (is_observed()) {
    if (!running.empty() && running.back().path == Scope::current())
      if (const std::string name = field_name(*running.back().module, *this); !name.empty())
        named.emplace(name);
    inside.emplace(ModuleCall{this, Scope::current(), at});
  }
  if (MeaningWatch* watch = GRADUS_MEANING_WATCH) {
    const std::string path = Scope::current() ? *Scope::current() + "." : "";
    visit_fields({.tensor = [&](std::string_view name,
                                Tensor& field) { watch->field(path + std::string(name), field); },
                  .module = [](std::string_view, Module&) {}});
  }
  Tensor y = forward(x);
  if (watcher) (*watcher)(*this, y);
  return y;
}

std::string Module::describe() const {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(typeid(*this).name(), nullptr, nullptr, &status), std::free);
  const std::string full = status == 0 ? name.get() : typeid(*this).name();
  const std::size_t colon = full.rfind(':');
  return colon == full.npos ? full : full.substr(colon + 1);
}

NamedTensors Module::state_dict() {
  NamedTensors found;
  collect(*this, "", found);
  return found;
}

NamedTensors Module::named_parameters() {
  NamedTensors found;
  std::set<const void*> known;
  for (auto& [name, x] : state_dict())
    if (x.requires_grad() && known.insert(x.id()).second) {
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

void Module::load_state_dict(const NamedTensors& state, Place at) {
  std::map<std::string, Tensor> given(state.begin(), state.end());
  NamedTensors mine = state_dict();
  std::vector<std::string> missing, unknown, misshapen;
  std::map<std::string, bool> known;
  for (const auto& [name, x] : mine) {
    known[name] = true;
    const auto found = given.find(name);
    if (found == given.end())
      missing.push_back("'" + name + "' of " + x.spec().str());
    else if (found->second.shape() != x.shape())
      misshapen.push_back("'" + name + "' is " + found->second.spec().str() + " in the state, " +
                          x.spec().str() + " in the module");
  }
  for (const auto& [name, x] : given)
    if (!known[name]) unknown.push_back("'" + name + "'");
  std::string problem;
  if (!missing.empty()) problem = "the state has no " + listed(missing);
  if (!unknown.empty())
    problem += (problem.empty() ? "" : "; ") + ("the module has no " + listed(unknown));
  if (!problem.empty()) throw NameError(problem, "load a state of the same layers", at);
  if (!misshapen.empty())
    throw ShapeError(listed(misshapen), "make the module with the sizes of the state", at);
  NoGrad guard;
  for (auto& [name, x] : mine) x.copy_(given.at(name), at);
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
                  x = astype(x.detach(), dtype, at).set_requires_grad(is_parameter);
                },
                [&](std::string_view, Module& inner) { inner.to(dtype, at); }});
}

void Module::for_each_module(const std::function<void(Module&)>& f) {
  visit_modules(*this, "", [&](const std::string&, Module& module) { f(module); });
}

void Module::train(bool on) {
  for_each_module([on](Module& module) { module.set_training(on); });
}

Evaluating::Evaluating(Module& module) {
  module.for_each_module([&](Module& m) { modes_.emplace_back(&m, m.is_training()); });
  module.eval();
}
Evaluating::~Evaluating() {
  for (const auto& [module, on] : modes_) module->set_training(on);
}

namespace {

struct Row {
  std::string name, shape, count;
};

std::string table(Module& net, const std::map<const Module*, Shape>* shapes) {
  std::vector<Row> rows;
  visit_modules(net, "", [&](const std::string& path, Module& module) {
    const auto depth =
        static_cast<std::size_t>(path.empty() ? 0 : 1 + std::count(path.begin(), path.end(), '.'));
    Row row{std::string(2 * depth, ' '), "", std::to_string(module.parameter_count())};
    if (!path.empty()) row.name += path.substr(path.rfind('.') + 1) + ": ";
    row.name += module.describe();
    if (shapes) {
      const auto found = shapes->find(&module);
      row.shape = found == shapes->end() ? "-" : found->second.str();
    }
    rows.push_back(row);
  });
  rows.push_back({"parameters", "", std::to_string(net.parameter_count())});
  std::size_t name = 0, shape = 0, count = 0;
  for (const Row& row : rows) {
    name = std::max(name, row.name.size());
    shape = std::max(shape, row.shape.size());
    count = std::max(count, row.count.size());
  }
  std::string text;
  for (Row& row : rows) {
    row.name.resize(name, ' ');
    text += row.name;
    if (shapes) text += "  " + row.shape + std::string(shape - row.shape.size(), ' ');
    text += "  " + std::string(count - row.count.size(), ' ') + row.count + "\n";
  }
  return text;
}

}  // namespace

std::string Module::summary() { return table(*this, nullptr); }

std::string Module::summary(const Spec& input) {
  std::map<const Module*, Shape> shapes;
  const std::function<void(const Module&, const Tensor&)> note =
      [&](const Module& module, const Tensor& y) { shapes[&module] = y.shape(); };
  const Evaluating evaluating(*this);
  const Resetting watching(watcher, &note);
  NoGrad guard;
  (*this)(zeros(input.shape.to_vector(), input.dtype));
  return table(*this, &shapes);
}

void detail::own_fields(Module& copy) {
  std::map<const void*, Tensor> made;
  const std::function<void(Module&)> own = [&](Module& module) {
    module.visit_fields({.tensor =
                             [&](std::string_view, Tensor& x) {
                               Tensor& mine = made[x.id()];
                               if (!mine) {
                                 NoGrad guard;
                                 mine = gradus::clone(x.detach());
                                 mine.set_name(x.name());
                                 if (x.requires_grad()) mine.set_requires_grad();
                               }
                               x = mine;
                             },
                         .module = [&](std::string_view, Module& inner) { own(inner); },
                         .copies_pointers = true});
  };
  own(copy);
}

}  // namespace gradus::nn
