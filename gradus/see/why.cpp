// Following an element back through the calls that made it; see why.h.
#include <gradus/see/chain.h>
#include <gradus/see/why.h>
#include <gradus/see/words.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace gradus::see {
namespace {

std::string signed_number(double v) {
  char text[40];
  std::snprintf(text, sizeof text, "%+.4g", v);
  return text;
}

std::string chain_text(const std::vector<Factor>& factors) {
  std::string text;
  double product = 1;
  for (const Factor& f : factors) {
    product *= f.value;
    text += (text.empty() ? "" : " * ") + f.text + " " + number(f.value, 5) +
            (f.remark.empty() ? "" : " (" + f.remark + ")");
  }
  char total[40];
  std::snprintf(total, sizeof total, "%+.5g", product);
  return text + " = " + total;
}

/// The element as a sum of products: what each side reads at n.
std::string sum_text(const Chain& chain, const Elements& elements, TapeIndex tick,
                     const Products& sum, const std::string& head) {
  const auto& sides = sum.sides;
  const std::int64_t count = sum.count;
  std::vector<std::pair<double, std::int64_t>> terms(static_cast<std::size_t>(count));
  std::int64_t not_zero = 0;
  for (std::int64_t n = 0; n < count; ++n) {
    const double term = sum.term(chain, n);
    terms[static_cast<std::size_t>(n)] = {term, n};
    not_zero += term != 0;
  }
  std::string text = head + " = sum over n of ";
  for (std::size_t i = 0; i < sides.size(); ++i)
    text += (i ? "*" : "") + chain.label(chain.traced(sides[i], false));
  text += "; " + std::to_string(not_zero) + " of " + std::to_string(count) + " terms are not 0\n";
  const double first = terms.empty() ? 0 : terms[0].first;
  const auto shown = std::min<std::size_t>(3, terms.size());
  std::partial_sort(terms.begin(), terms.begin() + static_cast<std::ptrdiff_t>(shown), terms.end(),
                    [&](const auto& a, const auto& b) {
                      return std::fabs(a.first) != std::fabs(b.first)
                                 ? std::fabs(a.first) > std::fabs(b.first)
                                 : a.second < b.second;
                    });
  // A label says more than a row number, where there is one for each row.
  const TapeIndex y = elements.tape().find("y", tick);
  const bool has_labels = y != none && chain.shape(y).rank() == 1 && chain.shape(y)[0] == count;
  text += "  largest:";
  for (std::size_t i = 0; i < shown; ++i) {
    const auto [term, n] = terms[i];
    text += std::string(i ? "   " : " ") + "n=" + std::to_string(n);
    if (has_labels) text += " (y=" + number(chain.read({y, {n}}), 5) + ")";
    if (i == 0 && sides.size() > 1)
      for (std::size_t k = 0; k < sides.size(); ++k)
        text += (k ? "*" : " ") + number(chain.read(sides[k], n), 5);
    text += (i == 0 && sides.size() > 1 ? " = " : " ") + signed_number(term);
  }
  text += "\n";
  if (terms.empty()) return text;
  const std::int64_t row = first != 0 ? 0 : terms[0].second;
  return text + "  n=" + std::to_string(row) + ": " + chain_text(sum.factors(chain, row)) + "\n";
}

}  // namespace

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

std::string why(const Elements& elements, std::string_view text, TapeIndex tick) {
  const Tape& tape = elements.tape();
  const Chain chain(elements);
  const auto [e, root, head] = asked_element(chain, elements, text, tick);
  const TapeEvent* event = chain.maker(root.value);
  if (!event) return head + ": it came from outside, no call of this tape made it\n";
  if (const std::optional<Products> sum = products_of(chain, root))
    return sum_text(chain, elements, tick, *sum, head);
  std::string line = head + " = " + event->op + " of";
  for (std::size_t i = 0; i < event->inputs.size(); ++i) {
    const TapeIndex input = event->inputs[i];
    line += i ? " and " : " ";
    // Elementwise calls read the same place, broadcasting aside; others are only named.
    if (const std::optional<Element> same = chain.same_place(root, input)) {
      const Element in = chain.traced(*same, false);
      line += chain.label(in) + " " + number(chain.read(in), 5);
    } else {
      line += tape.name_of(input) + " " + at(tape.values, input).spec.shape.str();
    }
  }
  return line + "\n";
}

}  // namespace gradus::see
