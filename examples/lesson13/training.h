// The net of the second notebook, its loss and accuracy on a whole set, and how much memory is in
// use.
#pragma once

#include <gradus/gradus.h>

#include <fstream>

namespace lesson {
using namespace gradus;

/// 784 - 50 - 10, 39,760 parameters, of the next random numbers of the stream; with a seed, of its
/// first.
inline nn::Sequential lesson_net() {
  return nn::Sequential{nn::Linear(784, 50), nn::ReLU(), nn::Linear(50, 10)};
}
inline nn::Sequential lesson_net(std::uint64_t seed) {
  manual_seed(seed);
  return lesson_net();
}

/// What the notebook prints, and of how many images it is.
struct Report {
  double loss = 0, accuracy = 0;
  std::int64_t images = 0;
};
/// Of a set in one piece, without recording.
inline Report whole_set(nn::Module& model, const Tensor& x, const Tensor& y) {
  const NoGrad guard;
  const Tensor preds = model(x);
  return {cross_entropy(preds, y).item(), accuracy(preds, y), x.size(0)};
}

/// Memory at the moment it is made: of the process (0 where /proc does not tell), and of tensors.
struct Memory {
  Memory() : tensors(static_cast<double>(memory_in_use())) {
    std::ifstream file("/proc/self/statm");
    double pages = 0;
    file >> pages >> resident_mb;
    resident_mb *= 4096 / 1e6;
  }
  double resident_mb = 0, tensors;
};

}  // namespace lesson
