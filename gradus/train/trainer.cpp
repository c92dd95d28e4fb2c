// The loop; see trainer.h.
#include <gradus/train/trainer.h>

#include <chrono>

namespace gradus {

Trainer& Trainer::with(Callback& callback) {
  callbacks_.push_back(&callback);
  return *this;
}

void Trainer::run_batch(const data::Batch& batch, TrainState& state) {
  const Tensor output = net_(batch.x);
  const Tensor loss = loss_(output, batch.y);
  loss.backward();
  optimizer_.step();
  optimizer_.zero_grad();
  state.loss = loss.item();
  state.accuracy = accuracy(output, batch.y);
  state.batch_samples = batch.y.size(0);
}

std::vector<EpochRecord> Trainer::fit(const data::DataLoader& train, const data::DataLoader& valid,
                                      const FitOptions& options) {
  using Clock = std::chrono::steady_clock;
  std::vector<EpochRecord> records;
  TrainState state;
  state.epochs = options.epochs;
  state.batches = train.batches();
  const double lr = optimizer_.lr();
  std::int64_t step = 0;
  for (state.epoch = 1; state.epoch <= options.epochs; ++state.epoch) {
    net_.train();
    state.record = EpochRecord();
    state.record.epoch = state.epoch;
    state.batch = 0;
    for (Callback* callback : callbacks_) callback->on_epoch_begin(state);
    const auto begin = Clock::now();
    for (const data::Batch& batch : train) {
      state.lr = options.schedule(lr, step++, options.epochs * state.batches);
      optimizer_.set_lr(state.lr);
      ++state.batch;
      run_batch(batch, state);
      EpochRecord& record = state.record;
      if (state.batch == 1) {
        record.first_batch_loss = state.loss;
        record.first_batch_accuracy = state.accuracy;
      }
      const double n = static_cast<double>(state.batch_samples);
      record.train_loss += state.loss * n;
      record.train_accuracy += state.accuracy * n;
      record.samples += state.batch_samples;
      record.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
      for (Callback* callback : callbacks_) callback->on_batch_end(state);
      if (state.stop) {
        optimizer_.set_lr(lr);
        return records;
      }
    }
    state.record.train_loss /= static_cast<double>(std::max<std::int64_t>(state.record.samples, 1));
    state.record.train_accuracy /=
        static_cast<double>(std::max<std::int64_t>(state.record.samples, 1));
    state.record.valid = evaluate(net_, loss_, valid);
    records.push_back(state.record);
    for (Callback* callback : callbacks_) callback->on_epoch_end(state);
  }
  optimizer_.set_lr(lr);
  return records;
}

Evaluation fit(std::int64_t epochs, nn::Module& net, const LossFunction& loss,
               optim::Optimizer& optimizer, const data::DataLoader& train,
               const data::DataLoader& valid,
               const std::function<void(const EpochRecord&)>& each_epoch) {
  struct Report : Callback {
    explicit Report(const std::function<void(const EpochRecord&)>& to) : tell(to) {}
    void on_epoch_end(TrainState& state) override {
      if (tell) tell(state.record);
    }
    const std::function<void(const EpochRecord&)>& tell;
  } report(each_epoch);
  const std::vector<EpochRecord> records =
      Trainer(net, optimizer, loss).with(report).fit(train, valid, {.epochs = epochs});
  return records.empty() ? evaluate(net, loss, valid) : records.back().valid;
}

Evaluation evaluate(nn::Module& net, const LossFunction& loss, const data::DataLoader& loader) {
  NoGrad guard;
  const bool was_training = net.is_training();
  net.eval();
  Evaluation total;
  for (const data::Batch& batch : loader) {
    const Tensor output = net(batch.x);
    const double n = static_cast<double>(batch.y.size(0));
    total.loss += loss(output, batch.y).item() * n;
    total.accuracy += accuracy(output, batch.y) * n;
    total.samples += batch.y.size(0);
  }
  net.train(was_training);
  if (total.samples > 0) {
    total.loss /= static_cast<double>(total.samples);
    total.accuracy /= static_cast<double>(total.samples);
  }
  return total;
}

double accuracy(const Tensor& scores, const Tensor& target) {
  NoGrad guard;
  return mean(astype(argmax(scores.detach(), -1) == target, DType::f64)).item();
}

}  // namespace gradus
