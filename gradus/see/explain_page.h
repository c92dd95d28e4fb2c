// A page about one gradient of a run: what it is, why, its formula with shapes, as einsum and along
// the whole chain as LaTeX, the numbers of the run, a check by differences, what it costs, what is
// kept for it, and its names elsewhere. Gathered as data first; text and JSON say the same.
// Next: explain_tape.h finds the formula, why.h takes the element apart, gradient_slope.h checks
// it.
#pragma once

#include <gradus/see/explain_tape.h>
#include <gradus/see/gradient_slope.h>
#include <gradus/see/why.h>

namespace gradus::see {

/// A forward call that took the tensor.
struct TapeCall {
  std::string tick, op, text;  ///< "t1", "matmul", "matmul_0 = matmul(x, w1)"
  std::string result;          ///< "matmul_0"
  std::string also;            ///< the operation's names elsewhere
};

/// One number of the gradient.
struct TapeElement {
  std::string name;  ///< "w1.g[319,10]"
  Ints index{};
  double value = 0;         ///< of the run
  bool is_largest = false;  ///< it was not asked for
  Reason reason{};
  std::optional<double> by_formula{};  ///< in f64 from the run's tensors
  /// What of the gradient that formula gives, where passes before an update gave some, too.
  std::optional<double> since_update{};
  std::optional<GradientSlope> slope{};
  std::string no_slope{};  ///< why there is none
  bool fits = false;       ///< the slope and the run agree
};

struct TapeExplanation {
  std::string name, of;  ///< "w1.g", "w1"
  std::string per;       ///< "each of the 39200 weights of lin1"
  TapeFormula formula{};
  Term chain{};  ///< up to the loss
  std::vector<TapeCall> calls{};
  GradientCost cost{};
  std::int64_t saved = 0;                  ///< bytes
  std::vector<std::string> saved_names{};  ///< what they are, the largest first
  std::optional<double> norm{}, zeros{};  ///< of the run: L2, share of zeros; none without elements
  std::optional<TapeElement> element{};
};

/// About "w1.g[237,39]", or "w1.g" with its largest element, as known at the end of `tick`. Throws
/// what formula_on_tape throws, and IndexError for a place outside.
TapeExplanation explained(const Elements& elements, std::string_view what, TapeIndex tick);

/// As lines, "WHAT     w1.g = x.T @ l1.g: ...".
std::string page_text(const TapeExplanation& page, TermStyle style);
/// One JSON object, in which numbers that JSON lacks are "nan", "inf", "-inf".
std::string json_text(const TapeExplanation& page);
std::string json_text(const Reason& reason);
/// Two lines: the formula, and the whole chain where that is another.
std::string latex_text(const TapeFormula& formula, const Tape& tape);

/// The page as text.
std::string explain_on_tape(const Elements& elements, std::string_view what, TapeIndex tick,
                            TermStyle style);
/// The page about the gradient of a tensor of the program, as known at the end of the tape. Throws
/// NameError for a tensor that is not on it.
std::string explain(const Elements& elements, const Tensor& x, TermStyle style = TermStyle::ascii);

}  // namespace gradus::see
