// What the chapters about training share: the net of the second notebook, loss and accuracy of
// a whole set, a watch, and how much memory is in use.
#pragma once

#include <gradus/gradus.h>

#include <chrono>
#include <cstdio>
#include <fstream>

#include "lesson.h"

namespace lesson {

/// The net of the second notebook, 784 - 50 - 10, 39,760 parameters. With a seed, the first net of
/// that seed; without, the next of the stream.
inline gradus::nn::Sequential lesson_net() {
  using namespace gradus::nn;
  return Sequential{Linear(784, 50), ReLU(), Linear(50, 10)};
}
inline gradus::nn::Sequential lesson_net(std::uint64_t seed) {
  gradus::manual_seed(seed);
  return lesson_net();
}

/// printf into a string.
template <class... Values>
std::string text(const char* format, Values... values) {
  char line[256];
  std::snprintf(line, sizeof line, format, values...);
  return line;
}

/// What the notebook prints: loss and accuracy.
struct Report {
  double loss = 0, accuracy = 0;
};
/// Of a set in one piece, without recording.
inline Report whole_set(gradus::nn::Module& model, const gradus::Tensor& x,
                        const gradus::Tensor& y) {
  const gradus::NoGrad guard;
  const gradus::Tensor preds = model(x);
  return {gradus::cross_entropy(preds, y).item(), gradus::accuracy(preds, y)};
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

/// Seconds since it was made.
class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};
/// Memory at the moment it is made: of the process (0 where /proc does not tell), and of tensors.
struct Memory {
  Memory() : tensors(static_cast<double>(gradus::memory_in_use())) {
    std::ifstream file("/proc/self/statm");
    double pages = 0;
    file >> pages >> resident_mb;
    resident_mb *= 4096 / 1e6;
  }
  double resident_mb = 0, tensors;
};

}  // namespace lesson
