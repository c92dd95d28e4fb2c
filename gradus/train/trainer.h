// Trainer: the training loop with events. The loop is in trainer.cpp, one screen long; everything
// else (progress, files, early stops) is a Callback.
#pragma once

#include <gradus/data/loader.h>
#include <gradus/nn/layers.h>
#include <gradus/optim/optimizer.h>

namespace gradus {

/// Anything to call with output and target: a lambda, nn::MSELoss{}, or a loss of ops.h by its
/// name.
class LossFunction : public std::function<Tensor(const Tensor& output, const Tensor& target)> {
 public:
  using function::function;
  /// cross_entropy, nll.
  LossFunction(Tensor (*f)(const Tensor&, const Tensor&, const CrossEntropyOptions&, Place))
      : function([f](const Tensor& x, const Tensor& y) { return f(x, y, {}, Place::current()); }) {}
  /// mse, binary_cross_entropy_with_logits.
  LossFunction(Tensor (*f)(const Tensor&, const Tensor&, const std::string& reduction, Place))
      : function(
            [f](const Tensor& x, const Tensor& y) { return f(x, y, "mean", Place::current()); }) {}
};

/// Loss and share of right answers over a data set.
struct Evaluation {
  double loss = 0, accuracy = 0;
  std::int64_t samples = 0;
};

struct EpochRecord {
  std::int64_t epoch = 0;                                 ///< from 1
  double first_batch_loss = 0, first_batch_accuracy = 0;  ///< before the first update
  double train_loss = 0, train_accuracy = 0;  ///< over all batches, each before its update
  Evaluation valid;
  double seconds = 0;  ///< of the training part
  std::int64_t samples = 0;
  double samples_per_second() const {
    return seconds > 0 ? static_cast<double>(samples) / seconds : 0;
  }
};

/// Where the loop is.
struct TrainState {
  std::int64_t epoch = 0, epochs = 0;   ///< epoch from 1
  std::int64_t batch = 0, batches = 0;  ///< batch from 1
  double loss = 0, accuracy = 0;        ///< of the last batch
  std::int64_t batch_samples = 0;
  double lr = 0;
  bool stop = false;  ///< set it to end after this batch
  EpochRecord record;
};

/// Sees the loop; every event may be ignored.
class Callback {
 public:
  virtual ~Callback() = default;
  virtual void on_epoch_begin(TrainState&) {}
  virtual void on_batch_end(TrainState&) {}
  virtual void on_epoch_end(TrainState&) {}
};

struct FitOptions {
  std::int64_t epochs = 1;
  /// Learning rate of a step, given the starting rate; optim::constant, cosine, one_cycle.
  std::function<double(double lr, std::int64_t step, std::int64_t total)> schedule =
      optim::constant;
};

class Trainer {
 public:
  /// Keeps references: net and optimizer must outlive it.
  Trainer(nn::Module& net, optim::Optimizer& optimizer, LossFunction loss)
      : net_(net), optimizer_(optimizer), loss_(std::move(loss)) {}
  /// Adds a callback, kept by reference.
  Trainer& with(Callback& callback);
  /// Trains for options.epochs; `valid` is evaluated after each. Ends early when a callback asks:
  /// the epoch at hand is then not in the result.
  std::vector<EpochRecord> fit(const data::DataLoader& train, const data::DataLoader& valid,
                               const FitOptions& options);

 private:
  void run_batch(const data::Batch& batch, TrainState& state);
  nn::Module& net_;
  optim::Optimizer& optimizer_;
  LossFunction loss_;
  std::vector<Callback*> callbacks_;
};

/// Trains for `epochs` and gives the validation loss and accuracy after the last; `each_epoch` sees
/// every epoch's record. The loop in one call, for those who need no callbacks. (fit of fast.ai's
/// miniai)
Evaluation fit(std::int64_t epochs, nn::Module& net, const LossFunction& loss,
               optim::Optimizer& optimizer, const data::DataLoader& train,
               const data::DataLoader& valid,
               const std::function<void(const EpochRecord&)>& each_epoch = {});

/// Mean loss and accuracy in evaluation mode, without recording; sums are kept in f64.
Evaluation evaluate(nn::Module& net, const LossFunction& loss, const data::DataLoader& loader);
/// Share of rows whose largest score is at the target. (torchmetrics accuracy)
double accuracy(const Tensor& scores, const Tensor& target);

}  // namespace gradus
