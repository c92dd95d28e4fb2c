// Formulas of gradients against the operations' own rules, and against differences of function
// values: over the whole registry, for every sample and a gradient that differs in each element.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include <gradus/gradus.h>
#include <gradus/ops/samples.h>
#include <gradus/see/gradient_formula.h>

namespace gradus {
namespace {

using see::Term;
using see::TermKind;
using see::Terms;
using see::TermStyle;
using see::TermValues;

/// A call of a sample: its tensors in f64, its formulas, and what the operation says itself.
struct Sampled {
  Tensors inputs, outputs, gradients;  // of outputs: empty where an output is no number
  see::CallNames names;
  TermValues leaves;
  Terms formulas;
  Tensors own;  // by the operation's rule; empty where nothing flows
};

bool has_floating_input(const Sample& s) {
  for (const Tensor& x : s.inputs)
    if (is_floating(x.dtype())) return true;
  return false;
}

Sampled run_sample(const Sample& s) {
  GradMode recording(true);
  Sampled c;
  for (const Tensor& x : s.inputs) {
    Tensor v = is_floating(x.dtype()) ? clone(astype(x, DType::f64)).detach() : x;
    if (is_floating(v.dtype())) v.set_requires_grad();
    c.inputs.push_back(v);
  }
  c.outputs = apply_all(s.op, c.inputs);
  c.names = see::call_names(s.op, c.inputs.size(), c.outputs.size());
  std::vector<Shape> in, out;
  for (std::size_t i = 0; i < c.inputs.size(); ++i) {
    in.push_back(c.inputs[i].shape());
    c.leaves[c.names.inputs[i]] = see::term_value(c.inputs[i].detach());
  }
  Tensors reached, seeds;
  for (std::size_t i = 0; i < c.outputs.size(); ++i) {
    const Tensor& y = c.outputs[i];
    out.push_back(y.shape());
    c.leaves[c.names.outputs[i]] = see::term_value(y.detach());
    Tensor g = zeros(y.shape().to_vector(), DType::f64);
    for (std::int64_t k = 0; k < g.numel(); ++k)
      g.data<double>()[k] = std::cos(1.0 + 1.7 * static_cast<double>(k) + static_cast<double>(i));
    c.leaves[c.names.gradients[i]] = see::term_value(g);
    c.gradients.push_back(g);
    if (!y.requires_grad()) continue;
    reached.push_back(y);
    seeds.push_back(g);
  }
  c.formulas = see::gradient_formulas(s.op, in, out, c.names);
  for (const Tensor& x : c.inputs) {
    Tensor g;
    if (x.requires_grad() && !reached.empty())
      g = grad(reached, std::span(&x, 1), seeds, {.keep_graph = true, .allow_unused = true})[0];
    c.own.push_back(g);
  }
  return c;
}

/// The largest difference of a formula's value from a gradient (0 where that is empty).
double difference(const Term& formula, const Sampled& c, const Tensor& own) {
  const see::TermValue v = formula.evaluate(c.leaves);
  const std::vector<double> other =
      own ? own.to_vector<double>() : std::vector<double>(v.elements.size(), 0.0);
  if (other.size() != v.elements.size()) return INFINITY;
  double worst = 0;
  for (std::size_t i = 0; i < other.size(); ++i) {
    const double d = std::abs(other[i] - v.elements[i]) / std::max(1.0, std::abs(other[i]));
    if (std::isnan(d)) return INFINITY;
    worst = std::max(worst, d);
  }
  return worst;
}

TEST(GradientFormula, IsThatOfTheOperationOnEverySample) {
  std::size_t operations = 0;
  for (const Op& op : all_ops()) {
    if (!op.has_gradient()) continue;
    bool counted = false;
    for (const Sample& s : op.samples()) {
      if (!has_floating_input(s)) continue;
      SCOPED_TRACE(s.op.str());
      ASSERT_TRUE(see::has_gradient_formula(op)) << op.name();
      const Sampled c = run_sample(s);
      ASSERT_EQ(c.formulas.size(), c.inputs.size());
      for (std::size_t i = 0; i < c.inputs.size(); ++i) {
        if (!is_floating(c.inputs[i].dtype())) continue;
        ASSERT_TRUE(c.formulas[i]) << "input " << i;
        EXPECT_EQ(c.formulas[i].shape(), c.inputs[i].shape());
        EXPECT_LT(difference(c.formulas[i], c, c.own[i]), 1e-12)
            << c.names.inputs[i] << ".g = " << see::write(c.formulas[i]);
      }
      counted = true;
    }
    operations += counted;
  }
  EXPECT_GE(operations, 85u);
}

/// Formula and rule of a call: NaN where both are, the same number elsewhere.
void expect_same(const Op& op, const Tensors& inputs) {
  SCOPED_TRACE(op.str());
  const Sampled c = run_sample({op, inputs});
  for (std::size_t i = 0; i < c.inputs.size(); ++i) {
    if (!is_floating(c.inputs[i].dtype())) continue;
    const std::vector<double> formula = c.formulas[i].evaluate(c.leaves).elements,
                              rule = c.own[i].to_vector<double>();
    ASSERT_EQ(formula.size(), rule.size());
    for (std::size_t p = 0; p < rule.size(); ++p)
      EXPECT_TRUE(std::isnan(rule[p]) ? std::isnan(formula[p])
                                      : std::abs(formula[p] - rule[p]) < 1e-12)
          << c.names.inputs[i] << ".g[" << p << "]: " << formula[p] << " by the formula "
          << see::write(c.formulas[i]) << ", " << rule[p] << " by the rule";
  }
}

TEST(GradientFormula, IsThatOfTheOperationBesideNaN) {
  const Tensor a = tensor({NAN, 1.0, NAN, 2.0, 2.0, INFINITY}),
               b = tensor({1.0, NAN, NAN, 2.0, 3.0, INFINITY});
  for (const char* name : {"maximum", "minimum"}) expect_same(find_op(name), {a, b});
}

TEST(GradientFormula, IsThatOfTheOperationWhereNoTargetCounts) {
  const Tensor x = sample({4, 3}), log_p = log_softmax(x, 1), weight = sample({3}, 0.5, 2, 1);
  for (const std::int64_t ignored : {std::int64_t{-100}, std::int64_t{1}})
    for (const char* reduction : {"mean", "sum"}) {
      const auto named = [&](const char* name) {
        return find_op(name)
            .with("reduction", reduction)
            .with("ignore_index", std::to_string(ignored));
      };
      const Tensor none_counts = full({4}, static_cast<double>(ignored), DType::i64),
                   two_count = tensor({ignored, std::int64_t{0}, std::int64_t{2}, ignored});
      for (const Tensor& target : {none_counts, two_count})
        for (const bool is_weighed : {false, true}) {
          const auto call = [&](const Op& op, const Tensor& scores) {
            expect_same(op, is_weighed ? Tensors{scores, target, weight} : Tensors{scores, target});
          };
          call(named("nll"), log_p);
          call(named("cross_entropy"), x);
          call(named("cross_entropy").with("label_smoothing", "0.1"), x);
        }
    }
}

TEST(GradientFormula, TheEinsumFormHasTheSameValue) {
  std::size_t forms = 0;
  for (const Op& op : all_ops()) {
    if (!op.has_gradient()) continue;
    for (const Sample& s : op.samples()) {
      if (!has_floating_input(s)) continue;
      SCOPED_TRACE(s.op.str());
      const Sampled c = run_sample(s);
      for (const Term& formula : c.formulas) {
        if (!formula) continue;
        const auto form = see::einsum_form(formula);
        if (!form) continue;
        // The library's own einsum, fed with the factors' values.
        Tensors factors;
        for (const Term& f : form->factors) {
          const see::TermValue v = f.evaluate(c.leaves);
          factors.push_back(Tensor::of(v.elements, v.shape.to_vector()));
        }
        const Tensor value = einsum(form->equation, factors) * form->scale;
        EXPECT_LT(difference(formula, c, value), 1e-12) << form->str();
        ++forms;
      }
    }
  }
  EXPECT_GE(forms, 60u);
}

/// A formula with one mistake in it.
struct Mutant {
  std::string mistake;
  Term formula;
};

/// The mistakes that can be made in this node itself.
std::vector<Mutant> mistakes_in(const Term& t) {
  std::vector<Mutant> list;
  const auto& parts = t.parts();
  const auto fitted = [&](const Term& p) { return see::stretch(p, t.shape()); };
  switch (t.kind()) {
    case TermKind::add:
    case TermKind::sub:
      list.push_back({"dropped term", fitted(parts[0])});
      list.push_back({"dropped term", fitted(t.is(TermKind::sub) ? -parts[1] : parts[1])});
      break;
    case TermKind::mul:
    case TermKind::div:
      list.push_back({"dropped factor", fitted(parts[0])});
      if (t.is(TermKind::mul)) list.push_back({"dropped factor", fitted(parts[1])});
      break;
    case TermKind::sum:
    case TermKind::unbroadcast: {
      // The first of what should be summed, instead of all.
      const Shape& from = parts[0].shape();
      Term first = parts[0];
      for (int k = 0; k < from.rank(); ++k) {
        bool goes = std::find(t.ints().begin(), t.ints().end(), k) != t.ints().end();
        if (t.is(TermKind::unbroadcast)) {
          const int extra = from.rank() - t.shape().rank();
          goes = k < extra || t.shape()[k - extra] != from[k];
        }
        if (goes) first = see::part(first, k, 0, 1, 1);
      }
      list.push_back({"lost sum", see::reshaped(first, t.shape())});
      break;
    }
    case TermKind::permute:
      list.push_back({"missing transpose", see::reshaped(parts[0], t.shape())});
      break;
    case TermKind::einsum:
      for (std::size_t p = 0; p < parts.size(); ++p) {
        const int n = parts[p].shape().rank();
        if (n < 2) continue;
        Ints turned;
        for (int k = 0; k < n; ++k) turned.push_back(k);
        std::swap(turned[turned.size() - 1], turned[turned.size() - 2]);
        Terms others = parts;
        others[p] = see::reshaped(see::permuted(parts[p], turned), parts[p].shape());
        list.push_back({"missing transpose", t.with_parts(others)});
      }
      break;
    case TermKind::flip:
    case TermKind::roll:
    case TermKind::cumsum:
      list.push_back({"not moved", parts[0]});
      break;
    default:
      break;
  }
  return list;
}

/// All formulas with one mistake in one node.
std::vector<Mutant> mutants(const Term& t) {
  std::vector<Mutant> list = mistakes_in(t);
  for (std::size_t p = 0; p < t.parts().size(); ++p)
    for (const Mutant& m : mutants(t.parts()[p])) {
      Terms parts = t.parts();
      parts[p] = m.formula;
      list.push_back({m.mistake, t.with_parts(parts)});
    }
  return list;
}

/// An operation whose gradient rule is a formula, right or wrong.
struct Planted {
  Op original;
  see::CallNames names;
  Terms formulas;
  static constexpr Card card{.name = "planted",
                             .also = "",
                             .onnx = "",
                             .formula = "",
                             .doc = "An operation with a planted gradient.",
                             .shapes = ""};
  static constexpr Keep keep{.inputs = ~0u, .outputs = ~0u};
  /// Copies, for an operation may give back its own input, whose history would go around the plant.
  Tensors run(std::span<const Tensor> x) const {
    Tensors y = apply_all(original, x);
    for (Tensor& one : y) one = clone(one);
    return y;
  }
  Tensors vjp(const Call& c, std::span<const Tensor> g) const {
    TermValues leaves;
    for (std::size_t i = 0; i < names.inputs.size(); ++i)
      leaves[names.inputs[i]] = see::term_value(c.input(i).detach());
    for (std::size_t i = 0; i < names.outputs.size(); ++i) {
      const Tensor y = c.output(i).detach();
      leaves[names.outputs[i]] = see::term_value(y);
      leaves[names.gradients[i]] =
          g[i] ? see::term_value(g[i].detach())
               : see::TermValue{y.shape(), std::vector<double>(std::size_t(y.numel()), 0.0)};
    }
    Tensors result;
    for (const Term& f : formulas) {
      result.emplace_back();
      if (!f) continue;
      const see::TermValue v = f.evaluate(leaves);
      result.back() = Tensor::of(v.elements, v.shape.to_vector());
    }
    return result;
  }
};

GradcheckReport check_planted(const Sample& s, const Sampled& c, const Terms& formulas) {
  const Op planted = Planted{s.op, c.names, formulas};
  return gradcheck([&](std::span<const Tensor> x) { return apply_all(planted, x); }, c.inputs,
                   {.second_order = false});
}

/// Every formula alone passes the check by differences of function values; none does with a mistake
/// in it, unless the mistake changes no number of the sample.
TEST(GradientFormula, APlantedMistakeIsCaughtInEveryOperation) {
  std::map<std::string, std::size_t> caught;
  std::set<std::string> told_by_formula_alone;
  for (const Op& op : all_ops()) {
    if (!op.has_gradient()) continue;
    std::size_t caught_here = 0, sums = 0, sums_caught = 0;
    bool tried = false;
    for (const Sample& s : op.samples()) {
      if (!has_floating_input(s)) continue;
      SCOPED_TRACE(s.op.str());
      const Sampled c = run_sample(s);
      const GradcheckReport right = check_planted(s, c, c.formulas);
      ASSERT_TRUE(right.ok()) << right.str();
      for (std::size_t i = 0; i < c.formulas.size(); ++i) {
        if (!c.formulas[i] || !is_floating(c.inputs[i].dtype()) || c.inputs[i].numel() == 0)
          continue;
        tried = true;
        std::vector<Mutant> list = mutants(c.formulas[i]);
        list.push_back({"factor 2", Term(2) * c.formulas[i]});
        list.push_back({"added term", c.formulas[i] + Term(1)});
        for (const Mutant& m : list) {
          sums += m.mistake == "lost sum";
          // A slope of 1e-3 in the wrong place is still 1000 times the check's tolerance.
          if (difference(m.formula, c, c.own[i]) < 1e-3) continue;
          Terms wrong = c.formulas;
          wrong[i] = m.formula;
          const GradcheckReport report = check_planted(s, c, wrong);
          if (report.ok() && report.kinks > 0) {
            // Between the slopes of both sides, so that only the formula tells: min(a, a) may give
            // all to one of the two, but here both have half.
            told_by_formula_alone.insert(std::string(op.name()));
            continue;
          }
          EXPECT_FALSE(report.ok())
              << m.mistake << " in " << c.names.inputs[i] << ".g = " << see::write(m.formula);
          ++caught[m.mistake];
          ++caught_here;
          sums_caught += m.mistake == "lost sum";
        }
      }
    }
    if (!tried) continue;
    EXPECT_GE(caught_here, 1u) << op.name();
    EXPECT_TRUE(sums == 0 || sums_caught > 0) << op.name();
  }
  EXPECT_THAT(told_by_formula_alone, testing::ElementsAre("maximum", "minimum"));
  EXPECT_GE(caught["factor 2"], 200u);
  EXPECT_GE(caught["dropped term"], 60u);
  EXPECT_GE(caught["dropped factor"], 300u);
  EXPECT_GE(caught["lost sum"], 50u);
  EXPECT_GE(caught["missing transpose"], 30u);
}

}  // namespace
}  // namespace gradus
