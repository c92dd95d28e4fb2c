// Which plots a run gives; see plot_run.h.
#include <gradus/see/plot_axis.h>
#include <gradus/see/plot_histogram.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <functional>
#include <map>

namespace gradus::see {
namespace {

using Runs = std::span<const Run>;

/// On a logarithmic axis 0 is no point: it leaves a hole, and zeros alone are no picture.
bool has_data(const LinePlot& plot) {
  for (const Series& s : plot.series)
    for (const double v : s.y)
      if (std::isfinite(v) && (!plot.y.log || v > 0)) return true;
  return false;
}

/// Whether the lines (not the raw values behind them) are positive and span two decades or more.
bool spans_decades(const LinePlot& plot) {
  double low = INFINITY, high = 0;
  for (const Series& s : plot.series)
    for (const double v : s.y) {
      if (!std::isfinite(v)) continue;
      if (v <= 0) return false;
      if (!s.faint) low = std::min(low, v), high = std::max(high, v);
    }
  return high >= 100 * low;
}

/// "valid", or "valid b" where there are several runs.
std::string label(const std::string& what, Runs runs, std::size_t i) {
  return runs.size() == 1 ? what : what + " " + runs[i].name;
}

/// The mean of a fortieth of all values, half before and half after each: a line without lag.
std::vector<double> smoothed(const std::vector<double>& values) {
  const std::size_t reach = values.size() / 80;
  std::vector<double> all;
  for (std::size_t i = 0; i < values.size(); ++i) {
    // Equally far to both sides, so that a slope at the ends is not bent.
    const std::size_t near = std::min({reach, i, values.size() - 1 - i});
    double sum = 0, count = 0;
    for (std::size_t k = i - near; k <= i + near; ++k)
      if (std::isfinite(values[k])) sum += values[k], ++count;
    all.push_back(std::isfinite(values[i]) ? sum / count : values[i]);
  }
  return all;
}

template <class Entry>
std::vector<double> column(const std::vector<Entry>& of, double Entry::*field, double factor = 1) {
  std::vector<double> all;
  all.reserve(of.size());
  for (const Entry& e : of) all.push_back(e.*field * factor);
  return all;
}

/// Training and validation of each run: raw and smoothed batches where the log has them, else the
/// epochs' means.
LinePlot course(Runs runs, const std::string& title, double Run::Batch::*of_batch,
                double Run::Epoch::*of_train, double Run::Epoch::*of_valid) {
  const bool by_step =
      std::any_of(runs.begin(), runs.end(), [](const Run& r) { return !r.batches.empty(); });
  LinePlot plot{title, {.label = by_step ? "step" : "epoch", .counts = true}, {title}, {}, {}};
  int colour = 0;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const Run& r = runs[i];
    const std::vector<double> ends =
        column(r.epochs, &Run::Epoch::epoch, by_step ? r.steps_per_epoch : 1);
    const std::vector<double> steps = column(r.batches, &Run::Batch::step);
    if (r.batches.empty()) {
      plot.series.push_back(
          {label("train", runs, i), ends, column(r.epochs, of_train), colour, i > 0});
    } else {
      const std::vector<double> raw = column(r.batches, of_batch);
      plot.series.push_back({"", steps, raw, colour, false, true});
      plot.series.push_back({label("train", runs, i), steps, smoothed(raw), colour, i > 0});
    }
    plot.series.push_back(
        {label("valid", runs, i), ends, column(r.epochs, of_valid), colour + 1, i > 0});
    colour += 2;
  }
  return plot;
}

/// " (NaN or infinite in 3 of 4 steps)": what a plot of the loss leaves out; empty for nothing.
std::string gaps_in_loss(Runs runs) {
  std::string text;
  for (const Run& r : runs) {
    const bool by_step = !r.batches.empty();
    const auto all = by_step ? r.batches.size() : r.epochs.size();
    const auto broken =
        by_step ? std::count_if(r.batches.begin(), r.batches.end(),
                                [](const Run::Batch& b) { return b.broken; })
                : std::count_if(r.epochs.begin(), r.epochs.end(),
                                [](const Run::Epoch& e) { return !std::isfinite(e.train_loss); });
    if (broken > 0)
      text += (text.empty() ? " (" : ", ") + (runs.size() > 1 ? r.name + " " : std::string()) +
              "NaN or infinite in " + std::to_string(broken) + " of " + std::to_string(all) +
              (by_step ? " steps" : " epochs");
  }
  return text.empty() ? "" : text + ")";
}

/// One line a run, or one for each of its groups.
LinePlot learning_rates(Runs runs) {
  LinePlot plot{"learning rate", by_steps, {"learning rate"}, {}, {}};
  int colour = 0;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const Run& r = runs[i];
    const std::vector<double> steps = column(r.batches, &Run::Batch::step);
    if (r.groups.empty())
      plot.series.push_back(
          {label("lr", runs, i), steps, column(r.batches, &Run::Batch::lr), colour++, i > 0});
    for (const Run::Group& g : r.groups)
      plot.series.push_back({label("lr of " + g.name, runs, i), steps, g.lr, colour++, i > 0});
  }
  return plot;
}

