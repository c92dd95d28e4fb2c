// Lines of dots as characters; see plot.h.
#include <gradus/see/plot.h>

#include <algorithm>
#include <cstdlib>

namespace gradus::see {

Braille::Braille(int columns, int rows)
    : columns_(columns),
      rows_(rows),
      cells_(static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows)) {}

void Braille::dot(int x, int y) {
  if (x < 0 || y < 0 || x >= width() || y >= height()) return;
  // Unicode numbers the dots 1 2 3 7 down the left side and 4 5 6 8 down the right.
  static constexpr unsigned bits[4][2] = {{1, 8}, {2, 16}, {4, 32}, {64, 128}};
  cells_[static_cast<std::size_t>(y / 4) * static_cast<std::size_t>(columns_) +
         static_cast<std::size_t>(x / 2)] |= bits[y % 4][x % 2];
}

void Braille::line(int x0, int y0, int x1, int y1) {
  const int dx = x1 - x0, dy = y1 - y0, n = std::max(std::abs(dx), std::abs(dy));
  // Rounded to the nearest, halves upwards; the sum under the division is never negative.
  const auto part = [n](int d, int i) {
    return (2 * d * i + n + 2 * n * std::abs(d)) / (2 * n) - std::abs(d);
  };
  if (n == 0) return dot(x0, y0);
  for (int i = 0; i <= n; ++i) dot(x0 + part(dx, i), y0 + part(dy, i));
}

std::string Braille::glyph(int column, int row) const {
  const unsigned code = 0x2800 + cell(column, row);
  return {static_cast<char>(0xE0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 0x3F)),
          static_cast<char>(0x80 | (code & 0x3F))};
}

}  // namespace gradus::see
