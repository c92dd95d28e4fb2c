// The usual callbacks: lines of progress, files, an early end, a diary. Each is a few lines over
// Callback's events (trainer.h): write your own the same way.
#pragma once

#include <iosfwd>

#include <gradus/train/trainer.h>

namespace gradus {

/// What a run is judged by; lower is better.
using Monitor = std::function<double(const EpochRecord&)>;
/// Loss, and 1 - accuracy, of the validation set; of the training where there is none.
double valid_loss(const EpochRecord& record);
double valid_error(const EpochRecord& record);

/// One line an epoch to `out`, which must outlive it:
/// "epoch 1/3  loss 0.3171  valid 0.1996  accuracy 0.9428  0.21 s", then the metrics.
class Progress : public Callback {
 public:
  explicit Progress(std::ostream& out) : out_(out) {}
  void after_epoch(TrainState& state) override;

 private:
  std::ostream& out_;
};

struct CheckpointOptions {
  bool best = true, last = true;  ///< which files to write
  Monitor monitor = valid_loss;   ///< of "best"
  double scale = 256;             ///< noted in the files of a Sequential: see save_model
};
/// Writes folder/last.safetensors after each epoch, and folder/best.safetensors when the monitored
/// value is the lowest so far: the net's state, atomically, with "epoch" and "monitored" in the
/// metadata. load_model reads those of a Sequential; any module loads their tensors with
/// load_state_dict. The folder is made, and tried, before training.
class Checkpoint : public Callback {
 public:
  /// Throws ValueError when neither file is asked for.
  explicit Checkpoint(std::string folder, CheckpointOptions options = {},
                      Place at = Place::current());
  void before_fit(TrainState& state) override;
  void after_epoch(TrainState& state) override;
  /// The epoch in best.safetensors; 0 when there is none.
  std::int64_t best_epoch() const { return best_epoch_; }

 private:
  void save(const std::string& name, TrainState& state, double monitored) const;
  std::string folder_;
  CheckpointOptions options_;
  double lowest_ = 0;
  std::int64_t best_epoch_ = 0;
};

struct EarlyStoppingOptions {
  std::int64_t patience = 3;     ///< epochs without improvement after which the run ends
  double min_delta = 0;          ///< smaller improvements do not count
  Monitor monitor = valid_loss;  ///< NaN is no improvement
};
class EarlyStopping : public Callback {
 public:
  /// Throws ValueError for a patience below 1 or a negative min_delta.
  explicit EarlyStopping(EarlyStoppingOptions options = {}, Place at = Place::current());
  void before_fit(TrainState& state) override;
  void after_epoch(TrainState& state) override;
  /// The epoch after which it ended the run; 0 when it did not.
  std::int64_t stopped_epoch() const { return stopped_epoch_; }

 private:
  EarlyStoppingOptions options_;
  double lowest_ = 0;
  std::int64_t waited_ = 0, stopped_epoch_ = 0;
};

/// Keeps everything: epochs, and loss and learning rate of each step. Continues when fit is called
/// again.
struct Curves : Callback {
  std::vector<EpochRecord> epochs;
  std::vector<double> losses, rates;
  void after_batch(TrainState& state) override;
  void after_epoch(TrainState& state) override;
};

}  // namespace gradus
