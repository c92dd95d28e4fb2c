// What can go wrong with an expression. The room stands on the standard library alone, so its
// errors do too; the command turns them into messages and exit codes. Next: expression.h.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>

namespace gradus::symbolic {

/// Base of the room's errors: a variable without a value, an expression that grows too large.
class ExpressionError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Text that is no expression. `what()` has three or four lines: the problem, the text, a caret
/// below the character meant, and, where there is one, the repair:
///   expected an operator before 'x'
///     2x + 1
///      ^
///     hint: write 2*x
class ParseError : public ExpressionError {
 public:
  ParseError(const std::string& text, std::size_t position, std::string problem,
             std::string hint = {});
  /// Offset in bytes of the character meant, text.size() at its end.
  std::size_t position() const { return position_; }
  const std::string& problem() const { return problem_; }
  const std::string& hint() const { return hint_; }

 private:
  std::size_t position_;
  std::string problem_, hint_;
};

}  // namespace gradus::symbolic
