// The page in lines, and as JSON; see explain_page.h.
#include <gradus/see/explain_page.h>
#include <gradus/see/index_form.h>
#include <gradus/see/words.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>

#include <nlohmann/json.hpp>

namespace gradus::see {
namespace {

using PageJson = nlohmann::ordered_json;
constexpr const char* under_head = "         ";  // under the text of the line before

/// "t1: matmul_0 = matmul(x, w1), so ∂matmul_0[n,j]/∂w1[i,j] = x[n,i]".
std::string call_line(const TapeExplanation& page, std::size_t k, TermStyle style) {
  const TapeCall& call = page.calls[k];
  std::string line = call.tick + ": " + call.text;
  const Term& term = page.formula.terms[k];
  const std::optional<IndexForm> form = term ? index_form(term) : std::nullopt;
  const auto local = form ? local_derivative(*form, style) : std::nullopt;
  if (!local) return line;
  const bool is_plain = local->is_elementwise;
  const std::string d = style == TermStyle::unicode ? "∂" : "d ";
  return line + ", so " + d + call.result + (is_plain ? "" : index_text(local->letters)) +
         (style == TermStyle::unicode ? "/" : " / ") + d + page.of +
         (is_plain ? "" : index_text(form->result)) + " = " + local->text +
         (is_plain && !form->result.empty() ? ", element by element" : "");
}

std::string why_lines(const TapeExplanation& page, const std::optional<IndexForm>& form,
                      TermStyle style) {
  std::string text;
  for (std::size_t k = 0; k < page.calls.size(); ++k)
    text += (k ? under_head : "WHY      ") + call_line(page, k, style) + "\n";
  if (page.calls.size() > 1) text += under_head + std::string("their gradients add up\n");
  if (!form || form->summed.empty()) return text;
  text += under_head + std::string("chain rule, summed over ") + form->summed;
  if (form->summed.size() == 1)
    text += " because every " + form->summed + " used the same " + page.of;
  return text + ": " + page.name + index_text(form->result) + " = " + write(*form, style) + "\n";
}

std::string einsum_line(const TapeExplanation& page, const std::optional<IndexForm>& form) {
  if (!form) return "";
  std::string line = "EINSUM   " + page.name + " = " + form->einsum.str();
  const std::string other = summed_afterwards(*form);
  constexpr double bytes = dtype_size(DType::f32), worth_a_word = 8;
  const auto moved_bytes = static_cast<double>(page.cost.read + page.cost.written);
  if (!other.empty() && form->product * bytes >= worth_a_word * moved_bytes)
    line += "   not " + other + ": that builds " + amount(form->product * bytes, "B");
  return line + "\n";
}

std::string latex_name_of(const std::string& gradient) {
  return write(leaf(gradient, {}), TermStyle::latex);
}
std::string latex_lines(const std::string& name, const Term& term, const Term& chain,
                        const std::string& indent) {
  const std::string one = write(term, TermStyle::latex), whole = write(chain, TermStyle::latex);
  std::string text = latex_name_of(name) + " = " + one + "\n";
  if (whole != one) text += indent + latex_name_of(name) + " = " + whole + "\n";
  return text;
}

/// ", rel 3.1e-5"; nothing where one is no number to compare.
std::string rel_text(double ours, double theirs) {
  if (!std::isfinite(ours) || !std::isfinite(theirs)) return "";
  if (ours == theirs) return ", rel 0";
  return ", rel " + number(std::fabs(ours - theirs) / std::max(std::fabs(theirs), 1e-300), 2);
}

/// Which terms push up, which down, and which are no numbers.
std::string pushes_line(const Reason& reason) {
  if (!reason.is_sum() || reason.count < 2) return "";
  const std::string what = reason.over_rows ? " row" : " term";
  std::string text;
  const auto add = [&](std::int64_t count, const std::string& one, const std::string& several) {
    if (count > 0)
      text += (text.empty() ? "" : ", ") + std::to_string(count) + what +
              (count == 1 ? " " + one : "s " + several);
  };
  const std::string up = signed_number(reason.raised), down = signed_number(reason.lowered);
  add(reason.raising, "pushes " + up, "push " + up);
  add(reason.lowering, "pushes " + down, "push " + down);
  add(reason.not_zero - reason.raising - reason.lowering, "is nan", "are nan");
  return text.empty() ? "" : under_head + text + "\n";
}

std::string check_lines(const TapeElement& element) {
  if (!element.slope)
    return element.no_slope.empty() ? "" : "CHECK    not possible: " + element.no_slope + "\n";
  const GradientSlope& s = *element.slope;
  const double judged = s.judged(element.value);
  std::string text = "CHECK    central difference, f64, " + std::to_string(s.calls) +
                     (s.calls == 1 ? " call" : " calls") +
                     " of the forward pass run again: " + number(s.numeric, 8) + ", step " +
                     number(s.step, 2) + rel_text(judged, s.numeric) + " " +
                     (element.fits ? "ok" : "DIFFERS, ratio " + number(judged / s.numeric, 4)) +
                     " (" + std::to_string(s.kinks) + " kinks crossed)\n";
  if (const std::string passes = passes_text(s); !passes.empty())
    text += under_head + passes + "\n";
  if (!s.crossed.empty()) {
    text += under_head + std::string("kinks within larger steps:");
    for (std::size_t i = 0; i < s.crossed.size(); ++i)
      text += (i ? ", " : " ") + std::to_string(s.crossed[i].second) + " at " +
              number(s.crossed[i].first, 2);
    text += "\n";
  }
  if (s.kinks > 0)
    text += under_head + std::string("left slope ") + number(s.left, 6) + ", right slope " +
            number(s.right, 6) + ": anything between is right\n";
  if (!s.held.empty())
    text += under_head + s.held + " was not differentiated: it keeps the numbers of the run\n";
  if (s.in_f32 && *s.in_f32 != s.numeric) {
    const double off = std::fabs(*s.in_f32 - s.numeric) / std::fabs(s.numeric);
    text += under_head + std::string("the same in f32 gives ") + number(*s.in_f32, 5) +
            (std::isfinite(off) ? " (" + number(100 * off, 2) + "% off)" : "") +
            (std::isfinite(*s.in_f32) ? ": the loss has only 7 digits\n"
                                      : ": the loss ends at 3.4e38\n");
  }
  return text;
}

std::string element_lines(const TapeElement& element) {
  std::istringstream why(why_text(element.reason));
  std::string line;
  std::getline(why, line);
  std::string text =
      (element.is_largest ? "LARGEST  " : "ELEMENT  ") + line + "\n" + pushes_line(element.reason);
  while (std::getline(why, line)) text += under_head + line.substr(2) + "\n";
  if (element.by_formula) {
    const double run = element.since_update.value_or(element.value);
    text += std::string("FORMULA  ") +
            (element.since_update ? "of the last pass in f64 " : "in f64 ") + element.name + " = " +
            number(*element.by_formula, 9) + "; the run has " + number(run, 9) +
            rel_text(run, *element.by_formula) + "\n";
  }
  return text + check_lines(element);
}

/// The names elsewhere of all operations of the page, each once.
std::string names_elsewhere(const TapeExplanation& page) {
  std::string text;
  std::set<std::string> told;
  for (const TapeCall& call : page.calls)
    if (!call.also.empty() && told.insert(call.op).second)
      text += (text.empty() ? "" : "; ") + call.also;
  return text;
}

std::string page_line(const PageJson& j) {
  return j.dump(-1, ' ', false, PageJson::error_handler_t::replace);
}
PageJson page_number(double x) { return json_number<PageJson>(x); }

PageJson json_of_chain(const std::vector<Factor>& chain) {
  PageJson all = PageJson::array();
  for (const Factor& f : chain)
    all.push_back(
        {{"name", f.text}, {"of", f.layer}, {"value", page_number(f.value)}, {"remark", f.remark}});
  return all;
}

PageJson json_of_slope(const TapeElement& element) {
  const GradientSlope& s = *element.slope;
  PageJson j{{"ok", element.fits},
             {"numeric", page_number(s.numeric)},
             {"left", page_number(s.left)},
             {"right", page_number(s.right)},
             {"step", s.step},
             {"kinks", s.kinks},
             {"calls", s.calls}};
  j["kinks_within_larger_steps"] = PageJson::array();
  for (const auto& [step, kinks] : s.crossed)
    j["kinks_within_larger_steps"].push_back({{"step", step}, {"kinks", kinks}});
  if (!s.held.empty()) j["held"] = s.held;
  if (s.in_f32) j["in_f32"] = page_number(*s.in_f32);
  j["passes"] = s.passes;
  if (s.part) j.update({{"part", page_number(*s.part)}, {"rest", s.rest}});
  return j;
}

PageJson json_of_element(const TapeElement& element) {
  PageJson j{{"name", element.name},
             {"index", element.index},
             {"value", page_number(element.value)},
             {"is_largest", element.is_largest},
             {"why", PageJson::parse(json_text(element.reason))}};
  if (element.by_formula) j["by_formula"] = page_number(*element.by_formula);
  if (element.since_update) j["since_update"] = page_number(*element.since_update);
  if (element.slope) j["check"] = json_of_slope(element);
  if (!element.no_slope.empty()) j["no_check"] = element.no_slope;
  return j;
}

}  // namespace

std::string page_text(const TapeExplanation& page, TermStyle style) {
  const Term& term = page.formula.term;
  const std::optional<IndexForm> form = index_form(term);
  std::string text = "WHAT     " + page.name + " = " + write(term, style) +
                     ": how much the loss moves per unit of " + page.per + "\n" +
                     why_lines(page, form, style) + "SHAPES   " + write(term, style, true) +
                     " -> " + page.name + term.shape().str() + ", that of " + page.of;
  if (form && !form->summed.empty())
    text += " (" + form->summed + (form->summed.size() > 1 ? " are" : " is") + " summed away)";
  text += "\n" + einsum_line(page, form) + "LATEX    " +
          latex_lines(page.name, term, page.chain, under_head);
  if (page.norm)
    text +=
        "NUMBERS  L2 " + number(*page.norm, 5) + ", " + number(100 * *page.zeros, 3) + "% zero\n";
  else
    text += "NUMBERS  the tape kept no elements: record it with gradus step --keep full\n";
  if (page.element) text += element_lines(*page.element);
  text += "COST     " + cost_text(page.cost) + "\n";
  std::string kept;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, page.saved_names.size()); ++i)
    kept += (i ? ", " : "") + page.saved_names[i];
  text += "SAVED    " +
          (page.saved > 0 ? amount(static_cast<double>(page.saved), "B") +
                                " that the backward pass read again: " + kept +
                                (page.saved_names.size() > 3 ? ", ..." : "")
                          : "nothing: the backward pass read nothing of the forward pass here") +
          "\n";
  const std::string names = names_elsewhere(page);
  return names.empty() ? text : text + "NAMES    " + names + "\n";
}