/// Which layers or parameters a picture shows first.
template <class Entry>
using GoesFirst = bool (*)(const Entry&);

bool is_layer(const Run::Layer&) { return true; }
/// Units die in what rectifies: a ReLU by its name, or a layer with zeros, as a tape, which knows
/// no kinds, has it.
bool may_die(const Run::Layer& l) {
  constexpr std::string_view relu = "relu";
  const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  return l.dead > 0 || l.zero > 0 ||
         std::search(l.name.begin(), l.name.end(), relu.begin(), relu.end(), same) != l.name.end();
}
/// Weights say more than biases. A log that does not tell how many axes a parameter has is old.
bool is_weight(const Run::Parameter& p) {
  return p.rank > 0 ? p.rank > 1 : !p.name.ends_with("bias");
}

/// The names that one picture shows, and how many there are.
struct ChosenNames {
  std::vector<std::string> names{};
  std::size_t all = 0;

  /// " (8 of 14; --json has all)", or nothing where all are there.
  std::string note() const {
    return names.size() == all ? ""
                               : " (" + std::to_string(names.size()) + " of " +
                                     std::to_string(all) + "; --json has all)";
  }
};

/// In order of appearance. Where there are more than `most` (0: no end), those that go first, and
/// of these evenly.
template <class Entry>
ChosenNames names_of(Runs runs, std::vector<Entry> Run::Snapshot::*list, std::size_t most,
                     GoesFirst<Entry> goes_first) {
  std::vector<std::string> all, first;
  std::map<std::string, bool> is_first;  // in one snapshot at least: units die in the course
  for (const Run& r : runs)
    for (const Run::Snapshot& s : r.snapshots)
      for (const Entry& e : s.*list) {
        const auto [known, is_new] = is_first.try_emplace(e.name, false);
        if (is_new) all.push_back(e.name);
        known->second = known->second || goes_first(e);
      }
  if (most == 0 || all.size() <= most) return {all, all.size()};
  for (const std::string& name : all)
    if (is_first[name]) first.push_back(name);
  const std::vector<std::string>& from = first.empty() ? all : first;
  ChosenNames chosen{{}, all.size()};
  const std::size_t n = std::min(from.size(), most);
  for (std::size_t i = 0; i < n; ++i)
    chosen.names.push_back(from[n == 1 ? 0 : i * (from.size() - 1) / (n - 1)]);
  return chosen;
}

/// One line for each layer or parameter of each run.
template <class Entry>
LinePlot by_name(Runs runs, const std::string& title, const Axis& y,
                 std::vector<Entry> Run::Snapshot::*list, std::size_t most,
                 GoesFirst<Entry> goes_first, const std::function<double(const Entry&)>& value) {
  const ChosenNames chosen = names_of(runs, list, most, goes_first);
  const std::vector<std::string>& names = chosen.names;
  LinePlot plot{title + chosen.note(), by_steps, y, {}, {}};
  for (std::size_t i = 0; i < runs.size(); ++i)
    for (std::size_t n = 0; n < names.size(); ++n) {
      Series s{label(names[n], runs, i), {}, {}, static_cast<int>(n), i > 0};
      for (const Run::Snapshot& snapshot : runs[i].snapshots)
        for (const Entry& e : snapshot.*list)
          if (e.name == names[n]) s.x.push_back(snapshot.step), s.y.push_back(value(e));
      if (!s.x.empty()) plot.series.push_back(std::move(s));
    }
  return plot;
}

std::string file_name(std::string text) {
  for (char& c : text)
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.'))
      c = '-';
  return text;
}

/// " (nan in 50 of 50 tiles)"; nothing where all are numbers.
std::string broken_tiles(const std::vector<Grid>& tiles) {
  const auto broken = std::count_if(tiles.begin(), tiles.end(), [](const Grid& g) {
    return !std::all_of(g.values.begin(), g.values.end(),
                        [](double v) { return std::isfinite(v); });
  });
  return broken == 0 ? ""
                     : " (nan in " + std::to_string(broken) + " of " +
                           std::to_string(tiles.size()) + " tiles)";
}

