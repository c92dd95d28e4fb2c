// The gradus command: reads the command line, runs one command, turns errors into messages and exit
// codes: 0 well, 2 a wrong command line, 1 anything else, 130 interrupted.
#include <apps/commands/commands.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <new>

#include <gradus/core/error.h>

namespace gradus::app {
namespace {

void add_option(CLI::App& app, const Option& option) {
  CLI::Option* added = std::visit(
      [&]<class T>(T* target) -> CLI::Option* {
        if constexpr (std::is_same_v<T, bool>)
          return app.add_flag(option.names, *target, option.help);
        else if constexpr (std::is_same_v<T, std::vector<std::string>>)
          return app.add_option(option.names, *target, option.help)
              ->allow_extra_args(option.names[0] != '-');
        else
          return app.add_option(option.names, *target, option.help);
      },
      option.target);
  // Shows what happens without the option, where that is a value worth reading.
  const auto* text = std::get_if<std::string*>(&option.target);
  const bool is_list = std::holds_alternative<std::vector<std::string>*>(option.target);
  if (option.names[0] == '-' && !std::holds_alternative<bool*>(option.target) && !is_list &&
      !(text && (*text)->empty()))
    added->capture_default_str();
  if (!option.choices.empty()) added->check(CLI::IsMember(option.choices));
  if (option.required) added->required();
}

/// Says which words there are where the first one is none of them.
bool is_unknown(const std::vector<Command>& commands, const std::string& word) {
  std::string names;
  for (const Command& command : commands) {
    if (command.name == word) return false;
    names += " " + command.name;
  }
  std::fprintf(stderr, "gradus: there is no command '%.40s'\n  hint: commands are%s\n",
               word.c_str(), names.c_str());
  return true;
}

/// What the library is to read, last argument first, as it wants. All our options but -h begin with
/// two dashes, so `gradus diff -x^2` means an expression: it goes behind "--".
std::vector<std::string> arguments(int argc, char** argv) {
  std::vector<std::string> all(argv + 1, argv + argc);
  if (all.size() > 1 && all[1].size() > 1 && all[1][0] == '-' && all[1][1] != '-' &&
      all[1] != "-h") {
    all.emplace_back("--");
    std::rotate(all.begin() + 1, all.begin() + 2, all.end());
  }
  std::reverse(all.begin(), all.end());
  return all;
}

int run(const Command& command) {
  try {
    return command.run();
  } catch (const UsageError& error) {
    std::fprintf(stderr, "gradus: %s\n", error.what());
    return 2;
  } catch (const Error& error) {
    std::fprintf(stderr, "gradus: %s\n", error.what());
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "gradus: no memory left\n  hint: use a smaller network or batch\n");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gradus: %s\n", error.what());
  }
  return 1;
}

}  // namespace
}  // namespace gradus::app

int main(int argc, char** argv) {
  using namespace gradus::app;
  const std::vector<Command> commands = all_commands();
  const std::string word = argc > 1 && argv[1][0] != '-' ? argv[1] : "";
  if (!word.empty() && is_unknown(commands, word)) return 2;

  CLI::App app{"gradus: train small networks and see what they do", "gradus"};
  app.set_version_flag("--version", "gradus " GRADUS_VERSION);
  app.require_subcommand(1);
  app.footer("`gradus COMMAND --help` tells more. Try: gradus train");
  for (const Command& command : commands) {
    CLI::App* added = app.add_subcommand(command.name, command.help);
    for (const Option& option : command.options) add_option(*added, option);
  }
  try {
    app.parse(arguments(argc, argv));
  } catch (const CLI::Success& success) {  // --help, --version
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "gradus: %s\n  hint: see `gradus%s --help`\n", error.what(),
                 word.empty() ? "" : (" " + word).c_str());
    return 2;
  }
  for (const Command& command : commands)
    if (app.got_subcommand(command.name)) return run(command);
  return 2;
}
