// Gears: one element of a gradient as a train of wheels, one for each local derivative along the
// chain rule. When the first turns once, the last turns by the product. A closed gate does not
// mesh.
#pragma once

#include <gradus/see/chain.h>
#include <gradus/see/tape_view.h>

namespace gradus::see {

struct Gears {
  std::string title;    ///< "w1.g[237,39] = 151.951 (t8)"
  std::string element;  ///< "w1.g[237,39]"
  double value = 0;     ///< of the element: the sum of all `count` chains
  std::int64_t n = 0, count = 1;
  std::vector<Factor> wheels;  ///< the loss first
  /// What the last wheel has turned by.
  double product() const;
};

/// The chain of "w1.g[237,39]", or of "w1.g[237,39] n=1495" for that term of its sum; where none is
/// said the first term that is not 0. Throws ValueError for what is no element of a gradient,
/// IndexError for a place outside.
Gears gears_of(const Elements& elements, std::string_view text, TapeIndex tick);
/// A line for each wheel: its name, the layer, its ratio, what it has turned by so far.
std::string gears_text(const Gears& gears, const Style& style);
/// The train as an SVG that turns: wheels that touch turn against each other, and a small wheel
/// between two keeps the sense. Sizes and speeds are to scale while the fastest wheel turns at most
/// five times as fast as the slowest, else on a logarithmic scale, and the picture says which.
std::string gears_svg(const Gears& gears);

}  // namespace gradus::see
