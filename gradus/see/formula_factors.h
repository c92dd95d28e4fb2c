// One element of a formula as the product of its factors, "2/300 * (out - y)[5,0]", each with its
// number: what the formula says, not the calls by which the library happens to compute it.
#pragma once

#include <gradus/see/chain.h>
#include <gradus/see/explain_tape.h>

namespace gradus::see {

/// Nothing where the formula is no product at this place, or too long for naive loops. Throws what
/// Elements throws.
std::vector<Factor> factors_at(const TapeFormula& formula, const Elements& elements,
                               const Ints& index);

/// Those of an element of "out.g" as known at the end of `tick`; nothing for what is no gradient,
/// and where the formula gives another number than the run has, as where several passes added up.
std::vector<Factor> factors_of_element(const Elements& elements, std::string_view name,
                                       const Element& element, TapeIndex tick);

}  // namespace gradus::see
