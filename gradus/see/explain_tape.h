// The gradient of a named tensor with the numbers of a run: the formula of the call that it belongs
// to, its shapes, its norm, one element taken apart, and that element by the formula in f64.
// Next: explain_tape.cpp; gradient_formula.h has the formulas, why.h the contributors.
#pragma once

#include <gradus/see/elements.h>
#include <gradus/see/gradient_formula.h>

namespace gradus::see {

/// A gradient of a tape as a formula over that tape's values: the sum over the calls that took the
/// tensor.
struct TapeFormula {
  TapeIndex gradient = none, of = none;  ///< values: "w1.g" and "w1"
  std::vector<TapeIndex> events;         ///< the forward calls
  Term term;
  std::map<std::string, TapeIndex> leaves;  ///< values by the name they have in the formula
};

/// The formula of "w1.g" (or "w1": its gradient) as known at the end of `tick`. Throws NameError
/// for an unknown name, ValueError where no call with a formula is behind it.
TapeFormula formula_on_tape(const Tape& tape, std::string_view name, TapeIndex tick);

/// That of "w1.g"; where nothing is said those of all gradients that `tick` makes. Throws
/// ValueError where there is none.
std::vector<TapeFormula> formulas_asked(const Tape& tape, std::string_view what, TapeIndex tick);

/// One element of a formula in f64 from the run's numbers, where naive loops can: whole below
/// `most` operations, else by the element's own slices of a contraction; nothing where neither can.
std::optional<double> element_by_formula(const TapeFormula& formula, const Elements& elements,
                                         const Ints& index, double most = 2e7);

/// A page about "w1.g[237,39]", or "w1.g" with its largest element.
std::string explain_on_tape(const Elements& elements, std::string_view what, TapeIndex tick,
                            TermStyle style);

}  // namespace gradus::see
