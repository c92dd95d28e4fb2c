// The gradient of every operation, as terms: what a textbook says, one rule an operation.
// The one idea: a rule reads the call (attributes, shapes, names) and builds terms. It knows
// nothing of the operation's own gradient rule, so the two check each other. Next:
// gradient_formula.cpp (numbers to numbers, reductions), gradient_formula_shape.cpp (places,
// products, losses).
#pragma once

#include <gradus/program/op.h>
#include <gradus/see/term.h>

namespace gradus::see {

/// What a call is named in its formula.
struct CallNames {
  std::vector<std::string> inputs, outputs, gradients;
};
/// "x", or what the card of the operation calls its inputs, "y" and "g"; numbered where there are
/// several outputs.
CallNames call_names(const Op& op, std::size_t inputs, std::size_t outputs);

/// The gradients of the inputs of a call with inputs and outputs of these shapes, one term for
/// each; an empty term where none is defined (an index, a condition). The leaves are names.inputs,
/// names.outputs and names.gradients. Throws NameError for an operation without a formula.
Terms gradient_formulas(const Op& op, const std::vector<Shape>& inputs,
                        const std::vector<Shape>& outputs, const CallNames& names);
bool has_gradient_formula(const Op& op);

/// What one gradient costs when it is computed as its formula says.
struct GradientCost {
  double flops = 0;
  std::int64_t read = 0, written = 0;  ///< bytes, each tensor once
};
/// Element types of a formula's leaves by name; f32 where nothing is said.
using LeafTypes = std::map<std::string, DType>;
GradientCost gradient_cost(const Term& formula, const LeafTypes& types = {},
                           DType result = DType::f32);
/// "3.92 GFLOP, reads 10.2 MB, writes 157 kB".
std::string cost_text(const GradientCost& cost);

}  // namespace gradus::see
