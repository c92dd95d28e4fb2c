// Gradients of what maps numbers to numbers, and of reductions. Slopes of functions that
// gradus/symbolic knows are derived there. Next: gradient_formula_shape.cpp.
#include <algorithm>
#include <cctype>
#include <cmath>

#include <gradus/see/gradient_call.h>
#include <gradus/see/words.h>
#include <gradus/symbolic/derive.h>
#include <gradus/symbolic/parse.h>
#include <gradus/symbolic/print.h>

namespace gradus::see {
namespace {

std::string exact(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

/// g times the slope of `function`, a formula of x.
Terms by_slope(GradientCallRef c, const std::string& function) {
  const symbolic::Expression slope = symbolic::derivative(symbolic::parse(function), "x");
  return {c.g[0] * map(symbolic::text(slope), {c.x[0]})};
}

/// Both sides of a broadcasting operation: each summed back to its shape.
Terms both(GradientCallRef c, const Term& a, const Term& b) {
  return {unbroadcast(stretch(a, c.y[0].shape()), c.shape(0)),
          unbroadcast(stretch(b, c.y[0].shape()), c.shape(1))};
}
/// What the winner of two gets: all, half where both are equal. `sign` says who loses, for of a NaN
/// and a number none does, and both get all.
Term share(const Term& own, const char* sign, const Term& other) {
  return Term(1) - compare(own, sign, other) - Term(0.5) * compare(own, "==", other);
}
Terms nothing(GradientCallRef c) {
  Terms list;
  for (const Term& x : c.x) list.push_back(zero(x.shape()));
  return list;
}

/// Elements equal to the extremum share its gradient.
Term shared_extremum(GradientCallRef c, const Term& of, const Term& y, const Term& g,
                     const Ints& axes) {
  const Term hit = compare(of, "==", c.kept(y, axes));
  return c.kept(g, axes) * (hit / sum_over(hit, axes, true));
}
Terms extremum(GradientCallRef c) { return {shared_extremum(c, c.x[0], c.y[0], c.g[0], c.axes())}; }
Terms value_and_index(GradientCallRef c) {
  if (!c.is_set("axis")) {
    Ints all;
    for (int k = 0; k < c.rank(); ++k) all.push_back(k);
    return {shared_extremum(c, c.x[0], c.y[0], c.g[0], all)};
  }
  if (c.rank() == 0) return {c.g[0]};
  const Ints axis{c.axis()};
  return {scattered(c.kept(c.g[0], axis), c.kept(c.y[1], axis), c.axis(), c.shape())};
}

Terms spread_of(GradientCallRef c, bool is_root) {
  const Ints axes = c.axes();
  const Term mean = sum_over(c.x[0], axes, true);
  const double n = numel(c.shape()) / numel(mean.shape());
  const Term deviation = c.x[0] - mean / Term(n), g = c.kept(c.g[0], axes);
  const double divisor = n - c.get<double>("correction");
  if (is_root) return {g / (Term(divisor) * c.kept(c.y[0], axes)) * deviation};
  return {Term(2) / Term(divisor) * (g * deviation)};
}

Terms norm(GradientCallRef c) {
  const Ints axes = c.axes();
  const double p = c.get<double>("ord");
  const Term &x = c.x[0], y = c.kept(c.y[0], axes), g = c.kept(c.g[0], axes);
  if (p == 2) return {g * select(compare(y, "==", 0), 0, x / y)};
  if (p == 1) return {g * map("sign(x)", {x})};
  if (p == 0) return {zero(c.shape())};
  if (std::isinf(p))
    return {shared_extremum(c, map("abs(x)", {x}), c.y[0], c.g[0], axes) * map("sign(x)", {x})};
  return {g * map("sign(x)*abs(x)^(" + exact(p) + " - 1)*y^(1 - " + exact(p) + ")",
                  {x, stretch(y, c.shape())})};
}

Terms clip(GradientCallRef c) {
  Term open = 1;
  if (c.is_set("min")) open = open * compare(c.x[0], ">", c.get<double>("min"));
  if (c.is_set("max")) open = open * compare(c.x[0], "<", c.get<double>("max"));
  return {c.g[0] * open};
}

Terms softplus(GradientCallRef c) {
  const double beta = c.get<double>("beta"), threshold = c.get<double>("threshold");
  const std::string z = beta == 1 ? "x" : exact(beta) + "*x";
  return {c.g[0] *
          select(compare(Term(beta) * c.x[0], ">", threshold), 1, map("sigmoid(" + z + ")", c.x))};
}

Terms dropout(GradientCallRef c) {
  if (!c.get<bool>("training")) return {c.g[0]};
  if (c.get<double>("p") == 1) return {zero(c.shape())};
  return {c.g[0] * (compare(c.y[0], "!=", 0) / Term(1 - c.get<double>("p")))};
}

Terms softmax(GradientCallRef c) {
  if (c.rank() == 0) return {zero(c.shape())};
  const Term& y = c.y[0];
  return {y * (c.g[0] - sum_over(c.g[0] * y, {c.axis()}, true))};
}
Terms log_softmax(GradientCallRef c) {
  if (c.rank() == 0) return {zero(c.shape())};
  return {c.g[0] - map("exp(x)", {c.y[0]}) * sum_over(c.g[0], {c.axis()}, true)};
}

}  // namespace

const GradientTable& elementwise_gradients() {
  static const GradientTable table{
      {"add", [](GradientCallRef c) { return both(c, c.g[0], c.g[0]); }},
      {"sub", [](GradientCallRef c) { return both(c, c.g[0], -c.g[0]); }},
      {"mul", [](GradientCallRef c) { return both(c, c.g[0] * c.x[1], c.g[0] * c.x[0]); }},
      {"div",
       [](GradientCallRef c) {
         return both(c, c.g[0] / c.x[1], -(c.g[0] * (c.x[0] / map("x^2", {c.x[1]}))));
       }},
      {"floor_divide", nothing},
      {"remainder",
       [](GradientCallRef c) {
         // The quotient is whole: (a - y) / b is it, to rounding.
         return both(c, c.g[0], -(c.g[0] * ((c.x[0] - c.y[0]) / c.x[1])));
       }},
      {"pow",
       [](GradientCallRef c) {
         const Term &a = c.x[0], &b = c.x[1];
         return both(c, c.g[0] * select(compare(b, "==", 0), 0, map("y*x^(y - 1)", {a, b})),
                     c.g[0] * select(compare(a, "==", 0), 0, map("x^y*log(x)", {a, b})));
       }},
      {"minimum",
       [](GradientCallRef c) {
         return both(c, c.g[0] * share(c.x[0], ">", c.x[1]), c.g[0] * share(c.x[1], ">", c.x[0]));
       }},
      {"maximum",
       [](GradientCallRef c) {
         return both(c, c.g[0] * share(c.x[0], "<", c.x[1]), c.g[0] * share(c.x[1], "<", c.x[0]));
       }},
      {"neg", [](GradientCallRef c) -> Terms { return {-c.g[0]}; }},
      {"abs", [](GradientCallRef c) { return by_slope(c, "abs(x)"); }},
      {"sign", nothing},
      {"square", [](GradientCallRef c) { return by_slope(c, "x^2"); }},
      {"clip", clip},
      {"floor", nothing},
      {"ceil", nothing},
      {"round", nothing},
      {"sqrt", [](GradientCallRef c) { return by_slope(c, "sqrt(x)"); }},
      {"rsqrt", [](GradientCallRef c) { return by_slope(c, "x^(-1/2)"); }},
      {"exp", [](GradientCallRef c) { return by_slope(c, "exp(x)"); }},
      {"expm1", [](GradientCallRef c) { return by_slope(c, "exp(x) - 1"); }},
      {"log", [](GradientCallRef c) { return by_slope(c, "log(x)"); }},
      {"log1p", [](GradientCallRef c) { return by_slope(c, "log(1 + x)"); }},
      {"log2", [](GradientCallRef c) { return by_slope(c, "log(x)/log(2)"); }},
      {"sin", [](GradientCallRef c) { return by_slope(c, "sin(x)"); }},
      {"cos", [](GradientCallRef c) { return by_slope(c, "cos(x)"); }},
      {"tan", [](GradientCallRef c) { return by_slope(c, "tan(x)"); }},
      {"erf", [](GradientCallRef c) { return by_slope(c, "erf(x)"); }},
      {"relu", [](GradientCallRef c) -> Terms { return {c.g[0] * compare(c.x[0], ">", 0)}; }},
      {"leaky_relu",
       [](GradientCallRef c) -> Terms {
         return {c.g[0] * select(compare(c.x[0], ">", 0), 1, c.get<double>("negative_slope"))};
       }},
      {"tanh", [](GradientCallRef c) { return by_slope(c, "tanh(x)"); }},
      {"sigmoid", [](GradientCallRef c) { return by_slope(c, "sigmoid(x)"); }},
      {"gelu",
       [](GradientCallRef c) {
         return by_slope(c, c.get<std::string>("approximate") == "tanh"
                                ? "x/2*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x^3)))"
                                : "x/2*(1 + erf(x/sqrt(2)))");
       }},
      {"softplus", softplus},
      {"silu", [](GradientCallRef c) { return by_slope(c, "x*sigmoid(x)"); }},
      {"softmax", softmax},
      {"log_softmax", log_softmax},
      {"dropout", dropout},
      {"astype", [](GradientCallRef c) -> Terms { return {c.g[0]}; }},
      {"clone", [](GradientCallRef c) -> Terms { return {c.g[0]}; }},
      {"where",
       [](GradientCallRef c) -> Terms {
         return {{},
                 unbroadcast(select(c.x[0], c.g[0], 0), c.shape(1)),
                 unbroadcast(select(c.x[0], 0, c.g[0]), c.shape(2))};
       }},
      {"sum",
       [](GradientCallRef c) -> Terms { return {stretch(c.kept(c.g[0], c.axes()), c.shape())}; }},
      {"mean",
       [](GradientCallRef c) -> Terms {
         const double n = numel(c.shape()) / numel(c.y[0].shape());
         return {stretch(c.kept(c.g[0], c.axes()), c.shape()) / Term(n)};
       }},
      {"prod",
       [](GradientCallRef c) -> Terms {
         return {c.kept(c.g[0], c.axes()) * product_of_others(c.x[0], c.axes())};
       }},
      {"amax", extremum},
      {"amin", extremum},
      {"max", value_and_index},
      {"min", value_and_index},
      {"var", [](GradientCallRef c) { return spread_of(c, false); }},
      {"std", [](GradientCallRef c) { return spread_of(c, true); }},
      {"logsumexp",
       [](GradientCallRef c) -> Terms {
         const Term y = stretch(c.kept(c.y[0], c.axes()), c.shape());
         return {c.kept(c.g[0], c.axes()) * map("exp(x - y)", {c.x[0], y})};
       }},
      {"norm", norm},
  };
  return table;
}

CallNames call_names(const Op& op, std::size_t inputs, std::size_t outputs) {
  CallNames names;
  // "a [..., n, k], b [..., k, m] -> ...": words before the brackets, one for each input.
  const std::string_view said = op.card().shapes.substr(0, op.card().shapes.find("->"));
  std::string word, last;
  int depth = 0;
  const auto finish_word = [&] {
    if (!word.empty() && word != "i64" && word != "or") last = word;
    word.clear();
  };
  for (const char c : said) {
    depth += (c == '[') - (c == ']');
    if (depth == 0 && c == ',') {
      finish_word();
      names.inputs.push_back(last);
      last.clear();
    } else if (depth == 0 && std::isalnum(static_cast<unsigned char>(c))) {
      word += c;
    } else {
      finish_word();
    }
  }
  finish_word();
  names.inputs.push_back(last);
  while (names.inputs.size() > inputs) names.inputs.pop_back();
  std::vector<std::string> sorted = names.inputs;
  std::sort(sorted.begin(), sorted.end());
  const bool usable = sorted.size() == inputs && (sorted.empty() || !sorted[0].empty()) &&
                      std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end() &&
                      sorted[0] != "says";
  if (!usable) names.inputs.assign(inputs, "x");
  for (std::size_t i = 0; !usable && inputs > 1 && i < inputs; ++i)
    names.inputs[i] += std::to_string(i);
  for (std::size_t i = 0; i < outputs; ++i) {
    const std::string number = outputs == 1 ? "" : std::to_string(i);
    names.outputs.push_back("y" + number);
    names.gradients.push_back("g" + number);
  }
  return names;
}

namespace {
Terms (*rule_of(const Op& op))(const GradientCall&) {
  for (const GradientTable* table :
       {&elementwise_gradients(), &movement_gradients(), &product_gradients()}) {
    const auto found = table->find(op.name());
    if (found != table->end()) return found->second;
  }
  return nullptr;
}
}  // namespace

bool has_gradient_formula(const Op& op) { return rule_of(op) != nullptr; }

namespace {
/// Whether a count of 0, as of the elements of a mean, divides in it.
bool divides_by_zero(const Term& t) {
  return (t.is(TermKind::div) && t.parts()[1].is_number(0)) ||
         std::any_of(t.parts().begin(), t.parts().end(), divides_by_zero);
}
}  // namespace

Terms gradient_formulas(const Op& op, const std::vector<Shape>& inputs,
                        const std::vector<Shape>& outputs, const CallNames& names) {
  const auto rule = rule_of(op);
  if (!rule)
    throw NameError("no formula for the gradient of " + std::string(op.name()),
                    "gradus ops says which operations have a gradient");
  GradientCall call(op);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    call.x.push_back(leaf(names.inputs.at(i), inputs[i]));
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    call.y.push_back(leaf(names.outputs.at(i), outputs[i]));
    call.g.push_back(leaf(names.gradients.at(i), outputs[i]));
  }
  Terms result = rule(call);
  for (std::size_t i = 0; i < result.size(); ++i)
    if (result[i])  // the gradient of nothing is empty; "2/0 * ..." is no way to say so
      result[i] = inputs[i].numel() == 0 && divides_by_zero(result[i])
                      ? zero(inputs[i])
                      : stretch(result[i], inputs[i]);
  return result;
}

namespace {
void collect_leaves(const Term& t, std::map<std::string, Shape>& leaves) {
  if (t.is(TermKind::leaf)) leaves[t.name()] = t.shape();
  for (const Term& p : t.parts()) collect_leaves(p, leaves);
}
}  // namespace

GradientCost gradient_cost(const Term& formula, const LeafTypes& types, DType result) {
  const auto bytes = [](const Shape& shape, DType type) {
    return shape.numel() * static_cast<std::int64_t>(dtype_size(type));
  };
  GradientCost cost{flops(formula), 0, bytes(formula.shape(), result)};
  std::map<std::string, Shape> leaves;
  collect_leaves(formula, leaves);
  for (const auto& [name, shape] : leaves) {
    const auto type = types.find(name);
    cost.read += bytes(shape, type == types.end() ? DType::f32 : type->second);
  }
  return cost;
}

std::string cost_text(const GradientCost& cost) {
  return amount(cost.flops, "FLOP") + ", reads " + amount(static_cast<double>(cost.read), "B") +
         ", writes " + amount(static_cast<double>(cost.written), "B");
}

}  // namespace gradus::see
