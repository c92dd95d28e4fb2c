// gemm against a plain loop that states its contract (chains of fma over k in order, in blocks of
// 256) and against f64: every instruction set, small sizes, strides, guard pages, thread counts,
// epilogues.
#include <gradus/kernels/gemm.h>
#include <gradus/kernels/threads.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "bits.h"
#include "gemm_contract.h"
#include "guarded.h"

namespace gradus::kernels {
namespace {

using gradus::testing::Edge;
using gradus::testing::Guarded;
using gradus::testing::same;
using Index = std::int64_t;

template <class T>
void check(std::int64_t target, Index m, Index n, Index k, bool turn_a, bool turn_b, bool turn_c,
           bool accumulate, Edge edge) {
  SCOPED_TRACE(::testing::Message()
               << "target " << hwy::TargetName(target) << " " << m << "x" << n << "x" << k
               << " turned " << turn_a << turn_b << turn_c << " accumulate " << accumulate);
  Guarded<T> a(m * k, edge), b(k * n, edge), c(m * n, edge);
  fill_random(a.data(), m * k, 1);
  fill_random(b.data(), k * n, 2);
  fill_random(c.data(), m * n, 3);
  std::vector<T> old(static_cast<std::size_t>(m * n));
  if (m * n > 0) std::memcpy(old.data(), c.data(), old.size() * sizeof(T));
  const Matrix<const T> left{a.data(), turn_a ? 1 : k, turn_a ? m : 1};
  const Matrix<const T> right{b.data(), turn_b ? 1 : n, turn_b ? k : 1};
  const Matrix<T> out{c.data(), turn_c ? 1 : n, turn_c ? m : 1};
  const On on(target);
  gemm<T>(m, n, k, left, right, out, accumulate);
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j < n; ++j) {
      const Index at = i * out.row + j * out.column;
      const T expected =
          contract<T>(k, a.data() + i * left.row, left.column, b.data() + j * right.column,
                      right.row, accumulate ? &old[static_cast<std::size_t>(at)] : nullptr);
      ASSERT_TRUE(same(expected, c[at])) << expected << " is " << c[at] << " at " << i << ", " << j;
    }
}

TEST(Gemm, BitsOfTheContractForSmallSizesAllLayoutsAndTargets) {
  const Index sizes[] = {0, 1, 2, 3, 5, 8, 9, 17, 33};
  unsigned turn = 0;
  for (std::int64_t target : targets())
    for (Index m : sizes)
      for (Index n : sizes)
        for (Index k : sizes)
          for (int layout = 0; layout < 8; ++layout, ++turn) {
            const Edge edge = turn % 2 ? Edge::back : Edge::front;
            check<float>(target, m, n, k, layout & 1, layout & 2, layout & 4, turn % 3 == 0, edge);
            if (turn % 4 == 0)
              check<double>(target, m, n, k, layout & 1, layout & 2, layout & 4, turn % 3 == 0,
                            edge);
            if (HasFatalFailure()) return;
          }
}

TEST(Gemm, BitsOfTheContractAcrossBlocks) {
  for (std::int64_t target : targets())
    for (int layout = 0; layout < 8; ++layout) {
      check<float>(target, 64, 50, 784, layout & 1, layout & 2, layout & 4, layout & 1, Edge::back);
      check<float>(target, 50, 784, 64, layout & 1, layout & 2, layout & 4, false, Edge::front);
      check<float>(target, 261, 259, 257, layout & 1, layout & 2, layout & 4, true, Edge::back);
      check<double>(target, 70, 270, 513, layout & 1, layout & 2, layout & 4, true, Edge::back);
      // Rows that share places of the first cache; few k's; more than one panel of columns.
      check<float>(target, 140, 80, 1024, layout & 1, layout & 2, layout & 4, false, Edge::back);
      check<float>(target, 130, 70, 15, layout & 1, layout & 2, layout & 4, true, Edge::back);
      check<float>(target, 130, 1043, 17, layout & 1, layout & 2, layout & 4, true, Edge::front);
    }
}

// Few rows or columns with columns of B along k, which are turned in registers; halves of vectors;
// what stays in the second cache; a B that is read from end to end.
TEST(Gemm, BitsOfTheContractForFewRowsAndLargeB) {
  for (std::int64_t target : targets())
    for (int accumulate = 0; accumulate < 2; ++accumulate) {
      for (Index rows : {1, 2, 4, 7, 12, 13})
        for (Index columns : {3, 16, 23, 50})
          for (Index k : {4, 16, 31, 300}) {
            check<float>(target, rows, columns, k, false, true, false, accumulate, Edge::back);
            check<float>(target, columns, rows, k, false, true, false, accumulate, Edge::back);
            check<float>(target, columns, rows, k, true, false, true, accumulate, Edge::front);
          }
      check<float>(target, 40, 10, 300, true, false, false, accumulate, Edge::back);
      check<float>(target, 10, 40, 1024, false, true, false, accumulate, Edge::back);
      check<float>(target, 300, 70, 300, true, false, false, accumulate, Edge::back);
      check<float>(target, 1, 4100, 520, false, false, false, accumulate, Edge::back);
      check<float>(target, 3, 4100, 520, true, false, false, accumulate, Edge::front);
      if (HasFatalFailure()) return;
    }
}

TEST(Gemm, ZeroAndNegativeStrides) {
  std::vector<float> a(200), b(200), c(35);
  fill_random(a.data(), 200, 4);
  fill_random(b.data(), 200, 5);
  for (std::int64_t target : targets()) {
    // A is one row for all i, B is read backwards in both directions, C is written upside down.
    const Matrix<const float> left{a.data() + 19, 0, -2}, right{b.data() + 199, -7, -1};
    const Matrix<float> out{c.data() + 28, -7, 1};
    const On on(target);
    gemm<float>(5, 7, 9, left, right, out, false);
    for (Index i = 0; i < 5; ++i)
      for (Index j = 0; j < 7; ++j)
        EXPECT_EQ(contract<float>(9, left.data, -2, right.data - j, -7, nullptr),
                  out.data[i * -7 + j]);
  }
}

TEST(Gemm, NearF64) {
  const Index n = 300;
  std::vector<float> a(n * n), b(n * n), c(n * n);
  fill_random(a.data(), n * n, 6);
  fill_random(b.data(), n * n, 7);
  gemm<float>(n, n, n, {a.data(), n, 1}, {b.data(), n, 1}, {c.data(), n, 1}, false);
  for (Index i = 0; i < n; i += 7)
    for (Index j = 0; j < n; j += 11) {
      double sum = 0;
      for (Index k = 0; k < n; ++k)
        sum += static_cast<double>(a[static_cast<std::size_t>(i * n + k)]) *
               static_cast<double>(b[static_cast<std::size_t>(k * n + j)]);
      EXPECT_NEAR(sum, static_cast<double>(c[static_cast<std::size_t>(i * n + j)]), 3e-5);
    }
}

TEST(Gemm, NanAndInfinityPassThrough) {
  std::vector<float> a(8 * 8, 0.0f), b(8 * 8, 1.0f), c(8 * 8);
  a[0] = std::nanf("");
  a[8] = INFINITY;
  b[9] = INFINITY;  // 0 * inf in every row
  gemm<float>(8, 8, 8, {a.data(), 8, 1}, {b.data(), 8, 1}, {c.data(), 8, 1}, false);
  EXPECT_TRUE(std::isnan(c[0]));
  EXPECT_EQ(INFINITY, c[8]);
  EXPECT_TRUE(std::isnan(c[9]));
  EXPECT_TRUE(std::isnan(c[17]));
  EXPECT_EQ(0.0f, c[16]);
}

/// Each step of the epilogue as a plain operation on the finished sums.
template <class T>
void check_epilogue(Index m, Index n, Index k, bool turn_c, bool updates, bool column_first) {
  Guarded<T> a(m * k, Edge::back), b(k * n, Edge::back), c(m * n, Edge::back);
  Guarded<T> mask(m * n, Edge::back), rows(m, Edge::back), columns(n, Edge::back);
  fill_random(a.data(), m * k, 1);
  fill_random(b.data(), k * n, 2);
  fill_random(c.data(), m * n, 3);
  fill_random(mask.data(), m * n, 4);
  fill_random(rows.data(), m, 5);
  fill_random(columns.data(), n, 6);
  const Matrix<const T> left{a.data(), k, 1}, right{b.data(), 1, k};
  const Matrix<T> out{c.data(), turn_c ? 1 : n, turn_c ? m : 1};
  Epilogue<T> e;
  e.scales = true;
  e.scale = T(0.37);
  e.bias_of_row = rows.data();
  e.bias_of_column = columns.data();
  e.column_first = column_first;
  e.relu = !updates;
  e.mask = {mask.data(), n, 1};
  e.updates = updates;
  e.rate = T(0.1);
  std::vector<T> expected(static_cast<std::size_t>(m * n));
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j < n; ++j) {
      T v = contract<T>(k, a.data() + i * k, 1, b.data() + j * k, 1, nullptr) * e.scale;
      v = v + (column_first ? columns[j] : rows[i]);
      v = v + (column_first ? rows[i] : columns[j]);
      if (e.relu && v < 0) v = 0;
      v = v * (mask[i * n + j] <= 0 ? T(0) : T(1));
      const T step = e.rate * v;
      expected[static_cast<std::size_t>(i * n + j)] =
          updates ? c[i * out.row + j * out.column] - step : v;
    }
  std::vector<T> before(c.data(), c.data() + m * n);
  // By parts, as the threads of a plan would do it.
  gemm_serial<T>({0, m, 0, n / 2}, k, left, right, out, false, e);
  gemm_serial<T>({0, m / 3, n / 2, n}, k, left, right, out, false, e);
  gemm_serial<T>({m / 3, m, n / 2, n}, k, left, right, out, false, e);
  const auto check_all = [&](const char* who) {
    for (Index i = 0; i < m; ++i)
      for (Index j = 0; j < n; ++j)
        ASSERT_TRUE(
            same(expected[static_cast<std::size_t>(i * n + j)], c[i * out.row + j * out.column]))
            << who << " " << m << "x" << n << "x" << k << " at " << i << ", " << j;
  };
  check_all("parts");
  for (const int threads : {1, 3}) {
    std::copy(before.begin(), before.end(), c.data());
    set_num_threads(threads);
    gemm<T>(m, n, k, left, right, out, false, e);
    set_num_threads(0);
    check_all(threads == 1 ? "one thread" : "three threads");
  }
}

