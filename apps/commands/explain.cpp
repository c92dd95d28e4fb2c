// gradus explain: what an operation computes and how its gradient comes about, with a check; or how
// the gradient of a tensor on a tape came about, with the numbers of that run.
#include <apps/commands/commands.h>
#include <apps/commands/explain_code.h>
#include <apps/terminal.h>

#include <cctype>
#include <charconv>
#include <cstdio>

#include <gradus/gradus.h>
#include <gradus/see/explain.h>
#include <gradus/see/explain_page.h>
#include <gradus/see/tape_view.h>

namespace gradus::app {
namespace {

struct ExplainFlags {
  std::string what, tape;
  std::vector<std::string> shapes;
  bool latex = false, json = false;
};

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

see::TermStyle style_of(const Terminal& terminal) {
  return terminal.has_utf8() ? see::TermStyle::unicode : see::TermStyle::ascii;
}

void print_page(const std::string& page, const Terminal& terminal) {
  std::printf("%s", see::wrap_page(page, {terminal.width(), terminal.has_utf8()}).c_str());
}

/// The gradient of a tensor with the numbers of a run, as known at the end of the tape.
int explain_tape(const ExplainFlags& f) {
  see::Tape tape = see::open_tape(f.tape);
  if (tape.ticks.empty()) throw DataError(f.tape + " holds no step", "record one: gradus step");
  const see::Elements elements(tape);
  const auto last = static_cast<see::TapeIndex>(tape.ticks.size()) - 1;
  if (f.latex && !f.json) {  // an object has it among the rest
    const see::TapeFormula formula =
        see::formula_on_tape(tape, f.what.substr(0, f.what.find('[')), last);
    std::printf("%s", see::latex_text(formula, tape).c_str());
    return 0;
  }
  const see::TapeExplanation page = see::explained(elements, f.what, last);
  const int code = page.element && page.element->slope && !page.element->fits ? 1 : 0;
  if (f.json) {
    std::printf("%s\n", see::json_text(page).c_str());
    return code;
  }
  const Terminal terminal;
  print_page(see::page_text(page, style_of(terminal)), terminal);
  return code;
}

/// The operation of that name. What is none may have been meant as a code, or as a gradient.
const Op& operation_named(const std::string& name) {
  return as_usage("", [&]() -> const Op& {
    const bool is_code = name.size() >= 2 && std::isalpha(static_cast<unsigned char>(name[0])) &&
                         name.find_first_not_of("0123456789", 1) == name.npos;
    if (is_code)
      throw NameError("there is no code '" + name + "'", "`gradus explain codes` lists all");
    if (name.find(".g") != name.npos)
      throw NameError("'" + name + "' is a gradient of a run, and there is no run",
                      "say which: gradus explain '" + name +
                          "' --tape run.tape; `gradus step "
                          "--tape run.tape` records one");
    return find_op(name);
  });
}

int explain(const ExplainFlags& f) {
  if (!f.tape.empty() && !f.shapes.empty())
    throw UsageError("--shape", "a tape has its own shapes: give --shape or --tape");
  if (!f.tape.empty()) return explain_tape(f);
  const Terminal terminal;
  if (f.latex && is_code_page(f.what))
    throw UsageError("--latex", "'" + f.what +
                                    "' has no formula: give an operation, matmul, or with --tape "
                                    "a gradient");
  if (const auto shown = explain_code(f.what, f.json, terminal.width())) return *shown;
  std::vector<Shape> shapes;
  shapes.reserve(f.shapes.size());
  for (const std::string& text : f.shapes) shapes.push_back(shape_of(text));
  const Op& op = operation_named(f.what);
  const see::Explanation e = shapes.empty() || !op.has_gradient()
                                 ? see::explain(op)
                                 : as_usage("--shape", [&] { return see::explain(op, shapes); });
  if (f.json)
    std::printf("%s\n", see::json_text(e).c_str());
  else if (f.latex)
    std::printf("%s", see::latex_text(e).c_str());
  else
    print_page(see::page_text(e, style_of(terminal)), terminal);
  return e.ok() ? 0 : 1;
}

}  // namespace

Command explain_command() {
  auto f = std::make_shared<ExplainFlags>();
  return {"explain",
          "What an operation computes, the formula of its gradient, and a check of it",
          {{.names = "name",
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
