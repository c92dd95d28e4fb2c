// Columns of 0; see health_inputs.h.
#include <gradus/see/health_inputs.h>
#include <gradus/see/health_rules.h>

#include <algorithm>

#include <gradus/ops/ops.h>

namespace gradus::see {
namespace {

/// Back over calls of some names to what they began with.
template <class IsPassed>
TapeIndex begin_of(const HealthReport& r, TapeIndex v, IsPassed is_passed) {
  while (r.value(v).made_by != none) {
    const TapeEvent& made = r.event(r.value(v).made_by);
    if (made.inputs.empty() || !is_passed(made.op)) break;
    v = made.inputs[0];
  }
  return v;
}

bool is_data(const HealthReport& r, TapeIndex x) {
  const TapeValue& value = r.value(begin_of(r, x, [](const std::string& op) {
    return op == "reshape" || op == "flatten" || op == "squeeze" || op == "expand_dims";
  }));
  return !value.is_parameter && (value.made_by == none || r.event(value.made_by).inputs.empty());
}

}  // namespace

void SilentInputs::see(const Tape& tape) {
  const HealthOptions nothing_special;
  const HealthReport r(tape, nothing_special);
  std::map<std::string, std::vector<std::int64_t>> weights;  // tensors, by the modules' paths
  std::map<std::string, std::set<TapeIndex>> known;          // the same data again is nothing new
  for (TapeIndex e = 0; e < r.count(); ++e) {
    const TapeEvent& event = r.event(e);
    if (event.op != "matmul" || event.inputs.size() != 2 || event.outputs.empty() ||
        event.phase != Phase::forward || r.is_meant("F1", event))
      continue;
    const TapeIndex x = event.inputs[0];
    const TapeIndex w = begin_of(r, event.inputs[1], [](const std::string& op) {
      return op == "permute_dims" || op == "transpose";
    });
    const TapeValue& data = r.value(x);
    if (!r.value(w).is_parameter || !is_data(r, x) || data.spec.shape.rank() != 2 ||
        !data.payload || data.spec.shape.numel() == 0 || !is_floating(data.spec.dtype) ||
        (data.statistics && data.statistics->bad() > 0))
      continue;
    // Two nets may have modules of one path: their weights are apart.
    std::vector<std::int64_t>& there = weights[event.scope];
    auto own = std::find(there.begin(), there.end(), r.value(w).tensor);
    if (own == there.end()) own = there.insert(there.end(), r.value(w).tensor);
    const std::string key = event.scope + "#" + std::to_string(own - there.begin());
    if (!known[key].insert(x).second) continue;
    Layer& layer = layers_[key];
    const auto width = static_cast<std::size_t>(data.spec.shape[1]);
    if (layer.silent.empty()) {
      layer.who = r.who(event);
      layer.place = r.place(event);
      layer.silent.assign(width, true);
    }
    if (layer.silent.size() != width) continue;
    layer.rows += data.spec.shape[0];
    layer.outputs = r.value(event.outputs[0]).spec.shape.back();
    const Unobserved quiet;
    const NoGrad guard;
    const std::vector<double> most =
        astype(amax(abs(data.payload.detach()), {0}), DType::f64).to_vector<double>();
    for (std::size_t i = 0; i < width; ++i)
      if (most[i] != 0) layer.silent[i] = false;
  }
}

std::vector<Diagnostic> SilentInputs::found() const {
  std::vector<Diagnostic> all;
  for (const auto& [key, layer] : layers_) {
    const std::int64_t silent = std::count(layer.silent.begin(), layer.silent.end(), true);
    if (silent == 0 || layer.rows < 16) continue;
    all.push_back({"F1",
                   std::to_string(silent) + " of " + std::to_string(layer.silent.size()) +
                       " inputs are 0 in all " + std::to_string(layer.rows) +
                       " rows: " + std::to_string(silent * layer.outputs) + " weights of " +
                       layer.who + " get gradient exactly 0.",
                   {},
                   layer.place});
  }
  return all;
}

}  // namespace gradus::see
