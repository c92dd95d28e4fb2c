// The value of an expression in f64.
#pragma once

#include <map>
#include <string>

#include <gradus/symbolic/expression.h>

namespace gradus::symbolic {

using Values = std::map<std::string, double>;

/// The value of `e` where the variables have these values; inf and NaN as IEEE 754 has them,
/// but for a factor step(u) or 1 - step(u) that is 0: a branch that does not count has no say, and
/// 0 * inf is 0.
/// ExpressionError names a variable without a value.
double evaluate(const Expression& e, const Values& values = {});

/// step(u) or 1 - step(u), as the slope of a max has them: which branch counts.
bool is_gate(const Expression& e);

}  // namespace gradus::symbolic
