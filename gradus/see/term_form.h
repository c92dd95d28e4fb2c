// What form a term has on paper: a product of matrices, a new axis, what goes without saying. For
// term_print.cpp, which writes it.
#pragma once

#include <gradus/see/term_node.h>

namespace gradus::see {

/// "ijk": by their places, the letters of a tensor's axes.
std::string letters_by_place(int rank);

/// Are sums below such a term sums of the whole, as one contraction writes it?
bool passes_sums_on(const Term& t);

/// Is this contraction a product of matrices (or stacks of them)? Then which sides are transposed.
struct MatrixProduct {
  bool left_turned = false, right_turned = false;
};
std::optional<MatrixProduct> matrix_product(const Term& t);

/// The parts of an element-by-element node, without the stretching that goes without saying.
Terms said(const Term& t);

/// "[:,None]" for a reshape that only makes new axes; nothing for any other.
std::optional<std::string> new_axes(const Shape& from, const Shape& to);

}  // namespace gradus::see
