// A grid of cells that a plot is drawn into before it becomes text: it knows no escapes until then,
// and a line ends with its last cell that is not empty. For plot_text.cpp.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace gradus::see {

struct Cell {
  std::string glyph = " ";
  int ink = -1, paper = -1;
};

class Canvas {
 public:
  Canvas(int columns, int rows)
      : columns_(columns),
        cells_(static_cast<std::size_t>(rows),
               std::vector<Cell>(static_cast<std::size_t>(columns))) {}
  /// Cells outside are left out.
  void put(int x, int y, Cell cell) {
    if (x >= 0 && x < columns_ && y >= 0 && y < static_cast<int>(cells_.size()))
      cells_[static_cast<std::size_t>(y)][static_cast<std::size_t>(x)] = std::move(cell);
  }
  /// One cell a character of UTF-8.
  void words(int x, int y, const std::string& text, int ink = -1) {
    for (std::size_t i = 0; i < text.size();) {
      std::size_t next = i + 1;
      while (next < text.size() && (static_cast<unsigned char>(text[next]) & 0xC0) == 0x80) ++next;
      const bool is_control = static_cast<unsigned char>(text[i]) < 0x20 || text[i] == 0x7F;
      put(x++, y, {is_control ? "?" : text.substr(i, next - i), ink, -1});
      i = next;
    }
  }
  std::string lines(bool colour) const {
    std::string out;
    for (const auto& row : cells_) {
      std::size_t used = row.size();
      while (used > 0 && row[used - 1].glyph == " " && (!colour || row[used - 1].paper < 0)) --used;
      int ink = -1, paper = -1;
      for (std::size_t i = 0; i < used; ++i) {
        const Cell& cell = row[i];
        if (colour && (cell.ink != ink || cell.paper != paper)) {
          out += "\x1b[0";
          if (cell.ink >= 0) out += ";38;5;" + std::to_string(cell.ink);
          if (cell.paper >= 0) out += ";48;5;" + std::to_string(cell.paper);
          out += "m";
          ink = cell.ink, paper = cell.paper;
        }
        out += cell.glyph;
      }
      if (ink >= 0 || paper >= 0) out += "\x1b[0m";
      out += "\n";
    }
    return out;
  }

 private:
  int columns_;
  std::vector<std::vector<Cell>> cells_;
};

inline int columns_of(const std::string& text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

}  // namespace gradus::see
