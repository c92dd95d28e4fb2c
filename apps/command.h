// What a command shows of itself: its name, its options as data, and the work. Only arguments.h
// reads the command line and help.h tells of it, so that adding a command costs one small file.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include <gradus/core/error.h>

namespace gradus::app {

/// One option or argument of a command and where its value goes.
struct Option {
  using Target = std::variant<bool*, int*, std::int64_t*, std::optional<std::int64_t>*,
                              std::uint64_t*, double*, std::string*, std::vector<std::string>*>;
  /// "--json", "--shuffle,!--no-shuffle", or "model" for an argument by place.
  std::string names;
  Target target;
  std::string help;
  /// The only values allowed, any where empty.
  std::vector<std::string> choices{};
  bool required = false;

  bool is_argument() const { return names[0] != '-'; }
  bool is_flag() const { return std::holds_alternative<bool*>(target); }
  /// Takes many values: all the arguments that are left, or one each time the option is given.
  bool is_list() const { return std::holds_alternative<std::vector<std::string>*>(target); }
  /// Its value as text, empty where there is none.
  std::string value() const;
  /// "--lr LR" as help and errors write it.
  std::string spelling() const;
};

struct Command {
  std::string name, help;
  std::vector<Option> options;
  /// Returns the exit code; errors are thrown.
  std::function<int()> run;
  /// Its argument may begin with "-", as expressions do.
  bool takes_minus = false;
};

/// A command line that says something impossible: exit code 2. `option` is empty for a message that
/// quotes the word itself.
struct UsageError : std::runtime_error {
  UsageError(const std::string& option, const std::string& message, const std::string& hint = {})
      : std::runtime_error((option.empty() ? "" : option + ": ") + message +
                           (hint.empty() ? "" : "\n  hint: " + hint)) {}
};

/// What f gives; an error of the library about a word of the command line becomes a UsageError.
template <class F>
decltype(auto) as_usage(const std::string& option, F&& f) {
  try {
    return f();
  } catch (const Error& error) {
    throw UsageError(option, error.problem(), error.hint());
  }
}

}  // namespace gradus::app
