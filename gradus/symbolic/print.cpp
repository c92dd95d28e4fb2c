// The walk, and the notation of plain text.
#include <gradus/symbolic/print.h>

namespace gradus::symbolic {
namespace {

/// Is this minus something? A number below 0, or a product with an odd number of them.
bool is_negative(const Expression& e) {
  if (e.is_number()) return e.number().is_negative();
  bool negative = false;
  if (e.is(Kind::product))
    for (const Expression& factor : e.parts()) negative ^= is_negative(factor);
  if (e.is(Kind::power) && e.exponent().is_whole(1)) return is_negative(e.base());
  return negative;
}

/// The factors of a product of products, signs left out (is_negative has them) and with them
/// factors -1.
void list_factors(const Expression& e, std::vector<Expression>& list) {
  if (e.is(Kind::product))
    for (const Expression& factor : e.parts()) list_factors(factor, list);
  else if (e.is(Kind::power) && e.exponent().is_whole(1))
    list_factors(e.base(), list);
  else if (!e.is_number() || !e.number().is_negative())
    list.push_back(e);
  else if (!e.is_whole(-1))
    list.emplace_back(-e.number());
}

class TextWriter final : public Writer {
 protected:
  std::string number(const std::string& digits) const override { return digits; }
  std::string variable(const std::string& name) const override { return name; }
  std::string constant(const std::string& name) const override { return name; }
  std::string parentheses(const std::string& inner) const override { return "(" + inner + ")"; }
  std::string negative(const std::string& inner) const override { return "-" + inner; }
  std::string sum(const std::vector<std::pair<bool, std::string>>& terms) const override {
    std::string code;
    for (const auto& [minus, term] : terms)
      code += (code.empty() ? (minus ? "-" : "") : (minus ? " - " : " + ")) + term;
    return code;
  }
  std::string product(const std::vector<Piece>& factors) const override {
    std::string code;
    for (const Piece& factor : factors)
      code += (code.empty() ? "" : "*") + held(factor, Bond::power);
    return code;
  }
  Piece fraction(const Piece& top, const Piece& bottom) const override {
    return {held(top, Bond::product) + "/" + held(bottom, Bond::power), Bond::product, true};
  }
  Piece power(const Piece& base, const Piece& exponent) const override {
    return {held(base, Bond::atom) + "^" + held(exponent, Bond::atom), Bond::power, true};
  }
  Piece root(const Piece& inner) const override { return {"sqrt(" + inner.code + ")"}; }
  Piece call(const std::string& function, const std::vector<Piece>& arguments) const override {
    std::string code;
    for (const Piece& argument : arguments) code += (code.empty() ? "" : ", ") + argument.code;
    return {function + "(" + code + ")"};
  }
};

}  // namespace

std::string Writer::held(const Piece& piece, Bond least) const {
  return piece.bond < least ? parentheses(piece.code) : piece.code;
}

Piece Writer::write(const Expression& e) const {
  switch (e.kind()) {
    case Kind::number:
      if (e.number().is_negative())
        return {negative(held(write_number(-e.number()), Bond::product)), Bond::sum};
      return write_number(e.number());
    case Kind::constant:
      return {constant(e.name())};
    case Kind::variable:
      return {variable(e.name())};
    case Kind::sum:
      return write_sum(e);
    case Kind::product:
      return write_product(e);
    case Kind::power:
      if (e.exponent().is_number() && e.exponent().number().is_negative()) return write_product(e);
      return write_power(e.base(), e.exponent());
    case Kind::call:
      break;
  }
  if (e.is_call("sqrt")) return root(write(e.argument()));
  return call(e.name(), write_arguments(e));
}

std::vector<Piece> Writer::write_arguments(const Expression& e) const {
  std::vector<Piece> arguments;
  for (const Expression& argument : e.parts()) arguments.push_back(write(argument));
  return arguments;
}

Piece Writer::power_of_call(const std::string& function, const std::vector<Piece>& arguments,
                            const Piece& exponent) const {
  return power(call(function, arguments), exponent);
}

Piece Writer::write_number(const Number& n) const {
  if (!n.is_exact() || n.is_decimal() || n.is_whole()) return {number(n.text()), Bond::atom, true};
  return fraction({number(std::to_string(n.top())), Bond::atom, true},
                  {number(std::to_string(n.bottom())), Bond::atom, true});
}

Piece Writer::write_sum(const Expression& e) const {
  std::vector<std::pair<bool, std::string>> terms;
  for (const Expression& term : e.parts()) {
    const bool minus = is_negative(term);
    Piece piece = term.is_number() && minus ? write_number(-term.number())
                  : minus                   ? write_product(symbolic::product({-1, term}))
                                            : write(term);
    terms.emplace_back(minus, held(piece, Bond::product));
  }
  return {sum(terms), Bond::sum};
}

Piece Writer::write_factors(const std::vector<Piece>& factors) const {
  if (factors.empty()) return {number("1"), Bond::atom, true};
  if (factors.size() == 1) return factors[0];
  return {product(factors), Bond::product, factors[0].starts_with_digit};
}

Piece Writer::write_product(const Expression& e) const {
  std::vector<Expression> factors;
  list_factors(e, factors);
  std::vector<Piece> top, bottom;
  for (const Expression& factor : factors) {
    if (factor.is(Kind::power) && factor.exponent().is_number() &&
        factor.exponent().number().is_negative()) {
      bottom.push_back(write_power(factor.base(), -factor.exponent().number()));
    } else if (factor.is_number() && factor.number().is_exact() && !factor.number().is_decimal() &&
               !factor.number().is_whole()) {
      const Number& n = factor.number();
      if (n.top() != 1) top.push_back(write_number(n.top()));
      bottom.push_back(write_number(n.bottom()));
    } else {
      top.push_back(write(factor));
    }
  }
  Piece whole =
      bottom.empty() ? write_factors(top) : fraction(write_factors(top), write_factors(bottom));
  if (!is_negative(e)) return whole;
  return {negative(held(whole, Bond::product)), Bond::sum};
}

Piece Writer::write_power(const Expression& base, const Expression& exponent) const {
  if (exponent.is_whole(1)) return write(base);
  if (exponent.is_number() && exponent.number() == Number::fraction(1, 2)) return root(write(base));
  const bool whole = exponent.is_number() && exponent.number().is_whole();
  if (base.is(Kind::call) && !base.is_call("sqrt") && whole)
    return power_of_call(base.name(), write_arguments(base), write(exponent));
  return power(write(base), write(exponent));
}

std::string text(const Expression& e) { return TextWriter().write(e).code; }

}  // namespace gradus::symbolic
