// One function for each rule. Everything is built with the builders of simplify.h.
#include <gradus/symbolic/derive.h>

#include <gradus/symbolic/domain.h>
#include <gradus/symbolic/functions.h>
#include <gradus/symbolic/parse.h>
#include <gradus/symbolic/print.h>
#include <gradus/symbolic/simplify.h>

namespace gradus::symbolic {
namespace {

class Deriver {
 public:
  Deriver(const std::string& x, std::vector<Step>* steps) : x_(x), steps_(steps) {}

  Expression derive(const Expression& e) {
    if (e.is(Kind::variable) && e.name() == x_) return note("variable", e, "1"), 1;
    if (!depends_on(e, x_)) return note("constant rule", e, "0"), 0;
    switch (e.kind()) {
      case Kind::sum:
        return of_sum(e);
      case Kind::product:
        return of_product(e);
      case Kind::power:
        return of_power(e);
      default:
        return of_call(e);
    }
  }

  /// "d/dx(e)"
  std::string slope_of(const Expression& e) const { return "d/d" + x_ + "(" + text(e) + ")"; }

 private:
  bool is_x(const Expression& e) const { return e.is(Kind::variable) && e.name() == x_; }
  bool silent() const { return steps_ == nullptr; }
  void note(const std::string& rule, const Expression& e, const std::string& result) {
    if (steps_) steps_->push_back({rule, slope_of(e) + " = " + result});
  }
  /// A rule f'(u) that is the end of the matter where u is x, else meets the chain rule.
  Expression outer(const std::string& rule, const Expression& e, const Expression& u,
                   const Expression& slope) {
    if (is_x(u)) {
      if (!silent()) note(rule, e, text(slope));
      return slope;
    }
    if (!silent()) note(rule + " and chain rule", e, factor(slope) + "*" + slope_of(u));
    return make_product({slope, derive(u)});
  }
  static std::string factor(const Expression& e) {
    return e.is(Kind::sum) ? "(" + text(e) + ")" : text(e);
  }

  Expression of_sum(const Expression& e) {
    if (!silent()) {
      std::string parts;
      for (const Expression& term : e.parts()) {
        const bool minus = as_term(term).number.is_negative();
        parts += parts.empty() ? (minus ? "-" : "") : (minus ? " - " : " + ");
        parts += slope_of(minus ? make_product({-1, term}) : term);
      }
      note("sum rule", e, parts);
    }
    std::vector<Expression> slopes;
    for (const Expression& term : e.parts()) {
      // The sign stands before the term's slope in the line above; it is no step of its own.
      const bool minus = as_term(term).number.is_negative();
      const Expression slope = derive(minus ? make_product({-1, term}) : term);
      slopes.push_back(minus ? make_product({-1, slope}) : slope);
    }
    return make_sum(std::move(slopes));
  }

  Expression of_product(const Expression& e) {
    std::vector<Expression> fixed, moving, below;
    for (const Expression& factor : e.parts()) {
      const Power p = as_power(factor);
      const bool is_below =
          factor.is(Kind::power) && p.exponent.is_number() && p.exponent.number().is_negative();
      (!depends_on(factor, x_) ? fixed : is_below ? below : moving).push_back(factor);
    }
    if (!fixed.empty()) {
      const Expression rest = make_product(joined(moving, below)), front = make_product(fixed);
      if (!silent()) note("constant factor rule", e, factor(front) + "*" + slope_of(rest));
      return make_product({front, derive(rest)});
    }
    return below.empty() ? of_factors(e) : of_quotient(e, moving, below);
  }

  static std::vector<Expression> joined(std::vector<Expression> a,
                                        const std::vector<Expression>& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
  }

