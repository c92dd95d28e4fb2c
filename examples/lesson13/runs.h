// Where the stream of random numbers stands, and how a run is held against the notebook's: this
// chapter and the next two train in the notebook's order, each net with the next numbers.
#pragma once

#include <gradus/gradus.h>

#include "lesson.h"
#include "training.h"

namespace lesson {
using namespace gradus;

/// Seeds the stream of random numbers with 1 and draws what the notebook had drawn when it came to
/// the steps of this chapter, 19, 20 or 21.
inline void stream_before_chapter(int chapter) {
  manual_seed(1);
  lesson_net();  // chapter 16's
  if (chapter == 19) return;
  const nn::Linear small(3, 4);
  const int nets = chapter == 20 ? 6 : 9;  // of chapter 19, then three of 20
  for (int net = 0; net < nets; ++net) lesson_net();
  if (chapter == 20) return;
  const auto draw = [](int times) {
    for (int i = 0; i < times; ++i) default_generator().random64();
  };
  for (int shuffled = 0; shuffled < 2; ++shuffled) {  // three epochs each, two draws an epoch
    lesson_net();
    draw(6);
  }
  draw(2);  // for the batch that the notebook showed
}

/// Prints loss and accuracy of the last batch of each epoch, and holds them against the notebook's.
inline void check_epochs(const std::string& name, const std::vector<Report>& here,
                         const std::vector<Report>& notebook, double tolerance,
                         std::source_location at = std::source_location::current()) {
  for (std::size_t e = 0; e < here.size(); ++e) {
    std::cout << text("%-12s epoch %d: %.6f / %.2f\n", name.c_str(), static_cast<int>(e),
                      here[e].loss, here[e].accuracy);
    if (e >= notebook.size()) continue;
    const std::string what = name + ", epoch " + std::to_string(e);
    also({106, at}, what + ", last batch", notebook[e].loss, here[e].loss, tolerance, mnist_only);
    also({106, at}, what + ", its accuracy", notebook[e].accuracy, here[e].accuracy, 1e-9,
         mnist_only);
  }
}

}  // namespace lesson
