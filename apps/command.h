// What a command shows of itself: its name, its options as data, and the work. Only gradus.cpp
// knows the library that reads the command line, so that adding a command costs one small file.
#pragma once

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

namespace gradus::app {

/// One option or argument of a command and where its value goes.
struct Option {
  using Target = std::variant<bool*, int*, std::int64_t*, std::uint64_t*, double*, std::string*,
                              std::vector<std::string>*>;
  /// "--json", "--shuffle,!--no-shuffle", or "model" for an argument by place.
  std::string names;
  Target target;
  std::string help;
  /// The only values allowed, any where empty.
  std::vector<std::string> choices{};
  bool required = false;
};

struct Command {
  std::string name, help;
  std::vector<Option> options;
  /// Returns the exit code; errors are thrown.
  std::function<int()> run;
};

/// A command line that says something impossible: exit code 2.
struct UsageError : std::runtime_error {
  UsageError(const std::string& option, const std::string& message)
      : std::runtime_error(option + ": " + message) {}
};

}  // namespace gradus::app
