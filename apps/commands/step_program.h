// The programs that gradus step runs: the lesson's net with mean squared error, or a classifier as
// gradus train makes it.
#pragma once

#include <apps/commands/train_options.h>

#include <gradus/see/rerun.h>

namespace gradus::app {

struct StepProgramOptions : TrainOptions {
  std::string net = "lesson";  ///< or "classifier"
};

/// Reads the data, draws the weights. The data are shared by all programs made from it.
std::unique_ptr<see::StepProgram> make_step_program(const StepProgramOptions& options);

}  // namespace gradus::app
