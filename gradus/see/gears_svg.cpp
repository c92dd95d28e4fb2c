// Wheels that turn; see gears.h. Coordinates have one decimal, so that bytes do not depend on the
// machine's last bit.
#include <gradus/see/gears.h>
#include <gradus/see/plot_axis.h>
#include <gradus/see/words.h>

#include <algorithm>
#include <cmath>

namespace gradus::see {
namespace {

/// A wheel as it is drawn: radius, seconds for one turn (0: it stands), clockwise or not.
struct DrawnWheel {
  double radius = 30, seconds = 0;
  bool clockwise = true;
};

constexpr double largest_wheel = 56,
                 slowest_turn = 12;  // radius and seconds of the wheel that turns least
constexpr double to_scale_up_to = 5;

/// What each wheel has turned by when the first turns once: 1, then the products so far.
std::vector<double> turned_by(const Gears& gears) {
  std::vector<double> turned{1};
  for (const Factor& wheel : gears.wheels) turned.push_back(turned.back() * wheel.value);
  return turned;
}

std::pair<double, double> limits_of_speed(const std::vector<double>& turned) {
  double low = 1, high = 1;
  for (const double t : turned)
    if (t != 0 && std::isfinite(t)) {
      low = std::min(low, std::fabs(t));
      high = std::max(high, std::fabs(t));
    }
  return {low, high};
}

std::vector<DrawnWheel> drawn_wheels(const std::vector<double>& turned) {
  const auto [low, high] = limits_of_speed(turned);
  std::vector<DrawnWheel> wheels;
  for (const double t : turned) {
    if (t == 0 || !std::isfinite(t)) {
      wheels.push_back({});
      continue;
    }
    // How much faster than the slowest, as a ratio: true, or squeezed into 1 to 5.
    const double faster =
        high <= to_scale_up_to * low
            ? std::fabs(t) / low
            : std::pow(to_scale_up_to, std::log(std::fabs(t) / low) / std::log(high / low));
    wheels.push_back({largest_wheel / faster, slowest_turn / faster, t > 0});
  }
  return wheels;
}

std::string moved_to(double x, double y) {
  return "<g transform=\"translate(" + fixed(x, 1) + " " + fixed(y, 1) + ")\">";
}

/// A wheel around (0, 0) with teeth, a spoke that shows how far it is, and its turning.
std::string wheel_at(double x, double y, const DrawnWheel& wheel, const std::string& colour,
                     const std::string& name) {
  const std::string r = fixed(wheel.radius - 3, 1);
  std::string out = moved_to(x, y) + "<g><circle r=\"" + r + "\" fill=\"none\" stroke=\"" + colour +
                    "\" stroke-width=\"6\" stroke-dasharray=\"4 4\"/><circle r=\"" +
                    fixed(std::max(wheel.radius - 6, 1.0), 1) + "\" fill=\"" + colour +
                    "\" fill-opacity=\".15\" stroke=\"" + colour + "\"/><path d=\"M0 0V-" + r +
                    "\" stroke=\"" + colour + "\"/>";
  if (wheel.seconds > 0)
    out += "<animateTransform attributeName=\"transform\" type=\"rotate\" to=\"" +
           std::string(wheel.clockwise ? "360" : "-360") + "\" dur=\"" + fixed(wheel.seconds, 2) +
           "s\" repeatCount=\"indefinite\"/>";
  out += "</g>";
  if (!name.empty()) out += "<text y=\"4\" text-anchor=\"middle\">" + name + "</text>";
  return out + "</g>\n";
}

}  // namespace

std::string gears_svg(const Gears& gears) {
  constexpr double axle = 100, between = 7;
  const char *const keeps = "#0072B2", *const turns_round = "#D55E00", *const stands = "#777";
  const std::vector<double> turned = turned_by(gears);
  const std::vector<DrawnWheel> wheels = drawn_wheels(turned);
  std::string body, rows;
  double x = 20 + wheels[0].radius, down = 190;
  const auto line = [&](const std::string& words, const char* colour) {
    rows += "<text x=\"20\" y=\"" + fixed(down, 0) + "\" fill=\"" + colour + "\">" +
            escaped(words) + "</text>\n";
    down += 18;
  };
  body += wheel_at(x, axle, wheels[0], "#333", "0");
  line("0  turns once", "#333");
  for (std::size_t i = 0; i < gears.wheels.size(); ++i) {
    const Factor& factor = gears.wheels[i];
    const DrawnWheel &before = wheels[i], &wheel = wheels[i + 1];
    const char* colour = factor.value == 0 ? stands : factor.value < 0 ? turns_round : keeps;
    if (factor.value > 0) {
      // Two turnings round are none.
      const DrawnWheel small{between, wheel.seconds * between / wheel.radius, !wheel.clockwise};
      body += wheel_at(x + before.radius + between, axle, small, "#bbb", "");
      x += 2 * between;
    } else if (factor.value == 0) {
      x += 24;  // a closed gate does not mesh
    }
    x += before.radius + wheel.radius;
    body += wheel_at(x, axle, wheel, turned[i + 1] == 0 ? stands : colour, std::to_string(i + 1));
    line(std::to_string(i + 1) + "  " + factor.text + ": " + number(factor.value, 5) +
             " times wheel " + std::to_string(i) + ", " +
             (turned[i + 1] == 0 ? "it stands still" : "has turned " + number(turned[i + 1], 5)) +
             (factor.remark.empty() ? "" : " (" + factor.remark + ")"),
         colour);
  }
  const auto [low, high] = limits_of_speed(turned);
  line("A small wheel turns fast. Orange turns the sense round.", "#333");
  line(high <= to_scale_up_to * low
           ? "Sizes and speeds are to scale."
           : "Sizes and speeds are on a logarithmic scale; the numbers are true.",
       "#333");
  const double width = std::max(x + wheels.back().radius + 20, 640.0);
  const std::string size = fixed(width, 0) + " " + fixed(down + 2, 0);
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + size +
         "\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#333\">\n<title>" +
         escaped(gears.title) + "</title>\n<rect width=\"" + fixed(width, 0) + "\" height=\"" +
         fixed(down + 2, 0) + "\" fill=\"#fff\"/>\n<text x=\"20\" y=\"24\" font-size=\"15\" " +
         "font-weight=\"bold\">" + escaped(gears.title) + "</text>\n" + body + rows + "</svg>\n";
}

}  // namespace gradus::see
