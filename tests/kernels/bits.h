// Are two results the same to the bit?
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <type_traits>

namespace gradus::testing {

template <class T>
auto bits_of(T x) {
  return std::bit_cast<std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>>(x);
}
/// Equal bits, any NaN for a NaN.
template <class T>
bool same(T a, T b) {
  return std::isnan(a) ? std::isnan(b) : bits_of(a) == bits_of(b);
}

}  // namespace gradus::testing
