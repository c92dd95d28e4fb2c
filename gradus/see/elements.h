// Elements: the numbers behind a tape's values at a place on it: those that were kept, and those
// that running the recorded step again gives back. Names as an expression finds them.
#pragma once

#include <functional>
#include <optional>

#include <gradus/core/nearest.h>
#include <gradus/see/expression.h>
#include <gradus/see/tape.h>

namespace gradus::see {

class Elements {
 public:
  /// `replay(step)` fills the payloads of a step, or throws; may be empty.
  explicit Elements(Tape& tape, std::function<void(TapeIndex step)> replay = {})
      : tape_(tape), replay_(std::move(replay)) {}

  /// The elements of a value. Throws ValueError where they were not kept and cannot be replayed.
  Tensor of(TapeIndex value) const;
  /// The value of a name at a tick. Throws NameError, with the nearest name, where there is none.
  TapeIndex find(std::string_view name, TapeIndex tick) const;
  /// Names for `evaluate`, as known at the end of `tick`; x.g is there where a gradient was made.
  Lookup at(TapeIndex tick) const;
  /// The value of an expression at a tick; "... @ t=3" and "... @ step=0 t=3" look elsewhere.
  /// loss[-1] is the loss of the step before, dead(relu1) a module's share of dead units. Throws
  /// ExpressionError and the errors above.
  Value evaluate(std::string_view text, TapeIndex tick) const;
  /// The names in an expression that nothing on the tape has so far; computes nothing. Throws
  /// ExpressionError for what is no expression.
  std::vector<std::string> unknown_names(std::string_view text) const;
  /// The text without "@ step=0 t=3" at its end, where that is its only time; it sets `tick`.
  /// Throws ValueError.
  std::string take_time(std::string_view text, TapeIndex& tick) const;

  Tape& tape() const { return tape_; }

 private:
  /// dead(relu1): see dead_units.h. Empty where the module did not run yet.
  Tensor dead_of(std::string_view module, TapeIndex tick) const;
  std::optional<Value> known_without(std::string_view expression, TapeIndex tick) const;

  Tape& tape_;
  std::function<void(TapeIndex)> replay_;
};

/// Why nothing has a name at a tick, and what to do: it comes later on the tape, or another name
/// was meant.
struct Absence {
  std::string problem, hint;
};
Absence absence_of(const Tape& tape, std::string_view name, TapeIndex tick);
/// Where a name is that nothing has at `tick`: the first tick behind it, as far as the tape
/// reaches, or none.
TapeIndex comes_at(const Tape& tape, std::string_view name, TapeIndex tick);
/// "t8 (w1.g @ t=8)", "step 1 t8 (w1.g @ step=1 t=8)": where to look from `tick`.
std::string time_text(const Tape& tape, std::string_view name, TapeIndex there, TapeIndex tick);

/// "t=3", "step=2", "step=2 t=3" as a tick; `from` gives what is not said. Throws ValueError.
TapeIndex parse_tick(const Tape& tape, std::string_view text, TapeIndex from);

}  // namespace gradus::see