  Expression of_factors(const Expression& e) {
    const auto& parts = e.parts();
    if (parts.size() * e.size() > Expression::max_size)  // said before the work, not after
      throw ExpressionError("the derivative of a product of " + std::to_string(parts.size()) +
                            " factors grows too large");
    const auto others = [&](std::size_t i) {
      std::vector<Expression> rest = parts;
      rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i));
      return rest;
    };
    if (!silent()) {
      std::string line;
      for (std::size_t i = 0; i < parts.size(); ++i) {
        line += (line.empty() ? "" : " + ") + slope_of(parts[i]);
        for (const Expression& rest : others(i)) line += "*" + factor(rest);
      }
      note("product rule", e, line);
    }
    std::vector<Expression> terms;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      std::vector<Expression> factors = others(i);
      factors.push_back(derive(parts[i]));
      terms.push_back(make_product(std::move(factors)));
    }
    return make_sum(std::move(terms));
  }

  /// u / (v^n * w^m ...): the quotient rule with what u' and v^n share already cancelled,
  /// (u'*v*w - u*(n*v'*w + m*w'*v)) / (v^(n+1) * w^(m+1)).
  Expression of_quotient(const Expression& e, const std::vector<Expression>& above,
                         const std::vector<Expression>& below) {
    const Expression u = make_product(above);
    std::vector<Expression> bases, result;
    for (const Expression& factor : below) {
      bases.push_back(factor.base());
      result.push_back(make_power(factor.base(), make_sum({factor.exponent(), -1})));
    }
    const Expression v = make_product(bases);
    if (!silent()) {
      std::vector<Expression> whole;
      whole.reserve(below.size());
      for (const Expression& factor : below) whole.push_back(make_power(factor, -1));
      const Expression bottom = make_product(whole);
      note("quotient rule", e,
           "(" + slope_of(u) + "*" + factor(bottom) + " - " + factor(u) + "*" + slope_of(bottom) +
               ")/" + text(power(bottom, 2)));
    }
    std::vector<Expression> top{make_product({derive(u), v})};
    for (std::size_t i = 0; i < bases.size(); ++i) {
      std::vector<Expression> factors{u, below[i].exponent(), derive(bases[i])};
      for (std::size_t j = 0; j < bases.size(); ++j)
        if (j != i) factors.push_back(bases[j]);
      top.push_back(make_product(std::move(factors)));
    }
    result.push_back(factored(make_sum(std::move(top))));
    return make_product(std::move(result));
  }

  Expression of_power(const Expression& e) {
    const Expression &u = e.base(), &v = e.exponent();
    if (!depends_on(v, x_))
      return outer("power rule", e, u, make_product({v, make_power(u, make_sum({v, -1}))}));
    if (u.is_whole(0)) return note("constant rule", e, "0"), 0;  // 0^x is 0 wherever it is
    if (!depends_on(u, x_))
      return outer("exponential rule", e, v, make_product({e, make_call("log", {u})}));
    // u^v = exp(v*log(u))
    const Expression inner = make_product({v, make_call("log", {u})});
    if (!silent()) note("exponential rule and chain rule", e, text(e) + "*" + slope_of(inner));
    return make_product({e, derive(inner)});
  }

  Expression of_call(const Expression& e) {
    const std::string& f = e.name();
    const Expression& u = e.argument();
    if (f == "max" || f == "min") {
      const Expression& v = e.parts()[1];
      const Expression gate =
          make_call("step", {f == "max" ? make_sum({u, make_product({-1, v})})
                                        : make_sum({v, make_product({-1, u})})});
      if (!silent())
        note(f + " rule", e,
             text(gate) + "*" + slope_of(u) + " + (1 - " + text(gate) + ")*" + slope_of(v));
      const Expression du = derive(u), dv = derive(v);
      // At the kink the slope of v. Slopes that are numbers share a gate; others each keep their
      // own, so that the one that does not count may be infinite.
      if (du.is_number() && dv.is_number())
        return make_sum({dv, make_product({gate, make_sum({du, make_product({-1, dv})})})});
      const Expression other = make_sum({1, make_product({-1, gate})});
      return make_sum({make_product({gate, du}), make_product({other, dv})});
    }
    const Expression slope =
        simplify(substitute(parse(std::string(find_function(f)->slope)), "u", u));
    return outer("rule of " + f, e, u, slope);
  }

  const std::string& x_;
  std::vector<Step>* steps_;
};

}  // namespace

Expression derivative(const Expression& e, const std::string& variable, std::vector<Step>* steps) {
  const Expression simple = simplify(e);
  // 0/0 is no constant whose slope is 0.
  for (const Expression& form : {e, simple})
    if (const auto part = undefined_constant(form))
      throw ExpressionError(text(*part) + " has no real value");
  if (steps && text(simple) != text(e))
    steps->push_back({"simplify", text(e) + " = " + text(simple)});
  Deriver deriver(variable, steps);
  Expression result = deriver.derive(simple);
  if (steps) steps->push_back({"together", deriver.slope_of(simple) + " = " + text(result)});
  return result;
}

}  // namespace gradus::symbolic