std::string latex_text(const TapeFormula& formula, const Tape& tape) {
  return latex_lines(tape.name_of(formula.of) + ".g", formula.term, chain_of(tape, formula), "");
}

std::string json_text(const Reason& reason) {
  PageJson j{{"value", page_number(reason.value)}, {"op", reason.op}};
  if (!reason.is_sum()) {
    j["operands"] = PageJson::array();
    for (const auto& [name, value] : reason.operands) {
      j["operands"].push_back({{"name", name}});
      if (value) j["operands"].back()["value"] = page_number(*value);
    }
    if (!reason.chain.empty()) j["chain"] = json_of_chain(reason.chain);
    return page_line(j);
  }
  j["sum_of"] = reason.sides;
  j["over"] = reason.over_rows ? "rows" : "terms";
  j["terms"] = reason.count;
  j["not_zero"] = reason.not_zero;
  j["raising"] = {{"terms", reason.raising}, {"sum", page_number(reason.raised)}};
  j["lowering"] = {{"terms", reason.lowering}, {"sum", page_number(reason.lowered)}};
  j["largest"] = PageJson::array();
  for (const Contributor& one : reason.largest) {
    PageJson entry{{"n", one.n}, {"value", page_number(one.value)}};
    for (const double factor : one.factors) entry["factors"].push_back(page_number(factor));
    if (one.label) entry["label"] = page_number(*one.label);
    j["largest"].push_back(std::move(entry));
  }
  j["followed"] = {{"n", reason.followed}, {"chain", json_of_chain(reason.chain)}};
  return page_line(j);
}

