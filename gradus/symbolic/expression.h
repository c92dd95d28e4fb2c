// An expression of scalars: a tree of numbers, variables, sums, products, powers and calls.
// The one idea: seven kinds and no more. a - b is a + (-1)*b, a/b is a*b^(-1), so that every rule
// is written once; print.h turns both back into what a person writes. Next: parse.h makes one of
// text, derive.h differentiates it.
#pragma once

#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gradus/symbolic/error.h>
#include <gradus/symbolic/number.h>

namespace gradus::symbolic {

enum class Kind { number, constant, variable, sum, product, power, call };

/// A value: copying shares the tree, which never changes.
class Expression {
 public:
  /// The number 0.
  Expression();
  Expression(Number value);        // NOLINT: numbers are expressions
  Expression(int value);           // NOLINT
  Expression(std::int64_t value);  // NOLINT

  Kind kind() const;
  bool is(Kind kind) const { return this->kind() == kind; }
  bool is_number() const { return is(Kind::number); }
  /// Is it this whole number?
  bool is_whole(std::int64_t value) const;
  /// Is it a call of this function?
  bool is_call(const char* name) const { return is(Kind::call) && this->name() == name; }
  /// The value of a number; 0 for other kinds.
  const Number& number() const;
  /// Name of a variable, a constant ("pi", "e") or the function called; else empty.
  const std::string& name() const;
  /// Terms of a sum, factors of a product, {base, exponent} of a power, arguments of a call.
  const std::vector<Expression>& parts() const;
  const Expression& base() const { return parts()[0]; }
  const Expression& exponent() const { return parts()[1]; }
  const Expression& argument() const { return parts()[0]; }
  /// Number of nodes of the tree, shared ones counted each time.
  std::size_t size() const;
  /// Equal trees, node by node; x + y is not y + x.
  friend bool operator==(const Expression& a, const Expression& b);
  /// Any total order: < 0, 0 or > 0.
  friend int compare(const Expression& a, const Expression& b);

  // Builders take the parts as they are; simplify.h has those that tidy up.
  friend Expression constant(std::string name);
  friend Expression variable(std::string name);
  friend Expression sum(std::vector<Expression> terms);
  friend Expression product(std::vector<Expression> factors);
  friend Expression power(Expression base, Expression exponent);
  friend Expression call(std::string function, std::vector<Expression> arguments);

  /// Errors beyond these: no expression may exhaust the stack or the memory.
  static constexpr std::size_t max_depth = 2000, max_size = std::size_t{1} << 20;

 private:
  struct Node;
  explicit Expression(std::shared_ptr<const Node> node) : node_(std::move(node)) {}
  static Expression make(Kind kind, std::string name, std::vector<Expression> parts);
  std::shared_ptr<const Node> node_;
};

/// "pi" or "e".
Expression constant(std::string name);
Expression variable(std::string name);
/// No terms are 0, one term is itself.
Expression sum(std::vector<Expression> terms);
/// No factors are 1, one factor is itself.
Expression product(std::vector<Expression> factors);
Expression power(Expression base, Expression exponent);
/// A function of functions.h with as many arguments as it takes; ExpressionError otherwise.
Expression call(std::string function, std::vector<Expression> arguments);

/// The variables of `e` in alphabetical order.
std::set<std::string> variables(const Expression& e);
bool depends_on(const Expression& e, const std::string& variable);
/// `e` with `value` for each `variable`.
Expression substitute(const Expression& e, const std::string& variable, const Expression& value);

}  // namespace gradus::symbolic
