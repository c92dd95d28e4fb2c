// Sums: like terms are counted, and a sum is multiplied out where that makes it shorter.
#include <gradus/symbolic/simplify.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include <gradus/symbolic/evaluate.h>

namespace gradus::symbolic {
namespace {

constexpr std::size_t longest_to_expand = 300, most_terms = 64;
constexpr int highest_power_to_expand = 4;

/// The terms of `e` multiplied out; nothing if there are too many.
std::vector<Expression> expanded(const Expression& e) {
  if (e.is(Kind::sum)) return e.parts();
  std::vector<Expression> factors = e.is(Kind::product) ? e.parts() : std::vector<Expression>{e};
  std::vector<Expression> terms{1};
  for (const Expression& factor : factors) {
    const auto [base, exponent] = as_power(factor);
    int times = 1;
    std::vector<Expression> parts{factor};
    if (base.is(Kind::sum) && !is_gate(base) && exponent.is_number() &&
        exponent.number().is_whole() && Number(0) < exponent.number() &&
        exponent.number() < Number(highest_power_to_expand + 1)) {
      parts = base.parts();
      times = static_cast<int>(exponent.number().top());
    }
    for (; times > 0; --times) {
      if (terms.size() * parts.size() > most_terms) return {};
      std::vector<Expression> next;
      for (const Expression& a : terms)
        for (const Expression& b : parts) next.push_back(make_product({a, b}));
      terms = std::move(next);
    }
  }
  return terms;
}

/// sin(u)^2 + cos(u)^2 = 1, with anything in front of both.
bool join_squares(std::vector<Term>& terms) {
  for (Term& a : terms)
    for (Term& b : terms) {
      if (!(a.number == b.number)) continue;
      const auto factors = [](const Term& t) {
        return t.rest.is(Kind::product) ? t.rest.parts() : std::vector<Expression>{t.rest};
      };
      std::vector<Expression> with_sin = factors(a);
      for (std::size_t i = 0; i < with_sin.size(); ++i) {
        const auto [base, exponent] = as_power(with_sin[i]);
        if (!exponent.is_whole(2) || !base.is_call("sin")) continue;
        std::vector<Expression> rest = with_sin;
        rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i));
        std::vector<Expression> with_cos = rest;
        with_cos.push_back(power(call("cos", base.parts()), 2));
        if (!(make_product(with_cos) == b.rest)) continue;
        b.number = 0;
        a.rest = make_product(std::move(rest));
        return true;
      }
    }
  return false;
}

Expression collect(std::vector<Expression> parts) {
  Number number(0);
  std::vector<Term> terms;
  for (std::size_t i = 0; i < parts.size(); ++i) {  // grows while sums are opened
    const Expression part = parts[i];
    const Term term = as_term(part);
    if (part.is_number())
      number = number + part.number();
    else if (part.is(Kind::sum))
      parts.insert(parts.end(), part.parts().begin(), part.parts().end());
    else if (term.rest.is(Kind::sum) && parts.size() > 1)
      for (const Expression& inner : term.rest.parts())
        parts.push_back(make_product({term.number, inner}));
    else
      terms.push_back(term);
  }
  std::stable_sort(terms.begin(), terms.end(),
                   [](const Term& a, const Term& b) { return compare(a.rest, b.rest) < 0; });
  std::vector<Term> unlike;
  for (Term& term : terms)
    if (!unlike.empty() && unlike.back().rest == term.rest)
      unlike.back().number = unlike.back().number + term.number;
    else
      unlike.push_back(std::move(term));
  std::vector<Expression> result;
  const bool joined = unlike.size() <= most_terms && join_squares(unlike);
  for (const Term& term : unlike)
    if (!term.number.is_zero()) result.push_back(make_product({term.number, term.rest}));
  if (!number.is_zero()) result.emplace_back(number);
  if (joined) return collect(std::move(result));
  std::sort(result.begin(), result.end(), term_before);
  // 1 - x rather than -x + 1.
  if (result.size() == 2 && as_term(result[0]).number.is_negative() &&
      !as_term(result[1]).number.is_negative())
    std::swap(result[0], result[1]);
  return sum(std::move(result));
}

}  // namespace

Expression make_sum(std::vector<Expression> terms) {
  Expression plain = collect(terms);
  if (!plain.is(Kind::sum) || plain.size() > longest_to_expand) return plain;
  std::vector<Expression> all;
  bool longer = false;
  for (const Expression& term : plain.parts()) {
    const std::vector<Expression> parts = expanded(term);
    if (parts.empty()) return plain;
    longer = longer || parts.size() > 1;
    all.insert(all.end(), parts.begin(), parts.end());
  }
  if (!longer) return plain;
  Expression opened = collect(std::move(all));
  return opened.size() < plain.size() ? opened : plain;
}

Expression factored(const Expression& e) {
  if (!e.is(Kind::sum)) return e;
  std::int64_t number = 0;
  bool is_whole = true;
  std::vector<Power> shared;
  for (std::size_t i = 0; i < e.parts().size(); ++i) {
    const Term term = as_term(e.parts()[i]);
    is_whole = is_whole && term.number.is_whole();
    if (is_whole) number = std::gcd(number, term.number.top());
    std::vector<Power> powers;
    for (const Expression& factor :
         term.rest.is(Kind::product) ? term.rest.parts() : std::vector<Expression>{term.rest})
      powers.push_back(as_power(factor));
    if (i == 0) shared = powers;
    for (Power& p : shared) {
      const auto same = std::find_if(powers.begin(), powers.end(),
                                     [&](const Power& q) { return q.base == p.base; });
      if (same == powers.end())
        p.exponent = 0;
      else if (!(same->exponent == p.exponent)) {
        const bool numbers = same->exponent.is_number() && p.exponent.is_number();
        if (!numbers)
          p.exponent = 0;
        else if (same->exponent.number() < p.exponent.number())
          p.exponent = same->exponent;
      }
    }
  }
  std::vector<Expression> front, inverse;
  if (is_whole && number > 1) {
    front.emplace_back(number);
    inverse.emplace_back(Number::fraction(1, number));
  }
  for (const Power& p : shared)
    if (!p.exponent.is_whole(0) && !p.base.is_number()) {
      front.push_back(make_power(p.base, p.exponent));
      inverse.push_back(make_power(p.base, make_product({-1, p.exponent})));
    }
  if (front.empty()) return e;
  std::vector<Expression> terms;
  for (const Expression& term : e.parts()) {
    std::vector<Expression> factors = inverse;
    factors.push_back(term);
    terms.push_back(make_product(std::move(factors)));
  }
  front.push_back(make_sum(std::move(terms)));
  return make_product(std::move(front));
}

}  // namespace gradus::symbolic
