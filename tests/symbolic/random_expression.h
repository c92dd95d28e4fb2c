// Random expressions for the tests, and a numerical derivative that knows where it may be trusted.
#pragma once

#include <cmath>
#include <optional>
#include <random>

#include <gradus/symbolic/evaluate.h>
#include <gradus/symbolic/expression.h>
#include <gradus/symbolic/functions.h>

namespace gradus::symbolic::testing {

using Random = std::mt19937;

inline int pick(Random& random, int count) {
  return static_cast<int>(random() % static_cast<unsigned>(count));
}

/// A tree of at most `depth` levels over x and y, not simplified.
inline Expression random_expression(Random& random, int depth) {
  if (depth == 0 || pick(random, 8) == 0) {
    switch (pick(random, 6)) {
      case 0:
        return Number(pick(random, 10) - 3);
      case 1:
        return Number::fraction(pick(random, 9) + 1, pick(random, 4) + 2);
      case 2:
        return variable("y");
      default:
        return variable("x");
    }
  }
  const auto next = [&] { return random_expression(random, depth - 1); };
  switch (pick(random, 9)) {
    case 0:
      return sum({next(), next()});
    case 1:
      return sum({next(), product({-1, next()}), next()});
    case 2:
      return product({next(), next()});
    case 3:
      return product({next(), next(), power(next(), -1)});
    case 4:
      return power(next(), pick(random, 5) - 1);
    case 5:
      return power(next(), Number::fraction(pick(random, 5) - 2, 2));
    case 6:
      return power(next(), next());
    default: {
      const auto all = functions();
      const Function& f = all[static_cast<std::size_t>(pick(random, static_cast<int>(all.size())))];
      if (f.arity == 2) return call(std::string(f.name), {next(), next()});
      return call(std::string(f.name), {next()});
    }
  }
}

/// Is every part of `e` finite there? Where some part is not, rewriting may change the value.
inline bool all_finite(const Expression& e, const Values& at) {
  for (const Expression& part : e.parts())
    if (!all_finite(part, at)) return false;
  return std::isfinite(evaluate(e, at));
}

/// Is there a u^v with v no number and u not positive? Its derivative, by way of exp(v*log(u)),
/// holds for u > 0 alone.
inline bool leaves_domain(const Expression& e, const Values& at) {
  if (e.is(Kind::power) && !e.exponent().is_number() && !(evaluate(e.base(), at) > 0)) return true;
  for (const Expression& part : e.parts())
    if (leaves_domain(part, at)) return true;
  return false;
}

/// Does some abs, max, min, sign or step change sides between these places?
inline bool crosses_kink(const Expression& e, const Values& a, const Values& b) {
  if (e.is(Kind::call)) {
    Expression gate;
    if (e.is_call("max") || e.is_call("min"))
      gate = sum({e.parts()[0], product({-1, e.parts()[1]})});
    else if (e.is_call("abs") || e.is_call("sign") || e.is_call("step"))
      gate = e.argument();
    // Two equal arguments, max(x, x), meet everywhere and have no kink.
    const double left = evaluate(gate, a), right = evaluate(gate, b);
    if ((left > 0) != (right > 0) || (left < 0) != (right < 0)) return true;
  }
  for (const Expression& part : e.parts())
    if (crosses_kink(part, a, b)) return true;
  return false;
}

/// d(e)/dx by central differences of fourth order at two widths; nothing where they disagree, where
/// a value is not finite or where a kink lies between.
inline std::optional<double> slope_by_differences(const Expression& e, const Values& at) {
  const auto shifted = [&](double by) {
    Values v = at;
    v["x"] += by;
    return v;
  };
  const auto f = [&](double by) { return evaluate(e, shifted(by)); };
  const auto central = [&](double h) {
    return (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h);
  };
  const double h = 1e-3, wide = central(h), narrow = central(h / 2);
  if (!all_finite(e, at) || leaves_domain(e, at) || !std::isfinite(wide) || !std::isfinite(narrow))
    return std::nullopt;
  if (std::fabs(wide - narrow) > 1e-8 * (1 + std::fabs(narrow))) return std::nullopt;
  if (std::fabs(f(0)) * 1e-13 / h > 1e-8 * (1 + std::fabs(narrow))) return std::nullopt;
  for (double by : {-2 * h, -h, h, 2 * h})
    if (crosses_kink(e, shifted(by), at)) return std::nullopt;
  return narrow;
}

}  // namespace gradus::symbolic::testing
