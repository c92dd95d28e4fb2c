// What gradus train --health does: the first steps are recorded, and searched for mistakes that
// have a code (see/health.h).
#pragma once

#include <optional>

#include <nlohmann/json.hpp>

#include <gradus/see/health.h>
#include <gradus/train/trainer.h>

namespace gradus::app {

/// Records the first `steps` steps, which run one by one; those after them run as a plan again.
/// Results stay the same bits.
class HealthWatch : public Callback {
 public:
  explicit HealthWatch(std::int64_t steps = 20) : steps_(steps) {}
  void before_batch(TrainState& state) override;
  void before_step(TrainState& state) override;
  void after_batch(TrainState& state) override;
  void after_fit(TrainState& state) override;

  std::int64_t recorded() const { return recorded_; }
  const std::vector<Diagnostic>& found() const { return found_; }

 private:
  void finish(TrainState& state);
  std::int64_t steps_, recorded_ = 0;
  std::optional<see::Recorder> recorder_;
  std::vector<Diagnostic> found_;
};

/// {"code": "F1", "severity": "note", "what": ..., "why": ..., "place": ..., "count": 1}, ...
nlohmann::ordered_json to_json(const std::vector<Diagnostic>& found);

}  // namespace gradus::app
