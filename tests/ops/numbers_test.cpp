// Numbers beside tensors: what they become, and that none is cut or wrapped without a word.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include <gradus/gradus.h>

namespace gradus {
namespace {

using testing::HasSubstr;
using Integers = std::vector<std::int64_t>;

constexpr std::int64_t odd = 9007199254740993;  // 2^53 + 1: a double has no room for the 1
constexpr std::int64_t five_billion = 5'000'000'000;

Integers values(const Tensor& x) { return x.to_vector<std::int64_t>(); }

TEST(Numbers, IntegersKeepAllTheirBits) {
  EXPECT_EQ(values(arange(1) + odd), Integers{odd});
  EXPECT_EQ(values(odd - arange(1)), Integers{odd});
  const Tensor x = tensor({odd, odd - 1});
  EXPECT_EQ(values(x == odd), (Integers{1, 0}));
  EXPECT_EQ(values(where(x == odd, odd, std::int64_t{0})), (Integers{odd, 0}));
  EXPECT_EQ(values(maximum(x, odd)), (Integers{odd, odd}));
  Tensor y = arange(1);
  y.add_(odd);
  EXPECT_EQ(values(y), Integers{odd});
  y.fill_(odd - 2).mul_(1);
  EXPECT_EQ(values(y), Integers{odd - 2});
  EXPECT_EQ(Tensor::scalar(odd, DType::i64).item<std::int64_t>(), odd);
  EXPECT_EQ(values(full({2}, odd, DType::i64)), (Integers{odd, odd}));
  EXPECT_EQ(values(full_like(x, -odd)), (Integers{-odd, -odd}));
  EXPECT_EQ(values(full({0, 3}, odd, DType::i64)), Integers{});
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(values(full({1}, most, DType::i64)), Integers{most});
}

// torch: torch.tensor([1, 2], dtype=torch.int32) < 5000000000 is all true.
TEST(Numbers, AnIntegerThatDoesNotFitMakesI64) {
  const Tensor x = astype(tensor({1, -2}), DType::i32);
  EXPECT_EQ(values(x < five_billion), (Integers{1, 1}));
  EXPECT_EQ(values(x == five_billion + 1), (Integers{0, 0}));
  EXPECT_EQ((x + 5).dtype(), DType::i32);
  EXPECT_EQ((x + five_billion).dtype(), DType::i64);
  EXPECT_EQ(values(x + five_billion), (Integers{five_billion + 1, five_billion - 2}));
  EXPECT_EQ(values(maximum(x, five_billion)), (Integers{five_billion, five_billion}));
  EXPECT_EQ(values(minimum(x, five_billion)), (Integers{1, -2}));
  EXPECT_EQ(values(where(x > 0, x, five_billion)), (Integers{1, five_billion}));
  const Tensor bytes = astype(tensor({0, 255}), DType::u8);
  EXPECT_EQ(values(bytes == -1), (Integers{0, 0}));
  EXPECT_EQ(values(bytes > -1), (Integers{1, 1}));
  EXPECT_EQ(values(bytes - 256), (Integers{-256, -1}));
  EXPECT_EQ((255 - bytes).dtype(), DType::u8);
  EXPECT_EQ((bytes * 2.0).dtype(), DType::f32);
  EXPECT_EQ((tensor({1.}) + five_billion).dtype(), DType::f32);
}

template <class Change>
std::string refusal(DType dtype, Change change) {
  Tensor x = astype(arange(4), dtype);
  const Integers before = values(x);
  std::string message;
  try {
    change(x);
  } catch (const DTypeError& error) {
    message = error.what();
  }
  EXPECT_EQ(values(x), before);
  return message;
}

// torch: result type Float can't be cast to the desired output type Long.
TEST(Numbers, InPlaceNoneIsCutToFit) {
  const auto half = refusal(DType::i64, [](Tensor& x) { x.mul_(0.5); });
  EXPECT_THAT(half, HasSubstr("mul_(i64[4]): 0.5 cannot go into elements of i64"));
  EXPECT_THAT(half, HasSubstr("write x = x * 0.5, or convert first with astype"));
  EXPECT_THAT(half, HasSubstr("numbers_test.cpp"));
  EXPECT_NE(refusal(DType::i64, [](Tensor& x) { x.add_(1.5); }), "");
  EXPECT_NE(refusal(DType::boolean, [](Tensor& x) { x.add_(0.4); }), "");
  EXPECT_NE(refusal(DType::boolean, [](Tensor& x) { x.add_(2); }), "");
  EXPECT_NE(refusal(DType::i32, [](Tensor& x) { x.add_(five_billion); }), "");
  EXPECT_NE(refusal(DType::u8, [](Tensor& x) { x.add_(-1); }), "");
  EXPECT_NE(refusal(DType::i64, [](Tensor& x) { x.add_(std::nan("")); }), "");
  EXPECT_NE(refusal(DType::i64, [](Tensor& x) { x.add_(0x1p63); }), "");
  Tensor x = arange(4);
  x.mul_(2.0).add_(-1);
  EXPECT_EQ(values(x), (Integers{-1, 1, 3, 5}));
  Tensor y = tensor({1., 2.});
  y.mul_(0.5).add_(odd);
  EXPECT_EQ(y.dtype(), DType::f32);
}

TEST(Numbers, ANewElementIsTheNearestThereIs) {
  EXPECT_EQ(values(full({1}, 300, DType::u8)), Integers{255});
  EXPECT_EQ(values(tensor({-1, 300}, DType::u8)), (Integers{0, 255}));
  EXPECT_EQ(values(tensor({-1., 300.}, DType::u8)), (Integers{0, 255}));
  EXPECT_EQ(values(tensor({five_billion, -five_billion}, DType::i32)),
            (Integers{2147483647, -2147483648}));
  EXPECT_EQ(values(zeros({1}, DType::u8).fill_(-7)), Integers{0});
  const auto scalar = [](Number x, DType dtype) { return values(Tensor::scalar(x, dtype)); };
  EXPECT_EQ(scalar(1e30, DType::i64), Integers{std::numeric_limits<std::int64_t>::max()});
  EXPECT_EQ(scalar(-1e30, DType::i32), Integers{std::numeric_limits<std::int32_t>::min()});
  EXPECT_EQ(scalar(std::nan(""), DType::i64), Integers{0});
  EXPECT_EQ(scalar(std::numeric_limits<std::uint64_t>::max(), DType::i64),
            Integers{std::numeric_limits<std::int64_t>::max()});
  EXPECT_EQ(scalar(-2.9, DType::i32), Integers{-2});
}

// torch: torch.arange(5).clamp(.5, 2.5) is [0.5, 1, 2, 2.5, 2.5].
TEST(Numbers, AFractionalLimitOfIntegersGivesF32) {
  const Tensor x = clip(arange(5), 0.5, 2.5);
  EXPECT_EQ(x.dtype(), DType::f32);
  EXPECT_EQ(x.to_vector<double>(), (std::vector<double>{0.5, 1, 2, 2.5, 2.5}));
  EXPECT_EQ(clip(arange(5), 1, 3).dtype(), DType::i64);
  EXPECT_EQ(clip(arange(5), {}, std::numeric_limits<double>::infinity()).dtype(), DType::i64);
  EXPECT_THROW(clip(arange(5), std::nan(""), {}), ValueError);
  EXPECT_THROW(clip(arange(5) > 2, 0.5, {}), DTypeError);
}

TEST(Numbers, AProbabilityIsOne) {
  for (const double p : {2.0, -0.1, std::nan("")}) {
    const Op mask = find_op("dropout_mask").with("p", to_text(p));
    EXPECT_THROW(apply(mask, {}), ValueError) << p;
  }
}

TEST(Numbers, AnEmptyAxisHasNoPositions) {
  const Tensor x = zeros({0, 0}), at = tensor({0});
  try {
    x[{at, at}];
    ADD_FAILURE() << "nothing was thrown";
  } catch (const IndexError& error) {
    EXPECT_EQ(error.hint(), "the axis is empty");
  }
}

}  // namespace
}  // namespace gradus
