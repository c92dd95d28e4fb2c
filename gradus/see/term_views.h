// Views in formulas: a tensor that is only seen in another shape has no name of its own, so a
// formula is written over the one that it shows: "out - y[:,None]", not "squeeze_5 - y".
#pragma once

#include <gradus/see/tape.h>
#include <gradus/see/term.h>

namespace gradus::see {

/// The formula in another shape; the reshape moves in to where it says something: of (a -
/// b)[:,None] to a[:,None] - b[:,None], and a view that is turned back goes.
Term moved_in(const Term& t, const Shape& shape);

/// Leaves without a name of their own that show another value in another shape, written over that
/// one; `leaves` gets it.
Term over_what_is_seen(const Tape& tape, const Term& t, std::map<std::string, TapeIndex>& leaves);

}  // namespace gradus::see
