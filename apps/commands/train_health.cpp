// Recording the first steps of a training; see train_health.h.
#include <apps/commands/train_health.h>

namespace gradus::app {

void HealthWatch::before_batch(TrainState& s) {
  if (recorded_ >= steps_) return;
  if (!recorder_) {
    recorder_.emplace(
        see::RecorderOptions{.level = see::TapeLevel::full, .budget = std::int64_t{256} << 20});
    for (auto& [name, p] : s.net.named_parameters()) recorder_->name(p, name);
  } else {
    recorder_->resume();
  }
}

void HealthWatch::before_step(TrainState& s) {
  if (!recorder_) Callback::before_step(s);  // needs no gradients any more
}

void HealthWatch::after_batch(TrainState& s) {
  if (!recorder_) return;
  recorder_->pause();
  if (++recorded_ == steps_) finish(s);
}

void HealthWatch::after_fit(TrainState& s) {
  if (recorder_) finish(s);
}

void HealthWatch::finish(TrainState& s) {
  recorder_->finish();
  see::HealthOptions options;
  for (auto& [name, p] : s.net.named_parameters()) options.parameters.push_back(name);
  found_ = see::health(recorder_->tape(), options);
  recorder_.reset();
}

nlohmann::ordered_json to_json(const std::vector<Diagnostic>& found) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Diagnostic& d : found)
    list.push_back({{"code", d.code},
                    {"severity", std::string(severity_name(d.severity()))},
                    {"what", d.what},
                    {"why", d.why},
                    {"place", d.place},
                    {"count", d.count}});
  return list;
}

}  // namespace gradus::app
