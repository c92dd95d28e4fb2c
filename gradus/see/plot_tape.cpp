// A run from a tape; see plot_run.h. Every number is one of the tape's own statistics.
#include <gradus/see/plot_run.h>

#include <cmath>
#include <set>

namespace gradus::see {
namespace {

const TapeValue& value_at(const Tape& tape, TapeIndex i) {
  return tape.values[static_cast<std::size_t>(i)];
}

double mean_of(const TapeValue& v) { return v.statistics ? v.statistics->mean : Run::unknown; }

/// The outputs of the forward ticks: of each the last result that leaves it.
std::vector<Run::Layer> layers_of(const Tape& tape, TapeIndex first, TapeIndex last,
                                  TapeIndex loss) {
  std::vector<Run::Layer> all;
  for (TapeIndex t = first; t < last; ++t) {
    const TapeTick& tick = tape.ticks[static_cast<std::size_t>(t)];
    if (tick.phase != Phase::forward || tick.number == 0) continue;
    const std::vector<TapeIndex> results = tape.results_of(t);
    if (results.empty() || results.back() == loss) continue;
    const TapeValue& v = value_at(tape, results.back());
    if (!v.statistics || v.statistics->count < 2) continue;
    Run::Layer layer{tick.label, v.statistics->mean, v.statistics->std};
    layer.near_zero =
        static_cast<double>(v.statistics->zeros) / static_cast<double>(v.statistics->count);
    all.push_back(std::move(layer));
  }
  return all;
}

/// Parameters with their latest gradients of a step, and what the update changed where both values
/// are there.
std::vector<Run::Parameter> parameters_of(const Tape& tape, TapeIndex step) {
  std::vector<Run::Parameter> all;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < tape.values.size(); ++i) {
    const TapeValue& g = tape.values[i];
    if (g.step != step || g.gradient_of == none || !g.statistics) continue;
    const TapeValue& p = value_at(tape, g.gradient_of);
    if (!p.is_parameter) continue;
    const std::string name = tape.name_of(g.gradient_of);
    if (!seen.insert(name).second) continue;
    all.push_back(
        {name, g.statistics->l2, p.statistics ? p.statistics->l2 : Run::unknown, Run::unknown});
  }
  return all;
}

}  // namespace

Run run_of(const Tape& tape, std::string name) {
  Run run;
  run.name = std::move(name);
  for (TapeIndex step = 0; step < tape.steps(); ++step) {
    const TapeIndex loss = tape.loss_of(step);
    const double at = static_cast<double>(step);
    if (loss != none) run.batches.push_back({at, mean_of(value_at(tape, loss))});
    const auto [first, last] = tape.ticks_of(step);
    run.snapshots.push_back({at, layers_of(tape, first, last, loss), parameters_of(tape, step)});
  }
  return run;
}

}  // namespace gradus::see
