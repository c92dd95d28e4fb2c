// The example is run, its gradients are traced one by one, and constants of the trace are known
// again by their storage: they are inputs and outputs of the forward call.
#include <gradus/see/explain.h>

#include <algorithm>
#include <cmath>
#include <set>

#include <gradus/autograd/backward.h>
#include <gradus/ops/ops.h>
#include <gradus/ops/samples.h>
#include <gradus/see/words.h>
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
  std::map<ValueId, std::string> names;

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
      return number(constant->second.to_vector<double>()[0]);
    }
    return "constant" + program.values.at(id).shape.str();
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
      if (const std::string text = to_text(a.value); !text.empty())  // no axes are all axes
        arguments += (arguments.empty() ? "" : ", ") + std::string(a.name) + "=" + text;
    return std::string(step.op.name()) + "(" + arguments + ")";
  }
};

/// Bytes of what the calls behind these tensors keep, a storage counted once.
std::int64_t saved_bytes(const Tensors& outputs) {
  std::set<const Node*> seen;
  std::map<const void*, std::int64_t> kept;
  std::vector<const Node*> open;
  const auto visit = [&](const History& h) {
    if (h && seen.insert(h.node.get()).second) open.push_back(h.node.get());
  };
  const auto count = [&](const std::optional<SavedValue>& value, const Spec& spec) {
    if (!value) return;
    std::int64_t& bytes = kept[value->storage.data()];
    bytes = std::max(bytes, spec.shape.numel() * std::int64_t(dtype_size(spec.dtype)));
  };
  for (const Tensor& y : outputs)
    if (y.requires_grad()) visit(y.history());
  while (!open.empty()) {
    const Node& node = *open.back();
    open.pop_back();
    for (const Node::Input& x : node.inputs) {
      count(x.saved, x.spec);
      visit(x.history);
    }
    for (const Node::Output& y : node.outputs) count(y.saved, y.spec);
  }
  std::int64_t total = 0;
  for (const auto& [storage, bytes] : kept) total += bytes;
  return total;
}

std::vector<Shape> shapes_of(const Tensors& tensors) {
  std::vector<Shape> shapes;
  for (const Tensor& x : tensors) shapes.push_back(x.shape());
  return shapes;
}

double largest_difference(const Term& formula, const TermValues& leaves, const Tensor& value) {
  const std::vector<double> paper = formula.evaluate(leaves).elements;
  const std::vector<double> rule =
      value ? value.to_vector<double>() : std::vector<double>(paper.size(), 0.0);
  double worst = 0;
  for (std::size_t i = 0; i < paper.size(); ++i) {
    const double d = std::abs(paper[i] - rule[i]) / std::max(1.0, std::abs(rule[i]));
    if (std::isnan(d)) return d;
    worst = std::max(worst, d);
  }
  return worst;
}

/// Tensors like those of the example, of other shapes, in f32: the same range of values.
Tensors enlarged(const Op& op, const Tensors& example, const std::vector<Shape>& shapes) {
  const std::vector<std::string> names = call_names(op, example.size(), 1).inputs;
  if (shapes.size() != example.size()) {
    std::string all;
    for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
    throw ShapeError(counted(std::int64_t(shapes.size()), "shape") + " for " +
                         counted(std::int64_t(example.size()), "input") + ": " + all,
                     "give one for each");
  }
  Tensors inputs;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const std::vector<double> values = example[i].to_vector<double>();
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    const double from = values.empty() ? 0 : *low, to = values.empty() ? 1 : *high;
    const Ints sizes = shapes[i].to_vector();
    if (is_floating(example[i].dtype())) {
      inputs.push_back(
          astype(sample(sizes, from, to, static_cast<int>(i)), DType::f32, Place{}).detach());
      inputs.back().set_requires_grad();
    } else {
      inputs.push_back(astype(sample_integers(sizes, std::int64_t(from), std::int64_t(to) + 1),
                              example[i].dtype()));
    }
    inputs.back().set_name(names[i]);
  }
  return inputs;
}

void check_has_gradient(const Op& op) {
  if (!op.has_gradient())
    throw GradError(std::string(op.name()) + " has no gradient",
                    "gradus ops " + std::string(op.name()) + " says what it does");
}

/// What is no number in a tensor: "y is nan here"; empty where all are.
std::string not_finite(const std::string& name, const Tensor& x) {
  if (!x || !is_floating(x.dtype())) return "";
  for (const double v : x.to_vector<double>())
    if (!std::isfinite(v)) return name + " is " + number(v) + " here";
  return "";
}

/// Element types for the cost of a formula, by the names that it has for a call's tensors. What is
/// floating counts as f32.
LeafTypes types_of(const CallNames& names, const Tensors& inputs, const Tensors& outputs) {
  LeafTypes types;
  const auto add = [&](const std::string& name, const Tensor& x) {
    types[name] = is_floating(x.dtype()) ? DType::f32 : x.dtype();
  };
  for (std::size_t i = 0; i < inputs.size(); ++i) add(names.inputs[i], inputs[i]);
  for (std::size_t i = 0; i < outputs.size(); ++i) add(names.outputs[i], outputs[i]);
  return types;
}