TEST(Gemm, EpiloguesHaveTheBitsOfTheSeparateOperations) {
  for (const std::int64_t target : targets()) {
    SCOPED_TRACE(hwy::TargetName(target));
    const On on(target);
    for (int which = 0; which < 8; ++which) {
      const bool turn_c = which & 1, updates = which & 2, column_first = which & 4;
      check_epilogue<float>(64, 50, 784, turn_c, updates, column_first);
      check_epilogue<float>(37, 101, 64, turn_c, updates, column_first);
      check_epilogue<float>(150, 33, 0, turn_c, updates, column_first);
      check_epilogue<double>(21, 300, 300, turn_c, updates, column_first);
      if (HasFatalFailure()) return;
    }
  }
}

/// An update and nothing else goes from the registers to C where its columns are neighbours.
TEST(Gemm, UpdateAlone) {
  for (const std::int64_t target : targets())
    for (const auto& [m, n, k] : {std::array<Index, 3>{50, 784, 64}, {200, 70, 100}, {7, 33, 300}})
      for (const bool turn_c : {false, true}) {
        SCOPED_TRACE(::testing::Message() << hwy::TargetName(target) << " " << m << "x" << n << "x"
                                          << k << " turned " << turn_c);
        const On on(target);
        Guarded<float> a(m * k, Edge::back), b(k * n, Edge::back), c(m * n, Edge::back);
        fill_random(a.data(), m * k, 1);
        fill_random(b.data(), k * n, 2);
        fill_random(c.data(), m * n, 3);
        const std::vector<float> old(c.data(), c.data() + m * n);
        Epilogue<float> e;
        e.updates = true;
        e.rate = 0.3f;
        const Matrix<float> out{c.data(), turn_c ? 1 : n, turn_c ? m : 1};
        gemm<float>(m, n, k, {a.data(), 1, m}, {b.data(), n, 1}, out, false, e);
        for (Index i = 0; i < m; ++i)
          for (Index j = 0; j < n; ++j) {
            const Index at = i * out.row + j * out.column;
            const float step =
                e.rate * contract<float>(k, a.data() + i, m, b.data() + j, n, nullptr);
            ASSERT_TRUE(same(old[static_cast<std::size_t>(at)] - step, c[at])) << i << ", " << j;
          }
      }
}

