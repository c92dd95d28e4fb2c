// The three nets of the bench, and one training step of each, written as a user would (eager) and
// as Trainer runs it (compiled). From here: steps.cpp, worker.cpp.
#pragma once

#include <gradus/gradus.h>

#include <memory>

#include "bench.h"

namespace bench {

struct NetCase {
  std::string name;   ///< "i"
  std::string shape;  ///< "784-50-10"
  std::vector<std::int64_t> widths;
  std::int64_t batch;
  double lr;

  /// FLOP of one step: 2 for each weight and sample forward, 2 for its gradient, 2 for the gradient
  /// of its input, which the first layer does not need. Products alone are counted.
  double flop() const {
    double sum = 0;
    for (std::size_t i = 0; i + 1 < widths.size(); ++i)
      sum += (i == 0 ? 4.0 : 6.0) * static_cast<double>(widths[i] * widths[i + 1]);
    return sum * static_cast<double>(batch);
  }
};

inline constexpr std::int64_t epoch_samples = 50000;

const std::vector<NetCase>& net_cases();
const NetCase& net_case(const std::string& name);

/// MNIST's training images where they are there, else bytes that are 0 as often (81 %).
gradus::data::ImageSet images(const std::string& data);

/// A net with its optimizer and its step.
class Training {
 public:
  Training(const NetCase& c, bool compiled, bool skips_zeros = true);
  /// One step; the loss. Compiled steps are eager until their plan is there (three steps).
  gradus::Tensor step(const gradus::data::Batch& batch);
  gradus::nn::Sequential& net() { return net_; }
  gradus::optim::Optimizer& optimizer() { return sgd_; }
  const gradus::compile::Plan* plan(const gradus::data::Batch& batch) const {
    return compiled_ ? compiled_->plan(batch) : nullptr;
  }

 private:
  gradus::nn::Sequential net_;
  gradus::optim::SGD sgd_;
  gradus::LossFunction loss_;
  std::unique_ptr<gradus::CompiledStep> compiled_;
};

}  // namespace bench
