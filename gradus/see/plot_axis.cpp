// Rulers, numbers and colours; see plot_axis.h.
#include <gradus/see/plot_axis.h>
#include <gradus/see/words.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>

namespace gradus::see {

std::string fixed(double value, int decimals) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[400];
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed, decimals).ptr;
  std::string text(buffer, end);
  if (text[0] == '-' && text.find_first_not_of("-0.") == std::string::npos) text.erase(0, 1);
  return text;
}

std::string short_number(double value) {
  const double size = std::abs(value);
  if (value == 0) return "0";
  if (!std::isfinite(value)) return fixed(value, 0);
  if (size >= 1e15 || size < 1e-3) {
    char buffer[64];
    std::string text(
        buffer,
        std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific, 1).ptr);
    if (const auto zero = text.find(".0e"); zero != std::string::npos) text.erase(zero, 2);
    return with_typed_exponent(text);
  }
  static constexpr std::pair<double, const char*> units[] = {
      {1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}, {1, ""}};
  for (const auto& [unit, letter] : units) {
    if (size < unit * (unit == 1e3 ? 10 : 1) && unit > 1) continue;
    std::string text = fixed(value / unit, unit > 1 ? 2 : size >= 100 ? 1 : size >= 1 ? 2 : 4);
    if (text.find('.') != std::string::npos) {
      text.erase(text.find_last_not_of('0') + 1);
      if (text.back() == '.') text.pop_back();
    }
    return text + letter;
  }
  return fixed(value, 4);
}

namespace {

/// What short_number wrote, read again.
double read_short(const std::string& text) {
  std::size_t end = 0;
  double value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return NAN;
  end = static_cast<std::size_t>(rest - text.data());
  const char unit = end < text.size() ? text[end] : ' ';
  return value * (unit == 'k'   ? 1e3
                  : unit == 'M' ? 1e6
                  : unit == 'G' ? 1e9
                  : unit == 'T' ? 1e12
                                : 1);
}

/// The words of equally spaced numbers: short ones, unless that would round them; then with as many
/// digits as the step has.
std::vector<std::pair<double, std::string>> worded(const std::vector<double>& values, double step,
                                                   double widest, int decimals) {
  std::vector<std::pair<double, std::string>> all;
  all.reserve(values.size());
  const bool is_plain = widest < 1e4 && widest >= 1e-3;
  bool is_exact = !is_plain;
  for (const double v : values)
    is_exact = is_exact && std::abs(read_short(short_number(v)) - v) < 1e-3 * step;
  const int digits = std::clamp(
      static_cast<int>(std::floor(std::log10(widest)) - std::floor(std::log10(step))), 0, 17);
  for (const double v : values) {
    char text[64];
    if (is_exact)
      all.emplace_back(v, short_number(v));
    else if (is_plain || (widest >= 1 && widest < 1e9))
      all.emplace_back(v, fixed(v, decimals));
    else if (v == 0)
      all.emplace_back(v, "0");
    else
      all.emplace_back(v, with_typed_exponent(
                              std::string(text, std::to_chars(text, text + sizeof text, v,
                                                              std::chars_format::scientific, digits)
                                                    .ptr)));
  }
  return all;
}

}  // namespace

Ruler Ruler::between(double low, double high, const Axis& axis) {
  return {low, high, axis.log, axis.marks, axis.counts};
}

Ruler Ruler::of(std::span<const double> values, const Axis& axis, bool padded) {
  // Axes end where numbers end.
  constexpr double largest = std::numeric_limits<double>::max(),
                   smallest = std::numeric_limits<double>::denorm_min();
  Ruler r{INFINITY, -INFINITY, axis.log, {}, axis.counts};
  for (const double v : values)
    if (std::isfinite(v) && (!r.log || v > 0))
      r.low = std::min(r.low, v), r.high = std::max(r.high, v);
  if (r.low > r.high) return {r.log ? 0.1 : 0, 1, r.log, {}, r.counts};
  if (r.log) {
    if (r.high / r.low < 10)
      r.low = std::max(r.low / 3, smallest), r.high = std::min(r.high, largest / 3) * 3;
    return r;
  }
  if (r.low == r.high) {
    const double margin = r.low == 0 || r.counts ? 1 : std::abs(r.low) / 2;
    // Nothing lies below 0 where nothing is negative.
    if (padded)
      r.low = r.low >= 0 ? std::max(r.low - margin, 0.0) : std::max(r.low - margin, -largest);
    r.high = std::min({r.high + margin, largest, axis.most});
    return r;
  }
  if (!padded) return r;
  const double margin =
      (r.high / 2 - r.low / 2) * 0.1;  // a twentieth of all, in halves that cannot overflow
  // What is nearly at 0 begins there: a loss, a share.
  const bool from_zero = r.low >= 0 && r.low < (r.high - r.low) / 3;
  r.low = from_zero ? 0 : std::max(r.low - margin, -largest);
  r.high = std::min({r.high + margin, largest, std::max(r.high, axis.most)});
  return r;
}

bool Ruler::has(double value) const { return std::isfinite(value) && (!log || value > 0); }

double Ruler::share(double value) const {
  if (log) return (std::log10(value) - std::log10(low)) / (std::log10(high) - std::log10(low));
  return (value / 2 - low / 2) / (high / 2 - low / 2);
}

