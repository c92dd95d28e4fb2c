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

bool is_small_whole(const Expression& e) {
  return e.is_number() && e.number().is_whole() && Number(-1000000) < e.number() &&
         e.number() < Number(1000000);
}

/// u^n, abs(u)^m and sign(u)^k are one power of u or of abs(u), and at most a sign: x*sign(x) is
/// abs(x), x/abs(x) is sign(x). Where all of them have a value it stays the same.
void join_signs_of(const Expression& u, std::vector<Power>& powers) {
  const Expression size = call("abs", {u}), sign = call("sign", {u});
  std::int64_t power = 0, odd = 0;  // abs(u)^power * sign(u)^odd
  bool at_zero = true;              // is there a value where u is 0?
  std::vector<Power> others;
  for (const Power& p : powers) {
    const bool is_sign = p.base == sign, is_size = p.base == size;
    if (!is_small_whole(p.exponent) || !(is_sign || is_size || p.base == u)) {
      others.push_back(p);
      continue;
    }
    const std::int64_t n = p.exponent.number().top();
    at_zero = at_zero && n > 0;
    power += is_sign ? 0 : n;
    odd += is_size ? 0 : n;
  }
  if (others.size() + 1 >= powers.size() || (at_zero && power == 0)) return;  // sign(0)^2 is 0
  const bool is_odd = odd % 2 != 0, has_odd_power = power % 2 != 0;
  if (is_odd == has_odd_power) {
    if (power != 0) others.push_back({u, power});
  } else if (has_odd_power) {
    others.push_back({size, power});
  } else {  // x*abs(x), sign(x), sign(x)/x^2
    const std::int64_t inside = power > 0 ? 1 : 0;
    if (power != 0) others.push_back({u, power - inside});
    others.push_back({inside ? size : sign, 1});
  }
  powers = std::move(others);
}

void join_signs(std::vector<Power>& powers) {
  std::vector<Expression> arguments;
  for (const Power& p : powers)
    if (p.base.is_call("abs") || p.base.is_call("sign")) arguments.push_back(p.base.argument());
  for (const Expression& u : arguments) join_signs_of(u, powers);
}

/// step(u)*max(u, 0) is max(u, 0).
void drop_gates(std::vector<Power>& powers) {
  const auto has_relu = [&](const Expression& u) {
    return std::any_of(powers.begin(), powers.end(), [&](const Power& p) {
      return p.base.is_call("max") && p.base.parts()[0] == u && p.base.parts()[1].is_whole(0) &&
             p.exponent.is_number() && Number(0) < p.exponent.number();
    });
  };
  std::vector<Power> kept;
  for (const Power& p : powers)
    if (!p.base.is_call("step") || !p.exponent.is_whole(1) || !has_relu(p.base.argument()))
      kept.push_back(p);
  if (kept.size() < powers.size()) powers = std::move(kept);
}

/// sin(u)/cos(u) is tan(u).
void join_tangents(std::vector<Power>& powers) {
  for (std::size_t i = 0; i < powers.size(); ++i)
    for (std::size_t j = 0; j < powers.size() && powers[i].base.is_call("sin"); ++j) {
      const Power &p = powers[i], &q = powers[j];
      if (!q.base.is_call("cos") || !(q.base.argument() == p.base.argument()) ||
          !is_small_whole(p.exponent) || !is_small_whole(q.exponent) ||
          p.exponent.number().top() != -q.exponent.number().top() ||
          p.exponent.number().is_negative())
        continue;
      powers[i].base = call("tan", {p.base.argument()});
      powers.erase(powers.begin() + static_cast<std::ptrdiff_t>(j));
      return join_tangents(powers);
    }
}

/// 2^x * 3^x is 6^x.
void join_bases(std::vector<Power>& powers) {
  for (std::size_t i = 0; i < powers.size(); ++i) {
    Power& p = powers[i];
    const auto is_positive = [](const Expression& e) {
      return e.is_number() && Number(0) < e.number();
    };
    if (!is_positive(p.base) || p.exponent.is_number()) continue;
    for (std::size_t j = i + 1; j < powers.size();)
      if (is_positive(powers[j].base) && powers[j].exponent == p.exponent) {
        p.base = p.base.number() * powers[j].base.number();
        powers.erase(powers.begin() + static_cast<std::ptrdiff_t>(j));
      } else {
        ++j;
      }
  }
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
    if (whole || (inner.base.is_number() && Number(0) < inner.base.number()))
      return make_power(inner.base, make_product({inner.exponent, exponent}));
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
  join_signs(powers);
  drop_gates(powers);
  join_tangents(powers);
  join_bases(powers);
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
