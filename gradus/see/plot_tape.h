// The two halves of run_of(tape): plot_tape.cpp and plot_tape_elements.cpp.
#pragma once

#include <gradus/see/plot_run.h>
#include <gradus/see/words.h>

namespace gradus::see {

/// Fills in what needs a tape's elements: accuracy of each step; of the last step that has them the
/// first layer's weights, the confusion and the worst predictions; and says what is missing.
void read_elements(const Tape& tape, Run& run);

}  // namespace gradus::see
