// Pictures of tensors; see picture.h.
#include <gradus/ops/ops.h>
#include <gradus/see/picture.h>
#include <gradus/see/words.h>

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

namespace gradus::see {
namespace {

/// The part of an axis of `size` that cell i of `cells` covers: [first, last), never empty.
std::pair<std::int64_t, std::int64_t> covered(std::int64_t i, std::int64_t cells,
                                              std::int64_t size) {
  const std::int64_t first = i * size / cells;
  return {first, std::max((i + 1) * size / cells, first + 1)};
}

/// The element of the largest size in a tile; NaN before infinity before numbers.
double peak_of(const Picture& p, std::pair<std::int64_t, std::int64_t> rows,
               std::pair<std::int64_t, std::int64_t> columns) {
  double peak = 0;
  for (std::int64_t r = rows.first; r < rows.second; ++r)
    for (std::int64_t c = columns.first; c < columns.second; ++c) {
      const double v = p.at(r, c);
      if (std::isnan(v)) return v;
      if (std::fabs(v) > std::fabs(peak)) peak = v;
    }
  return peak;
}

}  // namespace

Picture picture_of(const Tensor& given) {
  const Unobserved not_seen;
  const NoGrad not_recorded;
  Picture p;
  p.spec = given.spec();
  if (given.numel() == 0) return p;
  Tensor x = given;
  const auto side =
      static_cast<std::int64_t>(std::lround(std::sqrt(static_cast<double>(x.numel()))));
  if (x.ndim() < 2 && side * side == x.numel() && side > 3)
    x = x.reshape({side, side});
  else if (x.ndim() != 2)
    x = x.reshape({x.ndim() < 2 ? 1 : x.size(0), -1});
  p.rows = x.size(0);
  p.columns = x.size(1);
  p.values = x.to_vector<double>();
  for (const double v : p.values)
    if (std::isfinite(v)) p.full_shade = std::max(p.full_shade, std::fabs(v));
  return p;
}

std::string picture_text(const Picture& p, const Style& style) {
  if (p.rows == 0) return "nothing to draw\n";
  static const char* const shades[] = {" ", "░", "▒", "▓", "█"};
  constexpr std::string_view plain = " .:+#";
  // A cell of a terminal is twice as high as it is wide.
  const std::int64_t columns = std::min<std::int64_t>(p.columns, style.width - 2);
  const std::int64_t rows =
      std::min<std::int64_t>((p.rows + (p.rows > 8)) / (p.rows > 8 ? 2 : 1), 40);
  std::string text;
  for (std::int64_t i = 0; i < rows; ++i) {
    text += "|";
    for (std::int64_t j = 0; j < columns; ++j) {
      const double peak = peak_of(p, covered(i, rows, p.rows), covered(j, columns, p.columns));
      if (!std::isfinite(peak)) {
        text += std::isnan(peak) ? 'x' : peak > 0 ? '^' : 'v';
        continue;
      }
      const auto shade =
          p.full_shade > 0
              ? static_cast<std::size_t>(std::lround(4 * std::fabs(peak) / p.full_shade))
              : std::size_t{0};
      text += style.utf8 ? std::string(shades[shade]) : std::string(1, plain[shade]);
    }
    text += "|\n";
  }
  const bool is_reshaped = p.spec.shape.rank() != 2 && p.rows > 1;
  return text + "  " + p.spec.str() +
         (is_reshaped ? " as " + index_text(Ints{p.rows, p.columns}) : std::string()) +
         ", full shade " + number(p.full_shade) + "\n";
}

std::string picture_json(const Picture& p) {
  using PictureJson = nlohmann::ordered_json;
  constexpr std::int64_t most = 10000, most_side = 100;
  const bool is_tiled = p.rows * p.columns > most;
  const std::int64_t rows = is_tiled ? std::min(p.rows, most_side) : p.rows,
                     columns = is_tiled ? std::min(p.columns, most_side) : p.columns;
  PictureJson values = PictureJson::array();
  for (std::int64_t i = 0; i < rows; ++i) {
    PictureJson row = PictureJson::array();
    for (std::int64_t j = 0; j < columns; ++j) {
      const double v = peak_of(p, covered(i, rows, p.rows), covered(j, columns, p.columns));
      if (std::isfinite(v))
        row.push_back(v);
      else
        row.push_back(std::isnan(v) ? "nan" : v > 0 ? "inf" : "-inf");
    }
    values.push_back(std::move(row));
  }
  PictureJson j{{"shape", p.spec.shape.to_vector()},
                {"dtype", dtype_name(p.spec.dtype)},
                {"rows", rows},
                {"columns", columns},
                {"values", std::move(values)},
                {"full_shade", p.full_shade}};
  if (is_tiled) j["tile"] = {(p.rows + rows - 1) / rows, (p.columns + columns - 1) / columns};
  return j.dump();
}

}  // namespace gradus::see
