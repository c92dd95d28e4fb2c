// Each version is timed, and its line says how much faster than the first it is.
#pragma once

#include <algorithm>

#include "lesson.h"

namespace lesson {

class Race {
 public:
  Race() { std::cout << "version                   time ms   GFLOP/s  speed-up\n"; }
  /// Runs `product` three times, prints the best time, and returns its result. `pairs` is how many
  /// multiplications, each with an addition, it takes; the speed-up is counted for one of them.
  template <class Product>
  gradus::Tensor run(const char* name, double pairs, Product&& product,
                     std::source_location at = std::source_location::current()) {
    gradus::Tensor result;
    double best = 1e9;
    for (int i = 0; i < 3; ++i) {
      const Stopwatch watch;
      result = product();
      best = std::min(best, watch.seconds());
    }
    if (first_ == 0) first_ = best / pairs;
    timing(text("%-22s %10.4f %9.3f %9.0f", name, best * 1e3, 2 * pairs / best / 1e9,
                first_ / (best / pairs)),
           at);
    return result;
  }

 private:
  double first_ = 0;  // seconds of one multiplication and addition in the first version
};

}  // namespace lesson
