// A walk over the tree.
#include <gradus/symbolic/evaluate.h>

#include <cmath>
#include <numbers>

#include <gradus/symbolic/functions.h>

namespace gradus::symbolic {
bool is_gate(const Expression& e) {
  if (e.is_call("step")) return true;
  if (!e.is(Kind::sum) || e.parts().size() != 2 || !e.parts()[0].is_whole(1)) return false;
  const Expression& second = e.parts()[1];
  return second.is(Kind::product) && second.parts().size() == 2 && second.parts()[0].is_whole(-1) &&
         second.parts()[1].is_call("step");
}

double evaluate(const Expression& e, const Values& values) {
  const auto& parts = e.parts();
  switch (e.kind()) {
    case Kind::number:
      return e.number().value();
    case Kind::constant:
      return e.name() == "pi" ? std::numbers::pi : std::numbers::e;
    case Kind::variable: {
      const auto found = values.find(e.name());
      if (found == values.end())
        throw ExpressionError("the variable " + e.name() + " has no value");
      return found->second;
    }
    case Kind::sum: {
      double total = 0;
      for (const Expression& term : parts) total += evaluate(term, values);
      return total;
    }
    case Kind::product: {
      for (const Expression& factor : parts)
        if (is_gate(factor) && evaluate(factor, values) == 0) return 0;
      double total = 1;
      for (const Expression& factor : parts)
        if (factor.is(Kind::power) && factor.exponent().is_whole(-1))
          total /= evaluate(factor.base(), values);  // one rounding, as a/b has
        else
          total *= evaluate(factor, values);
      return total;
    }
    case Kind::power:
      return std::pow(evaluate(e.base(), values), evaluate(e.exponent(), values));
    case Kind::call:
      return find_function(e.name())->value(evaluate(parts[0], values),
                                            parts.size() > 1 ? evaluate(parts[1], values) : 0);
  }
  return 0;
}

}  // namespace gradus::symbolic
