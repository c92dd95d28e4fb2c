// What a training run left behind, as plots: from the JSON lines of `gradus train --log` (with
// --stats there is more in them) or from a tape. Two runs share their line plots.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include <gradus/see/plot.h>
#include <gradus/see/tape.h>

namespace gradus::see {

/// A run as numbers; NaN where the log has none. All lists may be empty.
struct Run {
  static constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  struct Epoch {
    double epoch = 0, train_loss = unknown, valid_loss = unknown, train_accuracy = unknown,
           valid_accuracy = unknown;
  };
  struct Batch {
    double step = 0, loss = unknown, accuracy = unknown, lr = unknown;
    bool broken = false;  ///< the loss is there and is NaN or infinite
  };
  struct Layer {
    std::string name{};  ///< "0 Linear"
    double mean = unknown, std = unknown;
    double zero = unknown;       ///< share of elements that are exactly 0
    double near_zero = unknown;  ///< share of elements with |v| < 0.001
    double dead = unknown;       ///< share of units (last axis) that are so for every row
    /// Counts in equal bins over -limit..limit, limit a power of 2; empty where unknown.
    double limit = 0;
    std::vector<double> counts{};
    /// Counts in the 64 bins of a tape's statistics, each a factor 4 in size; empty where unknown.
    std::vector<double> by_size{};
  };
  struct Parameter {
    std::string name{};  ///< "0.weight"
    double gradient_norm = unknown, norm = unknown, update_norm = unknown;
    std::size_t rank = 0;  ///< how many axes it has; 0 where that is unknown
  };
  struct Snapshot {
    double step = 0;
    std::vector<Layer> layers{};
    std::vector<Parameter> parameters{};
  };
  struct Misread {
    std::int64_t row = 0;
    double truth = 0, answer = 0;
    double confidence = unknown;  ///< 0..1; unknown where the net answers with a number
    Grid image{};
  };

  /// Parameters that learn at a rate of their own.
  struct Group {
    std::string name{};        ///< "0.weight and 1 more"
    std::vector<double> lr{};  ///< one a batch
  };

  std::string name{};
  double steps_per_epoch = 1;
  std::vector<Epoch> epochs{};
  std::vector<Batch> batches{};
  std::vector<Group> groups{};  ///< where there is more than one; the first has the batches' lr
  std::vector<Snapshot> snapshots{};
  std::vector<Grid> weights{};  ///< of the first layer, one image a unit
  std::string weights_of{};
  std::vector<std::vector<double>> confusion{};  ///< [truth][answer]
  std::vector<Misread> misread{};                ///< the surest, or the most wrong, first
  std::string rows_of = "the test images";       ///< whose confusion and mistakes these are
  std::vector<std::string> missing{};            ///< what has no picture, and what would give it
};

/// Of one layer's output, in f64: mean, std (of the population), shares of zeros, of what is nearly
/// zero and of dead units (all elements where there is no axis), and 40 equal bins over
/// -limit..limit, limit the smallest power of 2 that holds all. NaN and infinities are not counted;
/// where there is nothing else, nothing is known.
Run::Layer layer_of(std::string name, const Tensor& output);

/// The run in JSON lines. Kinds of events that are not known are passed over, and so is a last line
/// without its end, which a killed run leaves. Throws DataError, naming the line, for anything else
/// that is no log.
Run read_run(std::string_view json_lines, std::string name);
/// The run on a tape. From statistics: loss, learning rate, layers, histograms by size, gradients,
/// updates. Where elements were kept, also accuracy, dead units, histograms in equal bins, and of
/// the last step that has them the first layer's weights, the confusion and the worst predictions.
/// `missing` says what is not there and why. No observer sees what it computes.
Run run_of(const Tape& tape, std::string name);

/// Gives the layers of two runs one name each, so that they share their pictures: a log says
/// "0 Linear" where a tape, which knows no kinds, says "layer 0".
void match_layers(std::span<Run> runs);

struct NamedPlot {
  std::string name;  ///< fit for a file: "loss", "histogram-0-Linear"
  Plot plot;
};
struct PlotOptions {
  /// automatic: logarithmic where a loss is positive and falls or grows a hundredfold.
  enum class LossAxis { automatic, linear, log } loss_axis = LossAxis::automatic;
  /// Layers, and parameters, in one picture; what is more than eye and colours tell apart is left
  /// out, evenly, and the title says so. 0 leaves out nothing, for those who read numbers.
  std::size_t most = 8;
};
/// Every plot for which there is data. Line plots hold all runs, dashed after the first; maps and
/// pictures are made of each run. Where there are too many parameters, weights go before biases.
std::vector<NamedPlot> plots_of(std::span<const Run> runs, const PlotOptions& options = {});
/// One line of JSON: "picture" (the name), "kind" (lines, map, table or images), "title", and the
/// numbers that are drawn; null for those that are not finite.
std::string json_text(const NamedPlot& plot);

}  // namespace gradus::see
