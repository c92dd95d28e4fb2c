// Diagnostics: mistakes that have a name. A code ("B1") stands for one kind of mistake; what is
// said of it has three parts: what happened with the user's own shapes and names, why it matters
// with measured numbers, how to mend it. Errors carry theirs where they are thrown; what only a
// recorded run can show is found by see/health.h. `gradus explain B1` has a page for each.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <gradus/core/error.h>

namespace gradus {

enum class Severity { ok, note, warning, error };
/// "ok", "note", "warn", "error"
std::string_view severity_name(Severity severity);

/// One line of the table of mistakes.
struct Code {
  std::string_view name;  ///< "B1"
  Severity severity;
  std::string_view title;  ///< "a loss of two shapes that broadcast"
};
/// All codes, in the order of docs/diagnostics.md.
std::span<const Code> codes();
/// The code of that name, null where there is none.
const Code* find_code(std::string_view name);

/// One mistake as it was met.
struct Diagnostic {
  std::string code;
  std::string what;        ///< first line: what happened; may hold the repair, when that is short
  std::string why{};       ///< second line: why it matters and how to mend it; may be empty
  std::string place{};     ///< "train.cpp:57"; may be empty
  std::int64_t count = 1;  ///< how often at this place
  Severity severity() const;
  /// The whole text, without the place:
  ///   B1 error  mse(pred, target): (4,1) and (4,) broadcast to (4,4): 16 differences instead of 4
  ///             The value looks right ...
  std::string str() const;
};

/// While it lives, the codes named are meant in this thread: no error, no warning.
///   const Allow meant("B1");
class Allow {
 public:
  explicit Allow(std::string_view code);
  ~Allow();
  Allow(const Allow&) = delete;
  Allow& operator=(const Allow&) = delete;
};
bool is_allowed(std::string_view code);
/// The codes that are meant in this thread now.
const std::vector<std::string>& allowed_codes();
/// What B1's message asks for: a loss of two shapes that broadcast, meant so; and B2 of what is
/// computed in it.
struct [[nodiscard]] allow_broadcast : Allow {
  allow_broadcast() : Allow("B1") {}

 private:
  Allow stretch_{"B2"};
};

/// What an error that has a code can say of itself.
class HasDiagnostic {
 public:
  explicit HasDiagnostic(Diagnostic diagnostic, bool after_call = false)
      : diagnostic_(std::move(diagnostic)), after_call_(after_call) {}
  virtual ~HasDiagnostic() = default;
  const Diagnostic& diagnostic() const { return diagnostic_; }
  /// Told by the error on its way out: the outermost operation and the user's line.
  void note_call(std::string_view operation, std::string place);

 private:
  Diagnostic diagnostic_;
  bool after_call_;
  std::string call_;
};

/// An error of type Base with a code: throw Coded<ShapeError>({"S1", ...}, problem, hint). Its
/// what() is the diagnostic's text and the place. With `after_call`, "cross_entropy: " is put
/// before the text: the operation that the user called.
template <class Base>
class Coded final : public Base, public HasDiagnostic {
 public:
  Coded(Diagnostic diagnostic, std::string problem, std::string hint, bool after_call = false)
      : Base(std::move(problem), std::move(hint)),
        HasDiagnostic(std::move(diagnostic), after_call) {}
};

/// The diagnostic of an error, null where it has no code.
const Diagnostic* diagnostic_of(const std::exception& error);

/// Sizes as the messages write them: (10000,1), (10000,), ().
class Shape;
std::string sizes_text(const Shape& shape);

}  // namespace gradus
