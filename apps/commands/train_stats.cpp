// Statistics of a run; see train_stats.h.
#include <apps/commands/train_stats.h>

#include <algorithm>
#include <cmath>

#include <gradus/see/plot_run.h>

namespace gradus::app {
namespace {

using Json = nlohmann::ordered_json;

double length_of(const Tensor& x) {
  double sum = 0;
  for (const double v : x.detach().to_vector<double>()) sum += v * v;
  return std::sqrt(sum);
}

/// "Linear(784, 50)" -> "Linear"
std::string kind_of(const std::string& description) {
  return description.substr(0, description.find('('));
}

bool is_due(const TrainState& s, std::int64_t most) {
  const std::int64_t total = s.batches * s.epochs,
                     every = std::max<std::int64_t>(1, (total + most - 1) / most);
  return (s.step - 1) % every == 0;
}

/// One image as integers -100..100, so that a log of weights stays small; null for what is no
/// number.
Json hundredths(const Tensor& image, double limit) {
  Json numbers = Json::array();
  for (const double v : image.to_vector<double>())
    numbers.push_back(std::isfinite(v) ? Json(std::lround(100 * v / limit)) : Json());
  return numbers;
}

/// What see::layer_of finds, as it stands in a "layers" line.
Json layer_statistics(const Tensor& output) {
  const see::Run::Layer layer = see::layer_of("", output);
  return {{"mean", layer.mean},
          {"std", layer.std},
          {"near_zero", layer.near_zero},
          {"dead", layer.dead},
          {"limit", layer.limit},
          {"counts", std::vector<std::int64_t>(layer.counts.begin(), layer.counts.end())}};
}

}  // namespace

/// The last output of each module during one batch.
class StatsLog::Outputs : public Observer {
 public:
  explicit Outputs(nn::Module& net) : watch_(*this) {
    net.visit_fields({.tensor = [](std::string_view, Tensor&) {},
                      .module =
                          [this](std::string_view name, nn::Module& m) {
                            layers.push_back({std::string(name), kind_of(m.describe()), {}});
                          }});
  }
  void after(const Event& e) override {
    if (e.phase != Phase::forward || e.depth != 0 || !e.scope || e.outputs.empty()) return;
    // "net.0" and "0" are the layer "0"
    const std::string_view path = *e.scope;
    const std::string_view last = path.substr(path.rfind('.') + 1);
    for (Layer& layer : layers)
      if (layer.name == last) layer.output = e.outputs[0].detach();
  }
  struct Layer {
    std::string name, kind;
    Tensor output;
  };
  std::vector<Layer> layers;

 private:
  Observe watch_;
};

StatsLog::StatsLog(Events& events) : events_(events) {}
StatsLog::~StatsLog() = default;

void StatsLog::before_batch(TrainState& s) {
  if (is_due(s, 100)) outputs_ = std::make_unique<Outputs>(s.net);
}

void StatsLog::before_step(TrainState& s) {
  if (!outputs_) return;
  const std::unique_ptr<Outputs> outputs = std::move(outputs_);  // watches until here
  const Unobserved quiet;
  NoGrad guard;
  Json layers = Json::array();
  for (const Outputs::Layer& layer : outputs->layers) {
    if (!layer.output) continue;
    Json j = {{"name", layer.name}, {"kind", layer.kind}};
    j.update(layer_statistics(layer.output));
    layers.push_back(std::move(j));
  }
  layers_ = Json{{"event", "layers"},
                 {"step", s.step},
                 {"layers", std::move(layers)},
                 {"parameters", Json::array()}};
  before_.clear();
  for (auto& [name, p] : s.net.named_parameters()) {
    (*layers_)["parameters"].push_back({{"name", name},
                                        {"shape", p.shape().to_vector()},
                                        {"gradient_norm", p.grad() ? length_of(p.grad()) : 0},
                                        {"norm", length_of(p)}});
    before_.emplace_back(name, clone(p.detach()));
  }
}

void StatsLog::after_batch(TrainState& s) {
  if (is_due(s, 2000))
    events_.write({{"event", "batch"},
                   {"step", s.step},
                   {"epoch", s.epoch},
                   {"batch", s.batch},
                   {"loss", s.loss},
                   {"accuracy", s.accuracy},
                   {"lr", s.lr}});
  if (!layers_) return;
  const Unobserved quiet;
  NoGrad guard;
  std::size_t i = 0;
  for (auto& [name, p] : s.net.named_parameters()) {
    (*layers_)["parameters"][i]["update_norm"] = length_of(p.detach() - before_[i].second);
    ++i;
  }
  events_.write(*layers_);
  layers_.reset();
}

void StatsLog::after_fit(TrainState&) {
  outputs_.reset();
  before_.clear();
}

void write_pictures(Events& events, nn::Sequential& net, const TestReport& report,
                    const data::ImageData& data) {
  const std::int64_t height = data.test.images.size(1), width = data.test.images.size(2);
  NoGrad guard;
  for (auto& [name, p] : net.named_parameters()) {
    if (p.ndim() != 2 || p.size(1) != height * width) continue;
    const std::int64_t units = std::min<std::int64_t>(p.size(0), 64);
    double limit = 0;
    for (const double v : p.detach().to_vector<double>())
      if (std::isfinite(v)) limit = std::max(limit, std::abs(v));
    if (limit == 0) limit = 1;
    Json images = Json::array();
    for (std::int64_t u = 0; u < units; ++u) images.push_back(hundredths(p.detach()[u], limit));
    events.write({{"event", "weights"},
                  {"name", name},
                  {"height", height},
                  {"width", width},
                  {"unit", limit / 100},
                  {"images", std::move(images)}});
    break;
  }
  events.write({{"event", "confusion"}, {"counts", report.confusion}});
  for (std::size_t i = 0; i < std::min<std::size_t>(report.misread.size(), 12); ++i) {
    const Misread& m = report.misread[i];
    events.write({{"event", "misread"},
                  {"row", m.row},
                  {"truth", m.truth},
                  {"answer", m.answer},
                  {"confidence", m.confidence},
                  {"height", height},
                  {"width", width},
                  {"pixels", data.test.images[m.row].to_vector<std::int64_t>()}});
  }
}

}  // namespace gradus::app
