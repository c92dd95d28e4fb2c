// Errors: every mistake a user can make ends in one of these exceptions.
// An error says four things: the operation with the inputs as the user passed them, what is wrong,
// how to mend it, and the place in the user's code. Rules deep in the library state only the
// problem and the repair; the door (program/apply.h) adds operation, inputs and place on the way
// out. What has no operation (a constructor, a loader) passes the place it was called from.
#pragma once

#include <exception>
#include <source_location>
#include <string>
#include <string_view>

namespace gradus {

/// A line of the user's code. Public functions take one as a defaulted last parameter.
using Place = std::source_location;

/// Base of all gradus errors. `what()` is the whole text:
///   operation(inputs): problem
///     hint: repair
///     at: file:line
/// without the operation where none ran, and without the place where none is known.
class Error : public std::exception {
 public:
  /// `at` is the user's line; a throw deep in the library leaves it to its callers.
  explicit Error(std::string problem, std::string hint = {}, Place at = {});

  const char* what() const noexcept override { return text_.c_str(); }

  /// What is wrong, without operation, hint and place.
  const std::string& problem() const { return problem_; }
  /// How to mend it; may be empty.
  const std::string& hint() const { return hint_; }
  /// Path of operations from the one the user called inwards, "cross_entropy > log_softmax".
  const std::string& operation() const { return operation_; }
  /// The inputs the user passed, "f32[2,3], i64[2]".
  const std::string& inputs() const { return inputs_; }
  /// The user's line; line 0 where none is known.
  const Place& place() const { return place_; }
  /// Name of the error's type, "ShapeError".
  virtual std::string_view kind() const { return "Error"; }

  /// Called by the door from the innermost operation outwards: each call puts its operation in
  /// front and replaces inputs and place, so that the user sees what the user wrote.
  void add_context(std::string_view operation, std::string inputs, Place at);
  /// The place, where none is known yet.
  void add_place(Place at);

 private:
  void compose_text();

  std::string problem_, hint_, operation_, inputs_, text_;
  Place place_;
};

#define GRADUS_ERROR_TYPE(Name)                              \
  class Name : public Error {                                \
   public:                                                   \
    using Error::Error;                                      \
    std::string_view kind() const override { return #Name; } \
  }

/// Shapes or axes that do not fit.
GRADUS_ERROR_TYPE(ShapeError);
/// A dtype that an operation cannot take.
GRADUS_ERROR_TYPE(DTypeError);
/// An index outside its axis.
GRADUS_ERROR_TYPE(IndexError);
/// A value outside an argument's range (a probability of 2, a learning rate that is NaN).
GRADUS_ERROR_TYPE(ValueError);
/// Gradients asked for where there are none, twice, or of changed values.
GRADUS_ERROR_TYPE(GradError);
/// Data that contradicts itself: damaged files, labels out of range, counts that disagree.
GRADUS_ERROR_TYPE(DataError);
/// The operating system refused: open, read, write, rename.
GRADUS_ERROR_TYPE(IoError);
/// Memory ran out.
GRADUS_ERROR_TYPE(MemoryError);
/// A name that nothing answers to (an operation, an attribute, a parameter).
GRADUS_ERROR_TYPE(NameError);

/// A computation that cannot be written down as a program (compile/compile.h).
GRADUS_ERROR_TYPE(TraceError);

#undef GRADUS_ERROR_TYPE

/// "file.cpp:12", the file without its folders.
std::string short_place(const Place& at);

/// Runs `body`; errors that know no place leave with `at`. For what runs outside the door.
template <class Body>
decltype(auto) with_place(Place at, Body&& body) {
  try {
    return body();
  } catch (Error& error) {
    error.add_place(at);
    throw;
  }
}

}  // namespace gradus
