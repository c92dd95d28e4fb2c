// What one pass over a row of numbers finds, compiled for every instruction set and chosen at run
// time: the same bits on each, because elements go to eight fixed lanes. see/statistics.h is the
// user.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace gradus::kernels {

/// Sums and extremes of eight lanes; element i of a call belongs to lane i % 8.
struct Moments {
  static constexpr int lanes = 8;
  double sum[lanes] = {}, squares[lanes] = {};
  double min[lanes], max[lanes];
  std::int64_t zeros[lanes] = {};

  Moments();
};

/// Adds n elements, 2^16 at most (T is float, double or uint8_t), in f64; whole numbers all to lane
/// 0, since their sums are exact. False, and nothing is added, where one of them is NaN or
/// infinite, or where the squares of doubles have no finite sum.
template <class T>
bool add_moments(const T* x, std::int64_t n, Moments& into);

/// A running hash of bytes in 32 lanes of 32 bits: h = (h ^ word) * prime, mixed. Two rows that
/// differ in one word never have the same state, two that differ in more have it once in 2^32 or
/// less. Words stand in the machine's byte order.
struct ByteHash {
  static constexpr int lanes = 32;
  std::uint32_t state[lanes];

  ByteHash();
  /// Adds n bytes; all calls but the last give a multiple of 128.
  void add(const std::byte* bytes, std::size_t n);
};

}  // namespace gradus::kernels
