// The loop; see trainer.h.
#include <gradus/train/trainer.h>

#include <chrono>
#include <limits>

namespace gradus {
namespace {

using Clock = std::chrono::steady_clock;

/// NaN where targets are no class numbers: a regression has no accuracy.
double accuracy_or_nan(const Tensor& output, const Tensor& target, Place at = Place::current()) {
  const bool are_classes = !is_floating(target.dtype()) && target.ndim() + 1 == output.ndim();
  return are_classes ? accuracy(output, target, at) : std::numeric_limits<double>::quiet_NaN();
}

MetricValues values_of(std::span<Metric* const> metrics) {
  MetricValues values;
  for (const Metric* metric : metrics) values.emplace_back(metric->name(), metric->value());
  return values;
}

/// Training or evaluation mode of the net and everything in it.
std::vector<bool> modes_of(nn::Module& net) {
  std::vector<bool> modes;
  net.for_each_module([&](const nn::Module& m) { modes.push_back(m.is_training()); });
  return modes;
}

}  // namespace

double accuracy(const Tensor& scores, const Tensor& target, Place at) {
  NoGrad guard;
  const bool are_probabilities = is_floating(target.dtype()) && target.shape() == scores.shape();
  const Tensor answer = argmax(scores.detach(), -1, false, at),
               truth = are_probabilities ? argmax(target.detach(), -1, false, at) : target;
  if (answer.shape() != truth.shape())
    throw ShapeError("scores " + scores.spec().str() + " and targets " + target.spec().str(),
                     "give class numbers without the last axis, or probabilities with it", at);
  return mean(astype(answer == truth, DType::f64)).item();
}

void Trainer::tell(void (Callback::*event)(TrainState&), TrainState& state) {
  for (Callback* callback : callbacks_) (callback->*event)(state);
}

void Trainer::tell_of_plans(const data::Batch& batch, TrainState& state) {
  if (!was_told_of_obstacle_ && !step_->obstacle().empty()) {
    was_told_of_obstacle_ = true;
    obstacle_ = step_->obstacle();
    for (Callback* callback : callbacks_) callback->not_compiled(state, obstacle_);
  }
  if (!was_told_of_change_ && !step_->change().empty()) {
    was_told_of_change_ = true;
    for (Callback* callback : callbacks_) callback->plan_dropped(state, step_->change());
  }
  if (std::exchange(plans_known_, step_->plans_made()) == step_->plans_made()) return;
  if (const compile::Plan* plan = step_->plan(batch)) {
    if (plan_text_.empty()) plan_text_ = plan->str();
    for (Callback* callback : callbacks_) callback->planned(state, *plan);
  }
}

std::string Trainer::why_no_plan() const {
  if (!plan_text_.empty()) return {};
  if (!compiles_) return "FitOptions::compile is off";
  if (!obstacle_.empty()) return obstacle_;
  if (runs_eagerly_) return "a callback hears before_step and needs the gradients of every step";
  return "a plan is made after four batches of one size; there were not so many";
}

void Trainer::run_batch(const data::Batch& batch, TrainState& state) {
  const auto [loss, output] = (*step_)(batch, runs_eagerly_);
  tell_of_plans(batch, state);
  state.loss = loss.item();
  state.accuracy = accuracy_or_nan(output, batch.y);
  state.batch_samples = batch.y.size(0);
  NoGrad guard;
  for (Metric* metric : metrics_) metric->update(clone(output), batch.y);
}

void Trainer::train_epoch(const data::DataLoader& train, TrainState& state) {
  net_.train();
  state.record = EpochRecord();
  state.record.epoch = state.epoch;
  state.batch = 0;
  for (Metric* metric : metrics_) metric->reset();
  tell(&Callback::before_epoch, state);
  if (modes_of(net_) != modes_) {  // a callback may freeze a layer
    modes_ = modes_of(net_);
    step_->forget();
  }
  step_->recheck();  // numbers of the host may be others, too
  EpochRecord& record = state.record;
  const auto begin = Clock::now();
  for (const data::Batch& batch : train) {
    set_rates_(state);
    ++state.batch;
    ++state.step;
    tell(&Callback::before_batch, state);
    run_batch(batch, state);
    if (state.batch == 1) {
      record.first_batch_loss = state.loss;
      record.first_batch_accuracy = state.accuracy;
    }
    const double n = static_cast<double>(state.batch_samples);
    record.train_loss += state.loss * n;
    record.train_accuracy += state.accuracy * n;
    record.samples += state.batch_samples;
    record.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    tell(&Callback::after_batch, state);
    if (state.stop) return;
  }
  const double samples = static_cast<double>(std::max<std::int64_t>(record.samples, 1));
  record.train_loss /= samples;
  record.train_accuracy /= samples;
  record.train_metrics = values_of(metrics_);
}

std::vector<EpochRecord> Trainer::run(const data::DataLoader& train, const data::DataLoader* valid,
                                      const FitOptions& options, Place at) {
  // Each group follows the schedule from its own rate and gets that back, also after an error.
  struct Rates {
    explicit Rates(optim::Optimizer& of) : optimizer(of) {
      for (const optim::Group& group : of.groups()) start.push_back(group.lr);
    }
    ~Rates() {
      for (std::size_t i = 0; i < start.size(); ++i) optimizer.groups()[i].lr = start[i];
    }
    Rates(const Rates&) = delete;
    Rates& operator=(const Rates&) = delete;
    optim::Optimizer& optimizer;
    std::vector<double> start;
  } rates(optimizer_);
  const std::int64_t total = options.epochs * train.batches();
  set_rates_ = [&](TrainState& state) {
    for (std::size_t i = 0; i < rates.start.size(); ++i)
      optimizer_.groups()[i].lr = options.schedule(rates.start[i], state.step, total);
    state.lr = optimizer_.lr();
  };

  std::vector<EpochRecord> records;
  compiles_ = options.compile;
  runs_eagerly_ = !compiles_;
  was_told_of_obstacle_ = was_told_of_change_ = false;
  plans_known_ = 0;
  plan_text_.clear();
  obstacle_.clear();
  TrainState state{.net = net_, .optimizer = optimizer_};
  state.epochs = options.epochs;
  state.batches = train.batches();
  step_ = std::make_unique<CompiledStep>(
      net_, optimizer_, loss_,
      [&] {
        state.deaf = 0;
        tell(&Callback::before_step, state);
        runs_eagerly_ = !compiles_ || state.deaf < callbacks_.size();
      },
      compile::PlanOptions{.skip_zeros = options.skip_zeros}, at);
  struct Release {  // the step refers to this fit
    std::unique_ptr<CompiledStep>& step;
    ~Release() { step.reset(); }
  } release{step_};
  tell(&Callback::before_fit, state);
  for (state.epoch = 1; state.epoch <= options.epochs && !state.stop; ++state.epoch) {
    train_epoch(train, state);
    if (state.stop) break;
    if (valid) {
      tell(&Callback::before_validate, state);
      state.record.valid = evaluate(net_, loss_, *valid, metrics_, at);
      tell(&Callback::after_validate, state);
    }
    records.push_back(state.record);
    tell(&Callback::after_epoch, state);
  }
  tell(&Callback::after_fit, state);
  return records;
}

Evaluation fit(std::int64_t epochs, nn::Module& net, const LossFunction& loss,
               optim::Optimizer& optimizer, const data::DataLoader& train,
               const data::DataLoader& valid,
               const std::function<void(const EpochRecord&)>& each_epoch, Place at) {
  struct Report : Callback {
    explicit Report(const std::function<void(const EpochRecord&)>& to) : tell(to) {}
    void after_epoch(TrainState& state) override {
      if (tell) tell(state.record);
    }
    const std::function<void(const EpochRecord&)>& tell;
  } report(each_epoch);
  const std::vector<EpochRecord> records =
      Trainer(net, optimizer, loss).with(report).fit(train, valid, {.epochs = epochs}, at);
  return records.empty() ? evaluate(net, loss, valid, {}, at) : records.back().valid;
}

Evaluation evaluate(nn::Module& net, const LossFunction& loss, const data::DataLoader& loader,
                    std::span<Metric* const> metrics, Place at) {
  NoGrad guard;
  const nn::Evaluating evaluating(net);
  for (Metric* metric : metrics) metric->reset();
  Evaluation total;
  for (const data::Batch& batch : loader) {
    const Tensor output = net(batch.x, at);
    const double n = static_cast<double>(batch.y.size(0));
    total.loss += loss(output, batch.y, at).item() * n;
    total.accuracy += accuracy_or_nan(output, batch.y, at) * n;
    total.samples += batch.y.size(0);
    for (Metric* metric : metrics) metric->update(output, batch.y);
  }
  if (total.samples > 0) {
    total.loss /= static_cast<double>(total.samples);
    total.accuracy /= static_cast<double>(total.samples);
  }
  total.metrics = values_of(metrics);
  return total;
}

}  // namespace gradus
