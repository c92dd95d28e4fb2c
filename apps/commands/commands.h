// The commands. Each adds itself to the command line and sets `run`, which returns the exit code.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace gradus::app {

using Run = std::function<int()>;

void add_train(CLI::App& app, Run& run);
void add_eval(CLI::App& app, Run& run);
void add_predict(CLI::App& app, Run& run);
void add_data(CLI::App& app, Run& run);
void add_ops(CLI::App& app, Run& run);
void add_apply(CLI::App& app, Run& run);
void add_doctor(CLI::App& app, Run& run);

}  // namespace gradus::app
