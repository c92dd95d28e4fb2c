// SHA-256 (FIPS 180-4), so that "the same bits" is one line that can be read, kept and compared.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace gradus::test {

class Sha256 {
 public:
  void add(const void* data, std::size_t bytes) {
    const auto* at = static_cast<const unsigned char*>(data);
    total_ += bytes;
    for (std::size_t i = 0; i < bytes; ++i) {
      block_[filled_++] = at[i];
      if (filled_ == block_.size()) take_block();
    }
  }
  void add(std::string_view text) { add(text.data(), text.size()); }
  template <class T>
  void add_number(T x) {
    add(&x, sizeof x);
  }

  /// 64 hexadecimal digits of what was added so far; nothing may be added after it.
  std::string digest() {
    const std::uint64_t bits = total_ * 8;
    const unsigned char one = 0x80, zero = 0;
    add(&one, 1);
    while (filled_ != 56) add(&zero, 1);
    for (int shift = 56; shift >= 0; shift -= 8) {
      const auto byte = static_cast<unsigned char>(bits >> shift);
      add(&byte, 1);
    }
    std::string text;
    for (const std::uint32_t word : state_)
      for (int shift = 28; shift >= 0; shift -= 4) text += "0123456789abcdef"[(word >> shift) & 15];
    return text;
  }

 private:
  /// The first 32 bits of the fractional part of a root of the n-th prime.
  static std::uint32_t root_of_prime(int n, bool is_cube) {
    int prime = 1;
    for (int found = 0; found <= n;) {
      ++prime;
      bool is_prime = true;
      for (int d = 2; d * d <= prime; ++d) is_prime &= prime % d != 0;
      found += is_prime;
    }
    const long double root = is_cube ? std::cbrt(static_cast<long double>(prime))
                                     : std::sqrt(static_cast<long double>(prime));
    return static_cast<std::uint32_t>((root - std::floor(root)) * 4294967296.0L);
  }
  static const std::array<std::uint32_t, 64>& constants() {
    static const auto all = [] {
      std::array<std::uint32_t, 64> k{};
      for (int i = 0; i < 64; ++i) k[static_cast<std::size_t>(i)] = root_of_prime(i, true);
      return k;
    }();
    return all;
  }
  static std::array<std::uint32_t, 8> start() {
    std::array<std::uint32_t, 8> h{};
    for (int i = 0; i < 8; ++i) h[static_cast<std::size_t>(i)] = root_of_prime(i, false);
    return h;
  }

  void take_block() {
    std::array<std::uint32_t, 64> w{};
    for (std::size_t i = 0; i < 16; ++i)
      for (std::size_t b = 0; b < 4; ++b) w[i] = (w[i] << 8) | block_[4 * i + b];
    for (std::size_t i = 16; i < 64; ++i) {
      const std::uint32_t a = w[i - 15], b = w[i - 2];
      w[i] = w[i - 16] + w[i - 7] + (std::rotr(a, 7) ^ std::rotr(a, 18) ^ (a >> 3)) +
             (std::rotr(b, 17) ^ std::rotr(b, 19) ^ (b >> 10));
    }
    auto [a, b, c, d, e, f, g, h] = state_;
    for (std::size_t i = 0; i < 64; ++i) {
      const std::uint32_t t1 = h + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) +
                               ((e & f) ^ (~e & g)) + constants()[i] + w[i];
      const std::uint32_t t2 =
          (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
      h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    const std::array<std::uint32_t, 8> now{a, b, c, d, e, f, g, h};
    for (std::size_t i = 0; i < 8; ++i) state_[i] += now[i];
    filled_ = 0;
  }

  std::array<std::uint32_t, 8> state_ = start();
  std::array<unsigned char, 64> block_{};
  std::size_t filled_ = 0;
  std::uint64_t total_ = 0;
};

}  // namespace gradus::test
