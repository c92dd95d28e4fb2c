// A tensor as a picture: which matrix it is looked at as, and its shades in a terminal.
#pragma once

#include <gradus/see/tape_view.h>

namespace gradus::see {

/// A tensor as a matrix: a square row (784 numbers) as 28 x 28, another as one row, more axes than
/// two as rows by all the rest, one number as 1 x 1. A tensor without elements has no rows.
struct Picture {
  std::int64_t rows = 0, columns = 0;
  std::vector<double> values{};  ///< in row-major order
  double full_shade = 0;         ///< the largest size of a finite element
  Spec spec{};                   ///< of the tensor

  double at(std::int64_t row, std::int64_t column) const {
    return values[static_cast<std::size_t>(row * columns + column)];
  }
};
Picture picture_of(const Tensor& x);

/// Shades, zero blank, large ones by the largest of each tile. NaN is x, infinities ^ and v.
std::string picture_text(const Picture& picture, const Style& style);
/// {"shape","dtype","rows","columns","values","full_shade"}: values row by row; of more than 10,000
/// elements, of each tile the one of the largest size, and "tile", the elements that one covers at
/// most.
std::string picture_json(const Picture& picture);

}  // namespace gradus::see
