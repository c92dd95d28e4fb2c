// The gradus command: finds the command asked for, runs it, turns errors into messages and exit
// codes: 0 well, 2 a wrong command line, 1 anything else, 130 interrupted.
#include <apps/arguments.h>
#include <apps/commands/commands.h>
#include <apps/help.h>
#include <apps/output.h>
#include <apps/terminal.h>

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <new>

#include <gradus/core/diagnostic.h>
#include <gradus/core/nearest.h>
#include <gradus/kernels/threads.h>
#include <gradus/see/tape_view.h>

namespace gradus::app {
namespace {

/// What the error says, but not where in gradus: that place is of no use to who typed a command.
std::string message_of(const Error& error) {
  if (const Diagnostic* diagnostic = diagnostic_of(error)) return diagnostic->str();
  return (error.operation().empty() ? "" : error.operation() + "(" + error.inputs() + "): ") +
         error.problem() + (error.hint().empty() ? "" : "\n  hint: " + error.hint());
}

/// "gradus: ..." to stderr; a terminal gets lines of its width.
void complain(const std::string& text) {
  const std::string whole = "gradus: " + text + "\n";
  const bool is_terminal = ::isatty(STDERR_FILENO) != 0;
  const see::Style style{.width = Terminal().width()};
  std::fputs((is_terminal ? see::wrap_lines(whole, style) : whole).c_str(), stderr);
}

/// Says that a GRADUS_THREADS which the library cannot read (kernels/threads.h) counts for nothing.
void check_environment() {
  const char* text = std::getenv("GRADUS_THREADS");
  if (!text || *text == '\0' || kernels::threads_in(text) > 0) return;
  std::fprintf(stderr,
               "gradus: GRADUS_THREADS is '%.40s', which is no number from 1 to 4096: all "
               "processors are used\n  hint: export GRADUS_THREADS=2, or unset it\n",
               text);
}

int usage_error(const UsageError& error, const std::string& command) {
  std::string text = error.what();
  if (text.starts_with("gradus: ")) text = text.substr(8);
  const bool has_hint = text.find("\n  hint: ") != text.npos;
  complain(text + (has_hint ? "" : "\n  hint: see `gradus " + command + "--help`"));
  return 2;
}

int run(const Command& command) {
  try {
    return command.run();
  } catch (const UsageError& error) {
    return usage_error(error, command.name + " ");
  } catch (const Error& error) {
    complain(message_of(error));
  } catch (const std::bad_alloc&) {
    complain("no memory left\n  hint: use a smaller network or batch");
  } catch (const std::exception& error) {
    complain(error.what());
  }
  return 1;
}

int print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  return 0;
}

int main_of(const std::vector<std::string>& words) {
  const std::vector<Command> commands = all_commands();
  const int width = Terminal().width();
  if (words.empty()) {
    std::fputs(overview(commands, width).c_str(), stderr);
    return 2;
  }
  std::string name = words[0];
  std::vector<std::string> rest(words.begin() + 1, words.end());
  std::string asked;  // the command in question, for the hint
  try {
    if (name == "--version") {
      if (!rest.empty())
        throw UsageError("--version", "stands alone, but there is '" + rest[0].substr(0, 60) + "'");
      return print("gradus " GRADUS_VERSION "\n");
    }
    if (name == "help" || name == "--help" || name == "-h") {
      if (rest.empty()) return print(overview(commands, width));
      name = rest[0];
      rest = {"--help"};
    }
    if (name[0] == '-') {
      const std::string near = nearest(name, {"--help", "--version"});
      throw UsageError("gradus", "there is no option '" + name.substr(0, 60) + "' here",
                       near.empty() ? "a command comes first: gradus train; `gradus help` lists all"
                                    : "did you mean '" + near + "'?");
    }
    const Command& command = find_command(commands, name);
    asked = command.name + " ";
    if (!read_arguments(command, rest)) return print(help_of(command, width));
    check_environment();
    return run(command);
  } catch (const UsageError& error) {
    return usage_error(error, asked);
  }
}

}  // namespace
}  // namespace gradus::app

int main(int argc, char** argv) {
  using namespace gradus::app;
  return finish_output(main_of({argv + std::min(argc, 1), argv + argc}));
}
