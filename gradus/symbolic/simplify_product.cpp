// Products and powers: equal bases share one exponent, numbers become one number in front.
#include <gradus/symbolic/simplify.h>

#include <algorithm>
#include <numeric>

namespace gradus::symbolic {
namespace {

/// (x*y)^n = x^n * y^n for whole n; else only a positive number in front comes out: (4*x)^(1/2).
Expression power_of_product(const Expression& base, const Expression& exponent) {
  if (exponent.is_number() && exponent.number().is_whole()) {
    std::vector<Expression> factors;
    for (const Expression& factor : base.parts()) factors.push_back(make_power(factor, exponent));
    return make_product(std::move(factors));
  }
  const auto [number, rest] = as_term(base);
  if (exponent.is_number() && !number.is_one() && !number.is_negative())
    if (const auto folded = pow(number, exponent.number()))
      return make_product({*folded, make_power(rest, exponent)});
  return power(base, exponent);
}

/// Divides number * (a + b + ...) by what the number's denominator and the sum have in common:
/// 1/2 * (2*x + 4) is x + 2.
void cancel(Number& number, Expression& factor) {
  if (!factor.is(Kind::sum) || !number.is_exact() || number.bottom() == 1) return;
  std::int64_t common = number.bottom();
  for (const Expression& term : factor.parts()) {
    const Number part = as_term(term).number;
    if (!part.is_whole()) return;
    common = std::gcd(common, part.top());
  }
  if (common == 1) return;
  std::vector<Expression> terms;
  for (const Expression& term : factor.parts())
    terms.push_back(make_product({Number::fraction(1, common), term}));
  factor = sum(std::move(terms));
  number = number * Number(common);
}

}  // namespace

Power as_power(const Expression& factor) {
  static const Expression one(1), e = constant("e");  // called often: no nodes made anew
  if (factor.is(Kind::power)) return {factor.base(), factor.exponent()};
  if (factor.is_call("exp")) return {e, factor.argument()};
  return {factor, one};
}

Term as_term(const Expression& e) {
  if (e.is_number()) return {e.number(), 1};
  if (!e.is(Kind::product) || !e.parts()[0].is_number()) return {1, e};
  return {e.parts()[0].number(), product({e.parts().begin() + 1, e.parts().end()})};
}

Expression make_power(const Expression& base, const Expression& exponent) {
  if (exponent.is_whole(0) || base.is_whole(1)) return 1;
  if (exponent.is_whole(1)) return base;
  const bool number = exponent.is_number();
  const bool whole = number && exponent.number().is_whole();
  const bool even = number && exponent.number().is_even();
  const bool positive = number && !exponent.number().is_negative();
  if (base.is_number() && number) {
    if (const auto folded = pow(base.number(), exponent.number())) return *folded;
    if (base.is_whole(0) && positive) return 0;
  }
  if (base.is(Kind::constant) && base.name() == "e") return make_call("exp", {exponent});
  if (base.is_call("exp")) return make_call("exp", {make_product({base.argument(), exponent})});
  // 0 and 1 are their own powers.
  if (base.is_call("step") && number) return positive ? base : power(base, -1);
  if (base.is_call("abs") && even) return make_power(base.argument(), exponent);
  if (base.is(Kind::product)) return power_of_product(base, exponent);
  if (base.is(Kind::power)) {
    const auto inner = as_power(base);
    if (whole) return make_power(inner.base, make_product({inner.exponent, exponent}));
    if (inner.exponent.is_whole(2) && number)  // sqrt(x^2) is abs(x)
      return make_power(make_call("abs", {inner.base}), make_product({2, exponent}));
  }
  return power(base, exponent);
}

Expression make_product(std::vector<Expression> factors) {
  Number number(1);
  std::vector<Power> powers;
  for (std::size_t i = 0; i < factors.size(); ++i) {  // grows while products are opened
    const Expression factor = factors[i];
    if (factor.is_number())
      number = number * factor.number();
    else if (factor.is(Kind::product))
      factors.insert(factors.end(), factor.parts().begin(), factor.parts().end());
    else
      powers.push_back(as_power(factor));
  }
  if (number.is_zero()) return 0;
  std::stable_sort(powers.begin(), powers.end(),
                   [](const Power& a, const Power& b) { return compare(a.base, b.base) < 0; });
  std::vector<Expression> result;
  bool opened = false;
  for (std::size_t i = 0; i < powers.size();) {
    std::vector<Expression> exponents;
    const Expression base = powers[i].base;
    for (; i < powers.size() && powers[i].base == base; ++i)
      exponents.push_back(powers[i].exponent);
    const bool many = exponents.size() > 1;
    const bool is_e = base.is(Kind::constant) && base.name() == "e";
    const Expression exponent = make_sum(std::move(exponents));
    const Expression factor = many || is_e           ? make_power(base, exponent)
                              : exponent.is_whole(1) ? base
                                                     : power(base, exponent);
    if (factor.is_number())
      number = number * factor.number();
    else
      result.push_back(factor);
    opened = opened || factor.is(Kind::product);
  }
  if (opened) {  // what came out of a product's exponent may meet its like
    result.emplace_back(number);
    return make_product(std::move(result));
  }
  for (Expression& factor : result) cancel(number, factor);
  if (result.size() == 1 && result[0].is(Kind::sum) && !number.is_one()) {
    // -(x - 1) is 1 - x; fractions go inside where that is shorter; 2*(x + 1) stays.
    std::vector<Expression> terms;
    for (const Expression& term : result[0].parts()) terms.push_back(make_product({number, term}));
    Expression inside = make_sum(std::move(terms));
    if (number == Number(-1) || (!number.is_whole() && inside.size() < result[0].size() + 2))
      return inside;
  }
  sort_factors(result);
  if (!number.is_one() || result.empty()) result.insert(result.begin(), number);
  return product(std::move(result));
}

}  // namespace gradus::symbolic
