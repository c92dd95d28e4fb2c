// Numbers in braces become tensors: their shape, their dtype, and what is wrong with them.
#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gradus/gradus.h>

namespace gradus {
namespace {

std::vector<double> numbers(const Tensor& x) {
  const Tensor wide = x.astype(DType::f64);
  return {wide.data<double>(), wide.data<double>() + wide.numel()};
}

void expect(const Tensor& x, const Shape& shape, DType dtype, const std::vector<double>& values) {
  EXPECT_EQ(x.shape(), shape);
  EXPECT_EQ(x.dtype(), dtype);
  EXPECT_EQ(numbers(x), values);
}

TEST(Literals, ShapeIsThatOfTheBraces) {
  expect(tensor(5), {}, DType::i64, {5});
  expect(tensor({5}), {1}, DType::i64, {5});
  expect(tensor({{5}}), {1, 1}, DType::i64, {5});
  expect(tensor({1, 2, 3}), {3}, DType::i64, {1, 2, 3});
  expect(tensor({{1, 2, 3}, {4, 5, 6}}), {2, 3}, DType::i64, {1, 2, 3, 4, 5, 6});
  expect(tensor({{1}, {2}}), {2, 1}, DType::i64, {1, 2});
  expect(tensor({{{1, 2}, {3, 4}, {5, 6}}, {{7, 8}, {9, 10}, {11, 12}}}), {2, 3, 2}, DType::i64,
         {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  expect(tensor({}), {0}, DType::f32, {});
  expect(tensor({{}, {}}), {2, 0}, DType::f32, {});
}

TEST(Literals, OneFloatingNumberMakesAllFloating) {
  expect(tensor({1., 2.}), {2}, DType::f32, {1, 2});
  expect(tensor({1, 2.5}), {2}, DType::f32, {1, 2.5});
  expect(tensor({{1, 2}, {3, 4.5f}}), {2, 2}, DType::f32, {1, 2, 3, 4.5});
  const int n = 3;
  const double x = .5;
  expect(tensor({{n, 2}, {x, 1}}), {2, 2}, DType::f32, {3, 2, .5, 1});
  expect(tensor({true, false}), {2}, DType::boolean, {1, 0});
  expect(tensor({true, 2}), {2}, DType::i64, {1, 2});
}

TEST(Literals, ADtypeIsTakenAtItsWord) {
  expect(tensor({1, 2}, DType::f64), {2}, DType::f64, {1, 2});
  expect(tensor({1.9, -1.9}, DType::i32), {2}, DType::i32, {1, -1});
  expect(tensor({1e30, -1e30, NAN}, DType::i32), {3}, DType::i32,
         {std::numeric_limits<std::int32_t>::max(), std::numeric_limits<std::int32_t>::min(), 0});
  const std::int64_t odd = (std::int64_t{1} << 53) + 1;  // no double holds it
  EXPECT_EQ(tensor({odd}).data<std::int64_t>()[0], odd);
}

TEST(Literals, UnequalRowsAreAnError) {
  const auto message = [](auto make) {
    try {
      make();
    } catch (const ShapeError& error) {
      return std::string(error.what());
    }
    return std::string("nothing was thrown");
  };
  using testing::HasSubstr;
  EXPECT_THAT(message([] {
                tensor({{1, 2}, {3}});
              }),
              HasSubstr("a row of 2 values beside a row of 1 value\n  hint: make all rows"));
  EXPECT_THAT(message([] {
                tensor({{{1, 2}}, {{3, 4, 5}}});
              }),
              HasSubstr("a row of 2 values beside a row of 3 values"));
  EXPECT_THAT(message([] { tensor({1, {2, 3}}); }), HasSubstr("a number beside a row of 2 values"));
  EXPECT_THAT(message([] { tensor({{2, 3}, 1}); }), HasSubstr("a row of 2 values beside a number"));
}

TEST(Creation, NumbersThatADtypeCannotHoldBecomeItsLimits) {
  EXPECT_EQ(numbers(full({1}, 1e30, DType::i32))[0], std::numeric_limits<std::int32_t>::max());
  EXPECT_EQ(numbers(full({1}, NAN, DType::u8))[0], 0);
  EXPECT_EQ(numbers(arange(250, 260, 5, DType::u8)), (std::vector<double>{250, 255}));
  EXPECT_EQ(numbers(linspace(-1e12, 1e12, 3, DType::i32)),
            (std::vector<double>{std::numeric_limits<std::int32_t>::min(), 0,
                                 std::numeric_limits<std::int32_t>::max()}));
}

}  // namespace
}  // namespace gradus
