// The update rules; see optimizer.h.
#include <gradus/optim/optimizer.h>
#include <gradus/program/place_scope.h>
#include <gradus/program/watch.h>

#include <cmath>
#include <numbers>
#include <set>

namespace gradus::optim {
namespace {

/// Below what f32 holds, so that a product with it is no infinity at once.
constexpr double most = 1e30;
constexpr std::string_view up_to_most = "a number from 0 to 1e30";

void check(std::string_view name, double value, double low, double high, std::string_view range,
           Place at) {
  if (!(value >= low && value <= high))
    throw ValueError(std::string(name) + " is " + to_text(value),
                     std::string(name) + " must be " + std::string(range), at);
}

void check_group(const Group& group, Place at) {
  check("lr", group.lr, 0, most, up_to_most, at);
  check("weight_decay", group.weight_decay, 0, most, up_to_most, at);
}

/// A parameter's state, which is called "w1.m" where the parameter has a name.
Tensor named_state(Tensor state, std::string_view name, const Tensor& parameter) {
  if (!parameter.name().empty()) state.set_name(parameter.name() + "." + std::string(name));
  return state;
}

/// "'0.weight' f32[50,784]"
std::string said(const Tensor& p) {
  return (p.name().empty() ? "" : "'" + p.name() + "' ") + p.spec().str();
}

}  // namespace

Optimizer::Optimizer(std::vector<Group> groups, Place at) : groups_(std::move(groups)) {
  std::size_t count = 0;
  std::set<const void*> known;
  for (const Group& group : groups_) {
    check_group(group, at);
    count += group.parameters.size();
    for (const Tensor& p : group.parameters) {
      if (!p)
        throw GradError("an optimizer was given an empty tensor",
                        "give leaves that require a gradient: net.parameters()", at);
      if (!p.requires_grad() || !p.is_leaf())
        throw GradError("an optimizer was given " + said(p) + ", which is no parameter",
                        "give leaves that require a gradient: net.parameters()", at);
      if (!known.insert(p.id()).second)
        throw ValueError("an optimizer was given the parameter " + said(p) +
                             " twice: each step would change it twice",
                         "give each parameter once, in one group", at);
    }
  }
  if (count == 0)
    throw ValueError("an optimizer was given no parameters", "give net.parameters()", at);
  states_.resize(count);
  updates_.resize(count);
}

namespace {
/// Calls f(parameter, its group, i) for the parameters `which`, in order.
template <class Groups, class F>
void for_each_parameter(Groups& groups, std::span<const std::size_t> which, F&& f) {
  std::size_t i = 0;
  for (auto& group : groups)
    for (auto& p : group.parameters) {
      if (!which.empty() && which.front() == i) {
        f(p, group, i);
        which = which.subspan(1);
      }
      ++i;
    }
}
}  // namespace

std::vector<std::size_t> Optimizer::with_gradient() const {
  std::vector<std::size_t> which;
  std::size_t i = 0;
  for (const Group& group : groups_)
    for (const Tensor& p : group.parameters) {
      if (p.grad()) which.push_back(i);
      ++i;
    }
  return which;
}

const std::vector<double>& Optimizer::next_numbers(std::span<const std::size_t> which) {
  numbers_.clear();
  for_each_parameter(groups_, which, [&](const Tensor&, const Group& group, std::size_t i) {
    append_numbers(group, updates_[i] + 1, numbers_);
  });
  // Of those without a gradient too: they were meant to learn (T2).
  if (MeaningWatch* const watch = GRADUS_MEANING_WATCH)
    for (const Group& group : groups_)
      for (const Tensor& p : group.parameters) watch->rate(p, group.lr);
  return numbers_;
}

void Optimizer::count_step(std::span<const std::size_t> which) {
  ++steps_;
  for (std::size_t i : which) ++updates_[i];
}

std::vector<DType> Optimizer::dtypes(std::span<const std::size_t> which) const {
  std::vector<DType> all;
  for_each_parameter(groups_, which,
                     [&](const Tensor& p, const Group&, std::size_t) { all.push_back(p.dtype()); });
  return all;
}

void Optimizer::update_with(std::span<const std::size_t> which, std::span<const Tensor> numbers) {
  if (which.empty()) return;
  NoGrad guard;
  PhaseScope phase(Phase::update);
  const std::size_t each = numbers.size() / which.size();
  for_each_parameter(groups_, which, [&](Tensor& p, const Group& group, std::size_t i) {
    update(p, p.grad(), group, states_[i], numbers.first(each));
    numbers = numbers.subspan(each);
  });
}

void Optimizer::step(Place at) {
  const std::vector<std::size_t> which = with_gradient();
  for_each_parameter(groups_, which, [at](const Tensor& p, const Group&, std::size_t) {
    if (p.grad().spec() != p.spec())
      throw GradError("the gradient of the parameter " + said(p) + " is " + p.grad().spec().str(),
                      "a gradient has the shape and dtype of its tensor", at);
  });
  const std::vector<double>& values = next_numbers(which);
  Tensors numbers;
  numbers.reserve(values.size());
  for (DType dtype : dtypes(which))
    for (std::size_t k = 0; k < values.size() / which.size(); ++k)
      numbers.push_back(Tensor::scalar(values[numbers.size()], dtype));
  const PlaceScope here(at);
  update_with(which, numbers);
  count_step(which);
}

std::vector<double> Optimizer::settings() const {
  std::vector<double> all;
  all.reserve(groups_.size() + 1);
  for (const Group& group : groups_) all.push_back(group.weight_decay);
  all.push_back(static_cast<double>(loads_));
  return all;
}

void Optimizer::zero_grad() {
  for (Group& group : groups_)
    for (const Tensor& p : group.parameters) p.zero_grad();
}

void Optimizer::set_lr(double lr, Place at) {
  check("lr", lr, 0, most, up_to_most, at);
  for (Group& group : groups_) group.lr = lr;
}

Tensor& Optimizer::slot(State& state, std::string_view name, const Tensor& parameter) {
  for (auto& [known, value] : state)
    if (known == name) return value;
  return state.emplace_back(std::string(name), named_state(zeros_like(parameter), name, parameter))
      .second;
}

std::vector<std::pair<std::string, Tensor>> Optimizer::state_dict() const {
  std::vector<std::pair<std::string, Tensor>> all;
  all.emplace_back("steps", Tensor::scalar(static_cast<double>(steps_), DType::i64));
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const std::string number = std::to_string(i) + ".";
    for (const auto& [name, value] : states_[i]) all.emplace_back(number + name, value);
    all.emplace_back(number + "steps",
                     Tensor::scalar(static_cast<double>(updates_[i]), DType::i64));
  }
  return all;
}

