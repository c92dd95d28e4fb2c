// A run from a tape; see plot_run.h. What follows from statistics stands here, what needs elements
// in plot_tape_elements.cpp.
#include <gradus/see/plot_tape.h>
#include <gradus/see/tape_rate.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace gradus::see {
namespace {

/// Layers are told by their ticks: "lin1", "layer 0" for a module without a name of its own; the
/// second relu of a step is "relu 2".
std::string layer_name(const std::string& label, std::map<std::string, int>& seen) {
  const bool is_number = label.find_first_not_of("0123456789") == label.npos;
  const std::string name = is_number ? "layer " + label : label;
  const int count = ++seen[name];
  return count == 1 ? name : name + " " + std::to_string(count);
}

/// The outputs of the forward ticks: of each the last result that leaves it. Parameters that are
/// drawn or copied on the way are no layers, nor is the loss. A tape of statistics has the elements
/// of its last step alone, which make no line.
std::vector<Run::Layer> layers_of(const Tape& tape, TapeIndex step) {
  std::vector<Run::Layer> all;
  std::map<std::string, int> seen;
  const auto [first, last] = tape.ticks_of(step);
  for (TapeIndex t = first; t < last; ++t) {
    const TapeTick& tick = at(tape.ticks, t);
    if (tick.phase != Phase::forward || tick.number == 0) continue;
    const std::vector<TapeIndex> results = tape.results_of(t);
    if (results.empty() || results.back() == tape.loss_of(step)) continue;
    const TapeValue& v = at(tape.values, results.back());
    if (!v.statistics || v.statistics->count < 2 || v.is_parameter) continue;
    const std::string name = layer_name(tick.label, seen);
    const Statistics& s = *v.statistics;
    Run::Layer layer;
    if (tape.level == TapeLevel::full && v.payload && v.payload.numel() > 0)
      layer = layer_of(name, v.payload);
    else
      layer.name = name, layer.mean = s.mean, layer.std = s.std;
    if (s.bad() < s.count) layer.zero = static_cast<double>(s.zeros) / static_cast<double>(s.count);
    layer.by_size.assign(s.histogram.begin(), s.histogram.end());
    all.push_back(std::move(layer));
  }
  return all;
}

/// What one step's updates wrote to a parameter.
struct ParameterUpdate {
  TapeIndex before = none, after = none;
  TapeIndex change = none;  ///< what was added or subtracted, where that is all that happened
  int writes = 0;
};

/// The norm of a tensor whose elements are all finite; of another a hole, not that of the rest.
double finite_norm(const Statistics& s) { return s.bad() > 0 ? Run::unknown : s.l2; }

/// How far a parameter moved: the norm of what was added; after several writes (weight decay, an
/// average) the distance between the elements, where they were kept. Unknown elsewhere.
double distance_moved(const Tape& tape, const ParameterUpdate& w) {
  if (w.writes == 1 && w.change != none && at(tape.values, w.change).statistics)
    return finite_norm(*at(tape.values, w.change).statistics);
  const Tensor &before = at(tape.values, w.before).payload,
               &after = at(tape.values, w.after).payload;
  if (!before || !after) return Run::unknown;
  const std::vector<double> a = before.to_vector<double>(), b = after.to_vector<double>();
  double squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i) squares += (b[i] - a[i]) * (b[i] - a[i]);
  return std::sqrt(squares);
}

/// Norms of the parameters, of their latest gradients and of their moves.
void read_updates(const Tape& tape, Run& run) {
  std::map<TapeIndex, std::map<std::int64_t, ParameterUpdate>> written;  // by step, by tensor
  for (const TapeEvent& event : tape.events) {
    if (event.phase != Phase::update || event.target == none || event.outputs.empty()) continue;
    if (!at(tape.values, event.target).is_parameter) continue;
    const TapeIndex step = at(tape.ticks, event.tick).step;
    ParameterUpdate& w = written[step][at(tape.values, event.target).tensor];
    if (w.writes++ == 0) w.before = event.target;
    w.after = event.outputs[0];
    const bool adds = (event.op == "sub" || event.op == "add") && event.inputs.size() == 2 &&
                      event.inputs[0] == event.target;
    w.change = adds ? event.inputs[1] : none;
  }
  std::map<TapeIndex, std::map<std::string, std::size_t>> places;  // by step, by name
  for (const TapeValue& g : tape.values) {
    if (g.gradient_of == none || !g.statistics) continue;
    const TapeValue& p = at(tape.values, g.gradient_of);
    if (!p.is_parameter) continue;
    const std::string name = tape.name_of(g.gradient_of);
    std::vector<Run::Parameter>& all = at(run.snapshots, g.step).parameters;
    const auto [place, is_new] = places[g.step].try_emplace(name, all.size());
    if (is_new) all.push_back({name});
    Run::Parameter& known = all[place->second];
    known.rank = p.spec.shape.size();
    known.gradient_norm = finite_norm(*g.statistics);
    if (p.statistics) known.norm = finite_norm(*p.statistics);
    if (const auto w = written[g.step].find(p.tensor); w != written[g.step].end())
      known.update_norm = distance_moved(tape, w->second);
  }
}

}  // namespace

Run run_of(const Tape& tape, std::string name) {
  const Unobserved quiet;
  Run run;
  run.name = std::move(name);
  for (TapeIndex step = 0; step < tape.steps(); ++step) {
    const TapeIndex loss = tape.loss_of(step);
    const auto place = static_cast<double>(step);
    run.batches.push_back({place});
    run.batches.back().lr = learning_rate(tape, step).value_or(Run::unknown);
    if (loss != none && at(tape.values, loss).statistics) {
      const Statistics& s = *at(tape.values, loss).statistics;
      run.batches.back().loss = s.bad() ? Run::unknown : s.mean;
      run.batches.back().broken = s.bad() > 0;
    }
    run.snapshots.push_back({place, layers_of(tape, step), {}});
  }
  if (const auto groups = rate_groups(tape, 0, tape.steps()); groups.size() > 1)
    for (const RateGroup& g : groups) run.groups.push_back({g.name(), g.rates});
  read_updates(tape, run);
  read_elements(tape, run);
  return run;
}

}  // namespace gradus::see