std::vector<std::pair<double, std::string>> Ruler::ticks(int wanted) const {
  if (!marks.empty()) return marks;
  wanted = std::max(wanted, 1);
  if (log) {
    std::vector<std::pair<double, std::string>> all;
    const double decades = std::log10(high) - std::log10(low);
    const int step = std::max(1, static_cast<int>(std::ceil(decades / wanted)));
    for (int e = static_cast<int>(std::floor(std::log10(low))); e <= std::log10(high) + 1e-9;
         e += step)
      for (const double part : {1.0, 2.0, 5.0}) {
        const double v = part * std::pow(10.0, e);
        const bool is_wanted = part == 1 || decades * 3 <= wanted + 1;  // room for three a decade
        if (is_wanted && v >= low * (1 - 1e-9) && v <= high * (1 + 1e-9))
          all.emplace_back(v, short_number(v));
      }
    return all;
  }
  const double raw = (high / 2 - low / 2) / wanted * 2;
  if (!(raw > 0) || !std::isfinite(raw)) return {{low, short_number(low)}};
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  const double round = raw <= power       ? power
                       : raw <= 2 * power ? 2 * power
                       : raw <= 5 * power ? 5 * power
                                          : 10 * power;
  const double step = counts ? std::max(round, 1.0) : round;
  if (!(step > 0)) return {{low, short_number(low)}};
  std::vector<double> values;
  for (double k = std::ceil(low / step - 1e-9); k * step <= high + step * 1e-9; ++k) {
    if (values.size() > 100) break;  // numbers too close for f64
    values.push_back(k * step);
  }
  const int decimals = std::clamp(static_cast<int>(-std::floor(std::log10(step) + 1e-9)), 0, 300);
  return worded(values, step, std::max(std::abs(low), std::abs(high)), decimals);
}

std::vector<double> all_x(const LinePlot& plot) {
  std::vector<double> all;
  for (const Series& s : plot.series) all.insert(all.end(), s.x.begin(), s.x.end());
  return all;
}
std::vector<double> all_y(const LinePlot& plot) {
  std::vector<double> all;
  for (const Series& s : plot.series) all.insert(all.end(), s.y.begin(), s.y.end());
  for (const auto& guide : plot.guides) all.push_back(guide.first);
  return all;
}

Colour series_colour(int i) {
  static constexpr Colour colours[] = {{0x00, 0x72, 0xB2}, {0xD5, 0x5E, 0x00}, {0x00, 0x9E, 0x73},
                                       {0xCC, 0x79, 0xA7}, {0xE6, 0x9F, 0x00}, {0x56, 0xB4, 0xE9},
                                       {0x00, 0x00, 0x00}, {0xA8, 0x90, 0x50}};
  return colours[static_cast<std::size_t>(i) % std::size(colours)];
}

std::string hex(Colour colour) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text = "#";
  for (const std::uint8_t c : colour) text += {digits[c >> 4], digits[c & 15]};
  return text;
}

Colour ramp(Scale scale, double share, bool light_on_dark) {
  // Lightness falls evenly, so that the order survives a gray print.
  static constexpr Colour sequential[] = {{0xff, 0xff, 0xff},
                                          {0xb5, 0xdc, 0xf0},
                                          {0x56, 0xb4, 0xe9},
                                          {0x00, 0x72, 0xb2},
                                          {0x00, 0x1c, 0x38}};
  static constexpr Colour diverging[] = {{0x00, 0x4a, 0x80},
                                         {0x56, 0xb4, 0xe9},
                                         {0xff, 0xff, 0xff},
                                         {0xf0, 0xa0, 0x50},
                                         {0x9a, 0x3c, 0x00}};
  static constexpr Colour gray[] = {
      {0, 0, 0}, {64, 64, 64}, {128, 128, 128}, {191, 191, 191}, {255, 255, 255}};
  const Colour* colours = scale == Scale::diverging ? diverging : light_on_dark ? gray : sequential;
  if (!std::isfinite(share)) return {0xdd, 0xdd, 0xdd};
  const double place = std::clamp(share, 0.0, 1.0) * 4;
  const int left = std::min(static_cast<int>(place), 3);
  Colour mixed{};
  for (std::size_t c = 0; c < 3; ++c)
    mixed[c] = static_cast<std::uint8_t>(
        std::lround(colours[left][c] + (place - left) * (colours[left + 1][c] - colours[left][c])));
  return mixed;
}

std::pair<double, double> limits_of(std::span<const Grid* const> grids, Scale scale) {
  double low = INFINITY, high = -INFINITY;
  for (const Grid* grid : grids)
    for (const double v : grid->values)
      if (std::isfinite(v)) low = std::min(low, v), high = std::max(high, v);
  if (low > high) return {scale == Scale::diverging ? -1 : 0, 1};
  if (scale == Scale::diverging) {
    // A few extreme values shall not make all others pale: 1 in 200 may lie beyond the scale.
    std::vector<double> sizes;
    for (const Grid* grid : grids)
      for (const double v : grid->values)
        if (std::isfinite(v)) sizes.push_back(std::abs(v));
    const auto place = sizes.begin() + static_cast<std::ptrdiff_t>((sizes.size() - 1) * 199 / 200);
    std::nth_element(sizes.begin(), place, sizes.end());
    double most = *place > 0 ? *place : std::max(std::abs(low), std::abs(high));
    if (most == 0) most = 1;  // zeros alone: any scale shows them
    return {-most, most};
  }
  low = std::min(low, 0.0);
  return {low, high > low ? high : low + 1};
}

std::vector<double> spread(const std::vector<double>& wanted, double gap, double low, double high) {
  std::vector<std::size_t> order(wanted.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return wanted[a] < wanted[b]; });
  std::vector<double> placed = wanted;
  double last = low - gap;
  for (const std::size_t i : order) last = placed[i] = std::max(wanted[i], last + gap);
  double next = high + gap;
  for (auto i = order.rbegin(); i != order.rend(); ++i)
    next = placed[*i] = std::min(placed[*i], next - gap);
  return placed;
}

}  // namespace gradus::see
