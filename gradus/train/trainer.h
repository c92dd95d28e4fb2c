// Trainer: the training loop with events. The loop is in trainer.cpp, one screen long; everything
// else (progress, files, early stops: callbacks.h) is a Callback, and what is measured besides the
// loss is a Metric (metric.h).
//   Trainer(net, optimizer, cross_entropy)
//       .with(Progress{std::cout}, Accuracy{}, Checkpoint{"run"})
//       .fit(train, valid, {.epochs = 3});
#pragma once

#include <gradus/data/loader.h>
#include <gradus/nn/layers.h>
#include <gradus/optim/optimizer.h>
#include <gradus/train/compiled_step.h>

namespace gradus {

/// Names and values of metrics.
using MetricValues = std::vector<std::pair<std::string, double>>;

/// Loss and share of right answers over a data set.
struct Evaluation {
  /// The accuracy is NaN where targets are no class numbers.
  double loss = 0, accuracy = 0;
  std::int64_t samples = 0;
  MetricValues metrics{};
};

struct EpochRecord {
  std::int64_t epoch = 0;                                 ///< from 1
  double first_batch_loss = 0, first_batch_accuracy = 0;  ///< before the first update
  double train_loss = 0, train_accuracy = 0;  ///< over all batches, each before its update
  MetricValues train_metrics{};               ///< likewise
  Evaluation valid;                           ///< no samples without a validation set
  double seconds = 0;                         ///< of the training part
  std::int64_t samples = 0;
  double samples_per_second() const {
    return seconds > 0 ? static_cast<double>(samples) / seconds : 0;
  }
};

/// Where the loop is.
struct TrainState {
  nn::Module& net;
  optim::Optimizer& optimizer;
  std::int64_t epoch = 0, epochs = 0;   ///< epoch from 1
  std::int64_t batch = 0, batches = 0;  ///< batch from 1
  std::int64_t step = 0;                ///< batches in all epochs, from 1
  double loss = 0, accuracy = 0;        ///< of the last batch
  std::int64_t batch_samples = 0;
  double lr = 0;         ///< of the first parameter group
  bool stop = false;     ///< set it to end after this batch, or after this epoch
  std::size_t deaf = 0;  ///< callbacks that did not hear the last before_step
  EpochRecord record{};
};

/// Sees the loop; every event may be ignored. The order of a run:
/// before_fit { before_epoch { before_batch before_step after_batch }... before_validate
/// after_validate after_epoch }... after_fit
class Callback {
 public:
  virtual ~Callback() = default;
  virtual void before_fit(TrainState&) {}
  virtual void before_epoch(TrainState&) {}
  virtual void before_batch(TrainState&) {}
  /// The gradients are there, the parameters are not yet changed: clip_grad_norm belongs here. A
  /// trainer with a callback that hears this event runs its steps one by one, uncompiled; one that
  /// calls this base says that it needs no gradients any more.
  virtual void before_step(TrainState& state) { ++state.deaf; }
  virtual void after_batch(TrainState&) {}
  virtual void before_validate(TrainState&) {}
  virtual void after_validate(TrainState&) {}
  /// The record is complete.
  virtual void after_epoch(TrainState&) {}
  /// The steps cannot be compiled and run one by one; told once, with the reason.
  virtual void not_compiled(TrainState&, const std::string& reason) { (void)reason; }
  /// A plan takes over the steps of batches like this one (compile/plan.h).
  virtual void planned(TrainState&, const compile::Plan& plan) { (void)plan; }
  /// A step does something else than the plan knew, which is made anew; told once, with the reason.
  virtual void plan_dropped(TrainState&, const std::string& reason) { (void)reason; }
  /// Also after an early end; not when something was thrown.
  virtual void after_fit(TrainState&) {}
};

struct FitOptions {
  std::int64_t epochs = 1;
  /// Learning rate of a step, given the starting rate of a parameter group; optim::constant,
  /// cosine, one_cycle.
  std::function<double(double lr, std::int64_t step, std::int64_t total)> schedule =
      optim::constant;
  /// Whether steps are compiled once they are known (train/compiled_step.h). The bits are the same,
  /// as long as numbers of the host that net and loss use (Dropout::p, a factor) change between
  /// epochs only: the first batch of each epoch is compared with the plan. What changes from batch
  /// to batch belongs into a tensor, which is written in place.
  bool compile = true;
  /// Whether compiled steps pass over zeros of the batches where many are. The bits are the same.
  bool skip_zeros = true;
};

class Trainer {
 public:
  /// Keeps references: net and optimizer must outlive it.
  Trainer(nn::Module& net, optim::Optimizer& optimizer, LossFunction loss)
      : net_(net), optimizer_(optimizer), loss_(std::move(loss)) {}

