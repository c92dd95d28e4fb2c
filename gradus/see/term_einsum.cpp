// Terms as one einsum: products, sums, transposes and stretches are all contractions, so a chain of
// them is one equation over what is left. Next: gradient_formula.h.
#include <gradus/see/term_node.h>
#include <gradus/see/words.h>

#include <algorithm>

namespace gradus::see {
namespace {

/// The term without its first `count` axes, which have one element each; empty where it would be
/// written otherwise without them.
Term without_leading(const Term& t, int count) {
  if (count == 0) return t;
  const auto kept = [&](const Shape& shape) {
    return Shape(Ints(shape.begin() + count, shape.end()));
  };
  const auto part = [&](std::size_t k) {
    const Term& p = t.parts()[k];
    return without_leading(p, std::max(p.shape().rank() - (t.shape().rank() - count), 0));
  };
  Terms parts;
  if (t.is(TermKind::add) || t.is(TermKind::sub) || t.is(TermKind::mul) || t.is(TermKind::div) ||
      t.is(TermKind::map) || t.is(TermKind::compare) || t.is(TermKind::select)) {
    for (std::size_t k = 0; k < t.parts().size(); ++k) {
      parts.push_back(part(k));
      if (!parts.back()) return {};
    }
  }
  switch (t.kind()) {
    case TermKind::add:
      return parts[0] + parts[1];
    case TermKind::sub:
      return parts[0] - parts[1];
    case TermKind::mul:
      return parts[0] * parts[1];
    case TermKind::div:
      return parts[0] / parts[1];
    case TermKind::map:
      return map(t.name(), parts);
    case TermKind::compare:
      return compare(parts[0], t.name(), parts[1]);
    case TermKind::select:
      return select(parts[0], parts[1], parts[2]);
    case TermKind::reshape:
      return t.parts()[0].shape().rank() <= t.shape().rank() - count
                 ? reshaped(t.parts()[0], kept(t.shape()))
                 : Term();
    case TermKind::sum:  // that kept its axes
      for (int k = 0; k < static_cast<int>(t.ints().size()); ++k)
        if (t.ints()[static_cast<std::size_t>(k)] != k) return {};
      return static_cast<int>(t.ints().size()) == count &&
                     t.parts()[0].shape().rank() == t.shape().rank()
                 ? sum_over(t.parts()[0], t.ints())
                 : Term();
    default:
      return {};
  }
}

/// Collects factors and their letters on the way down.
struct FactorCollector {
  double scale = 1;
  Terms factors;
  std::vector<std::string> terms;
  std::string put_back{};  // letters of axes that a sum leaves with one element
  int used = 0;

  char fresh() {
    // i, j, k ... first, as people write them; 52 letters are more than 16 axes of few tensors
    // need.
    const std::string order = "ijklmnopqrstuvwxyzabcdefghABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return order[static_cast<std::size_t>(used++) % order.size()];
  }

  /// What of `letters`, those of a broadcast result, are the letters of `part`.
  std::string of_part(const Term& part, const Shape& whole, const std::string& letters) {
    std::string own = letters.substr(letters.size() - part.shape().size());
    const int extra = whole.rank() - part.shape().rank();
    for (std::size_t k = 0; k < own.size(); ++k)
      if (part.shape()[static_cast<int>(k)] != whole[static_cast<int>(k) + extra]) own[k] = fresh();
    return own;
  }

