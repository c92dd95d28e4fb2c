// where, clip, amax and amin element by element against plain C++, with NaN, infinities, both zeros
// and limits that the dtype does not hold.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <optional>

#include <gradus/gradus.h>

#include "tests/ops/values.h"

namespace gradus {
namespace {

using test::inf;
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
const std::vector<double> strange{nan, -nan, inf, -inf, 0.0, -0.0, 1e-310, 0.1, -0.1, 3, -3, 1e30};

/// Numbers in no order, a few of them strange.
std::vector<double> numbers(std::size_t n, std::uint64_t seed) {
  Generator g(seed);
  const Tensor x = randn({static_cast<std::int64_t>(n)}, DType::f64, &g);
  std::vector<double> list(x.data<double>(), x.data<double>() + n);
  for (std::size_t i = 0; i < strange.size(); ++i) list[(7 * i + seed) % n] = strange[i];
  return list;
}

Tensor of(const std::vector<double>& list, DType dtype) {
  const Tensor x = zeros({static_cast<std::int64_t>(list.size())}, DType::f64);
  std::copy(list.begin(), list.end(), x.data<double>());
  return x.astype(dtype);
}

using Integers = std::vector<std::int64_t>;
Integers integers(const Tensor& x) { return x.astype(DType::i64).to_vector<std::int64_t>(); }

template <class T>
bool same_bits(T a, T b) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  return std::bit_cast<Bits>(a) == std::bit_cast<Bits>(b);
}

template <class T>
void check_where(DType dtype) {
  const std::vector<double> a = numbers(1001, 1), b = numbers(1001, 2), c = numbers(1001, 3);
  const Tensor ta = of(a, dtype), tb = of(b, dtype), condition = of(c, DType::f64) > 0;
  const Tensor y = where(condition, ta, tb);
  for (std::size_t i = 0; i < a.size(); ++i)
    EXPECT_TRUE(same_bits(y.data<T>()[i], c[i] > 0 ? ta.data<T>()[i] : tb.data<T>()[i])) << i;
}

TEST(Choosing, WhereTakesBitsAsTheyAre) {
  check_where<float>(DType::f32);
  check_where<double>(DType::f64);
}

template <class T>
void check_clip(DType dtype, std::optional<double> low, std::optional<double> high) {
  const Tensor x = of(numbers(1001, 4), dtype), y = clip(x, low, high);
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    T want = x.data<T>()[i];
    if (low && static_cast<double>(want) < *low) want = static_cast<T>(*low);
    if (high && static_cast<double>(want) > *high) want = static_cast<T>(*high);
    EXPECT_TRUE(same_bits(y.data<T>()[i], want))
        << x.data<T>()[i] << " in " << low.value_or(nan) << ".." << high.value_or(nan);
  }
}

TEST(Choosing, ClipLimitsWhatIsNotNaN) {
  const std::optional<double> none;
  for (const auto& [low, high] : std::vector<std::pair<std::optional<double>, decltype(none)>>{
           {-0.5, 0.7}, {0.1, none}, {none, 0.1}, {none, none}, {0.0, 0.0}, {-inf, inf}}) {
    check_clip<float>(DType::f32, low, high);
    check_clip<double>(DType::f64, low, high);
  }
}

TEST(Choosing, ClipsLimitsMayLieOutsideOfAnInteger) {
  const Tensor bytes = tensor({0, 7, 255}, DType::u8);
  EXPECT_EQ(integers(clip(bytes, -1, 300)), (Integers{0, 7, 255}));
  EXPECT_EQ(integers(clip(bytes, 300, 1e30)), (Integers{255, 255, 255}));
  EXPECT_EQ(integers(clip(bytes, -9, -1)), (Integers{0, 0, 0}));
  EXPECT_EQ(integers(clip(tensor({-7, 0, 7}), -1e30, 2)), (Integers{-7, 0, 2}));
  EXPECT_EQ(integers(clip(tensor({-7, 7}, DType::i32), -inf, inf)), (Integers{-7, 7}));
}

TEST(Choosing, ANaNIsTheLargestAndTheSmallest) {
  std::vector<double> list(300, 1.0);
  for (const std::size_t at : {0u, 1u, 15u, 16u, 128u, 299u}) {
    list[at] = nan;
    for (const DType dtype : {DType::f32, DType::f64}) {
      const Tensor x = of(list, dtype), columns = x.reshape({100, 3});
      EXPECT_TRUE(std::isnan(amax(x).item())) << at;
      EXPECT_TRUE(std::isnan(amin(x).item())) << at;
      for (std::int64_t k = 0; k < 3; ++k) {
        const bool here = static_cast<std::int64_t>(at) % 3 == k;
        EXPECT_EQ(std::isnan(amax(columns, {0})[k].item()), here) << at;
        EXPECT_EQ(std::isnan(amin(columns, {0})[k].item()), here) << at;
      }
    }
    list[at] = 1.0;
  }
  EXPECT_EQ(amax(tensor({-inf, -3.0, -inf})).item(), -3);
  EXPECT_EQ(amin(tensor({inf, 3.0, inf})).item(), 3);
}

}  // namespace
}  // namespace gradus
