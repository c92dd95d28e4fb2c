// An operation and its gradient in words and numbers: `gradus explain`.
// The one idea: gradient rules are written in operations, so a rule that is run and traced is a
// Program, and the Program read as a formula is the rule itself, never a second text about it.
// Next: explain.cpp; program/trace.h makes the Program.
#pragma once

#include <gradus/autograd/gradcheck.h>
#include <gradus/program/program.h>

namespace gradus::see {

/// How the gradient of one input comes about.
struct GradientRule {
  std::string name;   ///< "x0.g"
  std::string text;   ///< "matmul(g, permute_dims(x1))"; "0" where nothing flows
  std::string slope;  ///< of an operation that gradus/symbolic knows, "1 - tanh(x)^2"; or empty
  std::string latex;  ///< the slope as LaTeX; or empty
  Tensor value;       ///< of the example, by the rule
};

struct Explanation {
  Op op;
  Tensors inputs, outputs;          ///< of the example, floating values in f64
  std::vector<GradientRule> rules;  ///< one for each floating input
  GradcheckReport check;            ///< of first derivatives, on the example
};

/// Explains `op` on an example. Throws GradError for an operation without a gradient.
Explanation explain(const Op& op, std::span<const Tensor> inputs);
/// On the first sample of the registry that has a gradient.
Explanation explain(const Op& op);
/// The program's one output as a formula; `names` are those of inputs and constants.
std::string formula(const Program& program, const std::map<ValueId, std::string>& names);

}  // namespace gradus::see
