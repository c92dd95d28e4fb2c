// Derivatives, with the rules that led to them.
// The one idea: one rule for each kind of node. A rule speaks of a node and its parts only; the
// chain rule carries it to functions of functions.
// Source of the rules: any textbook; for this notation Parr and Howard, "The Matrix Calculus You
// Need For Deep Learning", arXiv 1802.01528. The same function elsewhere: sympy.diff.
#pragma once

#include <string>
#include <vector>

#include <gradus/symbolic/expression.h>

namespace gradus::symbolic {

/// One rule at work: "power rule", "d/dx(x^2) = 2*x".
struct Step {
  std::string rule, equation;
  std::string str() const { return rule + ": " + equation; }
};

/// d(e)/d(variable), simplified. Other variables count as constants. At a kink: abs has slope 0,
/// max(u, v) and min(u, v) the slope of v, where a number always counts as v, so that the slope of
/// max(x, 0) at 0 is 0, as in the lesson; max(u, -u) is abs(u). The derivative of u^v with a moving
/// v holds for u > 0. ExpressionError where a part without variables has no real value: 0/0,
/// log(-1). `steps`, where given, receives the rules from the whole expression inwards, and at last
/// the result.
Expression derivative(const Expression& e, const std::string& variable,
                      std::vector<Step>* steps = nullptr);

}  // namespace gradus::symbolic