void Optimizer::load_state_dict(const std::vector<std::pair<std::string, Tensor>>& given,
                                Place at) {
  const NoGrad guard;
  const PlaceScope here(at);
  std::vector<State> loaded(states_.size());
  std::int64_t steps = -1;
  std::vector<std::int64_t> updates(states_.size());
  Tensors parameters;
  for (const Group& group : groups_)
    parameters.insert(parameters.end(), group.parameters.begin(), group.parameters.end());
  for (const auto& [name, value] : given) {
    if (name == "steps") {
      steps = value.item<std::int64_t>();
      continue;
    }
    const std::size_t dot = name.find('.');
    const std::size_t i = dot == name.npos || name.find_first_not_of("0123456789") != dot || dot > 9
                              ? states_.size()
                              : std::stoul(name.substr(0, dot));
    if (i >= states_.size())
      throw NameError("the optimizer has no state '" + name + "'",
                      "load a state of the same parameters", at);
    if (name.substr(dot + 1) == "steps") {
      updates[i] = value.item<std::int64_t>();
      continue;
    }
    if (value.shape() != parameters[i].shape())
      throw ShapeError("state '" + name + "' is " + value.spec().str() + ", its parameter " +
                           parameters[i].spec().str(),
                       "load a state of the same parameters", at);
    const std::string own = name.substr(dot + 1);
    loaded[i].emplace_back(
        own, named_state(clone(astype(value, parameters[i].dtype())), own, parameters[i]));
  }
  if (steps < 0) throw NameError("the state has no 'steps'", "load what state_dict() gave", at);
  // A step that was compiled writes to the tensors that it knows: they stay where they can.
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const auto names_and_specs = [](const State& state) {
      std::vector<std::pair<std::string, std::string>> all;
      for (const auto& [name, value] : state) all.emplace_back(name, value.spec().str());
      return all;
    };
    if (names_and_specs(states_[i]) == names_and_specs(loaded[i])) {
      for (std::size_t k = 0; k < loaded[i].size(); ++k)
        states_[i][k].second.copy_(loaded[i][k].second);
    } else {
      states_[i] = std::move(loaded[i]);
      ++loads_;
    }
  }
  updates_ = std::move(updates);
  steps_ = steps;
}

namespace {
Group one_group(const Tensors& parameters, double lr, double weight_decay) {
  return {parameters, lr, weight_decay};
}
}  // namespace

SGD::SGD(const Tensors& parameters, const SGDOptions& options, Place at)
    : SGD(std::vector{one_group(parameters, options.lr, options.weight_decay)}, options, at) {}

SGD::SGD(std::vector<Group> groups, const SGDOptions& options, Place at)
    : Optimizer(std::move(groups), at), options_(options) {
  check("momentum", options.momentum, 0, most, up_to_most, at);
  if (options.nesterov && (options.momentum == 0 || options.dampening != 0))
    throw ValueError("nesterov without momentum, or with dampening",
                     "set momentum above 0 and dampening to 0", at);
}

