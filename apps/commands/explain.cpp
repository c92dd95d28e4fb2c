// gradus explain: what an operation computes and how its gradient comes about, with a check.
#include <apps/commands/commands.h>
#include <apps/commands/explain_code.h>
#include <apps/terminal.h>

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include <gradus/gradus.h>
#include <gradus/see/explain.h>

namespace gradus::app {
namespace {

using Json = nlohmann::ordered_json;

struct ExplainFlags {
  std::string what;
  bool latex = false, json = false;
};

double norm_of(const Tensor& x) {
  double sum = 0;
  for (const double v : x.to_vector<double>()) sum += v * v;
  return std::sqrt(sum);
}

void line(const char* head, const std::string& text, int width) {
  if (text.empty()) return;
  char label[16];
  std::snprintf(label, sizeof label, "%-8s", head);
  std::printf("%s\n", wrapped(label + text, width).c_str());
}

void print_json(const see::Explanation& e) {
  const Card& card = e.op.card();
  Json object{
      {"name", std::string(card.name)},
      {"doc", std::string(card.doc)},
      {"formula", std::string(card.formula)},
      {"example", e.op.str()},
      {"gradients", Json::array()},
      {"check", {{"ok", e.check.ok()}, {"derivatives", e.check.checked}, {"kinks", e.check.kinks}}},
      {"also", std::string(card.also)}};
  for (const see::GradientRule& r : e.rules) {
    Json one{{"name", r.name}, {"text", r.text}};
    if (!r.slope.empty()) one["slope"] = r.slope;
    if (!r.latex.empty()) one["latex"] = r.latex;
    if (r.value) one["norm"] = norm_of(r.value);
    object["gradients"].push_back(one);
  }
  std::printf("%s\n", object.dump().c_str());
}

void print_page(const see::Explanation& e, int width) {
  const Card& card = e.op.card();
  line("WHAT", std::string(card.name) + ": " + std::string(card.doc), width);
  line("LATEX", std::string(card.formula), width);
  for (const see::GradientRule& r : e.rules) {
    line("WHY", r.slope.empty() ? "" : "dy/dx = " + r.slope, width);
    line("RULE", r.name + " = " + r.text, width);
  }
  std::string shapes;
  for (const Tensor& x : e.inputs) shapes += (shapes.empty() ? "" : ", ") + x.spec().str();
  shapes += " ->";
  for (const Tensor& y : e.outputs) shapes += " " + y.spec().str();
  line("SHAPES", shapes + "   here " + e.op.str(), width);
  for (const see::GradientRule& r : e.rules) {
    char number[48] = "0";
    if (r.value) std::snprintf(number, sizeof number, "%.6g", norm_of(r.value));
    line("NUMBERS", r.name + " L2 " + number + " where g is 1 everywhere", width);
  }
  line("CHECK", "central difference, f64: " + e.check.str(), width);
  line("NAMES", std::string(card.also), width);
}

int explain(const ExplainFlags& f) {
  if (const auto shown = explain_code(f.what, f.json, Terminal().width())) return *shown;
  const see::Explanation e = see::explain(find_op(f.what));
  if (f.json) {
    print_json(e);
  } else if (f.latex) {
    std::printf("%s\n", std::string(e.op.card().formula).c_str());
    for (const see::GradientRule& r : e.rules)
      if (!r.latex.empty()) std::printf("\\frac{dy}{dx} = %s\n", r.latex.c_str());
  } else {
    print_page(e, Terminal().width());
  }
  return e.check.ok() ? 0 : 1;
}

}  // namespace

Command explain_command() {
  auto f = std::make_shared<ExplainFlags>();
  return {"explain",
          "What an operation computes, the rule of its gradient, and a check of it",
          {{.names = "what",
            .target = &f->what,
            .help = "an operation, by its name here or elsewhere; a code, B1; codes for all",
            .required = true},
           {"--latex", &f->latex, "formulas as LaTeX alone"},
           {"--json", &f->json, "one JSON object"}},
          [f] { return explain(*f); }};
}

}  // namespace gradus::app
