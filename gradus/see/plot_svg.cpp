// Plots as SVG; see plot.h. Coordinates have one decimal, so that bytes do not depend on the
// machine's last bit.
#include <gradus/see/plot_png.h>

#include <algorithm>
#include <cmath>

namespace gradus::see {
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (static_cast<unsigned char>(c) >= 0x20)
      out += c;  // XML 1.0 has no control characters
  }
  return out;
}

namespace {

std::string in_tenths(double v) { return fixed(v, 1); }

/// An SVG that grows; words of 12 px take about 7 a letter.
class Drawing {
 public:
  Drawing(double width, double height, const std::string& title) {
    out_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + fixed(width, 0) + "\" height=\"" +
           fixed(height, 0) + "\" viewBox=\"0 0 " + fixed(width, 0) + " " + fixed(height, 0) +
           "\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#333\">\n<title>" +
           escaped(title) + "</title>\n";
    box(0, 0, width, height, "#fff");
    out_ += "<text x=\"16\" y=\"24\" font-size=\"15\" font-weight=\"bold\">" + escaped(title) +
            "</text>\n";
  }
  void box(double x, double y, double w, double h, const std::string& fill) {
    out_ += "<rect x=\"" + in_tenths(x) + "\" y=\"" + in_tenths(y) + "\" width=\"" + in_tenths(w) +
            "\" height=\"" + in_tenths(h) + "\" fill=\"" + fill + "\"/>\n";
  }
  void line(double x0, double y0, double x1, double y1, const std::string& colour,
            const std::string& extra = "") {
    out_ += "<path d=\"M" + in_tenths(x0) + " " + in_tenths(y0) + "L" + in_tenths(x1) + " " +
            in_tenths(y1) + "\" stroke=\"" + colour + "\"" + extra + "/>\n";
  }
  /// anchor: start, middle or end.
  void words(double x, double y, const std::string& text, const std::string& anchor = "start",
             const std::string& extra = "") {
    out_ += "<text x=\"" + in_tenths(x) + "\" y=\"" + in_tenths(y) + "\" text-anchor=\"" + anchor +
            "\"" + extra + ">" + escaped(text) + "</text>\n";
  }
  void turned(double x, double y, const std::string& text) {
    words(x, y, text, "middle",
          " transform=\"rotate(-90 " + in_tenths(x) + " " + in_tenths(y) + ")\"");
  }
  void raw(const std::string& element) { out_ += element; }
  void image(double x, double y, double w, double h, const Grid& grid, Scale scale,
             std::pair<double, double> limits, bool light_on_dark) {
    std::vector<Colour> pixels;
    pixels.reserve(grid.values.size());
    for (const double v : grid.values)
      pixels.push_back(
          ramp(scale, (v - limits.first) / (limits.second - limits.first), light_on_dark));
    out_ += "<image x=\"" + in_tenths(x) + "\" y=\"" + in_tenths(y) + "\" width=\"" + in_tenths(w) +
            "\" height=\"" + in_tenths(h) +
            "\" preserveAspectRatio=\"none\" image-rendering=\"pixelated\" "
            "href=\"data:image/png;base64," +
            base64(png(grid.rows, grid.columns, pixels)) + "\"/>\n";
  }
  std::string finish() { return out_ + "</svg>\n"; }

