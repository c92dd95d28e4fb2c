// A gradient with its indices, as on a blackboard: "w1.g[i,j] = Σ_n x[n,i]·l1.g[n,j]", and the
// local derivative that stands in it beside the gradient of the result: x[n,i]. It is read off the
// einsum form (term.h), so it says what that says.
#pragma once

#include <gradus/see/term.h>

namespace gradus::see {

struct IndexForm {
  EinsumForm einsum;  ///< of several letters that are summed away the first is n, for rows
  std::vector<std::string> letters;  ///< of each factor; 0 for an axis of one element
  std::string result;                ///< letters of the result
  std::string summed;                ///< letters that are summed away
  double product = 0;                ///< how many products are summed: elements before the sum
};
/// Nothing where the term is no sum of products of whole axes.
std::optional<IndexForm> index_form(const Term& term);

/// "[i,j]", empty without letters.
std::string index_text(const std::string& letters);
/// "Σ_n x[n,i]·l1.g[n,j]".
std::string write(const IndexForm& form, TermStyle style);

/// "(x[:,:,None] * l1.g[:,None,:]).sum(0)": the same by a product that is summed afterwards, which
/// takes memory for all of `form.product` elements; empty where axes would have to be turned.
std::string summed_afterwards(const IndexForm& form);

/// What stands beside one gradient in a formula: "x[n,i]", of d l1[n,j] / d w1[i,j].
struct LocalDerivative {
  std::string letters;  ///< of the gradient: "nj"
  std::string text;     ///< "x[n,i]"; without indices where all letters are the same
  bool is_elementwise = false;
};
/// Nothing where the term does not hold exactly one gradient ("....g"), as a factor.
std::optional<LocalDerivative> local_derivative(const IndexForm& form, TermStyle style);

}  // namespace gradus::see
