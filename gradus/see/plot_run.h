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
  };
  struct Layer {
    std::string name{};  ///< "0 Linear"
    double mean = unknown, std = unknown, near_zero = unknown, dead = unknown;
    /// Counts in equal bins over -limit..limit, limit a power of 2; empty where unknown.
    double limit = 0;
    std::vector<double> counts{};
  };
  struct Parameter {
    std::string name{};  ///< "0.weight"
    double gradient_norm = unknown, norm = unknown, update_norm = unknown;
  };
  struct Snapshot {
    double step = 0;
    std::vector<Layer> layers{};
    std::vector<Parameter> parameters{};
  };
  struct Misread {
    std::int64_t row = 0, truth = 0, answer = 0;
    double confidence = unknown;
    Grid image{};
  };

  std::string name{};
  double steps_per_epoch = 1;
  std::vector<Epoch> epochs{};
  std::vector<Batch> batches{};
  std::vector<Snapshot> snapshots{};
  std::vector<Grid> weights{};  ///< of the first layer, one image a unit
  std::string weights_of{};
  std::vector<std::vector<double>> confusion{};  ///< [truth][answer]
  std::vector<Misread> misread{};                ///< the surest first
};

/// The run in JSON lines. Kinds of events that are not known are passed over, and so is a last line
/// without its end, which a killed run leaves. Throws DataError, naming the line, for anything else
/// that is no log.
Run read_run(std::string_view json_lines, std::string name);
/// The run on a tape: loss, mean, std and zeros of activations, norms of gradients. Histograms,
/// updates and accuracy are not on it.
Run run_of(const Tape& tape, std::string name);

struct NamedPlot {
  std::string name;  ///< fit for a file: "loss", "histogram-0-Linear"
  Plot plot;
};
/// Every plot for which there is data. Line plots hold all runs, dashed after the first; maps and
/// pictures are made of each run. At most 8 layers and 8 parameters, evenly chosen.
std::vector<NamedPlot> plots_of(std::span<const Run> runs);

}  // namespace gradus::see
