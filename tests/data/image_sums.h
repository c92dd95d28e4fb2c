// What tells one set of images from another: the sum of its bytes, its first labels.
#pragma once

#include <gradus/data/mnist.h>

#include <numeric>

namespace gradus::test {

inline std::int64_t byte_sum(const data::ImageSet& set) {
  const std::uint8_t* pixels = set.images.data<std::uint8_t>();
  return std::accumulate(pixels, pixels + set.images.numel(), std::int64_t{0});
}

inline std::vector<int> first_labels(const data::ImageSet& set, std::size_t n = 10) {
  std::vector<int> labels = set.labels.to_vector<int>();
  labels.resize(n);
  return labels;
}

}  // namespace gradus::test
