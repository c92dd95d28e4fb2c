// The page of an operation in lines, as LaTeX and as JSON; see explain.h.
#include <gradus/see/explain.h>
#include <gradus/see/index_form.h>
#include <gradus/see/words.h>

#include <cmath>

#include <nlohmann/json.hpp>

namespace gradus::see {
namespace {

using OperationJson = nlohmann::ordered_json;

double norm_of(const Tensor& x) {
  double sum = 0;
  for (const double v : x.to_vector<double>()) sum += v * v;
  return std::sqrt(sum);
}

/// A head of 8 columns and what follows it; nothing without.
std::string headed(std::string head, const std::string& text) {
  if (text.empty()) return "";
  head.resize(8, ' ');
  return head + text + "\n";
}

/// Whose numbers these are, where they are not those of the shapes above.
std::string of_what(const Explanation& e) {
  return e.example.empty() ? "" : " of the example " + e.example;
}

std::string numbers_text(const Explanation& e, const GradientRule& r) {
  if (!e.undefined.empty()) return "there are none: " + e.undefined;
  return r.name +
         (e.is_asked          ? " of such a call"
          : e.example.empty() ? " of the example"
                              : of_what(e)) +
         " has L2 " + (r.value ? number(norm_of(r.value)) : "0") + "; formula and rule differ by " +
         number(r.difference, 2);
}

/// Of no elements, where no formula says so by itself: 0, as gradient_formulas writes it.
bool is_of_nothing(const Term& t) {
  return t.shape().numel() == 0 && t.is(TermKind::stretch) && t.parts()[0].is_number(0);
}

std::string rule_lines(const Explanation& e, const GradientRule& r, TermStyle style) {
  if (is_of_nothing(r.formula))
    return headed("GRAD", r.name + " is empty, " + r.formula.shape().str() +
                              ": there is no element that could have a slope");
  const auto form = index_form(r.formula);
  return headed("WHY", r.slope.empty() ? "" : "dy/dx = " + r.slope) +
         headed("GRAD", r.name + " = " + write(r.formula, style)) +
         headed("SHAPES", write(r.formula, style, true) + " -> " + r.formula.shape().str()) +
         headed("EINSUM", form ? form->einsum.str() : "") +
         headed("LATEX", write(r.formula, TermStyle::latex)) +
         headed("RULE",
                r.text + "   as it ran" + (e.example.empty() ? "" : ", call" + of_what(e))) +
         headed("COST", cost_text(r.cost)) + headed("NUMBERS", numbers_text(e, r));
}

OperationJson json_of_rule(const GradientRule& r) {
  OperationJson one{{"name", r.name},
                    {"text", write(r.formula)},
                    {"shapes", write(r.formula, TermStyle::ascii, true)},
                    {"shape", r.formula.shape().to_vector()},
                    {"latex", write(r.formula, TermStyle::latex)},
                    {"rule", r.text},
                    {"difference", r.difference},
                    {"flops", r.cost.flops},
                    {"bytes_read", r.cost.read},
                    {"bytes_written", r.cost.written}};
  if (const auto form = index_form(r.formula)) one["einsum"] = form->einsum.str();
  if (!r.slope.empty()) one["slope"] = r.slope;
  if (r.value) one["norm"] = norm_of(r.value);
  return one;
}

}  // namespace

std::string page_text(const Explanation& e, TermStyle style) {
  const Card& card = e.op.card();
  std::string shapes;
  for (const Spec& x : e.given) shapes += (shapes.empty() ? "" : ", ") + x.str();
  shapes += " ->";
  for (const Spec& y : e.made) shapes += " " + y.str();
  std::string text = headed("WHAT", std::string(card.name) + ": " + std::string(card.doc)) +
                     headed("LATEX", std::string(card.formula)) +
                     headed("HERE", e.op.str() + "   " + shapes);
  for (const GradientRule& r : e.rules) text += rule_lines(e, r, style);
  return text +
         headed("SAVED",
                amount(static_cast<double>(e.saved), "B") + " in f32 kept for the backward pass") +
         headed("CHECK", e.undefined.empty()
                             ? "central difference, f64" + of_what(e) + ": " + e.check.str()
                             : "not possible: " + e.undefined) +
         headed("NAMES", std::string(card.also));
}

std::string latex_text(const Explanation& e) {
  std::string text = std::string(e.op.card().formula) + "\n";
  for (const GradientRule& r : e.rules)
    text += write(leaf(r.name, {}), TermStyle::latex) + " = " + write(r.formula, TermStyle::latex) +
            "\n";
  return text;
}

std::string json_text(const Explanation& e) {
  const Card& card = e.op.card();
  OperationJson object{
      {"name", std::string(card.name)},
      {"doc", std::string(card.doc)},
      {"formula", std::string(card.formula)},
      {"example", e.op.str()},
      {"gradients", OperationJson::array()},
      {"saved_bytes", e.saved},
      {"check", {{"ok", e.ok()}, {"derivatives", e.check.checked}, {"kinks", e.check.kinks}}},
      {"also", std::string(card.also)}};
  if (!e.example.empty()) object["check"]["example"] = e.example;
  if (!e.undefined.empty()) object["check"]["undefined"] = e.undefined;
  for (const GradientRule& r : e.rules) object["gradients"].push_back(json_of_rule(r));
  return object.dump();
}

}  // namespace gradus::see