void SGD::append_numbers(const Group& group, std::int64_t, std::vector<double>& numbers) const {
  numbers.push_back(group.lr);
}

void SGD::update(Tensor& p, const Tensor& gradient, const Group& group, State& state,
                 std::span<const Tensor> numbers) {
  Tensor g = group.weight_decay == 0 ? gradient : gradient + group.weight_decay * p;
  if (options_.momentum != 0) {
    const bool is_first = state.empty();
    Tensor& v = slot(state, "momentum", p);
    if (is_first)
      v.copy_(g);
    else
      v.copy_(options_.momentum * v + (1 - options_.dampening) * g);
    g = options_.nesterov ? g + options_.momentum * v : v;
  }
  p.sub_(numbers[0] * g);
}

Adam::Adam(const Tensors& parameters, const AdamOptions& options, Place at)
    : Adam(std::vector{one_group(parameters, options.lr, options.weight_decay)}, options, at) {}
Adam::Adam(std::vector<Group> groups, const AdamOptions& options, Place at)
    : Adam(std::move(groups), options, false, at) {}

AdamW::AdamW(const Tensors& parameters, const AdamOptions& options, Place at)
    : AdamW(std::vector{one_group(parameters, options.lr, options.weight_decay)}, options, at) {}
AdamW::AdamW(std::vector<Group> groups, const AdamOptions& options, Place at)
    : Adam(std::move(groups), options, true, at) {}

Adam::Adam(std::vector<Group> groups, const AdamOptions& options, bool decoupled, Place at)
    : Optimizer(std::move(groups), at), options_(options), decoupled_(decoupled) {
  check("beta1", options.beta1, 0, std::nextafter(1.0, 0.0), "in 0..1, below 1", at);
  check("beta2", options.beta2, 0, std::nextafter(1.0, 0.0), "in 0..1, below 1", at);
  check("eps", options.eps, 0, most, up_to_most, at);
}

void Adam::append_numbers(const Group& group, std::int64_t steps,
                          std::vector<double>& numbers) const {
  const double t = static_cast<double>(steps);
  numbers.push_back(group.lr / (1 - std::pow(options_.beta1, t)));
  numbers.push_back(std::sqrt(1 - std::pow(options_.beta2, t)));
  numbers.push_back(1 - group.lr * group.weight_decay);
}

void Adam::update(Tensor& p, const Tensor& gradient, const Group& group, State& state,
                  std::span<const Tensor> numbers) {
  Tensor g = gradient;
  if (group.weight_decay != 0) {
    if (decoupled_)
      p.mul_(numbers[2]);
    else
      g = g + group.weight_decay * p;
  }
  slot(state, "m", p);
  slot(state, "v", p);
  Tensor& m = slot(state, "m", p);
  Tensor& v = slot(state, "v", p);
  m.add_((1 - options_.beta1) * (g - m));
  v.copy_(options_.beta2 * v + (1 - options_.beta2) * (g * g));
  p.sub_(numbers[0] * (m / (sqrt(v) / numbers[1] + options_.eps)));
}

double clip_grad_norm(const Tensors& parameters, double max_norm, Place at) {
  check("max_norm", max_norm, 0, 1e300, "0 or more", at);
  const NoGrad guard;
  const PlaceScope here(at);
  double total = 0;
  for (const Tensor& p : parameters)
    if (const Tensor g = p.grad()) total += sum(square(astype(g, DType::f64))).item();
  const double length = std::sqrt(total);
  const double scale = max_norm / (length + 1e-6);
  if (scale < 1)
    for (const Tensor& p : parameters)
      if (Tensor g = p.grad()) g.mul_(scale);
  return length;
}

void clip_grad_value(const Tensors& parameters, double limit, Place at) {
  check("limit", limit, 0, 1e300, "0 or more", at);
  const NoGrad guard;
  const PlaceScope here(at);
  for (const Tensor& p : parameters)
    if (Tensor g = p.grad()) g.copy_(clip(g, -limit, limit));
}

double constant(double lr, std::int64_t, std::int64_t) { return lr; }

double cosine(double lr, std::int64_t step, std::int64_t total) {
  return lr *
         (1 + std::cos(std::numbers::pi * static_cast<double>(step) /
                       static_cast<double>(std::max<std::int64_t>(total, 1)))) /
         2;
}

double one_cycle(double lr, std::int64_t step, std::int64_t total) {
  const double low = lr / 25, last = low / 1e4;
  const double top = 0.3 * static_cast<double>(total) - 1, end = static_cast<double>(total) - 1;
  auto anneal = [](double from, double to, double share) {
    return to + (from - to) / 2 * (1 + std::cos(std::numbers::pi * share));
  };
  const double at = static_cast<double>(step);
  if (at <= top || end <= top) return anneal(low, lr, top > 0 ? at / top : 1);
  return anneal(lr, last, (at - top) / (end - top));
}

}  // namespace gradus::optim
