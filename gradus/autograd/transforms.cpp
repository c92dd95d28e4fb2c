// Transforms over grad(), and the two operations made of functions; see transforms.h.
#include <gradus/autograd/transforms.h>

#include <unordered_set>

#include <gradus/ops/ops.h>

namespace gradus {
namespace {

/// Fresh leaves with the values of `inputs`, linked to them when `linked`.
Tensors as_variables(std::span<const Tensor> inputs) {
  Tensors variables;
  for (const Tensor& x : inputs) {
    Tensor v = x.detach();
    if (is_floating(v.dtype())) v.set_requires_grad();
    variables.push_back(v);
  }
  return variables;
}

/// The outputs that some variable moves: not those of integers, nor what does not depend on any.
std::vector<std::size_t> influenced(std::span<const Tensor> outputs) {
  std::vector<std::size_t> which;
  for (std::size_t k = 0; k < outputs.size(); ++k)
    if (outputs[k].requires_grad()) which.push_back(k);
  return which;
}

Tensors or_zeros(Tensors gradients, std::span<const Tensor> like) {
  for (std::size_t i = 0; i < gradients.size(); ++i)
    if (!gradients[i]) gradients[i] = zeros_like(like[i]);
  return gradients;
}

}  // namespace

ValueAndTensors vjp(const TensorFunction& f, std::span<const Tensor> inputs,
                    std::span<const Tensor> cotangents, Place at) {
  GradMode recording(true);
  const Tensors x = as_variables(inputs);
  Tensors y = f(x);
  if (!cotangents.empty() && cotangents.size() != y.size())
    throw ShapeError(std::to_string(cotangents.size()) + " cotangents for " +
                         std::to_string(y.size()) + " outputs",
                     "give one cotangent for each output", at);
  Tensors live, seeds;
  for (std::size_t k : influenced(y)) {
    live.push_back(y[k]);
    seeds.push_back(cotangents.empty() ? Tensor{} : cotangents[k]);
  }
  if (live.empty()) return {y, or_zeros(Tensors(x.size()), x)};
  return {y, or_zeros(grad(live, x, seeds, {.keep_graph = true, .allow_unused = true}, at), x)};
}

ValueAndTensors jvp(const TensorFunction& f, std::span<const Tensor> inputs,
                    std::span<const Tensor> tangents, Place at) {
  if (tangents.size() != inputs.size())
    throw ShapeError(std::to_string(tangents.size()) + " tangents for " +
                         std::to_string(inputs.size()) + " inputs",
                     "give one tangent for each input", at);
  GradMode recording(true);
  const Tensors x = as_variables(inputs);
  const Tensors y = f(x);
  // u is a dummy: J^T u is linear in u, so its gradient with respect to u along v is J v.
  const std::vector<std::size_t> which = influenced(y);
  Tensors live, u;
  for (std::size_t k : which) {
    live.push_back(y[k]);
    u.push_back(zeros_like(y[k]).set_requires_grad());
  }
  Tensors found(y.size()), pulled, linear, along;
  if (!live.empty()) pulled = grad(live, x, u, {.create_graph = true, .allow_unused = true}, at);
  for (std::size_t i = 0; i < pulled.size(); ++i)
    if (pulled[i] && pulled[i].requires_grad()) {
      linear.push_back(pulled[i]);
      along.push_back(tangents[i]);
    }
  if (!linear.empty()) {
    const Tensors moved = grad(linear, u, along, {.keep_graph = true, .allow_unused = true}, at);
    for (std::size_t k = 0; k < which.size(); ++k) found[which[k]] = moved[k];
  }
  return {y, or_zeros(std::move(found), y)};
}

Tensor jacobian(const ScalarFunction& f, const Tensor& x, Place at) {
  GradMode recording(true);
  const Tensor v = as_variables(std::span(&x, 1))[0];
  const Tensor y = f(v);
  Tensors rows;
  const Tensor unit = eye(y.numel(), {}, y.dtype());
  for (std::int64_t i = 0; i < y.numel(); ++i) {
    const Tensor seed = reshape(unit[i], y.shape().to_vector());
    Tensor row = y.requires_grad() ? grad(std::span(&y, 1), std::span(&v, 1), std::span(&seed, 1),
                                          {.keep_graph = true, .allow_unused = true}, at)[0]
                                   : Tensor{};
    rows.push_back(reshape(row ? row : zeros_like(v), {-1}));
  }
  Ints shape = y.shape().to_vector();
  shape.insert(shape.end(), x.shape().begin(), x.shape().end());
  return rows.empty() || x.numel() == 0 ? zeros(shape, x.dtype()) : reshape(stack(rows), shape);
}

Tensor hessian(const ScalarFunction& f, const Tensor& x, Place at) {
  return jacobian(
      [&](const Tensor& v) {
        const Tensor y = f(v);
        return grad(std::span(&y, 1), std::span(&v, 1), {}, {.create_graph = true}, at)[0];
      },
      x, at);
}

namespace op {

/// Finds the tensors that a function uses besides its inputs: what its calls read that requires a
/// gradient, where the inputs themselves are made to require none.
class Captures final : public Observer {
 public:
  Tensors found;
  void before(const Event& event) override {
    for (const Tensor& x : event.inputs) note(x);
  }
  void note(const Tensor& x) {
    if (x.requires_grad() && known_.insert(x.id()).second) found.push_back(x);
  }

