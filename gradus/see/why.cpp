// Following an element back through the calls that made it; see why.h.
#include <gradus/see/chain.h>
#include <gradus/see/formula_factors.h>
#include <gradus/see/why.h>
#include <gradus/see/words.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace gradus::see {
namespace {

/// Whether n counts axis 0 of every side: the rows of a batch.
bool counts_rows(const Chain& chain, const Products& sum) {
  for (const Element& side : sum.sides) {
    const Element e = chain.traced(side, false);
    if (e.index.empty() || e.index[0] != running) return false;
  }
  return true;
}

void take_sum_apart(Reason& reason, const Chain& chain, const Elements& elements, TapeIndex tick,
                    const Products& sum) {
  reason.count = sum.count;
  reason.over_rows = counts_rows(chain, sum);
  for (const Element& side : sum.sides)
    reason.sides.push_back(chain.label(chain.traced(side, false)));
  std::vector<std::pair<double, std::int64_t>> terms(static_cast<std::size_t>(sum.count));
  for (std::int64_t n = 0; n < sum.count; ++n) {
    const double term = sum.term(chain, n);
    terms[static_cast<std::size_t>(n)] = {term, n};
    reason.not_zero += term != 0;
    if (term > 0) ++reason.raising, reason.raised += term;
    if (term < 0) ++reason.lowering, reason.lowered += term;
  }
  if (terms.empty()) return;
  const auto shown = std::min<std::size_t>(3, terms.size());
  std::partial_sort(terms.begin(), terms.begin() + static_cast<std::ptrdiff_t>(shown), terms.end(),
                    [&](const auto& a, const auto& b) {
                      const double left = magnitude(a.first), right = magnitude(b.first);
                      return left != right ? left > right : a.second < b.second;
                    });
  // A label says more than a row number, where there is one for each row.
  const TapeIndex y = elements.tape().find("y", tick);
  const bool has_labels = y != none && chain.shape(y).rank() == 1 && chain.shape(y)[0] == sum.count;
  for (std::size_t i = 0; i < shown; ++i) {
    Contributor one{terms[i].second, terms[i].first};
    for (const Element& side : sum.sides) one.factors.push_back(chain.read(side, one.n));
    if (has_labels) one.label = chain.read({y, {one.n}});
    reason.largest.push_back(std::move(one));
  }
  reason.followed = sum.followed(chain);
  reason.chain = sum.factors(chain, reason.followed);
}

/// "largest: row 5 0.5*2 = +1   row 7 -0.5"; nothing where all terms are 0.
std::string largest_line(const Reason& reason) {
  if (reason.not_zero == 0) return "";
  std::string text = "  largest:";
  for (std::size_t i = 0; i < reason.largest.size(); ++i) {
    const Contributor& one = reason.largest[i];
    text += std::string(i ? "   " : " ") + reason.term_name(one.n);
    if (one.label) text += " (y=" + number(*one.label, 5) + ")";
    const bool in_factors = i == 0 && one.factors.size() > 1;
    for (std::size_t k = 0; in_factors && k < one.factors.size(); ++k)
      text += (k ? "*" : " ") + number(one.factors[k], 5);
    text += (in_factors ? " = " : " ") + signed_number(one.value);
  }
  return text + "\n";
}

std::string sum_text(const Reason& reason) {
  if (reason.count == 1) return reason.title + " = " + chain_text(reason.chain) + "\n";
  std::string text = reason.title + " = sum over " + (reason.over_rows ? "rows n" : "n") + " of ";
  for (std::size_t i = 0; i < reason.sides.size(); ++i) text += (i ? "*" : "") + reason.sides[i];
  text += "; " + std::to_string(reason.not_zero) + " of " + std::to_string(reason.count) +
          (reason.over_rows ? " rows" : " terms") + " are not 0\n" + largest_line(reason);
  if (reason.chain.empty()) return text;
  std::string row = reason.term_name(reason.followed) + ":";
  row.resize(std::max<std::size_t>(row.size() + 1, reason.over_rows ? 9 : 0), ' ');
  return text + "  " + row + chain_text(reason.chain) + "\n";
}

/// What an operand is called: a product that has no name by its factors, "0.0001*b1.g[39]", where a
/// reader knows both.
std::string operand_label(const Tape& tape, const Chain& chain, const Element& operand) {
  std::string own = chain.label(operand);
  const TapeEvent* made = chain.maker(operand.value);
  if (tape.is_told(operand.value) || !made || made->op != "mul") return own;
  std::string constants, names;
  for (const TapeIndex input : made->inputs) {
    const TapeValue& value = at(tape.values, input);
    const std::optional<Element> same = chain.same_place(operand, input);
    if (value.made_by == none && value.spec.shape.rank() == 0 && value.statistics)
      constants += number(value.statistics->mean, 5) + "*";
    else if (same && tape.is_told(input))
      names += (names.empty() ? "" : "*") + chain.label(*same);
    else
      return own;
  }
  return names.empty() ? own : constants + names;
}

}  // namespace