TEST(Gemm, RefusesAnUpdateThatAccumulates) {
  const float a = 2, b = 3;
  float c = 5;
  Epilogue<float> e;
  e.updates = true;
  e.rate = 1;
  EXPECT_THROW(gemm<float>(1, 1, 1, {&a, 1, 1}, {&b, 1, 1}, {&c, 1, 1}, true, e),
               std::invalid_argument);
  EXPECT_THROW(gemm_serial<float>({0, 1, 0, 1}, 1, {&a, 1, 1}, {&b, 1, 1}, {&c, 1, 1}, true, e),
               std::invalid_argument);
  EXPECT_EQ(5.0f, c);
}

TEST(Gemm, IntegersWrap) {
  const std::uint8_t a[] = {200, 100, 3, 4}, b[] = {2, 1, 1, 2};
  std::uint8_t c[4] = {};
  gemm<std::uint8_t>(2, 2, 2, {a, 2, 1}, {b, 2, 1}, {c, 2, 1}, false);
  EXPECT_EQ(244, c[0]);  // 500 mod 256
  EXPECT_EQ(144, c[1]);  // 400 mod 256
  EXPECT_EQ(10, c[2]);
  EXPECT_EQ(11, c[3]);
}

TEST(Gemm, EqualBitsForAnyNumberOfThreads) {
  const Index m = 300, n = 410, k = 520;
  std::vector<float> a(m * k), b(k * n), first(m * n), c(m * n);
  fill_random(a.data(), m * k, 8);
  fill_random(b.data(), k * n, 9);
  for (int threads : {1, 2, 3, 4, 8}) {
    set_num_threads(threads);
    gemm<float>(m, n, k, {a.data(), k, 1}, {b.data(), 1, k}, {c.data(), n, 1}, false);
    if (threads == 1) first = c;
    EXPECT_EQ(0, std::memcmp(first.data(), c.data(), c.size() * sizeof(float))) << threads;
  }
  set_num_threads(0);
}

#if defined(__SANITIZE_THREAD__)
// The tiles are not watched, so their product says what it touches: two threads, one C.
TEST(GemmDeathTest, ARaceOfTwoProductsIsSeen) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto race = [] {
    const std::vector<float> a(64, 1), b(64, 1);
    std::vector<float> c(64), other(64);
    const auto multiply = [&](std::vector<float>& out) {
      gemm_serial<float>({0, 8, 0, 8}, 8, {a.data(), 8, 1}, {b.data(), 8, 1}, {out.data(), 8, 1},
                         false);
    };
    std::thread(multiply, std::ref(other)).join();
    std::thread one(multiply, std::ref(c)), two(multiply, std::ref(other));
    one.join();
    two.join();
    std::fputs("no race yet;", stderr);
    std::thread three(multiply, std::ref(c)), four(multiply, std::ref(c));
    three.join();
    four.join();
    std::exit(0);
  };
  EXPECT_DEATH(race(), "no race yet;(.|\n)*data race");
}
#endif

}  // namespace
}  // namespace gradus::kernels
