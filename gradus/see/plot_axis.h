// What both kinds of drawing share: which numbers stand at an axis, where a value lies on it, what
// colour it has.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include <gradus/see/plot.h>

namespace gradus::see {

/// "0.50": the same in every locale, never "-0".
std::string fixed(double value, int decimals);
/// Shortest of about four digits: 1200, 12k, 0.05, 1e-5.
std::string short_number(double value);
/// Text for an SVG: no character of it is markup or a control character.
std::string escaped(const std::string& text);

inline const Axis by_steps{.label = "step", .counts = true};

/// Numbers from low to high on an axis.
struct Ruler {
  double low = 0, high = 1;
  bool log = false;
  std::vector<std::pair<double, std::string>> marks{};  ///< stand in place of round numbers
  bool counts = false;                                  ///< no number between two whole ones
  static Ruler between(double low, double high, const Axis& axis);
  /// Of all values that are finite (and positive, for log), with a margin where `padded`.
  static Ruler of(std::span<const double> values, const Axis& axis, bool padded);
  bool has(double value) const;
  /// Where a value lies, 0 at low and 1 at high.
  double share(double value) const;
  /// About `wanted` round numbers with their words: steps of 1, 2, 5 times a power of ten, or
  /// powers of ten alone.
  std::vector<std::pair<double, std::string>> ticks(int wanted) const;
};

/// All x or y of a plot, guides included.
std::vector<double> all_x(const LinePlot& plot);
std::vector<double> all_y(const LinePlot& plot);

using Colour = std::array<std::uint8_t, 3>;
/// Blue, vermilion, green ... in an order that begins with the best two: Okabe and Ito 2008, but
/// their yellow, which is hardly seen on white, as dark as needed.
Colour series_colour(int i);
/// "#0072b2"
std::string hex(Colour colour);
/// Share 0..1 of a scale.
Colour ramp(Scale scale, double share, bool light_on_dark);
/// What the scale spans: 0 or the smallest value to the largest; for a diverging one equally far to
/// both sides of 0, so that 199 of 200 values lie within.
std::pair<double, double> limits_of(std::span<const Grid* const> grids, Scale scale);

/// Places for labels that want to be at `wanted`, at least `gap` apart, within low..high, in the
/// same order.
std::vector<double> spread(const std::vector<double>& wanted, double gap, double low, double high);

}  // namespace gradus::see