std::string chain_text(const std::vector<Factor>& factors) {
  std::string text;
  double product = 1;
  for (const Factor& f : factors) {
    product *= f.value;
    text += (text.empty() ? "" : " * ") + f.text + " " + number(f.value, 5) +
            (f.remark.empty() ? "" : " (" + f.remark + ")");
  }
  return text + " = " + signed_number(product, 5);
}

std::string Reason::term_name(std::int64_t n) const {
  return (over_rows ? "row " : "n=") + std::to_string(n);
}

ElementName parse_element(std::string_view text) {
  const auto fail = [&] {
    throw ValueError("'" + std::string(text) + "' is no element",
                     "say name[row,column]: w1.g[3,2]");
  };
  std::string plain;
  for (const char c : text)
    if (c != ' ') plain += c;
  const std::size_t open = plain.find('[');
  ElementName element{plain.substr(0, open), {}};
  if (element.name.empty()) fail();
  if (open == plain.npos) return element;
  if (plain.back() != ']') fail();
  const char *begin = plain.data() + open + 1, *end = plain.data() + plain.size() - 1;
  while (begin < end) {
    std::int64_t i = 0;
    const auto [next, error] = std::from_chars(begin, end, i);
    if (error != std::errc() || (next != end && *next != ',') || next + 1 == end) fail();
    element.index.push_back(i);
    begin = next + (next != end);
  }
  return element;
}

Reason reason_of(const Elements& elements, std::string_view text, TapeIndex tick) {
  const Tape& tape = elements.tape();
  const Chain chain(elements);
  const auto [e, root, head] = asked_element(chain, elements, text, tick);
  Reason reason{head, chain.read(e)};
  const TapeEvent* event = chain.maker(root.value);
  if (!event) return reason;
  reason.op = event->op;
  if (const std::optional<Products> sum = products_of(chain, root)) {
    take_sum_apart(reason, chain, elements, tick, *sum);
    return reason;
  }
  reason.chain = factors_of_element(elements, parse_element(text).name, e, tick);
  for (const TapeIndex input : event->inputs) {
    // Elementwise calls read the same place, broadcasting aside; others are only named.
    if (const std::optional<Element> same = chain.same_place(root, input)) {
      const Element in = chain.traced(*same, false);
      reason.operands.emplace_back(operand_label(tape, chain, in), chain.read(in));
    } else {
      reason.operands.emplace_back(
          tape.name_of(input) + " " + at(tape.values, input).spec.shape.str(), std::nullopt);
    }
  }
  return reason;
}

std::string why_text(const Reason& reason) {
  if (!reason.untold.empty()) return reason.title + ": not taken apart, " + reason.untold + "\n";
  if (reason.op.empty())
    return reason.title + ": it came from outside, no call of this tape made it\n";
  if (reason.is_sum()) return sum_text(reason);
  if (!reason.chain.empty()) return reason.title + " = " + chain_text(reason.chain) + "\n";
  if (reason.operands.empty())
    return reason.title + ": " + reason.op + " made it of nothing that the tape knows" +
           (reason.op == "full" ? "; a backward pass begins with it" : "") + "\n";
  std::string line = reason.title + " = " + reason.op + " of";
  for (std::size_t i = 0; i < reason.operands.size(); ++i) {
    const auto& [name, value] = reason.operands[i];
    line += (i ? " and " : " ") + name + (value ? " " + number(*value, 5) : "");
  }
  return line + "\n";
}

double rounding_of(const Reason& reason, DType dtype) {
  const double size = reason.is_sum() ? reason.raised - reason.lowered : std::fabs(reason.value);
  const double epsilon = dtype == DType::f32 ? std::numeric_limits<float>::epsilon()
                                             : std::numeric_limits<double>::epsilon();
  return 8 * epsilon * size;
}

std::string why(const Elements& elements, std::string_view element, TapeIndex tick) {
  return why_text(reason_of(elements, element, tick));
}

}  // namespace gradus::see
