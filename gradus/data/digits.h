// The built-in digits: images of 0..9 that gradus draws itself, so that training needs no download.
// A few hand-made strokes per digit go through random curvature, rotation, shear, size, thickness
// and noise. Same options, same bytes, on every machine.
#pragma once

#include <gradus/data/mnist.h>

namespace gradus::data {

/// How many to draw, and from which seed.
struct DigitOptions {
  std::int64_t train = 12000, valid = 2000, test = 2000;
  std::uint64_t seed = 1;
};

/// 28 x 28 digits in the three parts asked for; labels are uniform over 0..9. The name is "digits".
/// Throws ValueError unless every count is at least 1.
ImageData digits(const DigitOptions& options = {});

}  // namespace gradus::data
