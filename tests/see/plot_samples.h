// A plot of each kind, with numbers that show what drawing may get wrong, and the files that
// pictures are held against: GRADUS_UPDATE_GOLDENS=1 rewrites those; look at them.
#pragma once

#include <gradus/see/plot.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/folder.h"

namespace gradus::test {

using see::Gallery;
using see::Heatmap;
using see::LinePlot;
using see::Plot;
using see::Scale;
using see::Series;
using see::Table;

inline std::string golden_path(const std::string& name) {
  return GRADUS_SOURCE_DIR "/tests/see/plot_golden/" + name;
}

inline void expect_golden(const std::string& name, const std::string& text) {
  const std::string path = golden_path(name);
  if (std::getenv("GRADUS_UPDATE_GOLDENS")) std::ofstream(path, std::ios::binary) << text;
  EXPECT_TRUE(whole_file(path) == text)
      << name << " changed; GRADUS_UPDATE_GOLDENS=1 shows how in git";
}

inline LinePlot line_plot() {
  LinePlot plot{
      "loss of <two> runs & a target", {"step"}, {"loss", true}, {}, {{0.1, "target 0.1"}}};
  Series raw{"", {}, {}, 0, false, true}, one{"train a"}, two{"train b", {}, {}, 1, true};
  for (int i = 0; i <= 40; ++i) {
    const double y = 2.5 / (1 + 0.2 * i);  // exact enough for one decimal of a pixel
    raw.x.push_back(i), raw.y.push_back(i % 2 ? y * 1.25 : y / 1.25);
    one.x.push_back(i), one.y.push_back(y);
    two.x.push_back(i), two.y.push_back(i == 20 ? NAN : 2 * y);
  }
  plot.series = {raw, one, two};
  return plot;
}

inline Heatmap heat_map() {
  Heatmap map{"activations of 1 ReLU", {"step"}, {"activation"}, {8, 12, {}}, 0, 600, -2, 2};
  map.legend = "log(1 + count)";
  for (int r = 0; r < 8; ++r)
    for (int c = 0; c < 12; ++c)
      map.grid.values.push_back(r == 7 && c == 0 ? double{NAN} : (r * 12 + c) % 16);
  return map;
}

/// A map whose axis has words of its own, as a tape's histogram has.
inline Heatmap sizes() {
  Heatmap map{"activations of relu1, by size", {"step"}, {"activation"}, {12, 8, {}}, 0, 7, 50, 62};
  map.y.marks = {{51, "0.0039"}, {53, "0.0625"}, {55, "1"}, {57, "16"}, {59, "256"}, {61, "4096"}};
  map.legend = "log(1 + count)";
  for (int r = 0; r < 12; ++r)
    for (int c = 0; c < 8; ++c) map.grid.values.push_back(std::max(0, 6 - std::abs(r + c - 9)));
  return map;
}

inline Table table() {
  return {"confusion",
          {"read as"},
          {"truth"},
          {"0", "1", "2"},
          {{98, 0, 2}, {1, 107, 3}, {0, 12, 1032}}};
}

inline Gallery gallery() {
  Gallery wall{"weights into each unit", {}, Scale::diverging};
  for (int i = 0; i < 12; ++i) {
    Gallery::Tile tile{"unit " + std::to_string(i), {16, 16, {}}};
    for (int k = 0; k < 256; ++k)
      tile.grid.values.push_back((k / 16 < 8 ? 0.5 : -0.5) * ((k % 16) * (i + 1) % 7));
    wall.tiles.push_back(tile);
  }
  return wall;
}

inline std::vector<std::pair<std::string, Plot>> samples() {
  return {{"line", line_plot()},
          {"heatmap", heat_map()},
          {"sizes", sizes()},
          {"table", table()},
          {"gallery", gallery()}};
}

}  // namespace gradus::test
