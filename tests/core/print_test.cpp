// Printed tensors. The layouts are what NumPy 2.4 prints (array2string with separator ", " and
// floatmode "fixed"), the choice of notation is PyTorch 2.15's; both were run to get these texts.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include <gradus/core/print.h>

namespace gradus {
namespace {

/// 0, 1, 2, ...
Tensor count(const Shape& shape) {
  Tensor x = Tensor::empty(shape, DType::i64);
  for (std::int64_t i = 0; i < x.numel(); ++i) x.data<std::int64_t>()[i] = i;
  return x;
}

template <class T>
Tensor of(std::vector<T> values, const Shape& shape) {
  return Tensor::of(std::span<const T>(values), shape);
}

TEST(Print, NumbersStandInColumns) {
  std::vector<std::int32_t> values;
  for (int i = 0; i < 12; ++i) values.push_back(i * 37 % 50 - 20);
  EXPECT_EQ(to_string(of(values, {3, 4})),
            "[[-20,  17,   4,  -9],\n"
            " [ 28,  15,   2, -11],\n"
            " [ 26,  13,   0, -13]]");
  const bool truth[] = {true, false, false, false};
  EXPECT_EQ(to_string(Tensor::of(std::span<const bool>(truth), {2, 2})),
            "[[ True, False],\n [False, False]]");
  EXPECT_EQ(to_string(of<std::uint8_t>({7, 255}, {2})), "[  7, 255]");
}

TEST(Print, BlocksStandApart) {
  EXPECT_EQ(to_string(count({2, 2, 3})),
            "[[[ 0,  1,  2],\n"
            "  [ 3,  4,  5]],\n"
            "\n"
            " [[ 6,  7,  8],\n"
            "  [ 9, 10, 11]]]");
}

TEST(Print, LongRowsWrapInsideTheWidth) {
  EXPECT_EQ(to_string(count({30}), {.linewidth = 40}),
            "[ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,\n"
            " 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,\n"
            " 20, 21, 22, 23, 24, 25, 26, 27, 28, 29]");
  EXPECT_EQ(to_string(count({2, 12}), {.linewidth = 20}),
            "[[ 0,  1,  2,  3,\n"
            "   4,  5,  6,  7,\n"
            "   8,  9, 10, 11],\n"
            " [12, 13, 14, 15,\n"
            "  16, 17, 18, 19,\n"
            "  20, 21, 22, 23]]");
  std::vector<double> values;
  for (int i = 0; i < 14; ++i) values.push_back(i * 0.373 - 1.1);
  EXPECT_EQ(to_string(of(values, {2, 7}), {.precision = 2, .linewidth = 30}),
            "[[-1.10, -0.73, -0.35,  0.02,\n"
            "   0.39,  0.76,  1.14],\n"
            " [ 1.51,  1.88,  2.26,  2.63,\n"
            "   3.00,  3.38,  3.75]]");
  // Too narrow for anything: one element a line.
  EXPECT_EQ(to_string(of<std::int64_t>({0, 1000, 2000}, {3}), {.linewidth = 3}),
            "[   0,\n 1000,\n 2000]");
}

TEST(Print, NoLineIsLongerThanAsked) {
  const Tensor x = count({3, 2, 41});
  for (int width = 12; width < 90; ++width) {
    const std::string text = to_string(x, {.linewidth = width});
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      EXPECT_LE(end - at, static_cast<std::size_t>(width)) << text.substr(at, end - at);
      at = end + 1;
    }
  }
}

TEST(Print, LargeTensorsAreSummarised) {
  EXPECT_EQ(to_string(count({10, 10, 10}), {.edge_items = 2, .threshold = 100}),
            "[[[  0,   1, ...,   8,   9],\n"
            "  [ 10,  11, ...,  18,  19],\n"
            "  ...,\n"
            "  [ 80,  81, ...,  88,  89],\n"
            "  [ 90,  91, ...,  98,  99]],\n"
            "\n"
            " [[100, 101, ..., 108, 109],\n"
            "  [110, 111, ..., 118, 119],\n"
            "  ...,\n"
            "  [180, 181, ..., 188, 189],\n"
            "  [190, 191, ..., 198, 199]],\n"
            "\n"
            " ...,\n"
            "\n"
            " [[800, 801, ..., 808, 809],\n"
            "  [810, 811, ..., 818, 819],\n"
            "  ...,\n"
            "  [880, 881, ..., 888, 889],\n"
            "  [890, 891, ..., 898, 899]],\n"
            "\n"
            " [[900, 901, ..., 908, 909],\n"
            "  [910, 911, ..., 918, 919],\n"
            "  ...,\n"
            "  [980, 981, ..., 988, 989],\n"
            "  [990, 991, ..., 998, 999]]]");
  EXPECT_EQ(to_string(count({4, 10}), {.edge_items = 1, .threshold = 10}),
            "[[ 0, ...,  9],\n ...,\n [30, ..., 39]]");
  EXPECT_EQ(to_string(count({1001}), {.edge_items = 0}), "[...]");
  EXPECT_EQ(to_string(count({6}), {.threshold = 5}), "[0, 1, 2, 3, 4, 5]");
}

TEST(Print, NotationIsChosenFromWhatIsShown) {
  // A small number in the hidden middle does not turn the shown ones to powers of ten.
  std::vector<float> values(1001, .25f);
  values[500] = 1e-6f;
  EXPECT_EQ(to_string(of(values, {1001})), "[0.2500, 0.2500, 0.2500, ..., 0.2500, 0.2500, 0.2500]");
}

TEST(Print, NotationIsPyTorchs) {
  EXPECT_EQ(to_string(of<float>({1e-5f, 1}, {2})), "[1.0000e-05, 1.0000e+00]");
  EXPECT_EQ(to_string(of<float>({.5f, 600}, {2})), "[5.0000e-01, 6.0000e+02]");
  EXPECT_EQ(to_string(of<float>({.5f, 400}, {2})), "[  0.5000, 400.0000]");
  EXPECT_EQ(to_string(of<float>({2.5e8f, 1}, {2})), "[2.5000e+08, 1.0000e+00]");
  EXPECT_EQ(to_string(of<float>({1.5f, -2.25e-3f}, {2})), "[ 1.5000, -0.0022]");
  EXPECT_EQ(to_string(of<float>({0, -1}, {2})), "[ 0., -1.]");
  EXPECT_EQ(to_string(of<double>({.1, 2, 300, 4e-5}, {2, 2})),
            "[[1.0000e-01, 2.0000e+00],\n [3.0000e+02, 4.0000e-05]]");
  EXPECT_EQ(to_string(of<float>({1e-5f, NAN, 2.5f}, {3})), "[1.0000e-05,        nan, 2.5000e+00]");
  EXPECT_EQ(to_string(of<float>({1e-5f, NAN, 2.5f}, {3}), {.precision = 2, .scientific = false}),
            "[0.00,  nan, 2.50]");
  // As print.h says: here NumPy and PyTorch print powers of ten.
  EXPECT_EQ(to_string(of<float>({1, 10000}, {2})), "[    1., 10000.]");
}

TEST(Print, InfiniteAndUndefinedNumbers) {
  EXPECT_EQ(to_string(of<double>({NAN, -INFINITY, 1.5, INFINITY}, {4})),
            "[   nan,   -inf, 1.5000,    inf]");
  EXPECT_EQ(to_string(of<double>({NAN, INFINITY}, {2})), "[nan, inf]");
  // The largest number with every digit.
  const Tensor largest = Tensor::scalar(std::numeric_limits<double>::max(), DType::f64);
  EXPECT_EQ(to_string(largest, {.scientific = false}).size(), 310u);
}

TEST(Print, ViewsScalarsAndNothing) {
  const Tensor x = count({3, 4});
  EXPECT_EQ(to_string(x.with_layout(x.layout().permute({1, 0}).flip({0}))),
            "[[ 3,  7, 11],\n [ 2,  6, 10],\n [ 1,  5,  9],\n [ 0,  4,  8]]");
  EXPECT_EQ(to_string(Tensor::scalar(7, DType::i32)), "7");
  EXPECT_EQ(to_string(Tensor::scalar(1, DType::boolean)), "True");
  EXPECT_EQ(to_string(Tensor::empty({2, 0})), "[]");
  EXPECT_EQ(to_string(Tensor::empty({1'000'000, 0, 3})), "[]");
  EXPECT_EQ(to_string(Tensor()), "(empty tensor)");
}

TEST(Print, SummaryIsOneLine) {
  EXPECT_EQ(summary(of<float>({-1.25f, 1.5f, 3.5f, .25f}, {2, 2})), "f32[2,2] -1.25..3.5 mean 1");
  EXPECT_EQ(summary(of<float>({1, NAN, INFINITY, 3, -INFINITY}, {5})),
            "f32[5] 1..3 mean 2 1 nan 2 inf");
  EXPECT_EQ(summary(Tensor::empty({0}, DType::i64)), "i64[0]");
  EXPECT_EQ(summary(Tensor()), "(empty tensor)");
}

}  // namespace
}  // namespace gradus
