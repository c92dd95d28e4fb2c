// What gradus train --health and --watch do: steps are recorded, the first ones or all, and
// searched for mistakes that have a code (see/health.h).
#pragma once

#include <functional>
#include <optional>

#include <nlohmann/json.hpp>

#include <gradus/see/health.h>
#include <gradus/see/health_inputs.h>
#include <gradus/train/trainer.h>

namespace gradus::app {

/// Records steps, which then run one by one; those that are not recorded run as a plan. Results
/// stay the same bits. All of a run are searched in windows of `steps`, so that memory stays
/// bounded; a mistake that comes back counts up, and columns of 0 are told in the end, of all. A
/// step too far is not seen across two windows.
class HealthWatch : public Callback {
 public:
  using OnNew = std::function<void(const Diagnostic&)>;

  /// The first `steps`, or all; `on_new` is called for each mistake when it is first found.
  explicit HealthWatch(bool all, OnNew on_new = {}, std::int64_t steps = 20)
      : all_(all), on_new_(std::move(on_new)), steps_(steps) {}
  void before_batch(TrainState& state) override;
  void before_step(TrainState& state) override;
  void after_batch(TrainState& state) override;
  void after_fit(TrainState& state) override;

  std::int64_t recorded() const { return recorded_; }
  const std::vector<Diagnostic>& found() const { return found_; }

 private:
  void search(TrainState& state);
  void add(Diagnostic found);

  bool all_;
  OnNew on_new_;
  std::int64_t steps_, recorded_ = 0, first_ = 0;  // first_: of the window
  std::optional<see::Recorder> recorder_;
  std::vector<Diagnostic> found_;
  see::SilentInputs inputs_;
};

/// {"code": "F1", ...}: one of the list below.
nlohmann::ordered_json to_json(const Diagnostic& found);
/// {"code": "F1", "severity": "note", "what": ..., "why": ..., "place": ..., "count": 1}, ...
nlohmann::ordered_json to_json(const std::vector<Diagnostic>& found);

}  // namespace gradus::app
