// Stop: what a reader may ask to be stopped at, read from text and asked of one tick of a tape.
//   lin1   relu*.backward   op:matmul   file.cpp:42   nan   inf   shape *,10000,10000
//   bytes>1G   rank>2   |w1.g|>100   |*.g|>1e4   dead(relu1)>0.1   loss>5*loss[-1]   step=1 t=3
#pragma once

#include <optional>

#include <gradus/see/elements.h>

namespace gradus::see {

/// Whether `pattern`, in which * stands for any characters, is `text`.
bool matches(std::string_view pattern, std::string_view text);

class Stop {
 public:
  /// Throws ValueError for text that says none of the above.
  explicit Stop(std::string text);

  /// Why the reader is to be stopped after this tick; none where not. A condition counts at the
  /// ticks that make one of the tensors it names, and at t0 where what it names comes in; a name
  /// that is not there yet is not met. Throws what evaluating throws otherwise: a shape that does
  /// not fit, elements that were not kept.
  std::optional<std::string> met(const Elements& elements, TapeIndex tick) const;
  /// Why the reader may never be stopped: "nothing on the tape so far is called 'lni1'; did you
  /// mean 'lin1'?"; empty where something could be met. Throws ExpressionError for a condition that
  /// is no expression.
  std::string doubt(const Elements& elements) const;
  const std::string& text() const { return text_; }

 private:
  enum class Kind { pattern, op, place, time, nan, inf, shape, bytes, rank, norm, dead, condition };
  bool read_time();
  bool compares(double value) const;

  std::string text_, subject_;
  Kind kind_ = Kind::pattern;
  std::string sign_;
  double limit_ = 0;
  TapeIndex step_ = none, number_ = none;  // of a time; any step where none is said
  Ints shape_{};
};

/// "nothing on the tape so far is called 'lni1'; did you mean 'lin1'?".
std::string unknown_text(const std::string& name, const std::vector<std::string>& known);

/// Whether an expression is true (not 0) at the end of `tick`, of several numbers any. Throws what
/// Elements::evaluate throws, and ValueError for a word.
bool holds(const Elements& elements, const std::string& expression, TapeIndex tick);

/// "loss = 2.19", the numbers that a comparison compares at `tick`, so far as it names them; empty
/// where there are none.
std::string compared_text(const Elements& elements, const std::string& comparison, TapeIndex tick);

/// Whether an expression's value differs between the end of the tick before and that of `tick`;
/// says how. A value that appears has changed, also at t0. Throws what evaluating throws; a name
/// that is not there has not changed.
std::optional<std::string> changed(const Elements& elements, const std::string& expression,
                                   TapeIndex tick);

}  // namespace gradus::see
