// Curves as pictures: dots of braille for the terminal, SVG for the page.
#pragma once

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace lesson {

using Points = std::vector<std::pair<double, double>>;

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

/// Lines of an SVG picture, 640 x 320, with the numbers of the edges; `colours` are cycled through.
/// The default colours are told apart by colour-blind readers too (Okabe and Ito, 2008).
inline std::string svg(const std::vector<Points>& curves, const std::string& title,
                       const std::vector<std::string>& colours = {"#0072B2", "#D55E00",
                                                                  "#009E73"}) {
  const Range range = Range::of(curves);
  char line[160];
  const auto x_of = [&](double x) {
    return 40 + 590 * (x - range.left) / (range.right - range.left);
  };
  const auto y_of = [&](double y) {
    return 290 - 260 * (y - range.bottom) / (range.top - range.bottom);
  };
  std::string text =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 640 320\" "
      "font-family=\"sans-serif\" "
      "font-size=\"12\">\n<rect width=\"640\" height=\"320\" fill=\"white\"/>\n<text x=\"40\" "
      "y=\"18\">" +
      title + "</text>\n<path d=\"M40 30V290H630\" fill=\"none\" stroke=\"#888\"/>\n";
  for (double y : {range.bottom, range.top}) {
    std::snprintf(line, sizeof line, "<text x=\"36\" y=\"%.0f\" text-anchor=\"end\">%.2g</text>\n",
                  y_of(y) + 4, y);
    text += line;
  }
  for (double x : {range.left, range.right}) {
    std::snprintf(line, sizeof line,
                  "<text x=\"%.0f\" y=\"306\" text-anchor=\"middle\">%.3g</text>\n", x_of(x), x);
    text += line;
  }
  for (std::size_t c = 0; c < curves.size(); ++c) {
    text += "<polyline fill=\"none\" stroke-width=\"2\" stroke=\"" + colours[c % colours.size()] +
            "\" points=\"";
    for (const auto& [x, y] : curves[c]) {
      std::snprintf(line, sizeof line, "%.1f,%.1f ", x_of(x), y_of(y));
      text += line;
    }
    text += "\"/>\n";
  }
  return text + "</svg>\n";
}

}  // namespace lesson
