// The commands, in the order in which `gradus --help` lists them.
#pragma once

#include <apps/command.h>

namespace gradus::app {

Command train_command();
Command eval_command();
Command predict_command();
Command data_command();
Command ops_command();
Command apply_command();
Command diff_command();
Command explain_command();
Command plot_command();
Command step_command();
Command lesson_command();
Command doctor_command();

inline std::vector<Command> all_commands() {
  return {train_command(), eval_command(),  predict_command(), data_command(),
          ops_command(),   apply_command(), diff_command(),    explain_command(),
          plot_command(),  step_command(),  lesson_command(),  doctor_command()};
}

}  // namespace gradus::app
