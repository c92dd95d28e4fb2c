// The value of an expression in f64.
#pragma once

#include <map>
#include <string>

#include <gradus/symbolic/expression.h>

namespace gradus::symbolic {

using Values = std::map<std::string, double>;

/// The value of `e` where the variables have these values; inf and NaN as IEEE 754 has them.
/// ExpressionError names a variable without a value.
double evaluate(const Expression& e, const Values& values = {});

}  // namespace gradus::symbolic
