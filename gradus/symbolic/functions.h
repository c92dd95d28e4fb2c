// The functions that expressions may call: one table, read like the formula sheet of a textbook.
// The one idea: a derivative is itself an expression, so it stands in the table as text. A new
// function is a new line of functions.cpp.
// Next: derive.cpp uses the table, simplify.cpp knows its symmetries.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace gradus::symbolic {

enum class Parity { none, even, odd };

struct Function {
  std::string_view name;
  std::size_t arity;
  /// Value in f64; functions of one argument ignore the second.
  double (*value)(double u, double v);
  /// The derivative by u; empty for max and min, whose rule derive.cpp has.
  std::string_view slope;
  Parity parity;  ///< f(-u) = f(u), f(-u) = -f(u), or neither
  /// LaTeX's command, "\\sin"; empty for those with a notation of their own.
  std::string_view latex;
};

/// A function that is written with others, sec(x) as 1/cos(x): `parse` does it.
struct Abbreviation {
  std::string_view name, meaning;  ///< of u
};

/// All functions, in the order in which products and sums list them.
std::span<const Function> functions();
/// The function of this name, or null.
const Function* find_function(std::string_view name);
std::span<const Abbreviation> abbreviations();
/// The abbreviation of this name, or null.
const Abbreviation* find_abbreviation(std::string_view name);
/// What somebody may have meant by a name that is none of these, as it is written here: "asin(x)"
/// for "arcsin", "sin(x)" for "sinn"; else empty.
std::string suggestion(std::string_view name);

}  // namespace gradus::symbolic
