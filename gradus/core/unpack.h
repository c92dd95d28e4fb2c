// The sizes of a shape as names: `const auto [n, m] = unpack<2>(x.shape());`
#pragma once

#include <gradus/core/error.h>
#include <gradus/core/shape.h>

#include <array>

namespace gradus {

/// The sizes of a shape that has `rank` axes, for a structured binding. Throws ShapeError when it
/// has more or fewer. (Python: n, m = x.shape)
template <std::size_t rank>
std::array<std::int64_t, rank> unpack(const Shape& shape, Place at = Place::current()) {
  static_assert(rank <= Shape::max_rank);
  if (shape.size() != rank)
    throw ShapeError("unpack<" + std::to_string(rank) + "> of the shape " + shape.str() +
                         ", which has " + std::to_string(shape.rank()) +
                         (shape.rank() == 1 ? " axis" : " axes"),
                     "name as many sizes as there are axes, unpack<" +
                         std::to_string(shape.rank()) + ">, or reshape first",
                     at);
  std::array<std::int64_t, rank> sizes;
  for (std::size_t axis = 0; axis < rank; ++axis) sizes[axis] = shape[static_cast<int>(axis)];
  return sizes;
}

}  // namespace gradus