std::string json_text(const TapeExplanation& page) {
  const Term& term = page.formula.term;
  PageJson j{{"name", page.name},
             {"of", page.of},
             {"text", write(term)},
             {"shapes", write(term, TermStyle::ascii, true)},
             {"shape", term.shape().to_vector()}};
  if (const auto form = index_form(term)) {
    j["einsum"] = form->einsum.str();
    j["indices"] = write(*form, TermStyle::ascii);
  }
  j["latex"] = write(term, TermStyle::latex);
  j["latex_chain"] = write(page.chain, TermStyle::latex);
  j["calls"] = PageJson::array();
  for (std::size_t k = 0; k < page.calls.size(); ++k)
    j["calls"].push_back({{"tick", page.calls[k].tick},
                          {"op", page.calls[k].op},
                          {"text", page.calls[k].text},
                          {"why", call_line(page, k, TermStyle::ascii)},
                          {"also", page.calls[k].also}});
  if (page.norm) {
    j["norm"] = page_number(*page.norm);
    j["zeros"] = *page.zeros;
  }
  if (page.element) j["element"] = json_of_element(*page.element);
  j["flops"] = page.cost.flops;
  j["bytes_read"] = page.cost.read;
  j["bytes_written"] = page.cost.written;
  j["saved_bytes"] = page.saved;
  j["saved"] = page.saved_names;
  j["also"] = names_elsewhere(page);
  return page_line(j);
}

}  // namespace gradus::see