 private:
  std::string out_;
};

/// Where the axis begins: to the right of its name and its longest number.
double room_for_ticks(const Ruler& y) {
  std::size_t longest = 0;
  for (const auto& tick : y.ticks(5)) longest = std::max(longest, tick.second.size());
  return std::max(70.0, 34 + 7.2 * static_cast<double>(longest));
}

struct Frame {
  double left, top, right, bottom;
  Ruler x, y;
  double across(double v) const { return left + x.share(v) * (right - left); }
  double down(double v) const { return bottom - y.share(v) * (bottom - top); }
};

void draw_axes(Drawing& d, const Frame& f, const Axis& x, const Axis& y, bool grid) {
  for (const auto& [value, name] : f.y.ticks(5)) {
    if (grid) d.line(f.left, f.down(value), f.right, f.down(value), "#e4e4e4");
    d.words(f.left - 8, f.down(value) + 4, name, "end");
  }
  for (const auto& [value, name] : f.x.ticks(8)) {
    d.line(f.across(value), f.bottom, f.across(value), f.bottom + 5, "#888");
    d.words(f.across(value), f.bottom + 18, name, "middle");
  }
  d.line(f.left, f.bottom, f.right, f.bottom, "#888");
  d.line(f.left, f.top, f.left, f.bottom, "#888");
  d.words((f.left + f.right) / 2, f.bottom + 36, x.label, "middle");
  d.turned(18, (f.top + f.bottom) / 2, y.label + (y.log ? " (log)" : ""));
}

std::string draw(const LinePlot& plot) {
  std::size_t longest = 0;
  for (const Series& s : plot.series)
    if (!s.faint) longest = std::max(longest, s.name.size());
  for (const auto& guide : plot.guides) longest = std::max(longest, guide.second.size());
  Drawing d(760, 340, plot.title);
  const Ruler across = Ruler::of(all_x(plot), plot.x, false),
              up = Ruler::of(all_y(plot), plot.y, true);
  const Frame f{room_for_ticks(up),
                42,
                760 - 20 - 7.2 * static_cast<double>(std::min<std::size_t>(longest, 30)),
                340 - 48,
                across,
                up};
  draw_axes(d, f, plot.x, plot.y, true);
  std::vector<double> wanted;
  std::vector<std::pair<std::string, std::string>> labels;  // words, colour
  for (const auto& [value, name] : plot.guides) {
    if (!f.y.has(value)) continue;
    d.line(f.left, f.down(value), f.right, f.down(value), "#555", " stroke-dasharray=\"2 4\"");
    wanted.push_back(f.down(value));
    labels.emplace_back(name, "#555555");
  }
  for (const bool faint : {true, false})
    for (const Series& s : plot.series) {
      if (s.faint != faint) continue;
      std::string path, dots;
      bool pen_down = false;
      double end = NAN;
      std::size_t run = 0;
      for (std::size_t i = 0; i < std::min(s.x.size(), s.y.size()); ++i) {
        if (!f.x.has(s.x[i]) || !f.y.has(s.y[i])) {
          pen_down = false;
          continue;
        }
        run = pen_down ? run + 1 : 1;
        const std::string point = in_tenths(f.across(s.x[i])) + " " + in_tenths(f.down(s.y[i]));
        path += (pen_down ? "L" : "M") + point;
        pen_down = true;
        end = f.down(s.y[i]);
        // A lone point has no line: a dot shows it.
        const bool next =
            i + 1 < std::min(s.x.size(), s.y.size()) && f.x.has(s.x[i + 1]) && f.y.has(s.y[i + 1]);
        if ((run == 1 && !next) || (!faint && s.x.size() <= 20))
          dots += "<circle cx=\"" + in_tenths(f.across(s.x[i])) + "\" cy=\"" + in_tenths(end) +
                  "\" r=\"3\"/>";
      }
      const std::string colour = hex(series_colour(s.colour));
      if (!path.empty())
        d.raw("<path d=\"" + path + "\" fill=\"none\" stroke=\"" + colour + "\" stroke-width=\"" +
              (faint ? "1\" stroke-opacity=\"0.3\"" : "2\"") + " stroke-linejoin=\"round\"" +
              (s.dashed ? " stroke-dasharray=\"7 4\"" : "") + "/>\n");
      if (!dots.empty()) d.raw("<g fill=\"" + colour + "\">" + dots + "</g>\n");
      if (faint || !std::isfinite(end)) continue;
      wanted.push_back(end);
      labels.emplace_back(s.name, colour);
    }
  const std::vector<double> places = spread(wanted, 15, f.top, f.bottom);
  for (std::size_t i = 0; i < labels.size(); ++i)
    d.words(f.right + 8, places[i] + 4, labels[i].first, "start",
            " fill=\"" + labels[i].second + "\"");
  if (wanted.empty()) d.words((f.left + f.right) / 2, (f.top + f.bottom) / 2, "no data", "middle");
  return d.finish();
}

std::string draw(const Heatmap& map) {
  const double right = map.square ? 500 : 640, bottom = map.square ? 472 : 292;
  Drawing d(right + 120, bottom + 48, map.title);
  const double left = map.y.marks.empty() ? 70 : 84;  // words of one's own are longer
  const Frame f{left,
                42,
                right,
                bottom,
                Ruler::between(map.left, map.right, map.x),
                Ruler::between(map.bottom, map.top, map.y)};
  const Grid* const grids[] = {&map.grid};
  const auto limits = limits_of(grids, map.scale);
  if (!map.grid.values.empty())
    d.image(f.left, f.top, f.right - f.left, f.bottom - f.top, map.grid, map.scale, limits, false);
  draw_axes(d, f, map.x, map.y, false);
  // The colours and what they mean.
  Grid key{64, 1, {}};
  for (int i = 0; i < 64; ++i)
    key.values.push_back(limits.second - (limits.second - limits.first) * i / 63);
  d.image(f.right + 24, f.top, 14, f.bottom - f.top, key, map.scale, limits, false);
  const Ruler ruler{limits.first, limits.second};
  for (const auto& [value, name] : ruler.ticks(4))
    d.words(f.right + 44, f.bottom - ruler.share(value) * (f.bottom - f.top) + 4, name);
  d.turned(f.right + 106, (f.top + f.bottom) / 2, map.legend);
  return d.finish();
}

std::string draw(const Table& table) {
  const auto n = static_cast<double>(table.names.size());
  const double cell = std::clamp(440 / std::max(n, 1.0), 12.0, 40.0), left = 70, top = 72;
  Drawing d(left + n * cell + 40, top + n * cell + 30, table.title);
  double most = 1;
  for (const auto& row : table.counts)
    for (const double v : row) most = std::max(most, v);
  for (std::size_t r = 0; r < table.counts.size(); ++r) {
    const double y = top + static_cast<double>(r) * cell;
    d.words(left - 8, y + cell / 2 + 4, table.names[r], "end");
    d.words(left + (static_cast<double>(r) + .5) * cell, top - 8, table.names[r], "middle");
    for (std::size_t c = 0; c < table.counts[r].size(); ++c) {
      const double x = left + static_cast<double>(c) * cell, v = table.counts[r][c];
      const double share = std::log1p(v) / std::log1p(most);
      d.box(x, y, cell - 1, cell - 1, hex(ramp(Scale::sequential, share, false)));
      if (v > 0 && cell >= 22)
        d.words(x + cell / 2, y + cell / 2 + 4, short_number(v), "middle",
                std::string(" font-size=\"11\"") + (share > .6 ? " fill=\"#fff\"" : ""));
    }
  }
  d.words(left + n * cell / 2, top - 28, table.x.label, "middle");
  d.turned(20, top + n * cell / 2, table.y.label);
  return d.finish();
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines(1);
  for (const char c : text)
    if (c == '\n')
      lines.emplace_back();
    else
      lines.back() += c;
  return lines;
}

/// Nothing but NaN and infinities: a tile with a cross.
bool is_blank(const Grid& grid) {
  return std::none_of(grid.values.begin(), grid.values.end(),
                      [](double v) { return std::isfinite(v); });
}

std::string draw(const Gallery& gallery) {
  std::size_t letters = 0, rows_of_text = 1;
  std::vector<const Grid*> grids;
  for (const auto& tile : gallery.tiles) {
    const auto lines = lines_of(tile.caption);
    rows_of_text = std::max(rows_of_text, lines.size());
    for (const auto& line : lines) letters = std::max(letters, line.size());
    grids.push_back(&tile.grid);
  }
  const auto limits = limits_of(grids, gallery.scale);
  const double side = letters > 8 ? 84 : 60;
  const double pitch = std::max(side + 10, 6.2 * static_cast<double>(letters) + 12),
               height = side + 14 * static_cast<double>(rows_of_text) + 12;
  const auto columns = static_cast<std::size_t>(std::max(1.0, std::floor(728 / pitch)));
  const std::size_t rows = (gallery.tiles.size() + columns - 1) / columns;
  const bool has_key = gallery.scale == Scale::diverging;
  Drawing d(760, 46 + static_cast<double>(rows) * height + (has_key ? 34 : 4), gallery.title);
  for (std::size_t i = 0; i < gallery.tiles.size(); ++i) {
    const auto& [caption, grid] = gallery.tiles[i];
    const std::size_t row = i / columns;
    const double x = 16 + static_cast<double>(i % columns) * pitch,
                 y = 42 + static_cast<double>(row) * height;
    if (!grid.values.empty())
      d.image(x, y, side, side, grid, gallery.scale, limits, gallery.light_on_dark);
    if (!grid.values.empty() && is_blank(grid)) {
      d.line(x, y, x + side, y + side, "#888");
      d.line(x, y + side, x + side, y, "#888");
    }
    double down = y + side + 13;
    for (const auto& line : lines_of(caption)) {
      d.words(x, down, line, "start", " font-size=\"11\"");
      down += 14;
    }
  }
  if (has_key) {
    Grid key{1, 65, {}};
    for (int i = 0; i <= 64; ++i) key.values.push_back(limits.second * (i - 32) / 32);
    const double y = 48 + static_cast<double>(rows) * height;
    d.image(66, y, 200, 12, key, gallery.scale, limits, false);
    d.words(60, y + 10, short_number(limits.first), "end");
    d.words(272, y + 10, short_number(limits.second));
  }
  return d.finish();
}

}  // namespace

std::string svg(const Plot& plot) {
  return std::visit([](const auto& p) { return draw(p); }, plot);
}

}  // namespace gradus::see
