// The tree. Each node knows its size and depth, so that growth is refused where it happens.
#include <gradus/symbolic/expression.h>

#include <algorithm>

#include <gradus/symbolic/functions.h>

namespace gradus::symbolic {

struct Expression::Node {
  Kind kind = Kind::number;
  Number value;
  std::string name;
  std::vector<Expression> parts;
  std::size_t size = 1, depth = 1;
};

Expression::Expression() : Expression(Number(0)) {}
Expression::Expression(int value) : Expression(Number(value)) {}
Expression::Expression(std::int64_t value) : Expression(Number(value)) {}
Expression::Expression(Number value) {
  auto node = std::make_shared<Node>();
  node->value = value;
  node_ = std::move(node);
}

Expression Expression::make(Kind kind, std::string name, std::vector<Expression> parts) {
  auto node = std::make_shared<Node>();
  node->kind = kind;
  node->name = std::move(name);
  node->parts = std::move(parts);
  for (const Expression& part : node->parts) {
    node->size += part.node_->size;
    node->depth = std::max(node->depth, part.node_->depth + 1);
  }
  if (node->depth > max_depth)
    throw ExpressionError("the expression is nested more than " + std::to_string(max_depth) +
                          " levels deep");
  if (node->size > max_size)
    throw ExpressionError("the expression grows beyond " + std::to_string(max_size) + " parts");
  return Expression(std::shared_ptr<const Node>(std::move(node)));
}

Kind Expression::kind() const { return node_->kind; }
bool Expression::is_whole(std::int64_t value) const {
  return is_number() && number() == Number(value);
}
const Number& Expression::number() const { return node_->value; }
const std::string& Expression::name() const { return node_->name; }
const std::vector<Expression>& Expression::parts() const { return node_->parts; }
std::size_t Expression::size() const { return node_->size; }

Expression constant(std::string name) { return Expression::make(Kind::constant, name, {}); }
Expression variable(std::string name) { return Expression::make(Kind::variable, name, {}); }

Expression sum(std::vector<Expression> terms) {
  if (terms.empty()) return 0;
  if (terms.size() == 1) return terms[0];
  return Expression::make(Kind::sum, "", std::move(terms));
}

Expression product(std::vector<Expression> factors) {
  if (factors.empty()) return 1;
  if (factors.size() == 1) return factors[0];
  return Expression::make(Kind::product, "", std::move(factors));
}

Expression power(Expression base, Expression exponent) {
  return Expression::make(Kind::power, "", {std::move(base), std::move(exponent)});
}

Expression call(std::string function, std::vector<Expression> arguments) {
  const Function* known = find_function(function);
  if (!known) throw ExpressionError("there is no function '" + function + "'");
  if (known->arity != arguments.size())
    throw ExpressionError(function + " takes " + std::to_string(known->arity) + " argument" +
                          (known->arity == 1 ? "" : "s") + ", not " +
                          std::to_string(arguments.size()));
  return Expression::make(Kind::call, std::move(function), std::move(arguments));
}

int compare(const Expression& a, const Expression& b) {
  if (a.node_ == b.node_) return 0;
  if (a.kind() != b.kind()) return a.kind() < b.kind() ? -1 : 1;
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;  // most trees part here
  if (a.is_number()) return a.number() < b.number() ? -1 : b.number() < a.number() ? 1 : 0;
  if (const int names = a.name().compare(b.name())) return names;
  const auto &p = a.parts(), &q = b.parts();
  for (std::size_t i = 0; i < std::min(p.size(), q.size()); ++i)
    if (const int part = compare(p[i], q[i])) return part;
  return p.size() < q.size() ? -1 : p.size() > q.size() ? 1 : 0;
}

bool operator==(const Expression& a, const Expression& b) { return compare(a, b) == 0; }

std::set<std::string> variables(const Expression& e) {
  if (e.is(Kind::variable)) return {e.name()};
  std::set<std::string> all;
  for (const Expression& part : e.parts()) all.merge(variables(part));
  return all;
}

bool depends_on(const Expression& e, const std::string& variable) {
  if (e.is(Kind::variable)) return e.name() == variable;
  return std::any_of(e.parts().begin(), e.parts().end(),
                     [&](const Expression& part) { return depends_on(part, variable); });
}

Expression substitute(const Expression& e, const std::string& variable, const Expression& value) {
  if (e.is(Kind::variable) && e.name() == variable) return value;
  if (e.parts().empty()) return e;
  std::vector<Expression> parts;
  parts.reserve(e.parts().size());
  for (const Expression& part : e.parts()) parts.push_back(substitute(part, variable, value));
  switch (e.kind()) {
    case Kind::sum:
      return sum(std::move(parts));
    case Kind::product:
      return product(std::move(parts));
    case Kind::power:
      return power(parts[0], parts[1]);
    default:
      return call(e.name(), std::move(parts));
  }
}

}  // namespace gradus::symbolic
