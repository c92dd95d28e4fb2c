// Why is this one number as it is? The element of a tensor taken apart by the call that made it:
// a sum into its largest terms, a term into its factors along the chain rule.
#pragma once

#include <gradus/see/elements.h>

namespace gradus::see {

/// "w1.g[237,39]" as name and index; an index may be missing for one number. Throws ValueError.
struct ElementName {
  std::string name;
  Ints index;
};
ElementName parse_element(std::string_view text);

/// A few lines about the element as known at the end of `tick`. Throws what Elements throws, and
/// IndexError for a place outside.
std::string why(const Elements& elements, std::string_view element, TapeIndex tick);

}  // namespace gradus::see
