// What --help tells, in the width of the terminal.
#pragma once

#include <apps/command.h>

namespace gradus::app {

/// All commands, a line each.
std::string overview(const std::vector<Command>& commands, int width);
/// One command: usage, arguments, options with their defaults.
std::string help_of(const Command& command, int width);

}  // namespace gradus::app
