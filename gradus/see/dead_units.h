// dead(relu1): the share of a module's units that are 0 for all rows. The one thing in expressions
// that is said of a module and not of a tensor.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gradus/see/elements.h>

namespace gradus::see {

/// "relu1" of "dead(relu1)"; nothing for any other text.
std::optional<std::string_view> module_in_dead(std::string_view text);
/// Whether an expression holds dead(...) of the module that a tick ran.
bool asks_dead_of(std::string_view expression, const Tape& tape, TapeIndex tick);
/// The forward tick of a module known at the end of `tick`, of its step; none where it did not run.
TapeIndex tick_of_module(const Tape& tape, std::string_view module, TapeIndex tick);
/// The labels and module paths of the tape's ticks.
std::vector<std::string> modules_of(const Tape& tape);
/// The share at a module's tick, from 0 to 1; nothing where its result has no rows of units. Throws
/// what Elements throws.
std::optional<double> dead_share(const Elements& elements, TapeIndex tick);

}  // namespace gradus::see
