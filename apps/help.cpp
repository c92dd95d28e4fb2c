// Help made of the commands' own data; see help.h.
#include <apps/help.h>
#include <apps/terminal.h>

namespace gradus::app {
namespace {

constexpr int name_column = 26;

std::string usage_of(const Command& command) {
  std::string usage = "usage: gradus " + command.name;
  bool has_options = false;
  for (const Option& option : command.options) has_options |= !option.is_argument();
  if (has_options) usage += " [OPTIONS]";
  for (const Option& option : command.options)
    if (option.is_argument())
      usage += option.required ? " " + option.spelling() : " [" + option.spelling() + "]";
  return usage;
}

std::string line_of(const Option& option, int width) {
  const std::string value = option.is_argument() ? "" : option.value();
  return two_columns("  " + option.spelling(),
                     option.help + (value.empty() ? "" : " [" + value + "]"), name_column, width);
}

}  // namespace

std::string overview(const std::vector<Command>& commands, int width) {
  std::string text =
      "gradus: train small networks and see what they do\n\nusage: gradus COMMAND [OPTIONS]\n\n";
  for (const Command& command : commands)
    text += two_columns("  " + command.name, command.help, 12, width);
  return text + "\n" +
         wrapped("`gradus COMMAND --help` tells more; `gradus --version`. Try: gradus train",
                 width) +
         "\n";
}

std::string help_of(const Command& command, int width) {
  std::string text = wrapped("gradus " + command.name + ": " + command.help, width) + "\n\n" +
                     wrapped(usage_of(command), width) + "\n";
  for (const bool arguments : {true, false}) {
    std::string part;
    for (const Option& option : command.options)
      if (option.is_argument() == arguments) part += line_of(option, width);
    if (!part.empty()) text += "\n" + part;
  }
  return text;
}

}  // namespace gradus::app
