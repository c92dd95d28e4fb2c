// Recording steps of a training and searching them; see train_health.h.
#include <apps/commands/train_health.h>

#include <gradus/see/step_json.h>

#include <cstdlib>
#include <sstream>

namespace gradus::app {
namespace {

/// What a message is about: its first two words, but for numbers, which differ from time to time.
std::string subject_of(const Diagnostic& d) {
  std::istringstream words(d.what);
  std::string subject = d.code + " " + d.place, word;
  for (int i = 0; i < 2 && words >> word; ++i) {
    char* end = nullptr;
    std::strtod(word.c_str(), &end);
    if (*end != '\0') subject += " " + word;
  }
  return subject;
}

}  // namespace

void HealthWatch::before_batch(TrainState& s) {
  if (!all_ && recorded_ >= steps_) return;
  if (!recorder_) {
    first_ = recorded_;
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
  if (++recorded_ % steps_ == 0) search(s);
}

void HealthWatch::after_fit(TrainState& s) {
  if (recorder_) search(s);
  for (Diagnostic& d : inputs_.found()) add(std::move(d));
}

void HealthWatch::search(TrainState& s) {
  recorder_->finish();
  see::HealthOptions options;
  for (auto& [name, p] : s.net.named_parameters()) options.parameters.push_back(name);
  options.first_step = first_;
  options.allow = {"F1"};  // told of all windows in the end
  if (first_ > 0)          // these are about the beginning of a run
    options.allow.insert(options.allow.end(), {"L3", "I2"});
  for (const Diagnostic& known : found_)  // what follows a NaN follows from it
    if (known.code == "N1" || known.code == "N2")
      options.allow.insert(options.allow.end(), {"N1", "N2"});
  inputs_.see(recorder_->tape());
  for (Diagnostic& d : see::health(recorder_->tape(), options)) add(std::move(d));
  recorder_.reset();
}

void HealthWatch::add(Diagnostic found) {
  for (Diagnostic& known : found_)
    if (subject_of(known) == subject_of(found)) {
      known.count += found.count;
      return;
    }
  if (on_new_) on_new_(found);
  found_.push_back(std::move(found));
}

nlohmann::ordered_json to_json(const Diagnostic& d) {
  return nlohmann::ordered_json::parse(see::json_text(d));
}

nlohmann::ordered_json to_json(const std::vector<Diagnostic>& found) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Diagnostic& d : found) list.push_back(to_json(d));
  return list;
}

}  // namespace gradus::app
