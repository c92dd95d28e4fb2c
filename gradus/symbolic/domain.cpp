// A walk from the leaves, with each part's value.
#include <gradus/symbolic/domain.h>

#include <cmath>
#include <vector>

#include <gradus/symbolic/functions.h>

namespace gradus::symbolic {
namespace {

class Walk {
 public:
  /// Without values, parts with variables have no say.
  explicit Walk(const Values* values) : values_(values) {}

  /// The value of `e`; nothing where it is not known, or when `found` is.
  std::optional<double> value(const Expression& e) {
    if (e.is(Kind::variable) && !values_) return std::nullopt;
    if (e.parts().empty()) return evaluate(e, values_ ? *values_ : Values{});
    if (e.is(Kind::product) && values_)
      for (const Expression& factor : e.parts())
        if (is_gate(factor) && evaluate(factor, *values_) == 0) return 0;
    std::vector<double> parts;
    bool known = true;
    for (const Expression& part : e.parts()) {
      const std::optional<double> one = value(part);
      // A quotient is blamed as a whole: 0/0, not 0^-1.
      if (found && e.is(Kind::product) && part.is(Kind::power) && part.exponent().is_whole(-1) &&
          *found == part)
        found = e;
      if (found) return std::nullopt;
      known = known && one.has_value();
      parts.push_back(one.value_or(0));
    }
    if (!known) return std::nullopt;
    return e.is(Kind::sum) || e.is(Kind::product) ? combined(e.kind(), parts) : applied(e, parts);
  }

  std::optional<Expression> found;

 private:
  static double combined(Kind kind, const std::vector<double>& parts) {
    double result = kind == Kind::sum ? 0 : 1;
    for (double part : parts) result = kind == Kind::sum ? result + part : result * part;
    return result;
  }

  std::optional<double> applied(const Expression& e, const std::vector<double>& parts) {
    const double u = parts[0], v = parts.size() > 1 ? parts[1] : 0;
    const bool is_power = e.is(Kind::power);
    const double result = is_power ? std::pow(u, v) : find_function(e.name())->value(u, v);
    const bool pole = is_power ? u == 0 && v < 0 : e.is_call("log") && u == 0;
    const bool outside = std::isnan(result) && std::isfinite(u) && std::isfinite(v);
    if (pole || outside) return blame(e);
    return result;
  }

  std::optional<double> blame(const Expression& e) {
    found = e;
    return std::nullopt;
  }

  const Values* values_;
};

}  // namespace

std::optional<Expression> undefined_part(const Expression& e, const Values& values) {
  Walk walk(&values);
  (void)walk.value(e);
  return walk.found;
}

std::optional<Expression> undefined_constant(const Expression& e) {
  Walk walk(nullptr);
  (void)walk.value(e);
  return walk.found;
}

}  // namespace gradus::symbolic
