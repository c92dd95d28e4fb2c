// Expressions as a person writes them: text, LaTeX, MathML.
// The one idea: `Writer` decides what stands where (signs, fractions, roots, parentheses), once;
// the notations only say what such a thing looks like. So no two of them can disagree about
// precedence.
// Next: print.cpp, latex.cpp, mathml.cpp.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gradus/symbolic/expression.h>

namespace gradus::symbolic {

/// "3*x^2 + 9"; `parse` reads it back.
std::string text(const Expression& e);
/// "3 x^{2} + 9", for math mode.
std::string latex(const Expression& e);
/// A <math> element, well-formed XML in the namespace of MathML.
std::string mathml(const Expression& e);

/// How tightly a piece holds together: a looser piece needs parentheses inside a tighter one.
enum class Bond { sum, product, power, atom };

/// A finished piece of writing.
struct Piece {
  std::string code;
  Bond bond = Bond::atom;
  bool starts_with_digit = false;
};

/// The walk from tree to pieces; a notation derives from it.
class Writer {
 public:
  virtual ~Writer() = default;
  Piece write(const Expression& e) const;

 protected:
  virtual std::string number(const std::string& digits) const = 0;  // not negative
  virtual std::string variable(const std::string& name) const = 0;
  virtual std::string constant(const std::string& name) const = 0;
  virtual std::string parentheses(const std::string& inner) const = 0;
  virtual std::string negative(const std::string& inner) const = 0;
  /// Terms with their signs, true for minus.
  virtual std::string sum(const std::vector<std::pair<bool, std::string>>& terms) const = 0;
  virtual std::string product(const std::vector<Piece>& factors) const = 0;
  virtual Piece fraction(const Piece& top, const Piece& bottom) const = 0;
  virtual Piece power(const Piece& base, const Piece& exponent) const = 0;
  virtual Piece root(const Piece& inner) const = 0;
  virtual Piece call(const std::string& function, const std::vector<Piece>& arguments) const = 0;
  /// sin(x)^2, which some write sin^2(x); the exponent is a whole number.
  virtual Piece power_of_call(const std::string& function, const std::vector<Piece>& arguments,
                              const Piece& exponent) const;

  /// The code of `piece`, in parentheses if it holds less tightly than `least`.
  std::string held(const Piece& piece, Bond least) const;

 private:
  Piece write_sum(const Expression& e) const;
  Piece write_product(const Expression& e) const;
  Piece write_power(const Expression& base, const Expression& exponent) const;
  std::vector<Piece> write_arguments(const Expression& e) const;
  Piece write_number(const Number& n) const;
  Piece write_factors(const std::vector<Piece>& factors) const;
};

}  // namespace gradus::symbolic
