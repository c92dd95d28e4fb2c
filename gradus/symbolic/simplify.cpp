// The walk, the functions' own rules, and the orders of writing.
#include <gradus/symbolic/simplify.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <gradus/symbolic/evaluate.h>
#include <gradus/symbolic/functions.h>

namespace gradus::symbolic {
namespace {

/// Values that are worth more than their names: f(0) where it is 0 or 1, and the like.
bool fold(const std::string& f, const Expression& u, Expression& result) {
  if (u.is_number()) {
    const Number& n = u.number();
    const bool positive = Number(0) < n;
    if (f == "abs")
      result = n.is_negative() ? -n : n;
    else if (f == "sign")
      result = positive ? 1 : n.is_negative() ? -1 : 0;
    else if (f == "step")
      result = positive ? 1 : 0;
    else if (f == "log" && n.is_one())
      result = 0;
    else if (f == "acos" && n.is_one())
      result = 0;
    else if (!n.is_zero())
      return false;
    else if (f == "exp" || f == "cos" || f == "cosh")
      result = 1;
    else if (f == "sigmoid")
      result = Number::fraction(1, 2);
    else if (f == "log" || f == "acos")
      return false;
    else
      result = 0;  // sin tan asin atan sinh tanh erf
    return true;
  }
  if (f == "exp" && u.is_whole(1))
    result = constant("e");
  else if (f == "exp" && u.is_call("log"))
    result = u.argument();
  else if (f == "log" && u.is_call("exp"))
    result = u.argument();
  else if (f == "log" && u.is(Kind::constant) && u.name() == "e")
    result = 1;
  else if (f == "abs" && (u.is_call("abs") || u.is_call("exp")))
    result = u;
  else if ((f == "sign" || f == "step") && u.is_call("exp"))
    result = 1;
  else if (f == "abs" && u.is(Kind::power) && u.exponent().is_number() &&
           u.exponent().number().is_even())
    result = u;
  else
    return false;
  return true;
}

/// 2*x - 4 as x - 2.
Expression without_common_number(const Expression& sum) {
  std::int64_t common = 0;
  for (const Expression& term : sum.parts()) {
    const Number number = as_term(term).number;
    if (!number.is_whole()) return sum;
    common = std::gcd(common, number.top());
  }
  if (common < 2) return sum;
  std::vector<Expression> terms;
  for (const Expression& term : sum.parts())
    terms.push_back(make_product({Number::fraction(1, common), term}));
  return symbolic::sum(std::move(terms));
}

/// `u` without what does not count for its sign: a positive number in front, for abs too, and for
/// sign and step an odd power.
Expression scaled(const std::string& f, const Expression& u) {
  const auto [number, rest] = as_term(u);
  if (!number.is_one() && !number.is_negative() && !u.is_number()) return rest;
  if (f == "abs") return u;
  if (f == "step" && number.is_negative() && !(number == Number(-1)) && !u.is_number())
    return make_product({-1, rest});
  if (u.is(Kind::power) && u.exponent().is_number() && u.exponent().number().is_whole() &&
      !u.exponent().number().is_even())
    return u.base();
  if (u.is(Kind::sum)) return without_common_number(u);
  return u;
}

/// Is u >= 0 wherever it has a value?
bool is_never_negative(const Expression& u) {
  for (const char* f : {"abs", "exp", "cosh", "sigmoid", "step"})
    if (u.is_call(f)) return true;
  return u.is(Kind::power) && u.exponent().is_number() &&
         (u.exponent().number().is_even() || u.exponent().number().bottom() % 2 == 0);
}

// Ranks of factors: 2 before pi before x before 2^x before x^y before sin(x) before (x + 1).
int rank(const Power& p) {
  const bool number = p.exponent.is_number();
  switch (p.base.kind()) {
    case Kind::number:
      return number ? 1 : 4;
    case Kind::constant:
      return p.base.name() == "e" && !number ? 6 : 2;
    case Kind::variable:
      return number ? 3 : 5;
    case Kind::call:
      return 6;
    default:
      return 7;
  }
}

std::size_t place(const Power& p) {
  const Function* f = find_function(p.base.is(Kind::call) ? p.base.name() : "exp");
  return static_cast<std::size_t>(f - functions().data());
}

int compare_factors(const Power& p, const Power& q) {
  const int r = rank(p);
  if (r != rank(q)) return r - rank(q);
  if (r == 6 && place(p) != place(q)) return place(p) < place(q) ? -1 : 1;
  if (const int bases = compare(p.base, q.base)) return bases;
  return -compare(p.exponent, q.exponent);
}

/// A term without its number, as powers of variables and other factors.
struct Shape {
  std::vector<Expression> variables, others;
  double degree = 0;
};

Shape shape(const Expression& term) {
  Shape s;
  const Expression rest = as_term(term).rest;
  for (const Expression& factor :
       rest.is(Kind::product) ? rest.parts() : std::vector<Expression>{rest}) {
    const Power p = as_power(factor);
    if (p.base.is(Kind::variable) && p.exponent.is_number()) {
      s.degree += p.exponent.number().value();
      s.variables.push_back(factor);
    } else {
      s.others.push_back(factor);
    }
  }
  return s;
}

/// The factors of a product of products.
std::vector<Expression> opened(const Expression& e) {
  if (!e.is(Kind::product)) return {e};
  std::vector<Expression> factors;
  for (const Expression& part : e.parts()) {
    const std::vector<Expression> inner = opened(part);
    factors.insert(factors.end(), inner.begin(), inner.end());
  }
  return factors;
}

}  // namespace

void sort_factors(std::vector<Expression>& factors) {
  std::vector<std::pair<Power, Expression>> keyed;
  keyed.reserve(factors.size());
  for (Expression& factor : factors) keyed.emplace_back(as_power(factor), std::move(factor));
  std::sort(keyed.begin(), keyed.end(),
            [](const auto& a, const auto& b) { return compare_factors(a.first, b.first) < 0; });
  for (std::size_t i = 0; i < keyed.size(); ++i) factors[i] = std::move(keyed[i].second);
}

bool term_before(const Expression& a, const Expression& b) {
  if (a.is_number() || b.is_number()) return !a.is_number() && b.is_number();
  const Shape s = shape(a), t = shape(b);
  if (s.degree != t.degree) return s.degree > t.degree;
  for (const auto part : {&Shape::variables, &Shape::others}) {
    const auto &p = s.*part, &q = t.*part;
    for (std::size_t i = 0; i < std::min(p.size(), q.size()); ++i)
      if (const int factors = compare_factors(as_power(p[i]), as_power(q[i]))) return factors < 0;
    if (p.size() != q.size()) return p.size() > q.size();
  }
  return compare(a, b) < 0;
}

Expression make_call(const std::string& f, std::vector<Expression> arguments) {
  Expression u = arguments[0];
  if (f == "sqrt") return make_power(u, Number::fraction(1, 2));
  if (f == "max" || f == "min") {
    const Expression v = arguments[1];
    if (u == v) return u;
    if (!u.is_number() && u == make_product({-1, v})) {
      const Expression size = make_call("abs", {u});
      return f == "max" ? size : make_product({-1, size});
    }
    if (variables(u).empty() && variables(v).empty())
      return (evaluate(u) < evaluate(v)) == (f == "max") ? v : u;
    if (v.is_whole(0) && is_never_negative(u)) return f == "max" ? u : v;
    // A number stands second, where the slope at the kink comes from: 0, as relu has it.
    if (u.is_number()) return make_call(f, {v, u});
    return call(f, std::move(arguments));
  }
  Expression folded;
  if (fold(f, u, folded)) return folded;
  if (f == "abs" || f == "sign" || f == "step")
    if (const Expression rest = scaled(f, u); !(rest == u)) {
      const Expression inner = make_call(f, {rest});
      return f == "abs" ? make_product({as_term(u).number, inner}) : inner;
    }
  const Parity parity = find_function(f)->parity;
  if (parity != Parity::none && as_term(u).number.is_negative() && !u.is(Kind::sum)) {
    const Expression plus = make_call(f, {make_product({-1, u})});
    return parity == Parity::even ? plus : make_product({-1, plus});
  }
  return call(f, {u});
}

Expression simplify(const Expression& e) {
  if (e.parts().empty()) return e;
  std::vector<Expression> parts;
  parts.reserve(e.parts().size());
  // The product in a product is opened first, so that -(x + y)*z keeps its sum as it is.
  for (const Expression& part : e.parts())
    if (e.is(Kind::product) && part.is(Kind::product))
      for (const Expression& factor : opened(part)) parts.push_back(simplify(factor));
    else
      parts.push_back(simplify(part));
  switch (e.kind()) {
    case Kind::sum:
      return make_sum(std::move(parts));
    case Kind::product:
      return make_product(std::move(parts));
    case Kind::power:
      return make_power(parts[0], parts[1]);
    default:
      return make_call(e.name(), std::move(parts));
  }
}

}  // namespace gradus::symbolic
