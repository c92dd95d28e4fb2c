// Letters to their factors; see index_form.h.
#include <gradus/see/index_form.h>
#include <gradus/see/words.h>

#include <algorithm>
#include <map>

namespace gradus::see {
namespace {

/// "ni,nj" as "ni" and "nj".
std::vector<std::string> letters_of_factors(const EinsumForm& form) {
  std::vector<std::string> all{""};
  for (const char c : form.equation.substr(0, form.equation.find("->"))) {
    if (c == ',')
      all.emplace_back();
    else
      all.back() += c;
  }
  return all;
}

std::string factor_text(const Term& factor, const std::string& letters, TermStyle style,
                        bool with_index) {
  std::string text = write(factor, style);
  if (!with_index || letters.empty()) return text;
  const bool is_one_word = factor.is(TermKind::leaf) || factor.is(TermKind::compare);
  return (is_one_word ? text : "(" + text + ")") + index_text(letters);
}

std::string scale_text(double scale) {
  return scale == 1 ? "" : scale == -1 ? "-" : number(scale, 12) + " * ";
}
const char* times_sign(TermStyle style) { return style == TermStyle::unicode ? "·" : "*"; }

}  // namespace

std::string index_text(const std::string& letters) {
  std::string text;
  for (const char c : letters) text += (text.empty() ? "" : ",") + std::string(1, c);
  return text.empty() ? "" : "[" + text + "]";
}

std::optional<IndexForm> index_form(const Term& term) {
  std::optional<EinsumForm> einsum = einsum_form(term);
  if (!einsum) return std::nullopt;
  IndexForm form;
  form.result = einsum->result;
  form.letters = letters_of_factors(*einsum);
  std::map<char, std::int64_t> sizes;
  for (std::size_t p = 0; p < form.letters.size(); ++p)
    for (std::size_t k = 0; k < form.letters[p].size(); ++k) {
      std::int64_t& size = sizes[form.letters[p][k]];
      size = std::max(size, einsum->factors[p].shape()[static_cast<int>(k)]);
    }
  const auto rename = [&](char from, char to) {
    for (std::string& one : form.letters) std::replace(one.begin(), one.end(), from, to);
  };
  for (const auto& [letter, size] : sizes) {
    if (form.result.find(letter) != form.result.npos) continue;
    if (size == 1)
      rename(letter, '0');  // stretched: there is one place to read
    else
      form.summed += letter;
  }
  if (!form.summed.empty() && !sizes.contains('n')) {
    rename(form.summed[0], 'n');
    std::replace(einsum->equation.begin(), einsum->equation.end(), form.summed[0], 'n');
    form.summed[0] = 'n';
  }
  form.einsum = *std::move(einsum);
  form.product = 1;
  for (const auto& [letter, size] : sizes) form.product *= static_cast<double>(size);
  return form;
}

std::string write(const IndexForm& form, TermStyle style) {
  std::string text;
  for (std::size_t p = 0; p < form.letters.size(); ++p)
    text += (p ? times_sign(style) : "") +
            factor_text(form.einsum.factors[p], form.letters[p], style, true);
  const std::string sum = style == TermStyle::unicode ? "Σ_" : "sum_";
  return scale_text(form.einsum.scale) + (form.summed.empty() ? "" : sum + form.summed + " ") +
         text;
}

std::string summed_afterwards(const IndexForm& form) {
  if (form.summed.empty() || form.letters.size() < 2) return "";
  for (const std::string& order : {form.summed + form.result, form.result + form.summed}) {
    std::string product, axes;
    bool fits = true;
    for (std::size_t p = 0; p < form.letters.size(); ++p) {
      std::string index;
      std::size_t next = 0;
      for (const char letter : order) {
        const bool has = next < form.letters[p].size() && form.letters[p][next] == letter;
        next += has;
        index += (index.empty() ? "" : ",") + std::string(has ? ":" : "None");
      }
      fits = fits && next == form.letters[p].size() && form.einsum.factors[p].is(TermKind::leaf);
      product += (p ? " * " : "") + write(form.einsum.factors[p]) + "[" + index + "]";
    }
    for (std::size_t k = 0; k < order.size(); ++k)
      if (form.summed.find(order[k]) != form.summed.npos)
        axes += (axes.empty() ? "" : ",") + std::to_string(k);
    if (fits) return scale_text(form.einsum.scale) + "(" + product + ").sum(" + axes + ")";
  }
  return "";
}

std::optional<LocalDerivative> local_derivative(const IndexForm& form, TermStyle style) {
  const std::vector<std::string>& letters = form.letters;
  const Terms& factors = form.einsum.factors;
  std::optional<std::size_t> gradient;
  LocalDerivative local;
  local.is_elementwise = form.summed.empty();
  for (std::size_t p = 0; p < factors.size(); ++p) {
    local.is_elementwise = local.is_elementwise && letters[p] == form.result;
    if (!factors[p].is(TermKind::leaf) || !factors[p].name().ends_with(".g")) continue;
    if (gradient) return std::nullopt;
    gradient = p;
  }
  if (!gradient) return std::nullopt;
  local.letters = letters[*gradient];
  for (std::size_t p = 0; p < factors.size(); ++p)
    if (p != *gradient)
      local.text += (local.text.empty() ? "" : times_sign(style)) +
                    factor_text(factors[p], letters[p], style, !local.is_elementwise);
  local.text = local.text.empty() ? number(form.einsum.scale, 12)
                                  : scale_text(form.einsum.scale) + local.text;
  return local;
}

}  // namespace gradus::see
