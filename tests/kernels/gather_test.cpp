// The gather of image rows, on every instruction set, against division in f64, with pages that
// nobody may touch on both sides.
#include <gtest/gtest.h>

#include <gradus/kernels/gather.h>

#include <cmath>
#include <random>

#include <tests/kernels/guarded.h>
#include <tests/kernels/targets.h>

namespace gradus::kernels {
namespace {

using gradus::testing::Edge;
using gradus::testing::Guarded;

TEST(Gather, EveryByteIsTheCorrectlyRoundedQuotientOnEveryInstructionSet) {
  int targets = 0;
  for_each_target([&](const char* name) {
    ++targets;
    for (const Edge edge : {Edge::front, Edge::back})
      for (std::int64_t row = 0; row <= 70; ++row)
        for (const float divisor : {255.0f, 256.0f, 3.0f}) {
          Guarded<std::uint8_t> source(3 * row, edge);
          for (std::int64_t i = 0; i < 3 * row; ++i)
            source[i] = static_cast<std::uint8_t>(i * 7 + row * 13);
          const std::int64_t index[] = {2, 0, 2, 1};
          Guarded<float> y(4 * row, edge);
          gather_rows_u8(source.data(), row, index, 4, divisor, y.data());
          for (std::int64_t i = 0; i < 4; ++i)
            for (std::int64_t j = 0; j < row; ++j) {
              const double byte = source[index[i] * row + j];
              ASSERT_EQ(static_cast<float>(byte / static_cast<double>(divisor)), y[i * row + j])
                  << name << ", row of " << row;
            }
        }
  });
  EXPECT_GE(targets, 1);
}

TEST(Gather, AllBytesAreDividedRight) {
  std::uint8_t source[256];
  for (int i = 0; i < 256; ++i) source[i] = static_cast<std::uint8_t>(i);
  const std::int64_t first = 0;
  for_each_target([&](const char* name) {
    std::mt19937 random(1);
    for (int trial = 0; trial < 4000; ++trial) {
      const auto significand = std::ldexp(static_cast<float>(random() | 1u << 31), -31);
      const float divisor = trial < 400
                                ? static_cast<float>(trial + 1)
                                : std::ldexp(significand, static_cast<int>(random() % 250) - 126);
      float y[256];
      gather_rows_u8(source, 256, &first, 1, divisor, y);
      for (int i = 0; i < 256; ++i)
        ASSERT_EQ(static_cast<float>(i) / divisor, y[i]) << name << ", " << i << " / " << divisor;
    }
  });
}

}  // namespace
}  // namespace gradus::kernels