/// So few elements that naive loops and two calls for each of them take no time.
bool is_quick(const Tensors& inputs, const Tensors& outputs, const Terms& formulas) {
  std::int64_t elements = 0;
  for (const Tensors* list : {&inputs, &outputs})
    for (const Tensor& x : *list) elements += x.numel();
  double work = 0;
  for (const Term& f : formulas)
    if (f) work += flops(f);
  return elements <= 3000 && work <= 2e6;
}

}  // namespace

std::string formula(const Program& program, const std::map<ValueId, std::string>& names) {
  Written written{program, names};
  // What is used more than once gets a letter, so that it is written once.
  std::map<ValueId, int> uses;
  std::vector<ValueId> open{program.outputs.at(0)};
  while (!open.empty()) {
    const ValueId id = open.back();
    open.pop_back();
    if (names.contains(id) || uses[id]++ > 0) continue;
    for (const Step& step : program.steps)
      if (std::find(step.outputs.begin(), step.outputs.end(), id) != step.outputs.end())
        open.insert(open.end(), step.inputs.begin(), step.inputs.end());
  }
  std::string definitions, letters = "pqrstuvw";
  for (const auto& [id, name] : names) std::erase(letters, name.size() == 1 ? name[0] : '\0');
  for (const Step& step : program.steps)
    for (const ValueId id : step.outputs) {
      const auto used = uses.find(id);
      if (used == uses.end() || used->second < 2 || letters.empty()) continue;
      const std::string text = written.value(id, false);
      if (text.size() <= 12) continue;
      written.names[id] = letters.substr(0, 1);
      definitions += (definitions.empty() ? ", with " : ", ") + written.names[id] + " = " + text;
      letters.erase(0, 1);
    }
  return written.value(program.outputs.at(0), false) + definitions;
}

bool Explanation::ok() const {
  if (!undefined.empty()) return true;  // there is nothing to compare
  for (const GradientRule& r : rules)
    if (!(r.difference <= 1e-9)) return false;
  return check.ok();
}

Explanation explain(const Op& op, std::span<const Tensor> given) {
  check_has_gradient(op);
  GradMode recording(true);
  Explanation result{op, {}, {}, {}, {}, {}, {}, {}};
  Tensors seeds, reached;
  for (const Tensor& x : given) {
    Tensor v = is_floating(x.dtype()) ? clone(astype(x, DType::f64)).detach() : x;
    if (is_floating(v.dtype())) v.set_requires_grad();
    result.inputs.push_back(v);
    result.given.push_back(v.spec());
  }
  result.outputs = apply_all(op, result.inputs);
  const CallNames called = call_names(op, given.size(), result.outputs.size());
  TermValues leaves;
  std::vector<std::string> seed_names;
  for (std::size_t i = 0; i < given.size(); ++i)
    leaves[called.inputs[i]] = term_value(result.inputs[i].detach());
  for (std::size_t i = 0; i < result.outputs.size(); ++i) {
    const Tensor& y = result.outputs[i];
    result.made.push_back(y.spec());
    // Not 1 everywhere: the gradient of softmax would be 0.
    const Tensor g = sample(y.shape().to_vector(), 0.5, 1.5, 7 + static_cast<int>(i));
    result.gradients.push_back(y.requires_grad() ? g : zeros_like(g));
    leaves[called.outputs[i]] = term_value(y.detach());
    leaves[called.gradients[i]] = term_value(result.gradients.back());
    if (!y.requires_grad()) continue;
    reached.push_back(y);
    seeds.push_back(g);
    seed_names.push_back(called.gradients[i]);
  }
  const Terms formulas =
      gradient_formulas(op, shapes_of(result.inputs), shapes_of(result.outputs), called);
  const LeafTypes types = types_of(called, result.inputs, result.outputs);
  for (std::size_t i = 0; i < result.outputs.size() && result.undefined.empty(); ++i)
    result.undefined = not_finite(called.outputs[i], result.outputs[i]);
  const std::string name(op.name());
  for (std::size_t i = 0; i < given.size(); ++i) {
    const Tensor& x = result.inputs[i];
    if (!x.requires_grad()) continue;
    GradientRule rule;
    rule.name = called.inputs[i] + ".g";
    rule.text = "0";
    rule.formula = formulas.at(i);
    const auto pull = [&](std::span<const Tensor> g) {
      return grad(reached, std::span(&x, 1), g, {.keep_graph = true, .allow_unused = true});
    };
    if (!reached.empty()) rule.value = pull(seeds)[0];
    if (rule.value) {
      // The call itself is traced too: what it keeps for the backward pass has a formula then.
      const auto all = [&](std::span<const Tensor> given_and_seeds) {
        const auto xs = given_and_seeds.first(given.size());
        Tensors y = apply_all(op, xs), wanted;
        for (const Tensor& one : y)
          if (one.requires_grad()) wanted.push_back(one);
        Tensors made = grad(wanted, std::span(&xs[i], 1), given_and_seeds.subspan(given.size()),
                            {.keep_graph = true, .allow_unused = true});
        made.insert(made.end(), y.begin(), y.end());
        return made;
      };
      Tensors arguments = result.inputs;
      arguments.insert(arguments.end(), seeds.begin(), seeds.end());
      const Program program = trace(all, arguments);
      std::map<ValueId, std::string> names;
      for (std::size_t k = 0; k < program.inputs.size(); ++k)
        names.emplace(program.inputs[k],
                      k < given.size() ? called.inputs[k] : seed_names[k - given.size()]);
      for (std::size_t k = 1; k < program.outputs.size(); ++k)
        names.emplace(program.outputs[k], called.outputs.at(k - 1));
      rule.text = formula(program, names);
    }
    rule.difference = largest_difference(rule.formula, leaves, rule.value);
    rule.cost = gradient_cost(rule.formula, types);
    if (result.undefined.empty()) result.undefined = not_finite(rule.name, rule.value);
    const symbolic::Function* known = symbolic::find_function(name);
    if (given.size() == 1 && known && known->arity == 1) {
      const symbolic::Expression slope = symbolic::derivative(symbolic::parse(name + "(x)"), "x");
      rule.slope = symbolic::text(slope);
      rule.latex = symbolic::latex(slope);
    }
    result.rules.push_back(std::move(rule));
  }
  Tensors small;
  for (const Tensor& x : result.inputs) {
    small.push_back(is_floating(x.dtype()) ? astype(x.detach(), DType::f32) : x);
    if (is_floating(x.dtype())) small.back().set_requires_grad();
  }
  result.saved = saved_bytes(apply_all(op, small));
  if (!result.undefined.empty()) return result;
  result.check = gradcheck([&](std::span<const Tensor> x) { return apply_all(op, x); },
                           result.inputs, {.second_order = false});
  return result;
}

