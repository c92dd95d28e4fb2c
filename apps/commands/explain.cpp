// gradus explain: what an operation computes and how its gradient comes about, with a check; or how
// the gradient of a tensor on a tape came about, with the numbers of that run.
#include <apps/commands/commands.h>
#include <apps/commands/explain_code.h>
#include <apps/terminal.h>

#include <charconv>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include <gradus/gradus.h>
#include <gradus/see/explain.h>
#include <gradus/see/explain_tape.h>
#include <gradus/see/try.h>
#include <gradus/see/words.h>

namespace gradus::app {
namespace {

using Json = nlohmann::ordered_json;

struct ExplainFlags {
  std::string what, tape;
  std::vector<std::string> shapes;
  bool latex = false, json = false;
};

double norm_of(const Tensor& x) {
  double sum = 0;
  for (const double v : x.to_vector<double>()) sum += v * v;
  return std::sqrt(sum);
}

std::string digits(double value, const char* format = "%.6g") {
  char text[48];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

Shape shape_of(const std::string& text) {
  Shape shape;
  const char *at = text.data(), *end = at + text.size();
  while (at < end) {
    std::int64_t n = 0;
    const auto [next, error] = std::from_chars(at, end, n);
    if (error != std::errc() || n < 0 || (next != end && *next != ',') || next + 1 == end)
      throw UsageError("--shape", "'" + text + "' is no shape, give 50,784");
    shape.push_back(n);
    at = next + (next != end);
  }
  return shape;
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
      {"saved_bytes", e.saved},
      {"check", {{"ok", e.ok()}, {"derivatives", e.check.checked}, {"kinks", e.check.kinks}}},
      {"also", std::string(card.also)}};
  for (const see::GradientRule& r : e.rules) {
    Json one{{"name", r.name},
             {"text", see::write(r.formula)},
             {"shapes", see::write(r.formula, see::TermStyle::ascii, true)},
             {"shape", r.formula.shape().to_vector()},
             {"latex", see::write(r.formula, see::TermStyle::latex)},
             {"rule", r.text},
             {"difference", r.difference},
             {"flops", r.cost.flops},
             {"bytes_read", r.cost.read},
             {"bytes_written", r.cost.written}};
    if (const auto form = see::einsum_form(r.formula)) one["einsum"] = form->str();
    if (!r.slope.empty()) one["slope"] = r.slope;
    if (r.value) one["norm"] = norm_of(r.value);
    object["gradients"].push_back(one);
  }
  std::printf("%s\n", object.dump().c_str());
}

void print_page(const see::Explanation& e, const Terminal& terminal) {
  const int width = terminal.width();
  const see::TermStyle style =
      terminal.has_utf8() ? see::TermStyle::unicode : see::TermStyle::ascii;
  const Card& card = e.op.card();
  line("WHAT", std::string(card.name) + ": " + std::string(card.doc), width);
  line("LATEX", std::string(card.formula), width);
  std::string shapes;
  for (const Spec& x : e.given) shapes += (shapes.empty() ? "" : ", ") + x.str();
  shapes += " ->";
  for (const Spec& y : e.made) shapes += " " + y.str();
  line("HERE", e.op.str() + "   " + shapes, width);
  for (const see::GradientRule& r : e.rules) {
    line("WHY", r.slope.empty() ? "" : "dy/dx = " + r.slope, width);
    line("GRAD", r.name + " = " + see::write(r.formula, style), width);
    line("SHAPES", see::write(r.formula, style, true) + " -> " + r.formula.shape().str(), width);
    if (const auto form = see::einsum_form(r.formula)) line("EINSUM", form->str(), width);
    line("LATEX", see::write(r.formula, see::TermStyle::latex), width);
    line("RULE", r.text + "   as it ran", width);
    line("COST", see::cost_text(r.cost), width);
    line("NUMBERS",
         r.name + " of the example has L2 " + (r.value ? digits(norm_of(r.value)) : "0") +
             "; formula and rule differ by " + digits(r.difference, "%.1e"),
         width);
  }
  line("SAVED", see::amount(double(e.saved), "B") + " in f32 kept for the backward pass", width);
  line("CHECK", "central difference, f64: " + e.check.str(), width);
  line("NAMES", std::string(card.also), width);
}

void print_latex(const see::Explanation& e) {
  std::printf("%s\n", std::string(e.op.card().formula).c_str());
  for (const see::GradientRule& r : e.rules)
    std::printf("\\frac{\\partial L}{\\partial %s} = %s\n",
                r.name.substr(0, r.name.size() - 2).c_str(),
                see::write(r.formula, see::TermStyle::latex).c_str());
}

/// The gradient of a tensor with the numbers of a run, as known at the end of the tape.
int explain_tape(const ExplainFlags& f) {
  see::Tape tape = see::open_tape(f.tape);
  if (tape.ticks.empty()) throw DataError(f.tape + " holds no step", "record one: gradus step");
  const see::Elements elements(tape);
  const auto last = static_cast<see::TapeIndex>(tape.ticks.size()) - 1;
  if (f.latex || f.json) {
    const see::TapeFormula formula =
        see::formula_on_tape(tape, f.what.substr(0, f.what.find('[')), last);
    const std::string latex = see::write(formula.term, see::TermStyle::latex);
    if (f.latex) {
      std::printf("%s\n", latex.c_str());
      return 0;
    }
    Json object{{"name", tape.name_of(formula.of) + ".g"},
                {"text", see::write(formula.term)},
                {"shapes", see::write(formula.term, see::TermStyle::ascii, true)},
                {"shape", formula.term.shape().to_vector()},
                {"latex", latex},
                {"norm", norm_of(elements.of(formula.gradient))}};
    if (const auto form = see::einsum_form(formula.term)) object["einsum"] = form->str();
    std::printf("%s\n", object.dump().c_str());
    return 0;
  }
  const Terminal terminal;
  const std::string text =
      see::explain_on_tape(elements, f.what, last,
                           terminal.has_utf8() ? see::TermStyle::unicode : see::TermStyle::ascii);
  std::printf("%s", see::wrap_lines(text, {terminal.width(), terminal.has_utf8()}).c_str());
  return 0;
}

int explain(const ExplainFlags& f) {
  if (!f.tape.empty()) return explain_tape(f);
  const Terminal terminal;
  if (const auto shown = explain_code(f.what, f.json, terminal.width())) return *shown;
  std::vector<Shape> shapes;
  shapes.reserve(f.shapes.size());
  for (const std::string& text : f.shapes) shapes.push_back(shape_of(text));
  const see::Explanation e =
      see::explain(as_usage("what", [&]() -> const Op& { return find_op(f.what); }), shapes);
  if (f.json)
    print_json(e);
  else if (f.latex)
    print_latex(e);
  else
    print_page(e, terminal);
  return e.ok() ? 0 : 1;
}

}  // namespace

Command explain_command() {
  auto f = std::make_shared<ExplainFlags>();
  return {"explain",
          "What an operation computes, the formula of its gradient, and a check of it",
          {{.names = "what",
            .target = &f->what,
            .help = "an operation, by its name here or elsewhere; a code, B1; codes for all; with "
                    "--tape a gradient, w1.g or w1.g[3,2]",
            .required = true},
           {"--tape", &f->tape, "a tape with elements: gradus step --keep full --tape FILE"},
           {"--shape", &f->shapes, "shapes of the inputs, one each: --shape 50,784 --shape 784,10"},
           {"--latex", &f->latex, "formulas as LaTeX alone"},
           {"--json", &f->json, "one JSON object"}},
          [f] { return explain(*f); }};
}

}  // namespace gradus::app
