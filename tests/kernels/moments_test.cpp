// Moments and hashes on every instruction set against plain loops over the same eight lanes: equal
// bits; what is not finite is refused and changes nothing.
#include <gradus/kernels/moments.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "tests/kernels/targets.h"

namespace gradus::kernels {
namespace {

template <class T>
std::vector<T> numbers(std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<T> all(n);
  for (T& v : all) {
    v = static_cast<T>(
        std::ldexp(static_cast<double>(random()) - 2e9, static_cast<int>(random() % 30) - 50));
    if (random() % 5 == 0) v = 0;
    if (random() % 11 == 0) v = -v;
  }
  return all;
}

template <class T>
Moments naive(const std::vector<T>& x) {
  Moments m;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t k = i % 8;
    const auto v = static_cast<double>(x[i]);
    m.sum[k] += v;
    m.squares[k] += v * v;
    if (v < m.min[k]) m.min[k] = v;
    if (v > m.max[k]) m.max[k] = v;
    m.zeros[k] += v == 0;
  }
  return m;
}

template <class T>
void expect_moments() {
  for_each_target([](const char* target) {
    for (const std::size_t n : {1u, 7u, 8u, 9u, 31u, 64u, 1000u, 1024u}) {
      const std::vector<T> x = numbers<T>(n, static_cast<unsigned>(n));
      const Moments expected = naive(x);
      Moments found;
      ASSERT_TRUE(add_moments(x.data(), static_cast<std::int64_t>(n), found));
      for (std::size_t k = 0; k < 8; ++k) {
        EXPECT_EQ(found.sum[k], expected.sum[k]) << target << " " << n << " lane " << k;
        EXPECT_EQ(found.squares[k], expected.squares[k]) << target << " " << n;
        EXPECT_EQ(found.zeros[k], expected.zeros[k]) << target << " " << n;
      }
      // Extremes are those of all lanes: a lane without an element has the first one.
      EXPECT_EQ(*std::min_element(found.min, found.min + 8), *std::min_element(x.begin(), x.end()));
      EXPECT_EQ(*std::max_element(found.max, found.max + 8), *std::max_element(x.begin(), x.end()));
    }
  });
}

template <class T>
void expect_refusals() {
  for_each_target([](const char* target) {
    for (const double bad : {double{NAN}, double{INFINITY}, -double{INFINITY}})
      for (const std::size_t place : {0u, 5u, 16u, 20u}) {
        std::vector<T> x = numbers<T>(21, 3);
        x[place] = static_cast<T>(bad);
        Moments found, untouched;
        EXPECT_FALSE(add_moments(x.data(), 21, found)) << target << " " << bad << " at " << place;
        EXPECT_EQ(std::memcmp(&found, &untouched, sizeof found), 0);
      }
  });
}

TEST(Moments, AreThoseOfPlainLoops) {
  expect_moments<float>();
  expect_moments<double>();
}

TEST(Moments, BytesAreAddedExactly) {
  for_each_target([](const char* target) {
    for (const std::size_t n : {1u, 15u, 64u, 1000u, 65536u}) {
      std::vector<std::uint8_t> x(n, 255);  // the largest sums there are
      double sum = 0, squares = 0, zeros = 0;
      for (std::size_t i = 0; i < n; ++i) {
        if (i % 3 == 1) x[i] = static_cast<std::uint8_t>(i % 7 ? i : 0);
        sum += x[i], squares += double{1} * x[i] * x[i], zeros += x[i] == 0;
      }
      Moments found;
      ASSERT_TRUE(add_moments(x.data(), static_cast<std::int64_t>(n), found));
      EXPECT_EQ(found.sum[0], sum) << target << " " << n;
      EXPECT_EQ(found.squares[0], squares) << target << " " << n;
      EXPECT_EQ(static_cast<double>(found.zeros[0]), zeros) << target << " " << n;
      EXPECT_EQ(found.min[0], *std::min_element(x.begin(), x.end()));
      EXPECT_EQ(found.max[0], *std::max_element(x.begin(), x.end()));
    }
  });
}

TEST(Moments, WhatIsNotFiniteIsRefused) {
  expect_refusals<float>();
  expect_refusals<double>();
  const std::vector<double> huge(3, 1e200);  // finite, but not their squares
  Moments found;
  EXPECT_FALSE(add_moments(huge.data(), 3, found));
}

TEST(ByteHash, IsThatOfPlainLoops) {
  std::mt19937 random(9);
  std::vector<std::byte> bytes(128 * 5 + 77);
  for (std::byte& b : bytes) b = static_cast<std::byte>(random());
  for (const std::size_t n : {std::size_t{128}, std::size_t{3}, std::size_t{640}, bytes.size()}) {
    std::vector<std::byte> whole(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
    if (n % 128) whole.resize((n + 127) / 128 * 128, static_cast<std::byte>(n % 128));
    std::uint32_t expected[32];
    for (std::uint32_t k = 0; k < 32; ++k) expected[k] = k + 1;
    for (std::size_t i = 0; i < whole.size(); i += 4) {
      std::uint32_t word;
      std::memcpy(&word, &whole[i], 4);
      std::uint32_t& h = expected[i / 4 % 32];
      h = (h ^ word) * 0x9E3779B1u;
      h ^= h >> 15;
    }
    for_each_target([&](const char* target) {
      ByteHash at_once, in_pieces;
      at_once.add(bytes.data(), n);
      EXPECT_EQ(std::memcmp(at_once.state, expected, sizeof expected), 0) << target << " " << n;
      const std::size_t first = n / 128 / 2 * 128;
      in_pieces.add(bytes.data(), first);
      in_pieces.add(bytes.data() + first, n - first);
      EXPECT_EQ(std::memcmp(in_pieces.state, expected, sizeof expected), 0) << target << " " << n;
    });
  }
}

TEST(ByteHash, AChangedBitChangesIt) {
  std::vector<std::byte> bytes(300);
  ByteHash before;
  before.add(bytes.data(), bytes.size());
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    bytes[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    ByteHash after;
    after.add(bytes.data(), bytes.size());
    EXPECT_NE(std::memcmp(after.state, before.state, sizeof before.state), 0) << bit;
    bytes[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
  }
}

}  // namespace
}  // namespace gradus::kernels
