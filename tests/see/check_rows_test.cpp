// check_rows: functions whose rows mix, and those whose rows are apart; of numbers and of classes.
#include <gradus/ops/ops.h>
#include <gradus/see/health.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace gradus;
using testing::AllOf;
using testing::HasSubstr;

namespace {

TEST(CheckRows, C1RowsOfABatchMix) {
  manual_seed(4);
  const Tensor x = randn({6, 4}), w = ones({4, 3}, DType::f64);
  const auto mixed = see::check_rows(
      [&](const Tensor& v) {
        return matmul(v.reshape({4, 6}).T().contiguous(), w);
      },
      x);
  ASSERT_TRUE(mixed.has_value());
  // Row 0 of reshape(4,6).T() holds elements 0, 6, 12, 18: of rows 0, 1, 3, 4.
  EXPECT_EQ(mixed->str(),
            "C1 error  out[0] depends on x[1] (|d out[0]/d x[1]| = 3): rows of the batch mix; "
            "first at t1, reshape(4,6) where a transpose was meant.");
  EXPECT_FALSE(see::check_rows([&](const Tensor& v) { return matmul(v.T().T(), w); }, x));
  EXPECT_FALSE(see::check_rows([&](const Tensor& v) { return softmax(v, 1); }, x));
  EXPECT_TRUE(see::check_rows([&](const Tensor& v) { return softmax(v, 0); }, x));
  // Rows of a softmax sum to 1, whatever they depend on.
  const auto mixed_then = [&](auto&& f) {
    return see::check_rows([&](const Tensor& v) { return f(v.reshape({4, 6}).T()); }, x);
  };
  const auto under_softmax = mixed_then([](const Tensor& v) { return softmax(v, 1); });
  ASSERT_TRUE(under_softmax.has_value());
  EXPECT_THAT(under_softmax->str(),
              testing::ContainsRegex("= 0\\.[0-9]+\\): rows of the batch mix; "
                                     "first at t1, reshape\\(4,6\\)"));
}

/// Class numbers have no slopes, given or made: another row in the place of one tells.
TEST(CheckRows, C1OfClassNumbers) {
  manual_seed(4);
  const auto told = [](const std::function<Tensor(const Tensor&)>& f, const Tensor& x) {
    const auto found = see::check_rows(f, x);
    return found ? found->str() : "";
  };
  const Tensor x = randn({6, 4});
  EXPECT_THAT(told(
                  [](const Tensor& v) {
                    return argmax(v.reshape({4, 6}).T(), 1);
                  },
                  x),
              testing::MatchesRegex(
                  "C1 error  out\\[[0-9]\\] depends on x\\[1\\] \\(x\\[2\\] in the place of "
                  "x\\[1\\] makes out\\[[0-9]\\] [0-9], not [0-9]\\): rows of the batch mix; first "
                  "at t1, reshape\\(4,6\\) where a transpose was meant."));
  EXPECT_EQ(told([](const Tensor& v) { return argmax(v, 1); }, x), "");
  // Class numbers in: of words, each has its row of a table; so has a sentence, whose words may
  // mix.
  Tensor table = randn({9, 3}).set_requires_grad();
  const Tensor words = tensor({{1, 2, 3}, {4, 5, 6}, {7, 8, 0}});
  const auto embedded = [&](const Tensor& i) {
    return take(table, i.reshape({-1})).reshape({3, 3, 3});
  };
  EXPECT_EQ(told([&](const Tensor& i) { return sum(embedded(i), {1}); }, words), "");
  EXPECT_EQ(told([&](const Tensor& i) { return softmax(sum(embedded(i), {1}), 1); }, words), "");
  EXPECT_THAT(told([&](const Tensor& i) { return softmax(sum(embedded(i), {1}), 0); }, words),
              AllOf(HasSubstr("out[0] depends on x[1] (x[2] in the place of x[1] makes out[0,0] "),
                    HasSubstr("): rows of the batch mix; first at t")));
  EXPECT_THAT(told([&](const Tensor& i) { return sum(embedded(i), {0}); }, words),
              HasSubstr("out[0] depends on x[1] (x[2] in the place of x[1] makes out["));
  // A net whose first layer is cut off has no slopes either.
  const Tensor w = randn({2, 3}, DType::f64).set_requires_grad();
  EXPECT_THAT(
      told([&](const Tensor& v) { return matmul(flip(v.detach(), {0}), w); }, randn({3, 2})),
      HasSubstr("C1 error"));
  // Nothing can be told of equal rows, nor of a function that draws lots; the generator stays.
  EXPECT_EQ(told(
                [](const Tensor& v) {
                  return argmax(v, 0, true) + zeros({4, 1}, DType::i64);
                },
                zeros({4, 4}, DType::i64)),
            "");
  EXPECT_EQ(told([](const Tensor& v) { return argmax(v + randn({6, 4}, DType::f64), 1); }, x), "");
  manual_seed(5);
  const double next = rand({1}).item();
  manual_seed(5);
  told([](const Tensor& v) { return argmax(v + randn({6, 4}, DType::f64), 1); }, x);
  EXPECT_EQ(rand({1}).item(), next);
}

}  // namespace
