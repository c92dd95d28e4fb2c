// Where an expression has no value: outside the domain of a function in it, or divided by 0.
// Next: derive.cpp refuses constants without a value, `gradus diff --at` such places.
#pragma once

#include <optional>

#include <gradus/symbolic/evaluate.h>
#include <gradus/symbolic/expression.h>

namespace gradus::symbolic {

/// The first part of `e` that has no real value where the variables have these values, though its
/// own parts have one: log(x) at x = -1, 1/x at x = 0. Nothing where there is none. A number that
/// is too large for a double has a value. ExpressionError names a variable without a value.
std::optional<Expression> undefined_part(const Expression& e, const Values& values);

/// The same for the parts of `e` that have no variables: 0/0, log(-1).
std::optional<Expression> undefined_constant(const Expression& e);

}  // namespace gradus::symbolic
