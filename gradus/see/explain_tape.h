// The formula of a gradient of a run, found from its tape alone: that of the calls that took the
// tensor, over the tape's values; along the chain rule up to the loss; and one element of it in
// f64. Next: explain_tape.cpp; gradient_formula.h has the formulas, explain_page.h the page about
// one.
#pragma once

#include <gradus/see/elements.h>
#include <gradus/see/gradient_formula.h>

namespace gradus::see {

/// A gradient of a tape as a formula over that tape's values: the sum over the calls that took the
/// tensor.
struct TapeFormula {
  TapeIndex gradient = none, of = none;       ///< values: "w1.g" and "w1"
  std::vector<TapeIndex> events{};            ///< the forward calls
  Terms terms{};                              ///< what each of these gives, empty for nothing
  Term term{};                                ///< their sum
  std::map<std::string, TapeIndex> leaves{};  ///< values by the name they have in the formula
  std::map<std::string, TapeIndex> owners{};  ///< of leaves that are gradients: whose they are
};

/// The formula of "w1.g" (or "w1": its gradient) as known at the end of `tick`. Throws NameError
/// for an unknown name, ValueError where no call with a formula is behind it.
TapeFormula formula_on_tape(const Tape& tape, std::string_view name, TapeIndex tick);

/// The formula of a gradient by its value; `of` says whose it is where several tensors share it.
/// Throws ValueError as above.
TapeFormula formula_of(const Tape& tape, TapeIndex gradient, TapeIndex of = none);

/// The formula along the chain rule: each gradient in it replaced by its own formula, up to the
/// loss, as far as the line stays readable.
Term chain_of(const Tape& tape, const TapeFormula& formula);

/// That of "w1.g"; where nothing is said those of all gradients that `tick` makes. Throws
/// ValueError where there is none.
std::vector<TapeFormula> formulas_asked(const Tape& tape, std::string_view what, TapeIndex tick);

/// One element of a formula in f64 from the run's numbers, where naive loops can: whole below
/// `most` operations, else by the element's own slices of a contraction; nothing where neither can.
std::optional<double> element_by_formula(const TapeFormula& formula, const Elements& elements,
                                         const Ints& index, double most = 2e7);

}  // namespace gradus::see
