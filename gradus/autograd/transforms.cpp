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
  return {y, or_zeros(grad(y, x, cotangents, {.keep_graph = true, .allow_unused = true}, at), x)};
}

ValueAndTensors jvp(const TensorFunction& f, std::span<const Tensor> inputs,
                    std::span<const Tensor> tangents, Place at) {
  if (tangents.size() != inputs.size())
    throw ShapeError(std::to_string(tangents.size()) + " tangents for " +
                         std::to_string(inputs.size()) + " inputs",
                     "give one tangent for each input");
  GradMode recording(true);
  const Tensors x = as_variables(inputs);
  const Tensors y = f(x);
  // u is a dummy: J^T u is linear in u, so its gradient with respect to u along v is J v.
  Tensors u;
  for (const Tensor& out : y) u.push_back(zeros_like(out).set_requires_grad());
  const Tensors pulled = grad(y, x, u, {.create_graph = true, .allow_unused = true}, at);
  Tensors linear, along;
  for (std::size_t i = 0; i < pulled.size(); ++i)
    if (pulled[i] && pulled[i].requires_grad()) {
      linear.push_back(pulled[i]);
      along.push_back(tangents[i]);
    }
  if (linear.empty()) return {y, or_zeros(Tensors(y.size()), y)};
  return {y, or_zeros(grad(linear, u, along, {.keep_graph = true, .allow_unused = true}, at), y)};
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

struct Checkpoint {
  TensorFunction f;
  std::size_t given = 0;  // inputs beyond these are parameters that f uses from outside
  std::string random_state;
  static constexpr Card card{.name = "checkpoint",
                             .also = "torch.utils.checkpoint",
                             .onnx = "",
                             .formula = "y = f(x)",
                             .doc = "A function whose inner values are computed again in backward.",
                             .shapes = "as f says"};

  Tensors run(std::span<const Tensor> inputs) const { return f(inputs.first(given)); }
  Tensors vjp(const Call& c, std::span<const Tensor> cotangents) const {
    const bool create_graph = grad_enabled();
    Tensors x;
    for (std::size_t i = 0; i < c.input_count(); ++i) {
      Tensor v = c.input(i);
      // Cut from the outer history unless that is to be differentiated too.
      if (!create_graph && i < given) {
        v = v.detach();
        if (c.needs(i)) v.set_requires_grad();
      }
      x.push_back(v);
    }
    const std::string now = default_generator().state();
    default_generator().set_state(random_state);
    GradMode recording(true);
    const Tensors y = f(std::span<const Tensor>(x).first(given));
    default_generator().set_state(now);
    Tensors live, seeds;
    for (std::size_t k = 0; k < y.size(); ++k)
      if (y[k].requires_grad()) {
        live.push_back(y[k]);
        seeds.push_back(cotangents[k]);
      }
    if (live.empty()) return Tensors(c.input_count());
    Tensors wanted;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < x.size(); ++i)
      if (c.needs(i)) {
        wanted.push_back(x[i]);
        places.push_back(i);
      }
    const Tensors found =
        grad(live, wanted, seeds, {.create_graph = create_graph, .allow_unused = true});
    Tensors gradients(c.input_count());
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
  Tensors run(std::span<const Tensor> inputs) const { return function.forward(inputs); }
  Tensors vjp(const Call& c, std::span<const Tensor> cotangents) const {
    if (!function.backward)
      throw GradError("the custom function '" + function.name + "' has no backward",
                      "set CustomFunction::backward");
    Tensors inputs, outputs;
    for (std::size_t i = 0; i < c.input_count(); ++i) inputs.push_back(c.input(i));
    for (std::size_t k = 0; k < cotangents.size(); ++k) outputs.push_back(c.output(k));
    return function.backward(inputs, outputs, cotangents);
  }
};

}  // namespace op

Tensors checkpoint(const TensorFunction& f, std::span<const Tensor> inputs, Place at) {
  op::Checkpoint definition{f, inputs.size(), default_generator().state()};
  Tensors all_inputs(inputs.begin(), inputs.end());
  if (grad_enabled()) {
    // Parameters that f uses from outside are found by recording it once; that record is dropped.
    const Tensors probe = f(inputs);
    default_generator().set_state(definition.random_state);
    std::unordered_set<const void*> known;
    for (const Tensor& x : inputs) known.insert(x.id());
    std::vector<std::shared_ptr<Node>> open;
    std::unordered_set<const Node*> seen;
    auto visit = [&](const History& h) {
      bool is_input = false;
      for (const Tensor& x : inputs) is_input |= x.history().node == h.node;
      if (h.node && !is_input && seen.insert(h.node.get()).second) open.push_back(h.node);
    };
    for (const Tensor& y : probe) visit(y.history());
    while (!open.empty()) {
      const std::shared_ptr<Node> node = open.back();
      open.pop_back();
      for (const Node::Input& input : node->inputs) {
        if (input.leaf && known.insert(input.leaf.id()).second) all_inputs.push_back(input.leaf);
        visit(input.history);
      }
    }
  }
  return apply_all(definition, all_inputs, at);
}

Tensors CustomFunction::operator()(std::span<const Tensor> inputs, Place at) const {
  return apply_all(op::Custom{*this}, inputs, at);
}

}  // namespace gradus
