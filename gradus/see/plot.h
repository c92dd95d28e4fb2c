// Plots as values: lines, a map of colours, a wall of small pictures. Each becomes an SVG, the same
// bytes on every machine, or text for a terminal; nothing is printed and no file is touched.
//
//   see::LinePlot plot{.title = "loss", .x = {"step"}, .y = {"loss"}};
//   plot.series.push_back({.name = "train", .x = {1, 2, 3}, .y = {2.3, 1.1, .4}});
//   std::string picture = see::svg(plot), lines = see::text(plot, {.width = 80});
//
// From here: plot_run.h, which makes these of a run; plot_svg.cpp and plot_text.cpp draw.
#pragma once

#include <cmath>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace gradus::see {

/// One line through points; NaN and infinities leave a gap.
struct Series {
  std::string name{};
  std::vector<double> x{}, y{};
  int colour = 0;       ///< 0..7 of series_colour, cycled through
  bool dashed = false;  ///< the second run of two
  bool faint = false;   ///< raw values behind a smoothed line; has no label
};

struct Axis {
  std::string label{};
  bool log = false;  ///< positive values alone are drawn
  /// Places and their words, where round numbers would not do.
  std::vector<std::pair<double, std::string>> marks{};
  bool counts = false;     ///< steps, epochs: no number stands between two whole ones
  double most = HUGE_VAL;  ///< the axis ends here at the latest: a share at 1
};

struct LinePlot {
  std::string title{};
  Axis x{}, y{};
  std::vector<Series> series{};
  /// Dotted lines across, to compare with: "1e-3".
  std::vector<std::pair<double, std::string>> guides{};
};

/// What values turn into: light to dark, or blue - white - orange around 0.
enum class Scale { sequential, diverging };

/// rows x columns values in row-major order, row 0 at the top; NaN has no colour.
struct Grid {
  std::size_t rows = 0, columns = 0;
  std::vector<double> values{};
};

struct Heatmap {
  std::string title{};
  Axis x{}, y{};
  Grid grid{};
  double left = 0, right = 1, bottom = 0, top = 1;  ///< what the edges stand for
  Scale scale = Scale::sequential;
  std::string legend{};  ///< what the colour means, "log(1 + count)"
  bool square = false;   ///< as high as wide, as a map of two equal axes is; in SVG alone
};

/// Counts with a name for each row and column, as a confusion matrix is; the numbers are shown,
/// and colours make the small ones visible (log1p).
struct Table {
  std::string title{};
  Axis x{}, y{};
  std::vector<std::string> names{};
  std::vector<std::vector<double>> counts{};  ///< [row][column]
};

/// Small pictures on one scale, each with lines of text below it.
struct Gallery {
  struct Tile {
    std::string caption{};
    Grid grid{};
  };
  std::string title{};
  std::vector<Tile> tiles{};
  Scale scale = Scale::sequential;
  bool light_on_dark = false;  ///< as images of digits are seen
};

using Plot = std::variant<LinePlot, Heatmap, Table, Gallery>;

/// The plot as one SVG file: no scripts, no fonts of its own, colours that colour-blind readers
/// tell apart, equal bytes for equal values.
std::string svg(const Plot& plot);

struct TextStyle {
  int width = 80;       ///< columns; what is below 24 counts as 24
  int rows = 10;        ///< of a line plot, without title and axis
  bool utf8 = true;     ///< braille and blocks; else ASCII
  bool colour = false;  ///< 256 colours
};
/// The plot as lines of at most `width` columns, each with its newline.
std::string text(const Plot& plot, const TextStyle& style = {});

/// Lines of dots, 2 x 4 of them in a character, the finest that text can draw.
class Braille {
 public:
  Braille(int columns, int rows);
  int width() const { return 2 * columns_; }
  int height() const { return 4 * rows_; }
  /// Dots outside are left out. y grows downwards.
  void dot(int x, int y);
  /// The straight line between two dots: one dot for each step along its longer side.
  void line(int x0, int y0, int x1, int y1);
  /// Whether a character has a dot, and the character as UTF-8.
  bool is_empty(int column, int row) const { return cell(column, row) == 0; }
  std::string glyph(int column, int row) const;

 private:
  unsigned cell(int column, int row) const {
    return cells_[static_cast<std::size_t>(row) * static_cast<std::size_t>(columns_) +
                  static_cast<std::size_t>(column)];
  }
  int columns_, rows_;
  std::vector<unsigned> cells_;
};

}  // namespace gradus::see
