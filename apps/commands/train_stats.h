// What gradus train --stats adds to the log, for gradus plot: batches, layers, gradients, updates;
// after the run weights, confusions and mistakes. The volume is bounded whatever the run's length.
#pragma once

#include <apps/commands/train_report.h>
#include <apps/commands/train_view.h>

#include <optional>

#include <gradus/program/observer.h>

namespace gradus::app {

/// Lines of kind "batch" (at most 2000 a run) and "layers" (at most 100, evenly spaced from the
/// first step on). Reads the run and changes nothing of it: results stay the same bits.
class StatsLog : public Callback {
 public:
  explicit StatsLog(Events& events);
  ~StatsLog() override;
  void before_batch(TrainState& state) override;
  void before_step(TrainState& state) override;
  void after_batch(TrainState& state) override;
  void after_fit(TrainState& state) override;

 private:
  class Outputs;
  Events& events_;
  std::unique_ptr<Outputs> outputs_;
  std::vector<std::pair<std::string, Tensor>> before_;  // parameters before the update
  std::optional<nlohmann::ordered_json> layers_;        // the line that is being written
};

/// "weights", "confusion" and "misread" lines; at most 64 units and 12 images.
void write_pictures(Events& events, nn::Sequential& net, const TestReport& report,
                    const data::ImageData& data);

}  // namespace gradus::app
