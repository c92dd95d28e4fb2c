// The table. At a kink the slope is a choice, made as the lesson makes it: step(0) = 0, so that
// max(x, 0), which is relu, has slope 0 at 0; sign(0) = 0, so abs has slope 0 at 0.
#include <gradus/symbolic/functions.h>

#include <algorithm>
#include <cmath>

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

}  // namespace

std::span<const Function> functions() { return table; }

const Function* find_function(std::string_view name) {
  const auto* const found = std::find_if(std::begin(table), std::end(table),
                                         [&](const Function& f) { return f.name == name; });
  return found == std::end(table) ? nullptr : found;
}

}  // namespace gradus::symbolic
