// The command line, read into the targets of a command's options. What git, cargo and ripgrep do:
// "--lr .1" and "--lr=.1", "--" before arguments that begin with a dash, the nearest name where one
// is unknown.
#pragma once

#include <apps/command.h>

#include <span>

namespace gradus::app {

/// Reads the words behind the command's name. An option with a value may be given once, unless it
/// takes a list; of flags that contradict each other the last one counts. Throws UsageError, with
/// the repair, for anything else. False where the words ask for help.
bool read_arguments(const Command& command, std::span<const std::string> words);

/// The command of that name. Throws UsageError, with the nearest name, where there is none.
const Command& find_command(const std::vector<Command>& commands, const std::string& name);

}  // namespace gradus::app