  void collect(const Term& t, const std::string& letters) {
    switch (t.kind()) {
      case TermKind::number:
        scale *= t.number();
        return;
      case TermKind::mul:
        for (const Term& p : t.parts()) collect(p, of_part(p, t.shape(), letters));
        return;
      case TermKind::div:
        if (t.parts()[1].is(TermKind::number)) {
          scale /= t.parts()[1].number();
          collect(t.parts()[0], letters);
          return;
        }
        break;
      case TermKind::stretch:
        collect(t.parts()[0], of_part(t.parts()[0], t.shape(), letters));
        return;
      case TermKind::permute: {
        std::string own(letters.size(), ' ');
        for (std::size_t k = 0; k < letters.size(); ++k)
          own[static_cast<std::size_t>(t.ints()[k])] = letters[k];
        collect(t.parts()[0], own);
        return;
      }
      case TermKind::sum:
        if (t.shape().rank() < t.parts()[0].shape().rank()) {
          std::string own;
          std::size_t next = 0;
          for (int k = 0; k < t.parts()[0].shape().rank(); ++k)
            own += std::find(t.ints().begin(), t.ints().end(), k) != t.ints().end()
                       ? fresh()
                       : letters[next++];
          collect(t.parts()[0], own);
          return;
        }
        break;
      case TermKind::unbroadcast: {
        const Shape& from = t.parts()[0].shape();
        const int extra = from.rank() - t.shape().rank();
        std::string own;
        for (int k = 0; k < from.rank(); ++k) {
          const bool is_gone = k < extra || from[k] != t.shape()[k - extra];
          own += is_gone ? fresh() : letters[static_cast<std::size_t>(k - extra)];
          if (is_gone && k >= extra) put_back += letters[static_cast<std::size_t>(k - extra)];
        }
        collect(t.parts()[0], own);
        return;
      }
      case TermKind::einsum: {
        const Equation e(t.name(), t.parts());
        std::map<char, char> renamed;
        bool fits = true;
        for (std::size_t k = 0; k < e.output.size(); ++k) renamed[e.output[k]] = letters[k];
        for (const auto& [letter, size] : e.sizes)
          if (!renamed.count(letter)) renamed[letter] = fresh();
        for (std::size_t p = 0; p < t.parts().size(); ++p)
          for (std::size_t k = 0; k < e.inputs[p].size(); ++k)
            fits = fits && t.parts()[p].shape()[static_cast<int>(k)] == e.sizes.at(e.inputs[p][k]);
        if (!fits) break;
        for (std::size_t p = 0; p < t.parts().size(); ++p) {
          std::string own;
          for (const char c : e.inputs[p]) own += renamed[c];
          collect(t.parts()[p], own);
        }
        return;
      }
      default:
        break;
    }
    factors.push_back(t);
    terms.push_back(letters);
  }

  /// Leading axes of one element that nobody writes have no letter: the g of a reduction over all
  /// axes is written g, not g[None,None]. Not where the result has no other source for the axis.
  void drop_unwritten(const std::string& output) {
    for (std::size_t p = 0; p < factors.size(); ++p) {
      int ones = 0;
      while (ones < factors[p].shape().rank() && factors[p].shape()[ones] == 1) ++ones;
      for (; ones > 0; --ones) {
        const std::string gone = terms[p].substr(0, static_cast<std::size_t>(ones));
        const Term less = without_leading(factors[p], ones);
        if (!less || !are_elsewhere(gone, output, p)) continue;
        factors[p] = less;
        terms[p].erase(0, gone.size());
        break;
      }
    }
  }
  bool are_elsewhere(const std::string& gone, const std::string& output, std::size_t except) const {
    for (const char letter : gone) {
      bool found = output.find(letter) == output.npos;
      for (std::size_t p = 0; p < terms.size(); ++p)
        found = found || (p != except && terms[p].find(letter) != output.npos);
      if (!found) return false;
    }
    return true;
  }
};

}  // namespace

std::optional<EinsumForm> einsum_form(const Term& term) {
  FactorCollector c;
  std::string output;
  for (int k = 0; k < term.shape().rank(); ++k) output += c.fresh();
  c.collect(term, output);
  c.drop_unwritten(output);
  if (c.factors.empty() || c.used > 52) return std::nullopt;
  std::string left;
  for (std::size_t p = 0; p < c.terms.size(); ++p) left += (p == 0 ? "" : ",") + c.terms[p];
  std::string kept, result;
  for (const char letter : output) {
    const bool is_there = left.find(letter) != std::string::npos;
    if (!is_there && c.put_back.find(letter) == std::string::npos) return std::nullopt;
    if (is_there) kept += letter;
    result += is_there ? letter : '0';
  }
  if (c.factors.size() == 1 && left == output)
    return std::nullopt;  // it would only repeat the text
  return EinsumForm{c.scale, left + "->" + kept, c.factors, result};
}

std::string EinsumForm::str() const {
  std::string text;
  if (scale == -1) {
    text = "-";
  } else if (scale != 1) {
    text = number(scale, 12) + " * ";
  }
  text += "einsum(\"" + equation + "\"";
  for (const Term& f : factors) text += ", " + write(f);
  text += ")";
  if (result.find('0') == result.npos) return text;
  for (std::size_t k = 0; k < result.size(); ++k)
    text += (k ? "," : "[") + std::string(result[k] == '0' ? "None" : ":");
  return text + "]";
}

}  // namespace gradus::see
