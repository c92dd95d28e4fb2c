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
  Heatmap map{title, by_steps,          {"activation"},  {}, 0, 1, -limit,
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

double in_bin(const std::vector<double>& bins, int bin) {
  return bins[static_cast<std::size_t>(bin)];
}

/// The sizes of a tape's bins that a map shows: k of 33 + k and 31 - k, whose elements have
/// 4^k <= |v| 2^44 < 4^(k+1) (statistics.h). Ten of them; what is smaller counts as nearly 0, since
/// the way down to 0 is endless and empty.
struct Sizes {
  int least = 0, negative = 0, positive = 0;  ///< smallest k, and how many on each side
  int rows() const { return negative + 1 + positive; }
  /// The bin of row i from below; the middle one is `negative`.
  double count(const std::vector<double>& bins, int i) const {
    if (i < negative) return in_bin(bins, 31 - least - (negative - 1 - i));
    if (i > negative) return in_bin(bins, 33 + least + (i - negative - 1));
    double sum = 0;
    for (int b = 32 - least; b <= 32 + least; ++b) sum += in_bin(bins, b);
    return sum;
  }
};

Sizes sizes_of(const std::vector<std::vector<double>>& columns) {
  int low = -1, high = -1;  // largest k that anything has
  for (const auto& one : columns)
    for (int k = 0; k <= 30; ++k) {
      if (in_bin(one, 31 - k) > 0) low = std::max(low, k);
      if (in_bin(one, 33 + k) > 0) high = std::max(high, k);
    }
  Sizes sizes;
  sizes.least = std::max(std::max(low, high) - 9, 0);
  sizes.negative = std::max(low + 1 - sizes.least, 0);
  sizes.positive = std::max(high + 1 - sizes.least, 0);
  return sizes;
}

/// The same of a tape's own bins. The words at the axis stand at edges, every second where there
/// are many.
Heatmap histogram_by_size(const Run& run, const std::string& layer, const std::string& title) {
  Heatmap map{title + ", by size", by_steps, {"activation"}};
  map.legend = "log(1 + count)";
  std::vector<double> steps;
  std::vector<std::vector<double>> found, columns;
  for (const Run::Snapshot& s : run.snapshots)
    for (const Run::Layer& l : s.layers)
      if (l.name == layer && l.by_size.size() == 64)
        steps.push_back(s.step), found.push_back(l.by_size);
  const Sizes sizes = sizes_of(found);
  for (const auto& bins : found) {
    columns.emplace_back();
    for (int i = 0; i < sizes.rows(); ++i) columns.back().push_back(sizes.count(bins, i));
  }
  if (columns.empty()) return map;
  fill_columns(map, steps, columns, 0, columns[0].size() - 1);
  map.bottom = 0, map.top = sizes.rows();
  const int every = sizes.rows() > 11 ? 2 : 1;
  for (int k = sizes.least; k < sizes.least + 10; ++k) {
    // 4^22 2^-44 is 1. Next to the middle there is no room for words.
    if ((k - 22) % every != 0 || k - sizes.least < 2 * every) continue;
    const double edge = std::ldexp(1, 2 * k - 44);
    const int from_middle = k - sizes.least;
    if (from_middle < sizes.negative)
      map.y.marks.emplace_back(sizes.negative - from_middle, short_number(-edge));
    if (from_middle < sizes.positive)
      map.y.marks.emplace_back(sizes.negative + 1 + from_middle, short_number(edge));
  }
  map.y.marks.emplace_back(sizes.negative + 0.5, "~0");
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