 private:
  std::unordered_set<const void*> known_;
};

Tensor without_history(const Tensor& x) {
  return Tensor(x.storage(), x.layout(), x.dtype()).set_name(x.name());
}

/// Gives the default generator a state, and its own back in the end.
class Replaying {
 public:
  explicit Replaying(const std::string& state) : before_(default_generator().state()) {
    default_generator().set_state(state);
  }
  ~Replaying() { default_generator().set_state(before_); }
  Replaying(const Replaying&) = delete;
  Replaying& operator=(const Replaying&) = delete;

 private:
  std::string before_;
};

struct Checkpoint {
  TensorFunction f;
  std::string random_state;
  std::shared_ptr<Tensors> outside;  // that f was seen to use
  static constexpr Card card{.name = "checkpoint",
                             .also = "torch.utils.checkpoint",
                             .onnx = "",
                             .formula = "y = f(x)",
                             .doc = "A function whose inner values are computed again in backward.",
                             .shapes = "as f says"};

  Tensors run(std::span<const Tensor> inputs) const {
    // Handles without history, so that an input that f also takes from outside is known from it.
    Tensors plain;
    for (const Tensor& x : inputs) plain.push_back(without_history(x));
    Captures captures;
    const Observe watching(captures);
    Tensors outputs = f(plain);
    for (Tensor& y : outputs)
      if (y && y.requires_grad()) {  // handed on as it is
        captures.note(y);
        y = without_history(y);
      }
    *outside = std::move(captures.found);
    return outputs;
  }
  Tensors captured() const { return *outside; }

  Tensors vjp(const Call& c, std::span<const Tensor> cotangents) const {
    const bool create_graph = grad_enabled();
    const std::size_t given = c.input_count() - outside->size();
    const GradMode recording(true);
    Tensors x, wanted;
    std::vector<std::size_t> places;
    std::uint64_t since = 0;
    for (std::size_t i = 0; i < c.input_count(); ++i) {
      Tensor v = c.input(i);
      // A value of this call alone; with a way to the outer history where that is to be
      // differentiated too.
      if (i < given) v = create_graph ? clone(v) : v.detach();
      if (i < given && !create_graph && c.needs(i)) v.set_requires_grad();
      if (v.history()) since = std::max(since, v.history().node->sequence);
      if (c.needs(i)) {
        wanted.push_back(v);
        places.push_back(i);
      }
      x.push_back(std::move(v));
    }
    Tensors y;
    {
      const Replaying same_draws(random_state);
      y = f(std::span<const Tensor>(x).first(given));
    }
    Tensors live, seeds;
    for (std::size_t k = 0; k < y.size(); ++k)
      if (y[k].requires_grad()) {
        live.push_back(y[k]);
        seeds.push_back(cotangents[k]);
      }
    Tensors gradients(c.input_count());
    if (live.empty()) return gradients;
    const Tensors found = grad(
        live, wanted, seeds, {.create_graph = create_graph, .allow_unused = true, .since = since});
    for (std::size_t i = 0; i < places.size(); ++i) gradients[places[i]] = found[i];
    return gradients;
  }
};

struct Custom {
  CustomFunction function;
  static constexpr Card card{.name = "custom",
                             .also = "torch.autograd.Function",
                             .onnx = "",
                             .formula = "y = f(x)",
                             .doc = "A user's function with a user's gradient.",
                             .shapes = "as f says"};
  static constexpr Keep keep{.inputs = ~0u, .outputs = ~0u};
  Tensors run(std::span<const Tensor> inputs) const {
    if (!function.forward)
      throw ValueError("the custom function '" + function.name + "' has no forward",
                       "set CustomFunction::forward");
    return function.forward(inputs);
  }
  Tensors vjp(const Call& c, std::span<const Tensor> cotangents) const {
    if (!function.backward)
      throw GradError("the custom function '" + function.name + "' has no backward",
                      "set CustomFunction::backward");
    Tensors inputs, outputs;
    for (std::size_t i = 0; i < c.input_count(); ++i) inputs.push_back(c.input(i));
    for (std::size_t k = 0; k < cotangents.size(); ++k) outputs.push_back(c.output(k));
    Tensors gradients = function.backward(inputs, outputs, cotangents);
    if (gradients.size() != inputs.size())
      throw GradError("the backward of the custom function '" + function.name + "' gave " +
                          std::to_string(gradients.size()) + " gradients for its " +
                          std::to_string(inputs.size()) + " inputs",
                      "return one for each input, in their order; an empty Tensor for none");
    return gradients;
  }
};

}  // namespace op

Tensors checkpoint(const TensorFunction& f, std::span<const Tensor> inputs, Place at) {
  return apply_all(op::Checkpoint{f, default_generator().state(), std::make_shared<Tensors>()},
                   inputs, at);
}

Tensors CustomFunction::operator()(std::span<const Tensor> inputs, Place at) const {
  return apply_all(op::Custom{*this}, inputs, at);
}

}  // namespace gradus
