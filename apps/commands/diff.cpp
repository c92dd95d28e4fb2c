// gradus diff: the derivative of an expression, with values, formulas and the rules used.
#include <apps/commands/commands.h>

#include <charconv>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include <gradus/symbolic/derive.h>
#include <gradus/symbolic/domain.h>
#include <gradus/symbolic/evaluate.h>
#include <gradus/symbolic/parse.h>
#include <gradus/symbolic/print.h>

namespace gradus::app {
namespace {

using Json = nlohmann::ordered_json;

struct DiffFlags {
  std::string expression, by;
  std::vector<std::string> at;
  bool latex = false, mathml = false, steps = false, json = false;
};

std::string shortest(double value) {
  char buffer[64];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr};
}

std::string listed(const std::set<std::string>& names) {
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  return all;
}

/// "x=5,y=-1.5" as values.
symbolic::Values read_values(const std::vector<std::string>& settings) {
  symbolic::Values values;
  for (const std::string& setting : settings)
    for (std::size_t start = 0; start <= setting.size();) {
      const std::size_t end = std::min(setting.find(',', start), setting.size());
      const std::string one = setting.substr(start, end - start);
      const std::size_t equals = std::min(one.find('='), one.size());
      const std::string name = one.substr(0, equals);
      if (!symbolic::is_variable_name(name) || equals == one.size())
        throw UsageError("--at", "'" + one + "' is not variable=number, such as x=5");
      double value = 0;
      const char* last = one.data() + one.size();
      const auto [stop, error] = std::from_chars(one.data() + equals + 1, last, value);
      if (error != std::errc() || stop != last || !std::isfinite(value))
        throw UsageError("--at", "'" + one.substr(equals + 1) + "' is no finite number");
      if (!values.emplace(name, value).second) throw UsageError("--at", name + " is given twice");
      start = end + 1;
    }
  return values;
}

/// The variable to differentiate by: the one asked for, or the only one there is.
std::string chosen_variable(const std::string& by, const std::set<std::string>& names) {
  if (!by.empty() && !symbolic::is_variable_name(by))
    throw UsageError("--by", "'" + by + "' is not the name of a variable");
  if (!by.empty()) return by;
  if (names.size() > 1)
    throw UsageError("--by", "the expression has the variables " + listed(names) +
                                 "\n  hint: choose one, --by " + *names.begin());
  return names.empty() ? "x" : *names.begin();
}

/// "x = 5, y = -1.5"
std::string listed(const symbolic::Values& at) {
  std::string all;
  for (const auto& [name, value] : at)
    all += (all.empty() ? "" : ", ") + name + " = " + shortest(value);
  return all;
}

/// Nobody shall take a number for the slope of what is not there: log(x) at -1.
double value_at(const symbolic::Expression& e, const symbolic::Expression& slope,
                const symbolic::Values& at) {
  const double value = symbolic::evaluate(slope, at);
  for (const symbolic::Expression& one : {e, slope}) {
    if (!std::isnan(symbolic::evaluate(one, at))) continue;
    const auto part = symbolic::undefined_part(one, at);
    throw UsageError("--at", symbolic::text(part.value_or(one)) + " has no real value at " +
                                 listed(at) + "\n  hint: name a place where it has one");
  }
  return value;
}

struct Answer {
  symbolic::Expression derivative;
  std::string by;
  std::vector<symbolic::Step> steps;
  symbolic::Values at;
  std::optional<double> value;
};

Answer answer(const DiffFlags& f) {
  const symbolic::Expression e = symbolic::parse(f.expression);
  const std::set<std::string> names = symbolic::variables(e);
  Answer a;
  a.by = chosen_variable(f.by, names);
  a.at = read_values(f.at);
  if (!a.at.empty()) {
    for (const auto& [name, value] : a.at)
      if (!names.contains(name) && name != a.by)
        throw UsageError("--at", "there is no variable " + name + " in the expression" +
                                     (names.empty() ? "" : ", only " + listed(names)));
    for (const std::string& name : names)
      if (!a.at.contains(name))
        throw UsageError("--at", name + " has no value\n  hint: add --at " + name + "=1");
  }
  a.derivative = symbolic::derivative(e, a.by, f.steps || f.json ? &a.steps : nullptr);
  if (!a.at.empty()) a.value = value_at(e, a.derivative, a.at);
  return a;
}

void print_json(const DiffFlags& f, const Answer& a) {
  Json object{{"expression", f.expression},
              {"by", a.by},
              {"derivative", symbolic::text(a.derivative)},
              {"latex", symbolic::latex(a.derivative)},
              {"mathml", symbolic::mathml(a.derivative)}};
  object["steps"] = Json::array();
  for (const symbolic::Step& step : a.steps)
    object["steps"].push_back({{"rule", step.rule}, {"equation", step.equation}});
  if (a.value) {
    object["at"] = a.at;
    object["value"] = *a.value;  // JSON has no inf: null
  }
  std::printf("%s\n", object.dump().c_str());
}

int diff(const DiffFlags& f) {
  if (f.latex && f.mathml)
    throw UsageError("--mathml", "choose one of --latex and --mathml, or --json for both");
  Answer a;
  try {
    a = answer(f);
  } catch (const symbolic::ExpressionError& error) {
    throw UsageError("expression", error.what());
  }
  if (f.json) {
    print_json(f, a);
    return 0;
  }
  if (f.steps)
    for (const symbolic::Step& step : a.steps) std::printf("%s\n", step.str().c_str());
  const std::string line = f.latex    ? symbolic::latex(a.derivative)
                           : f.mathml ? symbolic::mathml(a.derivative)
                                      : symbolic::text(a.derivative);
  std::printf("%s\n", line.c_str());
  if (a.value) std::printf("at %s: %s\n", listed(a.at).c_str(), shortest(*a.value).c_str());
  return 0;
}

}  // namespace

Command diff_command() {
  auto f = std::make_shared<DiffFlags>();
  return {"diff",
          "The derivative of an expression, \"3*x^2 + 9\"",
          {{.names = "expression",
            .target = &f->expression,
            .help = "+ - * / ^, exp log sin cos tan sqrt abs max min relu tanh sigmoid and more, "
                    "pi and e",
            .required = true},
           {"--by", &f->by, "the variable; needed where there are several"},
           {"--at", &f->at, "also the value at a place, x=5 or x=5,y=2; may be given often"},
           {"--latex", &f->latex, "the derivative as LaTeX"},
           {"--mathml", &f->mathml, "the derivative as MathML"},
           {"--steps", &f->steps, "the rules used, one a line, before the derivative"},
           {"--json", &f->json, "one JSON object with all of it"}},
          [f] { return diff(*f); },
          true};
}

}  // namespace gradus::app