Explanation explain(const Op& op, const std::vector<Shape>& shapes) {
  check_has_gradient(op);
  const auto is_explainable = [](const Sample& s) {
    for (const Tensor& x : s.inputs)
      if (is_floating(x.dtype())) return true;
    return false;
  };
  for (const Sample& s : op.samples()) {
    if (!is_explainable(s) || (!shapes.empty() && s.inputs.size() != shapes.size())) continue;
    if (shapes.empty()) return explain(s.op, s.inputs);
    GradMode recording(true);
    const Tensors inputs = enlarged(s.op, s.inputs, shapes), outputs = apply_all(s.op, inputs);
    const CallNames names = call_names(s.op, inputs.size(), outputs.size());
    const Terms formulas = gradient_formulas(s.op, shapes_of(inputs), shapes_of(outputs), names);
    const bool is_asked = is_quick(inputs, outputs, formulas);
    Explanation result = explain(s.op, is_asked ? inputs : s.inputs);
    result.is_asked = is_asked;
    for (const Tensor& x : result.inputs)
      if (!is_asked) result.example += (result.example.empty() ? "" : ", ") + x.spec().str();
    result.given.clear();
    result.made.clear();
    for (const Tensor& y : outputs) result.made.push_back(y.spec());
    for (std::size_t i = 0, r = 0; i < inputs.size(); ++i) {
      result.given.push_back(inputs[i].spec());
      if (!is_floating(inputs[i].dtype())) continue;
      result.rules.at(r).formula = formulas.at(i);
      result.rules.at(r++).cost = gradient_cost(formulas.at(i), types_of(names, inputs, outputs));
    }
    result.saved = saved_bytes(outputs);
    return result;
  }
  for (const Sample& s : op.samples())
    if (is_explainable(s)) enlarged(s.op, s.inputs, shapes);  // says how many there should be
  throw GradError(std::string(op.name()) + " has no sample with floating inputs",
                  "gradus ops " + std::string(op.name()) + " says what it does");
}

std::string explain(const Tensor& y, TermStyle style) {
  if (!y.defined() || !y.history())
    throw GradError("no recorded call made this tensor",
                    "explain a result, such as the loss; a parameter has no formula of its own");
  const Node& node = *y.history().node;
  CallNames names = call_names(node.op, node.inputs.size(), node.outputs.size());
  std::vector<Shape> in, out;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    in.push_back(node.inputs[i].spec.shape);
    if (!node.inputs[i].name.empty()) names.inputs[i] = node.inputs[i].name;
  }
  for (const Node::Output& o : node.outputs) out.push_back(o.spec.shape);
  if (!y.name().empty()) {
    names.outputs[y.history().output] = y.name();
    names.gradients[y.history().output] = y.name() + ".g";
  }
  std::string text = names.outputs[y.history().output] + " = " + std::string(node.op.name()) + "(";
  for (std::size_t i = 0; i < in.size(); ++i)
    text += (i ? ", " : "") + names.inputs[i] + in[i].str();
  text += ") -> " + out[y.history().output].str() + "\n";
  const Terms formulas = gradient_formulas(node.op, in, out, names);
  for (std::size_t i = 0; i < formulas.size(); ++i)
    if (formulas[i] && node.inputs[i].needs_gradient)
      text += "  " + names.inputs[i] + ".g" + in[i].str() + " = " +
              write(formulas[i], style, true) + "\n";
  return text;
}

}  // namespace gradus::see
