// Live: the step debugger inside a running program, with no change to its model.
//
//   GRADUS_BREAK='lin*.backward' ./program        // or 't', to stop at the first tick
//   see::step(loss);  loss.backward();            // or a line in the program
//
// Commands come from standard input, answers go to standard output; step.h has the commands. The
// elements of the last 256 MB are kept; nothing can be run again here: that takes a
// see::StepProgram (gradus step). An exception that nobody catches opens the prompt, to step back
// from there. GRADUS_ECHO writes each command before its answer, for transcripts.
#pragma once

#include <gradus/core/tensor.h>

namespace gradus::see {

/// Stops this thread's program at the next tick. The first call begins the recording, so the calls
/// before it are not on the tape; x is called `name` there.
void step(const Tensor& x, const std::string& name = "loss");

/// Begins recording this thread when GRADUS_BREAK is set: it holds stops separated by `;`, each as
/// after `b` (step.h). Says on standard error what it does not understand. gradus.h calls it before
/// main.
bool break_from_environment() noexcept;

}  // namespace gradus::see
