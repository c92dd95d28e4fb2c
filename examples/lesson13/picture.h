// Curves and surfaces as pictures: dots of braille or letters for the terminal, SVG for the page.
// Colours are told apart by colour-blind readers too (Okabe and Ito, 2008).
#pragma once

#include <gradus/gradus.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace lesson {

using Points = std::vector<std::pair<double, double>>;

/// The points (x[i], y[i]) of two tensors of equal length.
inline Points points(const gradus::Tensor& x, const gradus::Tensor& y) {
  const std::vector<double> xs = x.to_vector<double>(), ys = y.to_vector<double>();
  Points list;
  for (std::size_t i = 0; i < xs.size(); ++i) list.emplace_back(xs[i], ys[i]);
  return list;
}

/// A picture as letters, the larger the number the denser: z is [rows, columns], `low` and below
/// a space, `high` the densest letter.
inline std::string letters(const gradus::Tensor& z, double low, double high) {
  static constexpr char dense[] = " .:-=+*#%@";
  std::string text;
  for (std::int64_t i = 0; i < z.size(0); ++i, text += '\n')
    for (double value : z[i].to_vector<double>())
      text += dense[static_cast<int>(std::clamp((value - low) / (high - low), 0., .999) * 10)];
  return text;
}

/// What both kinds of picture need to know: which numbers lie at the edges.
struct Range {
  double left, right, bottom, top;
  static Range of(const std::vector<Points>& curves) {
    Range r{1e300, -1e300, 1e300, -1e300};
    for (const Points& curve : curves)
      for (const auto& [x, y] : curve) {
        r.left = std::min(r.left, x), r.right = std::max(r.right, x);
        r.bottom = std::min(r.bottom, y), r.top = std::max(r.top, y);
      }
    return r;
  }
};

/// Points as braille, `columns` x `rows` characters of 2 x 4 dots each. Curves after the first
/// leave out every second dot, so that they can be told apart.
inline std::string braille(const std::vector<Points>& curves, int columns, int rows) {
  const Range range = Range::of(curves);
  const int width = 2 * columns, height = 4 * rows;
  std::vector<unsigned> cells(static_cast<std::size_t>(columns * rows), 0);
  static constexpr unsigned dots[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
  for (std::size_t c = 0; c < curves.size(); ++c)
    for (const auto& [px, py] : curves[c]) {
      const int x =
          static_cast<int>((px - range.left) / (range.right - range.left) * (width - 1) + .5);
      const int y =
          static_cast<int>((range.top - py) / (range.top - range.bottom) * (height - 1) + .5);
      if (c > 0 && (x + y) % 3 != 0) continue;
      cells[static_cast<std::size_t>(y / 4 * columns + x / 2)] |= dots[y % 4][x % 2];
    }
  std::string text;
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) {
      const unsigned code = 0x2800 + cells[static_cast<std::size_t>(row * columns + column)];
      text += static_cast<char>(0xE0 | (code >> 12));
      text += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
      text += static_cast<char>(0x80 | (code & 0x3F));
    }
    text += '\n';
  }
  return text;
}

/// The words of an SVG picture. `names` go into its legend, one a curve; an empty name has no
/// entry. `ends` puts a dot at both ends of each curve; `from_zero` begins both scales at 0.
struct Plot {
  std::string title, x, y;
  std::vector<std::string> names{};
  std::vector<std::string> colours{"#0072B2", "#D55E00", "#009E73"};
  bool ends = false, from_zero = false;
};

/// printf, appended.
template <class... Values>
void append(std::string& text, const char* format, Values... values) {
  char line[512];
  std::snprintf(line, sizeof line, format, values...);
  text += line;
}

