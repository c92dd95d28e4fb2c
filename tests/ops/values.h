// What the tests of gradients share: lists of numbers, infinity.
#pragma once

#include <limits>
#include <vector>

namespace gradus::test {

using Values = std::vector<double>;
inline constexpr double inf = std::numeric_limits<double>::infinity();

}  // namespace gradus::test
