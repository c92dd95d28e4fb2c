// The table. At a kink the slope is a choice, made as the lesson makes it: step(0) = 0, so that
// max(x, 0), which is relu, has slope 0 at 0; sign(0) = 0, so abs has slope 0 at 0.
#include <gradus/symbolic/functions.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace gradus::symbolic {
namespace {

double sign(double u) { return u > 0 ? 1 : u < 0 ? -1 : u; }
double step(double u) { return std::isnan(u) ? u : u > 0 ? 1 : 0; }
double larger(double u, double v) { return u > v || std::isnan(u) ? u : v; }
double smaller(double u, double v) { return u < v || std::isnan(u) ? u : v; }

constexpr Parity none = Parity::none, even = Parity::even, odd = Parity::odd;

const Function table[] = {
    {"exp", 1, [](double u, double) { return std::exp(u); }, "exp(u)", none, ""},
    {"log", 1, [](double u, double) { return std::log(u); }, "1/u", none, "\\ln"},
    {"sqrt", 1, [](double u, double) { return std::sqrt(u); }, "1/(2*sqrt(u))", none, ""},
    {"abs", 1, [](double u, double) { return std::fabs(u); }, "sign(u)", even, ""},
    {"sign", 1, [](double u, double) { return sign(u); }, "0", odd, "\\operatorname{sign}"},
    {"step", 1, [](double u, double) { return step(u); }, "0", none, ""},
    {"max", 2, larger, "", none, "\\max"},
    {"min", 2, smaller, "", none, "\\min"},
    {"sin", 1, [](double u, double) { return std::sin(u); }, "cos(u)", odd, "\\sin"},
    {"cos", 1, [](double u, double) { return std::cos(u); }, "-sin(u)", even, "\\cos"},
    {"tan", 1, [](double u, double) { return std::tan(u); }, "1/cos(u)^2", odd, "\\tan"},
    {"asin", 1, [](double u, double) { return std::asin(u); }, "1/sqrt(1 - u^2)", odd, "\\arcsin"},
    {"acos", 1, [](double u, double) { return std::acos(u); }, "-1/sqrt(1 - u^2)", none,
     "\\arccos"},
    {"atan", 1, [](double u, double) { return std::atan(u); }, "1/(u^2 + 1)", odd, "\\arctan"},
    {"sinh", 1, [](double u, double) { return std::sinh(u); }, "cosh(u)", odd, "\\sinh"},
    {"cosh", 1, [](double u, double) { return std::cosh(u); }, "sinh(u)", even, "\\cosh"},
    {"tanh", 1, [](double u, double) { return std::tanh(u); }, "1 - tanh(u)^2", odd, "\\tanh"},
    {"sigmoid", 1, [](double u, double) { return 1 / (1 + std::exp(-u)); },
     "sigmoid(u)*(1 - sigmoid(u))", none, "\\sigma"},
    {"erf", 1, [](double u, double) { return std::erf(u); }, "2*exp(-u^2)/sqrt(pi)", odd,
     "\\operatorname{erf}"},
};

const Abbreviation short_names[] = {
    {"relu", "max(u, 0)"},     {"ln", "log(u)"},
    {"log2", "log(u)/log(2)"}, {"log10", "log(u)/log(10)"},
    {"sec", "1/cos(u)"},       {"csc", "1/sin(u)"},
    {"cot", "cos(u)/sin(u)"},  {"softplus", "log(exp(u) + 1)"},
    {"silu", "u*sigmoid(u)"},
};

/// Names of other books and languages.
const Abbreviation elsewhere[] = {
    {"arcsin", "asin(x)"},
    {"arccos", "acos(x)"},
    {"arctan", "atan(x)"},
    {"tg", "tan(x)"},
    {"ctg", "cot(x)"},
    {"cosec", "csc(x)"},
    {"sgn", "sign(x)"},
    {"heaviside", "step(x)"},
    {"logistic", "sigmoid(x)"},
    {"lg", "log10(x)"},
    {"pow", "x^y"},
    {"sqr", "x^2"},
    {"cbrt", "x^(1/3)"},
    {"swish", "silu(x)"},
    {"coth", "1/tanh(x)"},
    {"sech", "1/cosh(x)"},
    {"csch", "1/sinh(x)"},
    {"asinh", "log(x + sqrt(x^2 + 1))"},
    {"acosh", "log(x + sqrt(x^2 - 1))"},
    {"atanh", "log((1 + x)/(1 - x))/2"},
};

/// How many letters must be changed, put in or left out to come from `a` to `b`.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] != b[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row[b.size()];
}

/// The line of this name, or null.
template <class Line, std::size_t Count>
const Line* line_of(const Line (&lines)[Count], std::string_view name) {
  const Line* const found = std::find_if(std::begin(lines), std::end(lines),
                                         [&](const Line& line) { return line.name == name; });
  return found == std::end(lines) ? nullptr : found;
}

}  // namespace

std::span<const Function> functions() { return table; }

const Function* find_function(std::string_view name) { return line_of(table, name); }

std::span<const Abbreviation> abbreviations() { return short_names; }

const Abbreviation* find_abbreviation(std::string_view name) { return line_of(short_names, name); }

std::string suggestion(std::string_view name) {
  if (name.size() > 20) return "";
  std::string small(name);
  for (char& letter : small)
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  if (const Abbreviation* known = line_of(elsewhere, small)) return std::string(known->meaning);
  std::string nearest;
  // Twice the distance, and one more where the letters differ from the start: sinn is sin, not
  // sign.
  std::size_t least = small.size() > 4 ? 6 : 4;  // and no further than that
  const auto consider = [&](std::string_view other, std::string_view arguments) {
    const std::size_t far = 2 * distance(small, other) + !small.starts_with(other);
    if (far >= std::min(least, 2 * other.size())) return;
    least = far;
    nearest = std::string(other) + std::string(arguments);
  };
  for (const Function& f : table) consider(f.name, f.arity == 2 ? "(x, y)" : "(x)");
  for (const Abbreviation& a : short_names) consider(a.name, "(x)");
  return nearest;
}

}  // namespace gradus::symbolic
