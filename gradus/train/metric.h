// Metrics: numbers over the batches of a pass. The Trainer and evaluate() reset them, feed them
// every batch, and keep their values in the records. Write your own as Accuracy is written.
#pragma once

#include <functional>
#include <string>
#include <type_traits>

#include <gradus/nn/losses.h>

namespace gradus {

/// Anything to call with output and target: a lambda, nn::MSELoss{}, or a loss of ops.h by its
/// name. Those that take a Place too are told the line that uses them.
class LossFunction {
 public:
  template <class F>
  requires std::is_invocable_r_v<Tensor, F&, const Tensor&, const Tensor&> LossFunction(F f) {
    if constexpr (std::is_invocable_r_v<Tensor, F&, const Tensor&, const Tensor&, Place>)
      call_ = std::move(f);
    else
      call_ = [g = std::move(f)](const Tensor& x, const Tensor& y, Place) mutable {
        return g(x, y);
      };
  }
  /// cross_entropy, nll.
  LossFunction(Tensor (*f)(const Tensor&, const Tensor&, const CrossEntropyOptions&, Place))
      : call_([f](const Tensor& x, const Tensor& y, Place at) { return f(x, y, {}, at); }) {}
  /// mse, binary_cross_entropy_with_logits.
  LossFunction(Tensor (*f)(const Tensor&, const Tensor&, const std::string& reduction, Place))
      : call_([f](const Tensor& x, const Tensor& y, Place at) { return f(x, y, "mean", at); }) {}

  Tensor operator()(const Tensor& output, const Tensor& target, Place at = Place::current()) const {
    return call_(output, target, at);
  }

 private:
  std::function<Tensor(const Tensor& output, const Tensor& target, Place at)> call_;
};

/// Share of rows whose largest score is at the target: scores [..., c], class numbers [...] or
/// probabilities [..., c]. Throws ShapeError for others. (torchmetrics accuracy)
double accuracy(const Tensor& scores, const Tensor& target, Place at = Place::current());

class Metric {
 public:
  virtual ~Metric() = default;
  /// Its key in the records.
  virtual std::string name() const = 0;
  virtual void reset() = 0;
  /// Called without recording, in the order of the batches.
  virtual void update(const Tensor& output, const Tensor& target) = 0;
  /// Over all updates since reset().
  virtual double value() const = 0;
};

/// A mean over samples of a number that each batch gives: the base of the usual metrics.
class MeanMetric : public Metric {
 public:
  using OfBatch = std::function<double(const Tensor& output, const Tensor& target)>;
  MeanMetric(std::string name, OfBatch of_batch)
      : name_(std::move(name)), of_batch_(std::move(of_batch)) {}
  std::string name() const override { return name_; }
  void reset() override { sum_ = samples_ = 0; }
  void update(const Tensor& output, const Tensor& target) override {
    const auto n = static_cast<double>(target.ndim() > 0 ? target.size(0) : 1);
    sum_ += of_batch_(output, target) * n;
    samples_ += n;
  }
  /// NaN before the first update.
  double value() const override { return sum_ / samples_; }

 private:
  std::string name_;
  OfBatch of_batch_;
  double sum_ = 0, samples_ = 0;
};

/// "accuracy".
struct Accuracy : MeanMetric {
  Accuracy()
      : MeanMetric("accuracy", [](const Tensor& x, const Tensor& y) { return accuracy(x, y); }) {}
};

/// A loss as a metric beside the one that is trained: Loss("absolute", my_loss).
struct Loss : MeanMetric {
  Loss(std::string name, LossFunction loss)
      : MeanMetric(std::move(name), [f = std::move(loss)](const Tensor& x, const Tensor& y) {
          return f(x, y).item();
        }) {}
};

}  // namespace gradus