  /// Adds callbacks and metrics. Variables are kept by reference, temporaries are taken over.
  template <class... Parts>
  Trainer& with(Parts&&... parts) {
    (add(std::forward<Parts>(parts)), ...);
    return *this;
  }
  /// Trains for options.epochs; `valid` is evaluated after each. Ends early when a callback asks:
  /// an epoch cut short is not in the result. The optimizer has its learning rates again after it.
  /// Errors of net and loss name the line of this call.
  std::vector<EpochRecord> fit(const data::DataLoader& train, const data::DataLoader& valid,
                               const FitOptions& options = {}, Place at = Place::current()) {
    return run(train, &valid, options, at);
  }
  /// The same without a validation set.
  std::vector<EpochRecord> fit(const data::DataLoader& train, const FitOptions& options = {},
                               Place at = Place::current()) {
    return run(train, nullptr, options, at);
  }
  /// The plan of the steps of the last fit, as a table (compile/plan.h); empty where there was
  /// none.
  const std::string& plan() const { return plan_text_; }
  /// Why plan() is empty: "a callback hears before_step ...".
  std::string why_no_plan() const;

 private:
  template <class Part>
  void add(Part&& part) {
    using Kept = std::remove_cvref_t<Part>;
    static_assert(std::is_base_of_v<Callback, Kept> || std::is_base_of_v<Metric, Kept>,
                  "with() takes callbacks and metrics");
    if constexpr (std::is_lvalue_reference_v<Part>) {
      keep(part);
    } else {
      auto own = std::make_shared<Kept>(std::forward<Part>(part));
      keep(*own);
      owned_.push_back(std::move(own));
    }
  }
  void keep(Callback& callback) { callbacks_.push_back(&callback); }
  void keep(Metric& metric) { metrics_.push_back(&metric); }

  std::vector<EpochRecord> run(const data::DataLoader& train, const data::DataLoader* valid,
                               const FitOptions& options, Place at);
  void train_epoch(const data::DataLoader& train, TrainState& state);
  void run_batch(const data::Batch& batch, TrainState& state);
  void tell_of_plans(const data::Batch& batch, TrainState& state);
  void tell(void (Callback::*event)(TrainState&), TrainState& state);

  nn::Module& net_;
  optim::Optimizer& optimizer_;
  LossFunction loss_;
  std::vector<Callback*> callbacks_;
  std::vector<Metric*> metrics_;
  std::vector<std::shared_ptr<void>> owned_;
  // Of the fit that runs:
  std::function<void(TrainState&)> set_rates_;
  std::unique_ptr<CompiledStep> step_;
  bool compiles_ = true, runs_eagerly_ = false;
  bool was_told_of_obstacle_ = false, was_told_of_change_ = false;
  int plans_known_ = 0;
  std::vector<bool> modes_;
  std::string plan_text_, obstacle_;
};

/// Trains for `epochs` and gives the validation loss and accuracy after the last; `each_epoch` sees
/// every epoch's record. The loop in one call, for those who need no callbacks. (fit of fast.ai's
/// miniai)
Evaluation fit(std::int64_t epochs, nn::Module& net, const LossFunction& loss,
               optim::Optimizer& optimizer, const data::DataLoader& train,
               const data::DataLoader& valid,
               const std::function<void(const EpochRecord&)>& each_epoch = {},
               Place at = Place::current());

/// Mean loss and accuracy in evaluation mode, without recording; sums are kept in f64. Every module
/// has its own mode again afterwards.
Evaluation evaluate(nn::Module& net, const LossFunction& loss, const data::DataLoader& loader,
                    std::span<Metric* const> metrics = {}, Place at = Place::current());

}  // namespace gradus
