// The numbers of one layer's output for a plot; see plot_run.h. `gradus train --stats` writes them
// into its log, a tape's elements give them afterwards.
#include <gradus/see/plot_run.h>

#include <algorithm>
#include <cmath>

namespace gradus::see {

Run::Layer layer_of(std::string name, const Tensor& output) {
  constexpr int bins = 40;
  constexpr double near = 1e-3;
  const std::vector<double> values = output.to_vector<double>();
  const auto units =
      static_cast<std::size_t>(output.ndim() ? std::max<std::int64_t>(output.size(-1), 1) : 1);
  double sum = 0, squares = 0, count = 0, zeros = 0, small = 0, most = 0;
  std::vector<bool> alive(units, false);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double v = values[i];
    if (!(std::abs(v) < near))  // nan is no number near 0
      alive[i % units] = true;
    else
      ++small;
    zeros += v == 0;
    if (std::isfinite(v)) sum += v, ++count, most = std::max(most, std::abs(v));
  }
  const double mean = sum / count;
  for (const double v : values)
    if (std::isfinite(v)) squares += (v - mean) * (v - mean);
  int exponent = 0;
  const double share = std::frexp(most, &exponent);
  const double limit =
      most == 0 ? 1 : std::ldexp(1, std::max(share == 0.5 ? exponent - 1 : exponent, -1000));
  Run::Layer layer{std::move(name), mean, std::sqrt(squares / count)};
  if (count > 0) {  // of nothing but nan there are no shares
    const auto all = static_cast<double>(values.size());
    layer.zero = zeros / all, layer.near_zero = small / all;
    layer.dead = static_cast<double>(std::count(alive.begin(), alive.end(), false)) /
                 static_cast<double>(units);
  }
  layer.limit = limit;
  layer.counts.assign(bins, 0);
  for (const double v : values)
    if (std::isfinite(v))
      ++layer
            .counts[static_cast<std::size_t>(std::min((v / limit + 1) * (bins / 2.0), bins - 1.0))];
  return layer;
}

}  // namespace gradus::see
