// One command of the step debugger as it was typed: its word, the direction in time, what follows,
// and the file that takes the answer. Reads text alone; step.h knows what the words mean.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::see {

struct StepCommand {
  std::string typed;        ///< without the file; errors point into it
  std::string word;         ///< empty where it begins with no word
  int direction = 1;        ///< -1 with a minus behind the word
  std::string rest;         ///< what follows
  std::size_t rest_at = 0;  ///< where that begins in `typed`
  std::string file;         ///< behind ">", where it is no comparison
};

/// The commands of a line, at each `;` that no bracket holds.
std::vector<std::string> commands_of(std::string_view line);

/// The characters of names at the beginning: "w1.g" of "w1.g[2,3] + 1".
std::string_view leading_name(std::string_view text);

/// Takes "> notes.txt" off the end of a command. What names a tensor, or a number, is compared
/// with: only what has a folder or an ending is a file.
std::string take_file(std::string& command,
                      const std::function<bool(std::string_view name)>& is_tensor);

/// Whether what follows a command's word ends in a '>' where a file is meant: "n >", "n 3 >". What
/// compares misses another thing.
bool lacks_file(std::string_view rest);

/// "lin1" and "loss>3" of "lin1 if loss>3", as gdb has it; without `if` the condition is empty.
/// Throws ValueError where one of the two is missing.
struct Conditional {
  std::string what, condition;
  std::size_t condition_at = 0;  ///< where it begins
};
Conditional read_conditional(const std::string& rest);

/// "c-", "b lin1", "@[2,3]", "rn 2" apart; a word ends where no name could go on.
StepCommand read_command(std::string typed);

}  // namespace gradus::see
