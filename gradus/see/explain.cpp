// The example is run, its gradients are traced one by one, and constants of the trace are known
// again by their storage: they are inputs and outputs of the forward call.
#include <gradus/see/explain.h>

#include <algorithm>
#include <cstdio>

#include <gradus/autograd/backward.h>
#include <gradus/ops/ops.h>
#include <gradus/symbolic/derive.h>
#include <gradus/symbolic/functions.h>
#include <gradus/symbolic/parse.h>
#include <gradus/symbolic/print.h>

namespace gradus::see {
namespace {

/// The sign between two operands, or empty: how the four kinds of arithmetic are written.
std::string_view infix(std::string_view name) {
  if (name == "add") return " + ";
  if (name == "sub") return " - ";
  if (name == "mul") return " * ";
  if (name == "div") return " / ";
  return "";
}

struct Written {
  const Program& program;
  const std::map<ValueId, std::string>& names;

  std::string value(ValueId id, bool nested) const {
    if (const auto named = names.find(id); named != names.end()) return named->second;
    for (const Step& step : program.steps) {
      const auto place = std::find(step.outputs.begin(), step.outputs.end(), id);
      if (place == step.outputs.end()) continue;
      const std::string call = this->call(step, nested);
      return step.outputs.size() == 1
                 ? call
                 : call + "[" + std::to_string(place - step.outputs.begin()) + "]";
    }
    const auto constant = program.constants.find(id);
    if (constant != program.constants.end() && constant->second.numel() == 1) {
      char digits[40];
      std::snprintf(digits, sizeof digits, "%.6g", constant->second.to_vector<double>()[0]);
      return digits;
    }
    return "%" + std::to_string(id);
  }

  std::string call(const Step& step, bool nested) const {
    const std::string_view sign = infix(step.op.name());
    if (!sign.empty() && step.inputs.size() == 2) {
      const std::string inner =
          value(step.inputs[0], true) + std::string(sign) + value(step.inputs[1], true);
      return nested ? "(" + inner + ")" : inner;
    }
    std::string arguments;
    for (const ValueId input : step.inputs)
      arguments += (arguments.empty() ? "" : ", ") + value(input, false);
    for (const AttributeInfo& a : step.op.attributes())
      arguments += (arguments.empty() ? "" : ", ") + std::string(a.name) + "=" + to_text(a.value);
    return std::string(step.op.name()) + "(" + arguments + ")";
  }
};

void name_constants(const Program& program, const Tensors& tensors, const std::string& letter,
                    std::map<ValueId, std::string>& names) {
  for (const auto& [id, constant] : program.constants)
    for (std::size_t i = 0; i < tensors.size(); ++i)
      if (constant.numel() && constant.storage().data() == tensors[i].storage().data() &&
          constant.shape() == tensors[i].shape())
        names.emplace(id, letter + (tensors.size() == 1 ? "" : std::to_string(i)));
}

}  // namespace

std::string formula(const Program& program, const std::map<ValueId, std::string>& names) {
  return Written{program, names}.value(program.outputs.at(0), false);
}

Explanation explain(const Op& op, std::span<const Tensor> given) {
  if (!op.has_gradient())
    throw GradError(std::string(op.name()) + " has no gradient", "gradus ops says what it does");
  GradMode recording(true);
  Explanation result{.op = op, .inputs = {}, .outputs = {}, .rules = {}, .check = {}};
  Tensors seeds, reached;
  for (const Tensor& x : given) {
    Tensor v = is_floating(x.dtype()) ? clone(astype(x, DType::f64)).detach() : x;
    if (is_floating(v.dtype())) v.set_requires_grad();
    result.inputs.push_back(v);
  }
  result.outputs = apply_all(op, result.inputs);
  for (const Tensor& y : result.outputs)
    if (y.requires_grad()) {
      reached.push_back(y);
      seeds.push_back(ones_like(y).detach());
    }
  const std::string name(op.name());
  for (std::size_t i = 0; i < given.size(); ++i) {
    const Tensor& x = result.inputs[i];
    if (!x.requires_grad()) continue;
    const std::string x_name = given.size() == 1 ? "x" : "x" + std::to_string(i);
    GradientRule rule{.name = x_name + ".g", .text = "0", .slope = "", .latex = "", .value = {}};
    const auto pull = [&](std::span<const Tensor> g) {
      return grad(reached, std::span(&x, 1), g, {.keep_graph = true, .allow_unused = true});
    };
    if (!reached.empty()) rule.value = pull(seeds)[0];
    if (rule.value) {
      const Program program = trace(pull, seeds);
      std::map<ValueId, std::string> names;
      for (std::size_t k = 0; k < program.inputs.size(); ++k)
        names[program.inputs[k]] = seeds.size() == 1 ? "g" : "g" + std::to_string(k);
      name_constants(program, result.inputs, "x", names);
      name_constants(program, result.outputs, "y", names);
      rule.text = formula(program, names);
    }
    const symbolic::Function* known = symbolic::find_function(name);
    if (given.size() == 1 && known && known->arity == 1) {
      const symbolic::Expression slope = symbolic::derivative(symbolic::parse(name + "(x)"), "x");
      rule.slope = symbolic::text(slope);
      rule.latex = symbolic::latex(slope);
    }
    result.rules.push_back(std::move(rule));
  }
  result.check = gradcheck([&](std::span<const Tensor> x) { return apply_all(op, x); },
                           result.inputs, {.second_order = false});
  return result;
}

Explanation explain(const Op& op) {
  for (const Sample& s : op.samples())
    for (const Tensor& x : s.inputs)
      if (is_floating(x.dtype())) return explain(s.op, s.inputs);
  throw GradError(std::string(op.name()) + " has no sample with floating inputs",
                  "gradus ops says what it does");
}

}  // namespace gradus::see
