// Plots as text; see plot.h.
#include <gradus/see/plot_axis.h>
#include <gradus/see/plot_canvas.h>

#include <algorithm>
#include <cmath>

namespace gradus::see {

namespace {

/// A share 0..1 of a scale among the 256 colours that most terminals have: on a terminal nothing is
/// dark and much is light, the other way round than on paper. Lightness never falls on the way.
int paint(Scale scale, double share, bool gray) {
  static constexpr int blues[] = {233, 17, 18, 24, 25, 31, 32, 38, 74, 117, 153, 195, 231};
  static constexpr int two[] = {24, 31, 74, 117, 195, 231, 230, 223, 215, 172, 130};
  if (!std::isfinite(share)) return 240;
  share = std::clamp(share, 0.0, 1.0);
  const auto chosen = [&](std::size_t n) {
    return std::min(static_cast<std::size_t>(share * static_cast<double>(n)), n - 1);
  };
  if (scale == Scale::diverging) return two[chosen(std::size(two))];
  return gray ? 232 + static_cast<int>(chosen(24)) : blues[chosen(std::size(blues))];
}

/// Inks that are seen on black and on white.
int ink_of(int series) {
  static constexpr int inks[] = {32, 166, 35, 175, 178, 74, 245, 142};
  return inks[static_cast<std::size_t>(series) % std::size(inks)];
}

int round(double v) { return static_cast<int>(std::floor(std::clamp(v, -1e6, 1e6) + .5)); }

using Ticks = std::vector<std::pair<double, std::string>>;

/// As many numbers as fit, all of them: where two would touch, fewer are asked for, but not so few
/// that they tell nothing.
template <class Fits>
Ticks ticks_that_fit(const Ruler& ruler, int wanted, Fits&& fits) {
  Ticks ticks = ruler.ticks(wanted);
  while (wanted > 1 && !fits(ticks)) {
    wanted = wanted > 3 ? wanted * 3 / 4 : wanted - 1;
    Ticks fewer = ruler.ticks(wanted);
    if (fewer.size() < 2) break;
    ticks = std::move(fewer);
  }
  return ticks;
}
Ticks ticks_down(const Ruler& y, int rows) {
  return ticks_that_fit(y, std::max(rows / 2, 1), [&](const Ticks& ticks) {
    int last = rows;
    for (const auto& tick : ticks) {
      const int row = rows - 1 - round(y.share(tick.first) * (rows - 1));
      if (row >= last) return false;
      last = row;
    }
    return true;
  });
}
Ticks ticks_across(const Ruler& x, int left, int columns) {
  return ticks_that_fit(x, std::max(columns / 9, 2), [&](const Ticks& ticks) {
    int free = 0;
    for (const auto& [value, name] : ticks) {
      const int begin =
          std::max(left + round(x.share(value) * (columns - 1)) - columns_of(name) / 2, 0);
      if (begin < free) return false;
      free = begin + columns_of(name) + 1;
    }
    return true;
  });
}

/// Numbers and marks at both axes of the box of cells from (left, top).
void draw_axes(Canvas& canvas, const TextStyle& style, int left, int top, int columns, int rows,
               const Ruler& x, const Ruler& y, const std::string& x_label) {
  for (int r = 0; r < rows; ++r) canvas.words(left - 1, top + r, style.utf8 ? "\u2502" : "|");
  for (int c = 0; c < columns; ++c) canvas.words(left + c, top + rows, style.utf8 ? "\u2500" : "-");
  canvas.words(left - 1, top + rows, style.utf8 ? "\u2514" : "+");
  int free_row = top + rows;
  for (const auto& [value, name] : ticks_down(y, rows)) {
    const int row = top + rows - 1 - round(y.share(value) * (rows - 1));
    if (row >= free_row || row < top) continue;
    canvas.words(left - 2 - columns_of(name), row, name);
    canvas.words(left - 1, row, style.utf8 ? "\u2524" : "+");
    free_row = row;
  }
  // The label stands at the right end; a number that would touch it is left out.
  const int label = left + columns - columns_of(x_label);
  int free_column = 0;
  for (const auto& [value, name] : ticks_across(x, left, columns)) {
    const int column = left + round(x.share(value) * (columns - 1));
    const int begin = std::max(column - columns_of(name) / 2, 0);
    if (begin < free_column || begin + columns_of(name) + 1 >= label) continue;
    canvas.words(begin, top + rows + 1, name);
    canvas.words(column, top + rows, style.utf8 ? "\u252c" : "+");
    free_column = begin + columns_of(name) + 1;
  }
  canvas.words(std::max(label, left), top + rows + 1, x_label);
}

int widest_tick(const Ruler& y, int rows) {
  int widest = 1;
  for (const auto& tick : ticks_down(y, rows)) widest = std::max(widest, columns_of(tick.second));
  return widest;
}

std::string cut(const std::string& text, int columns) {
  if (columns_of(text) <= columns) return text;
  std::size_t at = 0;
  for (int n = 0; at < text.size(); ++at)
    if ((static_cast<unsigned char>(text[at]) & 0xC0) != 0x80 && n++ == columns) break;
  return text.substr(0, at);
}

std::string heading(const std::string& title, const std::string& unit, const TextStyle& style) {
  std::string line = cut(unit.empty() || unit == title || title.starts_with(unit + " (")
                             ? title
                             : title + " [" + unit + "]",
                         style.width);
  // Names come from files: none may speak to the terminal.
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  return (style.colour ? "\x1b[1m" + line + "\x1b[0m" : line) + "\n";
}

/// Puts a mark on a line of dots at every twelfth column, lines with other shifts at other columns;
/// a line that reaches none of them has it at its end.
void mark_line(Canvas& canvas, const Braille& raster, const Cell& mark, int left, int shift) {
  int last = -1, last_row = -1;
  bool was_marked = false;
  for (int c = 0; 2 * c < raster.width(); ++c)
    for (int r = 0; 4 * r < raster.height(); ++r) {
      if (raster.is_empty(c, r)) continue;
      const bool is_due = (c + 9 - shift % 12 + 12) % 12 == 0;
      if (is_due) canvas.put(left + c, r, mark);
      was_marked = was_marked || is_due;
      last = c, last_row = r;
      break;
    }
  if (!was_marked && last >= 0) canvas.put(left + last, last_row, mark);
}

std::string draw(const LinePlot& plot, const TextStyle& style) {
  static constexpr std::string_view marks = "*o+x#@%&$=^~?!wz";  // two runs of eight lines
  const Ruler x = Ruler::of(all_x(plot), plot.x, false), y = Ruler::of(all_y(plot), plot.y, true);
  const int rows = style.rows, left = widest_tick(y, rows) + 2;
  int longest = 0;
  for (const Series& s : plot.series)
    if (!s.faint) longest = std::max(longest, columns_of(s.name) + 2);
  for (const auto& guide : plot.guides) longest = std::max(longest, columns_of(guide.second));
  longest = std::min(longest, style.width / 3);
  const int columns = std::max(style.width - left - longest - 1, 4);
  Canvas canvas(style.width, rows + 2);
  draw_axes(canvas, style, left, 0, columns, rows, x, y, plot.x.label);
  const bool fine = style.utf8;
  const int dots_x = columns * (fine ? 2 : 1), dots_y = rows * (fine ? 4 : 1);
  struct Label {
    std::string words;
    int ink;
  };
  std::vector<Label> labels;
  std::vector<double> wanted;
  for (const auto& [value, name] : plot.guides) {
    if (!y.has(value)) continue;
    const int row = rows - 1 - round(y.share(value) * (rows - 1));
    for (int c = 0; c < columns; c += 2)
      canvas.put(left + c, row, {style.utf8 ? "\u00b7" : ".", 245, -1});
    labels.push_back({name, 245});
    wanted.push_back(row);
  }
  // Without colours lines of dots are all alike: each then carries a mark of its own.
  const bool is_marked =
      !style.colour && std::count_if(plot.series.begin(), plot.series.end(),
                                     [](const Series& s) { return !s.faint; }) > 1;
  int drawn = 0;
  for (const bool faint : {true, false})
    for (const Series& s : plot.series) {
      if (s.faint != faint) continue;
      // In ASCII the raster is one dot a cell, kept in the first dot of a braille cell.
      Braille raster(fine ? columns : (columns + 1) / 2, fine ? rows : (rows + 3) / 4);
      std::vector<std::pair<int, int>> plain;
      int last_x = 0, last_y = 0, end_row = -1;
      bool pen_down = false;
      for (std::size_t i = 0; i < std::min(s.x.size(), s.y.size()); ++i) {
        if (!x.has(s.x[i]) || !y.has(s.y[i])) {
          pen_down = false;
          continue;
        }
        const int px = round(x.share(s.x[i]) * (dots_x - 1)),
                  py = dots_y - 1 - round(y.share(s.y[i]) * (dots_y - 1));
        if (fine) {
          if (pen_down)
            raster.line(last_x, last_y, px, py);
          else
            raster.dot(px, py);
        } else {
          const int from = pen_down ? std::min(last_x + 1, px) : px;
          for (int c = from; c <= px; ++c)  // one mark a column
            plain.emplace_back(c, px == last_x || !pen_down
                                      ? py
                                      : last_y + (py - last_y) * (c - last_x) / (px - last_x));
        }
        last_x = px, last_y = py, pen_down = true;
        end_row = py / (fine ? 4 : 1);
      }
      const int ink = faint ? 245 : ink_of(s.colour);
      const std::string mark =
          faint ? "." : std::string(1, marks[static_cast<std::size_t>(drawn) % marks.size()]);
      if (fine) {
        for (int r = 0; r < rows; ++r)
          for (int c = 0; c < columns; ++c)
            if (!raster.is_empty(c, r) && !(s.dashed && c % 3 == 2))
              canvas.put(left + c, r, {raster.glyph(c, r), ink, -1});
        if (is_marked && !faint) mark_line(canvas, raster, {mark, ink, -1}, left, 2 * drawn);
      } else {
        for (const auto& [c, r] : plain) canvas.put(left + c, r, {mark, ink, -1});
      }
      if (faint || end_row < 0) continue;
      ++drawn;
      labels.push_back({fine && !is_marked ? s.name : mark + " " + s.name, ink});
      wanted.push_back(end_row);
    }
  const std::vector<double> places = spread(wanted, 1, 0, rows - 1);
  for (std::size_t i = 0; i < labels.size(); ++i)
    canvas.words(left + columns + 1, round(places[i]), labels[i].words, labels[i].ink);
  if (wanted.empty()) canvas.words(left + 1, rows / 2, "no data");
  return heading(plot.title, plot.y.label, style) + canvas.lines(style.colour);
}

/// The grid in columns x rows points, each the mean of what it covers.
Grid resampled(const Grid& from, std::size_t rows, std::size_t columns) {
  Grid to{rows, columns, std::vector<double>(rows * columns, NAN)};
  if (from.rows == 0 || from.columns == 0) return to;
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c) {
      const std::size_t top = r * from.rows / rows,
                        bottom = std::max(top + 1, (r + 1) * from.rows / rows),
                        left = c * from.columns / columns,
                        right = std::max(left + 1, (c + 1) * from.columns / columns);
      double sum = 0, count = 0;
      for (std::size_t i = top; i < bottom; ++i)
        for (std::size_t j = left; j < right; ++j)
          if (const double v = from.values[i * from.columns + j]; std::isfinite(v))
            sum += v, ++count;
      if (count > 0) to.values[r * columns + c] = sum / count;
    }
  return to;
}

/// Two rows of the grid in one row of cells; with colours as half blocks, else as shades.
void draw_grid(Canvas& canvas, const TextStyle& style, int left, int top, const Grid& grid,
               Scale scale, std::pair<double, double> limits, bool light_on_dark) {
  static constexpr const char* shades[] = {" ", "\u2591", "\u2592", "\u2593", "\u2588"};
  static constexpr std::string_view letters = " .:-=+*#%@";
  const auto share = [&](std::size_t r, std::size_t c) {
    if (r >= grid.rows) return static_cast<double>(NAN);
    return (grid.values[r * grid.columns + c] - limits.first) / (limits.second - limits.first);
  };
  for (std::size_t r = 0; r < grid.rows; r += 2)
    for (std::size_t c = 0; c < grid.columns; ++c) {
      const double upper = share(r, c), lower = r + 1 < grid.rows ? share(r + 1, c) : upper;
      const double mean =
          std::isfinite(upper + lower) ? std::clamp((upper + lower) / 2, 0.0, 1.0) : 0;
      Cell cell;
      if (!std::isfinite(upper) && !std::isfinite(lower))
        cell = {style.utf8 ? "\u00d7" : "x", -1, style.colour ? paint(scale, upper, false) : -1};
      else if (style.colour && style.utf8)
        cell = {"\u2580", paint(scale, upper, light_on_dark), paint(scale, lower, light_on_dark)};
      else if (style.utf8)
        cell.glyph = shades[std::min<std::size_t>(static_cast<std::size_t>(mean * 5), 4)];
      else
        cell.glyph =
            std::string(1, letters[std::min<std::size_t>(static_cast<std::size_t>(mean * 10), 9)]);
      canvas.put(left + static_cast<int>(c), top + static_cast<int>(r / 2), cell);
    }
}

std::string draw(const Heatmap& map, const TextStyle& style) {
  const Ruler x = Ruler::between(map.left, map.right, map.x),
              y = Ruler::between(map.bottom, map.top, map.y);
  const int rows = style.rows, left = widest_tick(y, rows) + 2,
            columns = std::max(style.width - left, 4);
  Canvas canvas(style.width, rows + 2);
  draw_axes(canvas, style, left, 0, columns, rows, x, y, map.x.label);
  const Grid* const grids[] = {&map.grid};
  draw_grid(
      canvas, style, left, 0,
      resampled(map.grid, 2 * static_cast<std::size_t>(rows), static_cast<std::size_t>(columns)),
      map.scale, limits_of(grids, map.scale), false);
  return heading(map.title, map.y.label, style) + canvas.lines(style.colour);
}

std::string draw(const Table& table, const TextStyle& style) {
  int head = columns_of(table.y.label), cell = 1;
  double most = 1;
  for (const std::string& name : table.names)
    head = std::max(head, columns_of(name)), cell = std::max(cell, columns_of(name));
  for (const auto& row : table.counts)
    for (const double v : row)
      most = std::max(most, v), cell = std::max(cell, columns_of(short_number(v)));
  ++cell;
  const int n = static_cast<int>(table.names.size()),
            fit = std::clamp((style.width - head) / cell, 0, n);
  Canvas canvas(style.width, n + 2);
  canvas.words(head + 1, 0, cut(table.x.label, style.width - head - 1));
  canvas.words(0, 1, table.y.label);
  const auto words_at = [&](int column, int row, const std::string& text, int ink, int paper) {
    const int begin = head + column * cell, pad = cell - columns_of(text);
    for (int i = 0; i < cell; ++i)
      canvas.put(begin + i, row,
                 {i < pad ? " " : text.substr(static_cast<std::size_t>(i - pad), 1), ink, paper});
  };
  for (int r = 0; r < n; ++r) {
    const auto& name = table.names[static_cast<std::size_t>(r)];
    canvas.words(head - columns_of(name), r + 2, name);
    if (r < fit) words_at(r, 1, name, -1, -1);
    for (int c = 0; c < fit; ++c) {
      const double v = table.counts[static_cast<std::size_t>(r)][static_cast<std::size_t>(c)];
      const double share = std::log1p(v) / std::log1p(most);
      words_at(c, r + 2, v == 0 ? "." : short_number(v), share > 0.5 ? 16 : 255,
               paint(Scale::sequential, share, false));
    }
  }
  std::string out = heading(table.title, "", style) + canvas.lines(style.colour);
  if (fit < n)
    out += cut("(" + std::to_string(n - fit) + " more columns in a wider terminal)", style.width) +
           "\n";
  return out;
}

std::string draw(const Gallery& gallery, const TextStyle& style) {
  std::vector<const Grid*> grids;
  std::size_t wide = 1, high = 1, text_rows = 0;
  int letters = 0;
  for (const auto& tile : gallery.tiles) {
    grids.push_back(&tile.grid);
    wide = std::max(wide, tile.grid.columns), high = std::max(high, tile.grid.rows);
    std::size_t rows = 1;
    int run = 0;
    for (const char c : tile.caption) {
      run = c == '\n' ? 0 : run + ((static_cast<unsigned char>(c) & 0xC0) != 0x80);
      rows += c == '\n';
      letters = std::max(letters, run);
    }
    text_rows = std::max(text_rows, rows);
  }
  // Four in a row where they keep 12 columns each; a wide terminal shows more of full size.
  const int room = std::max((style.width + 2) / 4 - 2, 12);
  const auto columns = std::min<std::size_t>(wide, static_cast<std::size_t>(room));
  const std::size_t rows = std::max<std::size_t>(2, high * columns / wide / 2 * 2);
  const int pitch = std::max(static_cast<int>(columns), letters) + 2;
  const int across = std::max((style.width + 2) / pitch, 1);
  const auto limits = limits_of(grids, gallery.scale);
  const int shown = std::min(static_cast<int>(gallery.tiles.size()), 2 * across);
  const int height = static_cast<int>(rows / 2 + text_rows) + 1,
            bands = (shown + across - 1) / across;
  Canvas canvas(style.width, std::max(bands * height - 1, 0));
  for (int i = 0; i < shown; ++i) {
    const auto& tile = gallery.tiles[static_cast<std::size_t>(i)];
    const int left = i % across * pitch, top = i / across * height;
    draw_grid(canvas, style, left, top, resampled(tile.grid, rows, columns), gallery.scale, limits,
              gallery.light_on_dark);
    int row = top + static_cast<int>(rows / 2), column = left;
    for (std::size_t at = 0; at < tile.caption.size();) {
      const std::size_t end = std::min(tile.caption.find('\n', at), tile.caption.size());
      canvas.words(column, row++, tile.caption.substr(at, end - at));
      at = end + 1;
    }
  }
  std::string out = heading(gallery.title, "", style) + canvas.lines(style.colour);
  const auto left_out = gallery.tiles.size() - static_cast<std::size_t>(shown);
  if (left_out > 0)
    out += cut("(" + std::to_string(left_out) + " more: --out DIR shows all)", style.width) + "\n";
  return out;
}

}  // namespace

std::string text(const Plot& plot, const TextStyle& style) {
  TextStyle s = style;
  s.width = std::clamp(s.width, 24, 1000);
  s.rows = std::clamp(s.rows, 2, 200);
  return std::visit([&](const auto& p) { return draw(p, s); }, plot);
}

}  // namespace gradus::see
