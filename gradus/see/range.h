// The elements of a tensor that lie within limits: what `pt w1.g -r [100,inf]` lists.
#pragma once

#include <string_view>

#include <gradus/core/tensor.h>

namespace gradus::see {

struct InRange {
  double low = 0, high = 0;  ///< both belong to it
  std::int64_t count = 0;    ///< of all elements
  struct Element {
    Ints index;
    double value;
  };
  std::vector<Element> found{};  ///< in row-major order
};
/// `limits` as "[100,inf]", "-1,1". Throws ValueError for what are none.
InRange in_range(const Tensor& x, std::string_view limits);
/// How many, the first ten, and of more the largest in size.
std::string range_text(const InRange& range);

}  // namespace gradus::see