/// The frame of a picture of 640 x 360, with a scale of round numbers along both axes.
class Frame {
 public:
  Frame(const Range& range, const Plot& plot) : range_(range) {
    body_ =
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 640 360\" "
        "font-family=\"sans-serif\" font-size=\"12\">\n"
        "<rect width=\"640\" height=\"360\" fill=\"white\"/>\n";
    append(body_, "<text x=\"60\" y=\"18\" font-size=\"14\">%s</text>\n", plot.title.c_str());
    append(body_, "<text x=\"335\" y=\"352\" text-anchor=\"middle\">%s</text>\n", plot.x.c_str());
    append(body_,
           "<text transform=\"translate(16 180) rotate(-90)\" text-anchor=\"middle\">%s</text>\n",
           plot.y.c_str());
    append(body_, "<path d=\"M60 50V320H610\" fill=\"none\" stroke=\"#555\"/>\n");
    scale(range.left, range.right, [&](double value) {
      append(body_, "<path d=\"M%.1f 320v4\" stroke=\"#555\"/>", x(value));
      append(body_, "<text x=\"%.1f\" y=\"336\" text-anchor=\"middle\">%g</text>\n", x(value),
             value);
    });
    scale(range.bottom, range.top, [&](double value) {
      append(body_, "<path d=\"M56 %.1fh4\" stroke=\"#555\"/>", y(value));
      append(body_, "<text x=\"52\" y=\"%.1f\" text-anchor=\"end\">%g</text>\n", y(value) + 4,
             value);
    });
  }
  double x(double value) const {
    return 60 + 550 * (value - range_.left) / (range_.right - range_.left);
  }
  double y(double value) const {
    return 320 - 270 * (value - range_.bottom) / (range_.top - range_.bottom);
  }
  std::string& body() { return body_; }
  std::string str() const { return body_ + "</svg>\n"; }

 private:
  /// About five round numbers between two: steps of 1, 2 or 5 times a power of ten.
  template <class Use>
  static void scale(double from, double to, Use use) {
    const double rough = (to - from) / 5, power = std::pow(10, std::floor(std::log10(rough)));
    const double step = power * (rough < 1.5 * power ? 1 : rough < 3.5 * power ? 2 : 5);
    for (double k = std::ceil(from / step - 1e-9); k * step <= to + 1e-9 * step; ++k)
      use(k == 0 ? 0 : k * step);
  }
  Range range_;
  std::string body_;
};

/// Curves as an SVG picture.
inline std::string svg(const std::vector<Points>& curves, const Plot& plot) {
  Range range = Range::of(curves);
  if (plot.from_zero) range.left = range.bottom = 0;
  Frame frame(range, plot);
  std::string& body = frame.body();
  double legend = 60;
  for (std::size_t c = 0; c < curves.size(); ++c) {
    const char* colour = plot.colours[c % plot.colours.size()].c_str();
    append(body, "<polyline fill=\"none\" stroke-width=\"2\" stroke=\"%s\" points=\"", colour);
    for (const auto& [x, y] : curves[c]) append(body, "%.1f,%.1f ", frame.x(x), frame.y(y));
    body += "\"/>\n";
    if (plot.ends)
      for (const auto& [x, y] : {curves[c].front(), curves[c].back()})
        append(body, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"/>\n", frame.x(x), frame.y(y));
    if (c >= plot.names.size() || plot.names[c].empty()) continue;
    append(body, "<path d=\"M%.0f 34h20\" stroke-width=\"3\" stroke=\"%s\"/>", legend, colour);
    append(body, "<text x=\"%.0f\" y=\"38\">%s</text>\n", legend + 26, plot.names[c].c_str());
    legend += 50 + 6.5 * static_cast<double>(plot.names[c].size());
  }
  return frame.str();
}

/// A surface z [rows, columns] over -1..1 by -1..1 seen from above: the higher the darker.
inline std::string svg_surface(const gradus::Tensor& z, const Plot& plot) {
  Frame frame({-1, 1, -1, 1}, plot);
  const double low = gradus::min(z).item(), high = gradus::max(z).item();
  const auto box = [&](double x, double y, double width, double height, double share) {
    // from white to #0072B2
    append(frame.body(),
           "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
           "fill=\"rgb(%.0f,%.0f,%.0f)\"/>\n",
           x, y, width, height, 255 - 255 * share, 255 - 141 * share, 255 - 77 * share);
  };
  const auto rows = static_cast<double>(z.size(0)), columns = static_cast<double>(z.size(1));
  for (std::int64_t i = 0; i < z.size(0); ++i) {
    double x = 60;
    for (double value : z[i].to_vector<double>()) {
      box(x, 50 + 270 / rows * static_cast<double>(i), 550 / columns + .3, 270 / rows + .3,
          (value - low) / (high - low));
      x += 550 / columns;
    }
  }
  for (int step = 0; step < 5; ++step) {
    box(60 + 60 * step, 28, 16, 12, step / 4.);
    append(frame.body(),
           "<rect x=\"%d\" y=\"28\" width=\"16\" height=\"12\" fill=\"none\" "
           "stroke=\"#555\"/><text x=\"%d\" y=\"38\">%.2g</text>\n",
           60 + 60 * step, 80 + 60 * step, low + (high - low) * step / 4);
  }
  return frame.str();
}

}  // namespace lesson
