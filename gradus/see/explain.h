// An operation and its gradient in words and numbers: `gradus explain`.
// The one idea: each gradient is shown twice and the two are compared: as the formula of
// gradient_formula.h, evaluated by naive loops, and as the operation's own rule, run and traced
// into a Program. Differences of function values are the third witness. Next: explain.cpp;
// explain_page.h does the same with the numbers of a run.
#pragma once

#include <gradus/autograd/gradcheck.h>
#include <gradus/program/program.h>
#include <gradus/see/gradient_formula.h>

namespace gradus::see {

/// How the gradient of one input comes about.
struct GradientRule {
  std::string name;       ///< "a.g"
  Term formula;           ///< as on paper; write() and einsum_form() show it
  std::string text;       ///< the rule as it ran, "matmul(g, permute_dims(b))"; "0" where nothing
                          ///< flows
  std::string slope;      ///< of an operation that gradus/symbolic knows, "1 - tanh(x)^2"; or empty
  std::string latex;      ///< the slope as LaTeX; or empty
  Tensor value;           ///< of the example, by the rule
  double difference = 0;  ///< largest |formula - rule|, relative to 1 or the value; of the example
  GradientCost cost;      ///< for the shapes that were asked for
};

struct Explanation {
  Op op;
  Tensors inputs, outputs;          ///< of the example, floating values in f64
  Tensors gradients;                ///< of its outputs: what the example begins with
  std::vector<Spec> given, made;    ///< what was asked for, in f32; else the example's
  std::vector<GradientRule> rules;  ///< one for each floating input
  GradcheckReport check;            ///< of first derivatives, on the example
  std::int64_t saved = 0;           ///< bytes that a call on `given` keeps for the backward pass
  bool is_asked = false;            ///< the example has the shapes that were asked for
  /// "f64[3,4], f64[4]", where the example has not the shapes of `given`, which are too large.
  std::string example{};
  std::string undefined{};  ///< "y is nan here": then nothing can be compared
  /// Formula, rule and differences of function values agree.
  bool ok() const;
};

/// Explains `op` on an example. Throws GradError for an operation without a gradient.
Explanation explain(const Op& op, std::span<const Tensor> inputs);
/// On the first sample of the registry that has a gradient. With `shapes`, one for each input, on
/// inputs of those and of the sample's range; of more than a few thousand elements formulas and
/// costs alone, and the rest on the sample.
Explanation explain(const Op& op, const std::vector<Shape>& shapes = {});
/// An operation's page as lines, "WHAT    matmul: ..."; its formulas as LaTeX alone; one JSON
/// object with all of it. Written in operation_page.cpp.
std::string page_text(const Explanation& e, TermStyle style);
std::string latex_text(const Explanation& e);
std::string json_text(const Explanation& e);

/// The call that made `y`, with its gradients: names, shapes and the formulas. Throws GradError for
/// a tensor that no recorded call made.
std::string explain(const Tensor& y, TermStyle style = TermStyle::ascii);

/// The program's one output as a formula; `names` are those of inputs and constants.
std::string formula(const Program& program, const std::map<ValueId, std::string>& names);

}  // namespace gradus::see
