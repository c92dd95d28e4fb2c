// What is left of a large angle beyond its quarter turns. (trigonometry_inl.h takes the small ones
// apart itself.)
#pragma once

#include <cstdint>

namespace gradus::kernels {

/// x = (4 j + quarter) pi/2 + rest + rest_low for a whole j; |rest| <= pi/4, and rest_low is below
/// rest's last place.
struct AngleParts {
  std::int64_t quarter;  ///< 0..3
  double rest, rest_low;
};

/// Of |x| >= 2^20, to more than 100 bits, in whole numbers alone: the same everywhere. The rest of
/// what is not finite is NaN. (M. Payne and R. Hanek, "Radian reduction for trigonometric
/// functions", 1983)
AngleParts large_angle(double x);

}  // namespace gradus::kernels
