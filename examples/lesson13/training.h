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

/// Seeds the stream of random numbers with 1 and draws what the notebook had drawn when it came to
/// the steps of this chapter, 19, 20 or 21.
inline void stream_before_chapter(int chapter) {
  gradus::manual_seed(1);
  lesson_net();  // chapter 16's
  if (chapter == 19) return;
  const gradus::nn::Linear small(3, 4);
  const int nets = chapter == 20 ? 6 : 9;  // of chapter 19, then three of 20
  for (int net = 0; net < nets; ++net) lesson_net();
  if (chapter == 20) return;
  const auto draw = [](int times) {
    for (int i = 0; i < times; ++i) gradus::default_generator().random64();
  };
  for (int shuffled = 0; shuffled < 2; ++shuffled) {  // three epochs each, two draws an epoch
    lesson_net();
    draw(6);
  }
  draw(2);  // for the batch that the notebook showed
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

/// Three epochs with a new net, SGD and lr .5: loss and accuracy of the last batch of each. A
/// loader gives its batches to a function: loader.each(use). In f64 the same weights and pixels
/// are rounded later.
template <class Loader>
std::vector<Report> three_epochs(const Loader& loader, double* valid_accuracy = nullptr,
                                 gradus::DType dtype = gradus::DType::f32) {
  gradus::nn::Sequential model = lesson_net();
  model.to(dtype);
  gradus::optim::SGD opt(model.parameters(), {.lr = .5});
  std::vector<Report> last(3);
  for (Report& report : last)
    loader.each([&](const gradus::data::Batch& batch) {
      const gradus::Tensor preds = model(batch.x.astype(dtype)),
                           loss = cross_entropy(preds, batch.y);
      loss.backward();
      opt.step();
      opt.zero_grad();
      report = {loss.item(), gradus::accuracy(preds, batch.y)};
    });
  if (valid_accuracy) *valid_accuracy = whole_set(model, data().x_valid, data().y_valid).accuracy;
  return last;
}

/// The first and last three numbers of a row, with two digits.
inline std::string ends_of_row(const gradus::Tensor& x, int row) {
  using gradus::Slice;
  std::string words;
  for (const Slice& end : {Slice{0, 3}, Slice{-3, {}}}) {
    if (!words.empty()) words += " ..";
    for (double value : x[{row, end}].to_vector<double>()) words += text("%6.2f", value);
  }
  return words;
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