void add_pictures(const Run& run, const std::string& of_run, const std::string& suffix,
                  std::size_t most, std::vector<NamedPlot>& to) {
  const ChosenNames layers = names_of(Runs(&run, 1), &Run::Snapshot::layers, most, is_layer);
  for (const std::string& layer : layers.names)
    if (Heatmap map = histogram_of(run, layer, "activations of " + layer + of_run + layers.note());
        !map.grid.values.empty())
      to.push_back({file_name("histogram-" + layer) + suffix, std::move(map)});
  if (!run.weights.empty()) {
    Gallery wall{"weights into each unit: " + run.weights_of + of_run + broken_tiles(run.weights),
                 {},
                 Scale::diverging};
    for (std::size_t i = 0; i < run.weights.size(); ++i)
      wall.tiles.push_back({"unit " + std::to_string(i), run.weights[i]});
    to.push_back({"weights" + suffix, std::move(wall)});
  }
  if (!run.confusion.empty()) {
    Table table{"confusion on " + run.rows_of + of_run, {"read as"}, {"truth"}, {}, run.confusion};
    for (std::size_t i = 0; i < run.confusion.size(); ++i) table.names.push_back(std::to_string(i));
    to.push_back({"confusion" + suffix, std::move(table)});
  }
  if (!run.misread.empty()) {
    const bool is_sure = std::isfinite(run.misread[0].confidence);
    Gallery wall{(is_sure ? "misread of " + run.rows_of + ", the surest first"
                          : "worst predictions for " + run.rows_of) +
                     of_run,
                 {},
                 Scale::sequential,
                 true};
    for (const Run::Misread& m : run.misread) {
      const std::string row = "row " + std::to_string(m.row);
      wall.tiles.push_back({"a " + short_number(m.truth) + ", read as " + short_number(m.answer) +
                                "\n" +
                                (is_sure ? fixed(100 * m.confidence, 0) + " % sure, " + row : row),
                            m.image});
    }
    to.push_back({"misread" + suffix, std::move(wall)});
  }
}

}  // namespace

void match_layers(std::span<Run> runs) {
  std::map<std::string, std::string> known;  // "layer 0" by the name that says its kind
  for (const Run& run : runs)
    for (const Run::Snapshot& s : run.snapshots)
      for (const Run::Layer& l : s.layers)
        if (const std::size_t space = l.name.find(' '); space != l.name.npos && l.name[0] != 'l')
          known.try_emplace("layer " + l.name.substr(0, space), l.name);
  for (Run& run : runs)
    for (Run::Snapshot& s : run.snapshots)
      for (Run::Layer& l : s.layers)
        if (const auto name = known.find(l.name); name != known.end()) l.name = name->second;
}

std::vector<NamedPlot> plots_of(Runs runs, const PlotOptions& options) {
  using LossAxis = PlotOptions::LossAxis;
  using Layer = Run::Layer;
  using Parameter = Run::Parameter;
  std::vector<NamedPlot> all;
  const auto add = [&](const char* name, LinePlot plot) {
    if (has_data(plot)) all.push_back({name, std::move(plot)});
  };
  LinePlot loss =
      course(runs, "loss", &Run::Batch::loss, &Run::Epoch::train_loss, &Run::Epoch::valid_loss);
  loss.y.log = options.loss_axis == LossAxis::automatic ? spans_decades(loss)
                                                        : options.loss_axis == LossAxis::log;
  loss.title += gaps_in_loss(runs);
  add("loss", std::move(loss));
  LinePlot accuracy = course(runs, "accuracy", &Run::Batch::accuracy, &Run::Epoch::train_accuracy,
                             &Run::Epoch::valid_accuracy);
  accuracy.y.most = 1;
  add("accuracy", std::move(accuracy));
  add("learning-rate", learning_rates(runs));
  const auto layer_lines = [&](const char* name, const char* title, const Axis& y,
                               double Run::Layer::*value, GoesFirst<Layer> goes_first = is_layer) {
    add(name, by_name<Layer>(runs, title, y, &Run::Snapshot::layers, options.most, goes_first,
                             [value](const Layer& l) { return l.*value; }));
  };
  const Axis share{.label = "share", .most = 1};
  layer_lines("activation-mean", "mean of the activations", {"mean"}, &Layer::mean);
  layer_lines("activation-std", "standard deviation of the activations", {"std"}, &Layer::std);
  layer_lines("zero", "activations that are exactly 0", share, &Layer::zero, may_die);
  layer_lines("near-zero", "activations nearer to 0 than 0.001", share, &Layer::near_zero);
  layer_lines("dead", "dead units: near 0 for every image of the batch", share, &Layer::dead,
              may_die);
  const auto parameters = &Run::Snapshot::parameters;
  add("gradient-norm",
      by_name<Parameter>(runs, "norm of the gradients", {"norm", true}, parameters, options.most,
                         is_weight, [](const Parameter& p) { return p.gradient_norm; }));
  LinePlot ratio = by_name<Parameter>(runs, "size of an update against the parameter's",
                                      {"ratio", true}, parameters, options.most, is_weight,
                                      [](const Parameter& p) { return p.update_norm / p.norm; });
  ratio.guides.emplace_back(1e-3, "target 0.001");
  add("update-ratio", std::move(ratio));
  for (const Run& run : runs)
    add_pictures(run, runs.size() > 1 ? ", " + run.name : "",
                 runs.size() > 1 ? "-" + file_name(run.name) : "", options.most, all);
  return all;
}

}  // namespace gradus::see
