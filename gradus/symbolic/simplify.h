// Expressions in the form a person would write: 2*x, never 2*x^1*1.
// The one idea: builders that tidy as they build. `simplify` rebuilds a tree from its leaves with
// them, derive.cpp builds with nothing else, so that no result is ever walked twice.
// Next: simplify_sum.cpp, simplify_product.cpp; derive.h.
#pragma once

#include <gradus/symbolic/expression.h>

namespace gradus::symbolic {

/// The same value wherever the value of `e` is finite (x/x becomes 1, also at 0). Like terms and
/// equal bases are collected, numbers folded exactly, signs and numbers taken out of functions.
Expression simplify(const Expression& e);

// The builders; their arguments are simplified already.
Expression make_sum(std::vector<Expression> terms);
Expression make_product(std::vector<Expression> factors);
Expression make_power(const Expression& base, const Expression& exponent);
Expression make_call(const std::string& function, std::vector<Expression> arguments);

/// What all terms of a sum share stands in front: x*exp(x) - exp(x) as (x - 1)*exp(x). Others stay.
Expression factored(const Expression& sum);

/// A factor as base^exponent: exp(u) as {e, u}, x as {x, 1}.
struct Power {
  Expression base, exponent;
};
Power as_power(const Expression& factor);
/// A term as number * rest.
struct Term {
  Number number;
  Expression rest;
};
Term as_term(const Expression& e);

// The orders in which sums and products are written.
bool term_before(const Expression& a, const Expression& b);
void sort_factors(std::vector<Expression>& factors);

}  // namespace gradus::symbolic
