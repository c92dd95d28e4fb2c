// Histograms as maps of colours; see plot_histogram.h.
#include <gradus/see/plot_axis.h>
#include <gradus/see/plot_histogram.h>

#include <algorithm>
#include <cmath>

namespace gradus::see {
namespace {

/// The columns of a map, from the top: log(1 + count) of the bins lowest..highest, which are all
/// that hold anything. Nothing where none does.
void fill_columns(Heatmap& map, const std::vector<double>& steps,
                  const std::vector<std::vector<double>>& columns, std::size_t lowest,
                  std::size_t highest) {
  if (columns.empty() || lowest > highest) return;
  map.left = steps.front(), map.right = steps.back();
  if (map.left == map.right) map.right = map.left + 1;
  map.grid = {highest + 1 - lowest, columns.size(), {}};
  for (std::size_t b = highest + 1; b-- > lowest;)
    for (const auto& one : columns) map.grid.values.push_back(std::log1p(one[b]));
}

/// The bins that hold anything in some column; lowest > highest where there is none.
std::pair<std::size_t, std::size_t> used_bins(const std::vector<std::vector<double>>& columns) {
  std::size_t lowest = columns.empty() ? 1 : columns[0].size(), highest = 0;
  for (const auto& one : columns)
    for (std::size_t b = 0; b < one.size(); ++b)
      if (one[b] > 0) lowest = std::min(lowest, b), highest = std::max(highest, b);
  return {lowest, highest};
}

/// Counts over time, one column a snapshot. Limits are powers of 2, so a narrow histogram fits a
/// wider one exactly: two bins become one for each doubling.
Heatmap histogram_in_equal_bins(const Run& run, const std::string& layer,
                                const std::string& title) {
  std::vector<double> steps;
  std::vector<const Run::Layer*> layers;
  double limit = 0;
  for (const Run::Snapshot& s : run.snapshots)
    for (const Run::Layer& l : s.layers)
      if (l.name == layer && !l.counts.empty()) {
        steps.push_back(s.step), layers.push_back(&l);
        limit = std::max(limit, l.limit);
      }
  Heatmap map{title, {"step"},          {"activation"},  {}, 0, 1, -limit,
              limit, Scale::sequential, "log(1 + count)"};
  if (layers.empty()) return map;
  const std::size_t bins = layers[0]->counts.size();
  std::vector<std::vector<double>> columns;
  for (const Run::Layer* l : layers) {
    std::vector<double> wide(bins, 0);
    const auto half = static_cast<double>(bins) / 2;
    for (std::size_t b = 0; b < std::min(bins, l->counts.size()); ++b) {
      const double from_middle = (static_cast<double>(b) - half) * (l->limit / limit);
      const auto to = static_cast<std::size_t>(std::floor(from_middle) + half);
      wide[std::min(to, bins - 1)] += l->counts[b];
    }
    columns.push_back(std::move(wide));
  }
  const auto [lowest, highest] = used_bins(columns);
  fill_columns(map, steps, columns, lowest, highest);
  const double width = 2 * limit / static_cast<double>(bins);
  map.bottom = -limit + width * static_cast<double>(lowest);
  map.top = -limit + width * static_cast<double>(highest + 1);
  return map;
}

/// The same of a tape's own bins (statistics.h), each a factor 4 in size: bin 32 is 0, bin 33 + k
/// begins at 4^k 2^-44. Edges have the words, every second or fourth where there are many.
Heatmap histogram_by_size(const Run& run, const std::string& layer, const std::string& title) {
  Heatmap map{title + ", by size", {"step"}, {"activation"}};
  map.legend = "log(1 + count)";
  std::vector<double> steps;
  std::vector<std::vector<double>> columns;
  for (const Run::Snapshot& s : run.snapshots)
    for (const Run::Layer& l : s.layers)
      if (l.name == layer && l.by_size.size() == 64) {
        steps.push_back(s.step), columns.push_back(l.by_size);
        columns.back()[0] = 0;  // NaN has no size
      }
  const auto [lowest, highest] = used_bins(columns);
  fill_columns(map, steps, columns, lowest, highest);
  map.bottom = static_cast<double>(lowest), map.top = static_cast<double>(highest + 1);
  if (map.grid.values.empty()) return map;
  const int every = map.grid.rows > 32 ? 4 : map.grid.rows > 10 ? 2 : 1;
  for (int k = 0; k <= 30; ++k) {
    if ((k - 22) % every != 0) continue;  // 4^22 2^-44 is 1
    for (const int sign : {-1, 1}) {
      const double edge = sign > 0 ? 33 + k : 32 - k;
      if (edge >= map.bottom && edge <= map.top)
        map.y.marks.emplace_back(edge, short_number(sign * std::ldexp(1, 2 * k - 44)));
    }
  }
  if (lowest <= 32 && highest >= 32) map.y.marks.emplace_back(32.5, "0");
  std::sort(map.y.marks.begin(), map.y.marks.end());
  return map;
}

}  // namespace

Heatmap histogram_of(const Run& run, const std::string& layer, const std::string& title) {
  for (const Run::Snapshot& s : run.snapshots)
    for (const Run::Layer& l : s.layers)
      if (l.name == layer && l.counts.empty() && !l.by_size.empty())
        return histogram_by_size(run, layer, title);
  return histogram_in_equal_bins(run, layer, title);
}

}  // namespace gradus::see
