// The usual callbacks; see callbacks.h.
#include <gradus/io/file.h>
#include <gradus/io/safetensors.h>
#include <gradus/train/callbacks.h>
#include <gradus/train/model_file.h>

#include <cstdio>
#include <filesystem>
#include <limits>
#include <ostream>

namespace gradus {

double valid_loss(const EpochRecord& record) {
  return record.valid.samples > 0 ? record.valid.loss : record.train_loss;
}
double valid_error(const EpochRecord& record) {
  return 1 - (record.valid.samples > 0 ? record.valid.accuracy : record.train_accuracy);
}

void Progress::after_epoch(TrainState& s) {
  const EpochRecord& r = s.record;
  const auto number = [&](const char* name, double value) {
    char text[64];
    std::snprintf(text, sizeof text, "  %s %.4f", name, value);
    out_ << text;
  };
  out_ << "epoch " << s.epoch << '/' << s.epochs;
  number("loss", r.train_loss);
  if (r.valid.samples > 0) {
    number("valid", r.valid.loss);
    if (r.valid.accuracy == r.valid.accuracy) number("accuracy", r.valid.accuracy);
  }
  for (const auto& [name, value] : r.valid.samples > 0 ? r.valid.metrics : r.train_metrics)
    if (name != "accuracy" || r.valid.samples == 0) number(name.c_str(), value);
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "  %.2f s\n", r.seconds);
  out_ << seconds << std::flush;
}

Checkpoint::Checkpoint(std::string folder, CheckpointOptions options, Place at)
    : folder_(std::move(folder)), options_(std::move(options)) {
  if (!options_.best && !options_.last)
    throw ValueError("a checkpoint of nothing", "ask for the best, the last, or both", at);
}

void Checkpoint::before_fit(TrainState&) {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error)
    throw IoError("cannot make the folder '" + folder_ + "': " + error.message(),
                  "choose another place for checkpoints");
  io::check_writable(folder_ + (options_.last ? "/last" : "/best") + ".safetensors");
  lowest_ = std::numeric_limits<double>::infinity();
  best_epoch_ = 0;
}

void Checkpoint::save(const std::string& name, TrainState& state, double monitored) const {
  const std::string path = folder_ + "/" + name + ".safetensors";
  std::map<std::string, std::string> metadata{{"epoch", std::to_string(state.epoch)},
                                              {"monitored", to_text(monitored)}};
  if (auto* layers = dynamic_cast<nn::Sequential*>(&state.net)) {
    save_model(path, *layers, options_.scale, std::move(metadata));
    return;
  }
  io::SafeTensors file;
  file.tensors = state.net.state_dict();
  file.metadata = std::move(metadata);
  io::save_safetensors(path, file);
}

void Checkpoint::after_epoch(TrainState& state) {
  const double value = options_.monitor(state.record);
  if (options_.best && value < lowest_) {
    lowest_ = value;
    best_epoch_ = state.epoch;
    save("best", state, value);
  }
  if (options_.last) save("last", state, value);
}

EarlyStopping::EarlyStopping(EarlyStoppingOptions options, Place at)
    : options_(std::move(options)) {
  if (options_.patience < 1)
    throw ValueError("patience is " + std::to_string(options_.patience),
                     "it counts epochs: 1 or more", at);
  if (!(options_.min_delta >= 0))
    throw ValueError("min_delta is " + to_text(options_.min_delta), "give 0 or more", at);
}

void EarlyStopping::before_fit(TrainState&) {
  lowest_ = std::numeric_limits<double>::infinity();
  waited_ = stopped_epoch_ = 0;
}

void EarlyStopping::after_epoch(TrainState& state) {
  const double value = options_.monitor(state.record);
  if (value < lowest_ - options_.min_delta) {
    lowest_ = value;
    waited_ = 0;
  } else if (++waited_ >= options_.patience) {
    stopped_epoch_ = state.epoch;
    state.stop = true;
  }
}

void Curves::after_batch(TrainState& state) {
  losses.push_back(state.loss);
  rates.push_back(state.lr);
}
void Curves::after_epoch(TrainState& state) { epochs.push_back(state.record); }

}  // namespace gradus
