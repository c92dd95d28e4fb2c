// Why is this one number as it is? The element of a tensor taken apart by the call that made it:
// a sum into its largest terms, a term into its factors along the chain rule.
#pragma once

#include <gradus/see/chain.h>

namespace gradus::see {

/// "w1.g[237,39]" as name and index; an index may be missing for one number. Throws ValueError.
struct ElementName {
  std::string name;
  Ints index;
};
ElementName parse_element(std::string_view text);

/// One term of the sum that an element is.
struct Contributor {
  std::int64_t n = 0;
  double value = 0;
  std::vector<double> factors{};  ///< what each side of the product reads there
  std::optional<double> label{};  ///< y[n], where there is a label for each n
};

/// An element and what it is made from.
struct Reason {
  std::string title;  ///< "w1.g[237,39] = 151.951 (t8)"
  double value = 0;
  std::string untold{};  ///< why it is not taken apart, where that cannot be
  std::string op{};      ///< of the call that made it; empty for what came from outside

  // Where it is a sum of products:
  std::vector<std::string> sides{};  ///< "x[n,237]", "l1.g[n,39]"
  bool over_rows = false;            ///< n counts the rows of a batch: axis 0 of every side
  std::int64_t count = 0, not_zero = 0;
  std::int64_t raising = 0, lowering = 0;  ///< terms above and below 0
  double raised = 0, lowered = 0;          ///< their sums
  std::vector<Contributor> largest{};      ///< three at most, the largest first
  std::int64_t followed = 0;               ///< the n of the chain
  /// That term along the chain rule, the loss first; or the element itself, where it is one
  /// product.
  std::vector<Factor> chain{};

  /// Where it is not: what the call read, and the number where it reads one place.
  std::vector<std::pair<std::string, std::optional<double>>> operands{};

  bool is_sum() const { return !sides.empty(); }
  /// "row 5", "n=5".
  std::string term_name(std::int64_t n) const;
};

/// The element as known at the end of `tick`. Throws what Elements throws, and IndexError for a
/// place outside.
Reason reason_of(const Elements& elements, std::string_view element, TapeIndex tick);
/// A few lines about it.
std::string why_text(const Reason& reason);
/// Both.
std::string why(const Elements& elements, std::string_view element, TapeIndex tick);

/// What the precision of the run may add to the element: eight units of its last place, of the sum
/// of the sizes of its terms.
double rounding_of(const Reason& reason, DType dtype);

/// "dloss/dout -0.0014388 * w2[39,0] -2.6108 * gate 1 (l1 = 8.773) = +0.0037564".
std::string chain_text(const std::vector<Factor>& factors);

}  // namespace gradus::see
