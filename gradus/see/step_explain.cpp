// The commands of the step debugger that ask why: an element taken apart, a gradient's page, its
// formula, its wheels, its check by differences; the pages of codes and operations. See step.h.
#include <gradus/ops/registry.h>
#include <gradus/see/diagnostic_pages.h>
#include <gradus/see/explain.h>
#include <gradus/see/explain_page.h>
#include <gradus/see/index_form.h>
#include <gradus/see/step.h>
#include <gradus/see/step_tell.h>
#include <gradus/see/words.h>

#include <algorithm>
#include <cctype>
#include <cmath>

namespace gradus::see {
namespace {

bool is_tick_word(std::string_view word) {
  return word.size() > 1 && word[0] == 't' &&
         std::all_of(word.begin() + 1, word.end(), [](unsigned char c) { return std::isdigit(c); });
}

/// Whether a backward pass comes to it: neither data, nor what is computed from data alone.
bool needs_gradient(const Tape& tape, TapeIndex value) {
  const TapeValue& x = at(tape.values, value);
  return x.is_parameter || (x.made_by != none && at(tape.events, x.made_by).has_history);
}

/// "B9"; b9 may be a tensor.
bool is_code_word(std::string_view word) {
  return word.size() > 1 && std::isupper(static_cast<unsigned char>(word[0])) &&
         word.find_first_not_of("0123456789", 1) == word.npos;
}

/// The operation of that name, here or elsewhere; nothing where there is none.
std::optional<Op> operation_called(const std::string& name) {
  try {
    return find_op(name);
  } catch (const NameError&) {
    return std::nullopt;
  }
}

}  // namespace

std::string Stepper::tell_why(const std::string& rest, int) {
  TapeIndex tick = focus_.tick;
  const std::string element(trimmed(elements_.take_time(rest, tick)));
  const Reason reason = see::reason_of(elements_, element, tick);
  if (options_.json) tell("value", element, elements_.evaluate(element, tick));
  tell("why", reason);
  return why_text(reason);
}

/// explain w1.g, explain t8 w1.g[2,3], explain t8: gradients; explain B1: a code; explain matmul:
/// an operation. A tensor's name goes before the others.
std::string Stepper::explain(const std::string& rest, int) {
  TapeIndex tick = focus_.tick;
  std::string what(trimmed(elements_.take_time(rest, tick)));
  if (const std::string word = what.substr(0, what.find(' '));
      is_tick_word(word) && tape_.find(word, tick) == none) {
    tick = parse_tick(tape_, "t=" + word.substr(1), tick);
    what = trimmed(std::string_view(what).substr(word.size()));
  }
  const TermStyle style = options_.style.utf8 ? TermStyle::unicode : TermStyle::ascii;
  const auto page = [&](const char* kind, const auto& one, const std::string& text) {
    if (options_.json) {
      tell("kind", std::string(kind));
      told_.emplace_back("page", json_text(one));
    }
    return options_.json ? text : wrap_page(text, options_.style);
  };
  if (what.empty()) return explain_all(tick, style);
  std::string tensor = what.substr(0, what.find('['));
  while (tensor.ends_with(' ')) tensor.pop_back();
  if (tape_.find(tensor, tick) != none) {
    const TapeExplanation one = explained(elements_, what, tick);
    return page("gradient", one, page_text(one, style));
  }
  const KeepGenerator keep;
  const GradMode recorded(true);  // whoever looks may stand inside no_grad
  const Unobserved not_seen;
  if (const DiagnosticPage* code = find_page(what)) return page("code", *code, page_text(*code));
  if (const std::optional<Op> op = operation_called(what)) {
    const Explanation one = see::explain(*op);
    return page("operation", one, page_text(one, style));
  }
  if (comes_at(tape_, tensor, tick) != none) elements_.find(tensor, tick);  // says when
  if (is_code_word(what))
    throw NameError("there is no code '" + what + "'", "`gradus explain codes` lists all");
  std::vector<std::string> known = tape_.names(tick);
  for (const DiagnosticPage& one : diagnostic_pages()) known.emplace_back(one.code);
  for (const Op& op : all_ops()) known.emplace_back(op.name());
  const std::string near = nearest(tensor, known);
  throw NameError(
      "no tensor here, no code and no operation is called '" + what + "'",
      near.empty() ? "e w1.g, e t8 w1.g[2,3], e B1, e matmul" : "did you mean '" + near + "'?");
}

/// The pages of all gradients that a tick makes.
std::string Stepper::explain_all(TapeIndex tick, TermStyle style) {
  std::string text;
  std::vector<std::string> told;
  for (const TapeFormula& f : formulas_asked(tape_, "", tick)) {
    const TapeExplanation one = explained(elements_, tape_.name_of(f.of) + ".g", tick);
    text += (text.empty() ? "" : "\n") + page_text(one, style);
    if (options_.json) told.push_back(json_text(one));
  }
  if (options_.json) {
    tell("kind", std::string("gradients"));
    told_.emplace_back("pages", json_list(told));
  }
  return options_.json ? text : wrap_page(text, options_.style);
}

std::string Stepper::latex(const std::string& rest, int) {
  TapeIndex tick = focus_.tick;
  const std::string asked(trimmed(elements_.take_time(rest, tick)));
  std::string text;
  std::vector<std::string> told;
  for (const TapeFormula& f : formulas_asked(tape_, asked, tick)) {
    const std::string latex = write(f.term, TermStyle::latex);
    text += latex + "\n";
    if (options_.json) told.push_back(formula_json(tape_.name_of(f.gradient), "latex", latex));
  }
  if (options_.json) told_.emplace_back("formulas", json_list(told));
  return text;
}

std::string Stepper::einsum(const std::string& rest, int) {
  TapeIndex tick = focus_.tick;
  const std::string asked(trimmed(elements_.take_time(rest, tick)));
  std::string text;
  std::vector<std::string> told;
  for (const TapeFormula& f : formulas_asked(tape_, asked, tick)) {
    const std::string name = tape_.name_of(f.gradient);
    // With the letters of the page, where it has some.
    const std::optional<IndexForm> page = index_form(f.term);
    const std::optional<EinsumForm> form = page ? page->einsum : einsum_form(f.term);
    text += name + " = " + (form ? form->str() : "no einsum: it is not a sum of products") + "\n";
    if (options_.json) told.push_back(formula_json(name, "einsum", form ? form->str() : ""));
  }
  if (options_.json) told_.emplace_back("formulas", json_list(told));
  return text;
}

std::string Stepper::gears(const std::string& rest, int) {
  TapeIndex tick = focus_.tick;
  const std::string element(trimmed(elements_.take_time(rest, tick)));
  const Gears gears = gears_of(elements_, element, tick);
  tell("gears", gears);
  return gears_text(gears, text_style());
}

/// A parameter is moved in the program, any other tensor on the tape.
GradientSlope Stepper::slope_of(const std::string& name, const Ints& index, TapeIndex tick) const {
  const TapeIndex step = at(tape_.ticks, tick).step;
  GradientSlope slope;
  if (rerun_)
    for (const auto& [parameter, x] : rerun_->program().state())
      if (parameter == name) {
        static_cast<Slope&>(slope) = numeric_slope(*rerun_, step, name, index);
        return slope;
      }
  const TapeIndex gradient = tape_.find(name + ".g", tick);
  if (gradient != none && at(tape_.values, gradient).gradient_of != none)
    return gradient_slope(elements_, gradient, index);
  static_cast<TapeSlope&>(slope) = tape_slope(elements_, elements_.find(name, tick), step, index);
  return slope;
}

std::string Stepper::check(const std::string& rest, int) {
  TapeIndex tick = focus_.tick;
  const std::string element(trimmed(elements_.take_time(rest, tick)));
  const ElementName said = parse_element(element);
  const std::string name =
      said.name.ends_with(".g") ? said.name.substr(0, said.name.size() - 2) : said.name;
  const std::string index = element.substr(said.name.size());
  const GradientSlope slope = slope_of(name, said.index, tick);
  std::string text = "d loss / d " + name + index + ": central difference in f64 " +
                     number(slope.numeric, 8) + ", step " + number(slope.step, 2) + "\n";
  if (const std::string passes = passes_text(slope); !passes.empty()) text += "  " + passes + "\n";
  if (tape_.find(name + ".g", tick) == none) {
    tell("check", slope, std::optional<double>(), std::optional<bool>());
    return text + (needs_gradient(tape_, elements_.find(name, tick))
                       ? "  the tape has no " + name + ".g here yet\n"
                       : "  " + name + " needs no gradient: the tape has no " + name + ".g\n");
  }
  const Reason reason = see::reason_of(elements_, name + ".g" + index, tick);
  const DType dtype = at(tape_.values, elements_.find(name + ".g", tick)).spec.dtype;
  const double ours = reason.value;
  const double judged = slope.judged(ours);
  const std::string here = "  " + name + ".g here " + number(ours, 8);
  if (!std::isfinite(judged) || !std::isfinite(slope.numeric)) {
    tell("check", slope, std::optional<double>(ours), std::optional<bool>());
    return text + here +
           ": there is nothing to compare; first nan and first inf say where it "
           "began\n";
  }
  const double apart =
      std::fabs(judged - slope.numeric) / std::max(std::fabs(slope.numeric), 1e-12);
  const bool ok = slope.fits(judged, rounding_of(reason, dtype));
  tell("check", slope, std::optional<double>(ours), std::optional<bool>(ok));
  return text + here + "  rel " + number(apart, 2) + "  " +
         (ok ? "ok" : "DIFFERS, ratio " + number(judged / slope.numeric, 4)) + " (" +
         std::to_string(slope.kinks) + " kinks crossed)\n";
}

}  // namespace gradus::see
