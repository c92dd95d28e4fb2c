// Text to expression.
// The one idea: one function for each level of precedence, each naming what it expected and where.
//   sum     = product { (+|-) product }          left to right
//   product = unary { (*|/) unary }              left to right
//   unary   = (+|-) unary | power                -x^2 is -(x^2)
//   power   = atom [ (^|**) unary ]              right to left: a^b^c is a^(b^c)
//   atom    = number | name | name ( sum , ... ) | ( sum )
// Next: simplify.h, derive.h.
#pragma once

#include <string>

#include <gradus/symbolic/expression.h>

namespace gradus::symbolic {

/// Nesting beyond this is refused with a clear error instead of an exhausted stack.
inline constexpr int max_nesting = 400;

/// The expression that `text` writes, not simplified. Names are letters, digits and underscores;
/// `pi` and `e` are the constants; relu(x), sec(x) and the other abbreviations of functions.h are
/// what they stand for. ParseError otherwise.
Expression parse(const std::string& text);

/// Could this be the name of a variable?
bool is_variable_name(const std::string& name);

}  // namespace gradus::symbolic
