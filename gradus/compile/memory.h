// Memory: where buffers of known size and lifetime lie in one arena, so that those that live at
// different times share bytes.
#pragma once

#include <cstddef>
#include <vector>

namespace gradus::compile {

/// Bytes that are in use from time `first` to time `last`, both included.
struct Lifetime {
  std::size_t bytes = 0;
  int first = 0, last = 0;
};

struct Placement {
  std::vector<std::size_t> offsets;  ///< one for each buffer, multiples of 64
  std::size_t bytes = 0;             ///< of the whole arena
};

/// Largest first, each at the lowest place where no buffer lies that lives at the same time.
/// (Greedy by size: Pisarchyk and Lee, "Efficient memory management for deep neural net inference",
/// 2020)
Placement place(const std::vector<Lifetime>& buffers);

}  // namespace gradus::compile
