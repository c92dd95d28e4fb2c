// Activations over time: one column of bins a snapshot. plot_run.cpp is the user.
#pragma once

#include <gradus/see/plot_run.h>

namespace gradus::see {

/// A layer's histogram over a run: in equal bins where every snapshot that knows the layer has
/// them, else in a tape's bins, each a factor 4 in size. Its grid is empty where there is none.
Heatmap histogram_of(const Run& run, const std::string& layer, const std::string& title);

}  // namespace gradus::see
