// Softmax and its logarithm on every instruction set: the bits of three plain loops over logical
// indices, and values near those computed in double, over lengths, strides, special values, in
// place, with guard pages, on any number of threads.
#include <gradus/kernels/functions.h>
#include <gradus/kernels/reduce.h>
#include <gradus/kernels/softmax.h>
#include <gradus/kernels/threads.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <tests/kernels/bits.h>
#include <tests/kernels/guarded.h>
#include <tests/kernels/targets.h>

namespace gradus::kernels {
namespace {

using gradus::testing::Edge;
using gradus::testing::Guarded;
using gradus::testing::same;
using Index = std::int64_t;

template <class T>
T value(MathFunction f, T x) {
  const Index one = 1;
  T y = 0;
  apply_function(f, &x, &one, &y, &one, &one, 1);
  return y;
}

template <class T>
std::vector<T> plain(bool logarithm, const std::vector<T>& x) {
  T largest = x[0];
  for (const T v : x) largest = v > largest || std::isnan(v) ? v : largest;
  if (std::isinf(largest) && largest < 0) largest = 0;
  const T total = fold(
      std::ssize(x), T(0),
      [&](Index k) { return value(MathFunction::exp, x[static_cast<std::size_t>(k)] - largest); },
      [](T a, T b) { return a + b; });
  std::vector<T> y;
  for (const T v : x)
    y.push_back(logarithm ? (v - largest) - value(MathFunction::log, total)
                          : value(MathFunction::exp, v - largest) / total);
  return y;
}

/// The values of a table [rows, n] as it lies in memory.
template <class T>
void check(const T* x, Index rows, Index n, Index row_step, Index step, bool logarithm, T* y,
           Index y_row_step, Index y_step) {
  std::vector<std::vector<T>> wanted;
  for (Index r = 0; r < rows; ++r) {
    std::vector<T> row;
    for (Index k = 0; k < n; ++k) row.push_back(x[r * row_step + k * step]);
    wanted.push_back(plain(logarithm, row));
  }
  const Index sizes[] = {rows, n}, x_strides[] = {row_step, step},
              y_strides[] = {y_row_step, y_step};
  softmax(logarithm, x, x_strides, y, y_strides, sizes, 2, 1);
  for (Index r = 0; r < rows; ++r)
    for (Index k = 0; k < n; ++k)
      ASSERT_TRUE(same(wanted[static_cast<std::size_t>(r)][static_cast<std::size_t>(k)],
                       y[r * y_row_step + k * y_step]))
          << rows << " x " << n << ", row " << r << ", element " << k;
}

template <class T>
void all_shapes() {
  std::mt19937 random(1);
  for (const Edge edge : {Edge::front, Edge::back})
    for (const Index rows : {1, 3, 16, 37})
      for (const Index n : {1, 2, 3, 4, 7, 8, 9, 10, 15, 16, 17, 33, 1023, 1024, 1025, 2100})
        for (const bool logarithm : {false, true})
          for (const bool x_turned : {false, true})
            for (const bool y_turned : {false, true}) {
              if (rows * n > 7000) continue;  // takes its time
              Guarded<T> x(rows * n, edge), y(rows * n, edge);
              for (Index i = 0; i < rows * n; ++i)
                x[i] = static_cast<T>(random()) / static_cast<T>(1u << 28) - 8;
              const Index x_row = x_turned ? 1 : n, x_step = x_turned ? rows : 1,
                          y_row = y_turned ? 1 : n, y_step = y_turned ? rows : 1;
              check(x.data(), rows, n, x_row, x_step, logarithm, y.data(), y_row, y_step);
              if (x_turned == y_turned)
                check(x.data(), rows, n, x_row, x_step, logarithm, x.data(), x_row, x_step);
            }
}
TEST(Softmax, HasTheBitsOfPlainLoopsOnEveryTarget) {
  for_each_target([](const char* target) {
    SCOPED_TRACE(target);
    all_shapes<float>();
    all_shapes<double>();
  });
}

template <class T>
void special_rows() {
  const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  for (const Index n : {1, 2, 9, 16, 40})
    for (Index at = 0; at < n; at += 3)
      for (const T strange : {inf, -inf, nan, T(-0.0), T(1e30), T(-1e30)})
        for (const T others : {T(0), T(2), -inf})
          for (const Index rows : {1, 16})
            for (const bool logarithm : {false, true}) {
              std::vector<T> x(static_cast<std::size_t>(rows * n), others), y(x.size());
              x[static_cast<std::size_t>((rows - 1) * n + at)] = strange;
              check(x.data(), rows, n, n, 1, logarithm, y.data(), n, 1);
            }
}
TEST(Softmax, SpecialValues) {
  for_each_target([](const char* target) {
    SCOPED_TRACE(target);
    special_rows<float>();
    special_rows<double>();
  });
  // Nothing to do, and a number.
  const Index none[] = {3, 0}, strides[] = {0, 1};
  softmax<float>(false, nullptr, strides, nullptr, strides, none, 2, 1);
  softmax<float>(false, nullptr, strides, nullptr, strides, none, 2, 0);
  float x = 3, y = 0;
  softmax<float>(false, &x, nullptr, &y, nullptr, nullptr, 0, 0);
  EXPECT_EQ(1, y);
}

TEST(Softmax, IsNearTheValuesOfDoubleArithmetic) {
  std::mt19937 random(2);
  for (const Index n : {2, 10, 1000, 5000}) {
    std::vector<float> x, y(static_cast<std::size_t>(n)), log_y(y.size());
    for (Index k = 0; k < n; ++k) x.push_back(static_cast<float>(random()) / 4e8f - 5);
    const Index one = 1;
    softmax(false, x.data(), &one, y.data(), &one, &n, 1, 0);
    softmax(true, x.data(), &one, log_y.data(), &one, &n, 1, 0);
    double largest = -1e300, total = 0;
    for (const float v : x) largest = std::fmax(largest, v);
    for (const float v : x) total += std::exp(v - largest);
    for (std::size_t k = 0; k < x.size(); ++k) {
      const double wanted = std::exp(x[k] - largest) / total;
      EXPECT_NEAR(wanted, y[k], 1e-6 * wanted);
      EXPECT_NEAR(std::log(wanted), log_y[k], 1e-6 * std::fabs(std::log(wanted)));
    }
  }
}

TEST(Softmax, EqualBitsForAnyNumberOfThreads) {
  const Index sizes[] = {3, 700, 300}, strides[] = {210000, 300, 1};
  std::vector<float> x(630000), one(x.size()), many(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 7919 % 1000) / 100;
  for (const int axis : {0, 1, 2}) {
    set_num_threads(1);
    softmax(false, x.data(), strides, one.data(), strides, sizes, 3, axis);
    set_num_threads(3);
    softmax(false, x.data(), strides, many.data(), strides, sizes, 3, axis);
    EXPECT_EQ(one, many) << axis;
  }
  set_num_threads(0);
}

}  // namespace
}  // namespace gradus::kernels
