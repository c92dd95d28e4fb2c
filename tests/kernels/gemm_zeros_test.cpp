// Products that pass over zeros have the bits of the contract, which those that do not have too
// (gemm_test.cpp): every instruction set, from no zeros to nothing else, -0, subnormal numbers,
// what is not finite on the other side, guard pages, epilogues, threads.
#include <gradus/kernels/gemm.h>
#include <gradus/kernels/threads.h>
#include <gtest/gtest.h>

#include <cstring>

#include "bits.h"
#include "gemm_contract.h"
#include "guarded.h"

namespace gradus::kernels {
namespace {

using gradus::testing::Edge;
using gradus::testing::Guarded;
using gradus::testing::same;
using Index = std::int64_t;

/// Numbers of which a share is not zero; zeros of both signs, some others subnormal.
void fill_sparse(float* data, Index n, double density, unsigned seed) {
  std::mt19937 random(seed);
  for (Index i = 0; i < n; ++i) {
    const double draw = static_cast<double>(random()) / 4294967296.0;
    const auto value = static_cast<float>(static_cast<double>(random()) / 2147483648.0 - 1.0);
    if (draw >= density)
      data[i] = random() % 2 ? 0.0f : -0.0f;
    else
      data[i] = random() % 16 ? value : value * 1e-40f;
  }
}

struct Case {
  Index m, n, k;
  Zeros zeros;
  bool turn_a, turn_b, turn_c, accumulate;
};

void check(const Case& c, double density, Edge edge, float planted = 0) {
  SCOPED_TRACE(::testing::Message()
               << c.m << "x" << c.n << "x" << c.k << " turned " << c.turn_a << c.turn_b << c.turn_c
               << " accumulate " << c.accumulate << " density " << density << " zeros in "
               << (c.zeros == Zeros::in_a ? "a" : "b"));
  Guarded<float> a(c.m * c.k, edge), b(c.k * c.n, edge), out(c.m * c.n, edge);
  const bool in_a = c.zeros == Zeros::in_a;
  fill_sparse(a.data(), c.m * c.k, in_a ? density : 1, 1);
  fill_sparse(b.data(), c.k * c.n, in_a ? 1 : density, 2);
  fill_random(out.data(), c.m * c.n, 3);
  if (planted != 0) {  // faces zeros
    Guarded<float>& other = in_a ? b : a;
    const Index count = in_a ? c.k * c.n : c.m * c.k;
    other[count / 2] = planted;
    other[count - 1] = -planted;
  }
  const std::vector<float> old(out.data(), out.data() + c.m * c.n);
  const Matrix<const float> left{a.data(), c.turn_a ? 1 : c.k, c.turn_a ? c.m : 1};
  const Matrix<const float> right{b.data(), c.turn_b ? 1 : c.n, c.turn_b ? c.k : 1};
  const Matrix<float> to{out.data(), c.turn_c ? 1 : c.n, c.turn_c ? c.m : 1};
  gemm<float>(c.m, c.n, c.k, left, right, to, c.accumulate, {}, {.zeros = c.zeros});
  for (Index i = 0; i < c.m; ++i)
    for (Index j = 0; j < c.n; ++j) {
      const Index at = i * to.row + j * to.column;
      const float expected =
          contract<float>(c.k, left.data + i * left.row, left.column, right.data + j * right.column,
                          right.row, c.accumulate ? &old[static_cast<std::size_t>(at)] : nullptr);
      ASSERT_TRUE(same(expected, out[at]))
          << expected << " is " << out[at] << " at " << i << ", " << j;
    }
}

TEST(GemmZeros, BitsOfTheContractAtEveryDensity) {
  const Index shapes[][3] = {{64, 50, 784}, {13, 9, 65},  {3, 150, 257}, {70, 33, 300},
                             {8, 8, 8},     {17, 16, 63}, {1, 1, 1},     {9, 1, 520}};
  for (const std::int64_t target : targets()) {
    SCOPED_TRACE(hwy::TargetName(target));
    const On on(target);
    unsigned turn = 0;
    for (const double density : {0.0, 0.01, 0.19, 0.5, 1.0})
      for (const auto& [m, n, k] : shapes)
        for (unsigned layout = 0; layout < 8; ++layout, ++turn) {
          if (m == 64 && layout % 3 != 0) continue;  // the large one
          const Case c{m,
                       n,
                       k,
                       turn % 2 ? Zeros::in_a : Zeros::in_b,
                       (layout & 1) != 0,
                       (layout & 2) != 0,
                       (layout & 4) != 0,
                       turn % 3 == 0};
          check(c, density, turn % 5 < 2 ? Edge::front : Edge::back);
          Case other = c;
          other.zeros = turn % 2 ? Zeros::in_b : Zeros::in_a;
          if (m != 64) check(other, density, turn % 5 < 2 ? Edge::back : Edge::front);
          if (HasFatalFailure()) return;
        }
  }
}

TEST(GemmZeros, AStepOfTheLessonForwardAndGradient) {
  for (const std::int64_t target : targets()) {
    SCOPED_TRACE(hwy::TargetName(target));
    const On on(target);
    check({64, 50, 784, Zeros::in_a, false, true, false, false}, 0.19, Edge::back);
    check({50, 784, 64, Zeros::in_b, true, false, false, false}, 0.19, Edge::back);
    check({50, 784, 16, Zeros::in_b, true, false, false, true}, 0.19, Edge::front);
  }
}

TEST(GemmZeros, WhatIsNotFiniteMeetsTheZeros) {
  for (const std::int64_t target : targets()) {
    SCOPED_TRACE(hwy::TargetName(target));
    const On on(target);
    for (const float planted : {INFINITY, std::nanf("")})
      for (const Zeros zeros : {Zeros::in_a, Zeros::in_b}) {
        check({12, 40, 300, zeros, false, true, false, false}, 0.19, Edge::back, planted);
        check({40, 90, 30, zeros, true, false, true, true}, 0.0, Edge::back, planted);
      }
  }
}

/// It is no zero to be passed over.
TEST(GemmZeros, NaNAmongTheZeros) {
  for (const std::int64_t target : targets()) {
    SCOPED_TRACE(hwy::TargetName(target));
    const On on(target);
    std::vector<float> a(40 * 100), b(100 * 40, 1.0f), c(40 * 40);
    a[33] = std::nanf("");
    gemm<float>(40, 40, 100, {a.data(), 100, 1}, {b.data(), 40, 1}, {c.data(), 40, 1}, false, {},
                {.zeros = Zeros::in_a});
    EXPECT_TRUE(std::isnan(c[0]));
    gemm<float>(40, 40, 100, {b.data(), 100, 1}, {a.data(), 1, 100}, {c.data(), 40, 1}, false, {},
                {.zeros = Zeros::in_b});
    EXPECT_TRUE(std::isnan(c[0]));
    EXPECT_EQ(c[1], 0);
  }
}

/// A product that underflows leaves a -0 in the chain, which meets zeros or not.
TEST(GemmZeros, NoSumIsMinusZero) {
  for (const std::int64_t target : targets()) {
    SCOPED_TRACE(hwy::TargetName(target));
    const On on(target);
    for (const Index k : {1, 5, 300}) {
      std::vector<float> a(static_cast<std::size_t>(k), 0.0f),
          b(static_cast<std::size_t>(k), -1.0f);
      a[0] = 1e-30f;
      b[0] = -1e-30f;
      ASSERT_TRUE(std::signbit(std::fma(a[0], b[0], 0.0f)));
      for (const Zeros zeros : {Zeros::few, Zeros::in_a, Zeros::in_b}) {
        float c = 1, old = -0.0f;
        gemm<float>(1, 1, k, {a.data(), k, 1}, {b.data(), 1, 1}, {&c, 1, 1}, false, {},
                    {.zeros = zeros});
        EXPECT_TRUE(same(0.0f, c)) << k;
        gemm<float>(1, 1, k, {a.data(), k, 1}, {b.data(), 1, 1}, {&old, 1, 1}, true, {},
                    {.zeros = zeros});
        EXPECT_TRUE(same(0.0f, old)) << k;
      }
      const std::vector<double> x(a.begin(), a.end()), y(b.begin(), b.end());
      double c = 1;
      gemm<double>(1, 1, k, {x.data(), k, 1}, {y.data(), 1, 1}, {&c, 1, 1}, false, {},
                   {.zeros = Zeros::in_a});
      EXPECT_EQ(contract<double>(k, x.data(), 1, y.data(), 1, nullptr), c);
    }
  }
}

TEST(GemmZeros, EpiloguesAndThreadsHaveTheBitsOfDenseProducts) {
  const Index m = 70, n = 101, k = 530;
  std::vector<float> a(m * k), b(k * n), old(m * n), rows(m), columns(n), mask(m * n);
  fill_random(b.data(), k * n, 2);
  fill_random(old.data(), m * n, 3);
  fill_random(rows.data(), m, 4);
  fill_random(columns.data(), n, 5);
  fill_random(mask.data(), m * n, 6);
  fill_sparse(a.data(), m * k, 0.2, 1);
  for (const std::int64_t target : targets())
    for (const bool turn_c : {false, true})
      for (const bool updates : {false, true}) {
        SCOPED_TRACE(::testing::Message()
                     << hwy::TargetName(target) << " turned " << turn_c << " updates " << updates);
        const On on(target);
        Epilogue<float> e;
        e.bias_of_row = rows.data();
        e.bias_of_column = columns.data();
        e.relu = !updates;
        e.mask = {mask.data(), n, 1};
        e.updates = updates;
        e.rate = 0.1f;
        const auto product = [&](Zeros zeros) {
          std::vector<float> c = old;
          gemm<float>(m, n, k, {a.data(), k, 1}, {b.data(), n, 1},
                      {c.data(), turn_c ? 1 : n, turn_c ? m : 1}, false, e, {.zeros = zeros});
          return c;
        };
        set_num_threads(1);
        const std::vector<float> dense = product(Zeros::few);
        for (const int threads : {1, 2, 3, 4, 8}) {
          set_num_threads(threads);
          const std::vector<float> c = product(Zeros::in_a);
          EXPECT_EQ(0, std::memcmp(dense.data(), c.data(), c.size() * sizeof(float))) << threads;
        }
        set_num_threads(0);
      }
}

/// As a plan does: the numbers that are not zero are found once, for the product that reads the
/// matrix by its rows and for the one that reads it by its columns.
TEST(GemmZeros, ZerosFoundBeforehandHaveTheBitsOfDenseProducts) {
  const Index samples = 70, pixels = 333;
  std::vector<float> x(samples * pixels);
  fill_sparse(x.data(), samples * pixels, 0.2, 1);
  std::vector<std::uint64_t> by_row(words_of(pixels) * samples),
      by_column(words_of(samples) * pixels);
  find_nonzeros(x.data(), samples, pixels, pixels, by_row.data(), by_column.data());
  for (const std::int64_t target : targets())
    for (const Index units : {1, 9, 17, 25, 50, 57, 150}) {
      SCOPED_TRACE(::testing::Message() << hwy::TargetName(target) << " units " << units);
      const On on(target);
      std::vector<float> w(units * pixels), g(samples * units);
      fill_random(w.data(), units * pixels, 2);
      fill_random(g.data(), samples * units, 3);
      const auto forward = [&](const GemmHints& hints) {
        std::vector<float> y(samples * units);
        gemm<float>(samples, units, pixels, {x.data(), pixels, 1}, {w.data(), 1, pixels},
                    {y.data(), units, 1}, false, {}, hints);
        return y;
      };
      const auto update = [&](const GemmHints& hints) {
        std::vector<float> updated = w;
        Epilogue<float> e;
        e.updates = true;
        e.rate = 0.1f;
        gemm<float>(units, pixels, samples, {g.data(), 1, units}, {x.data(), pixels, 1},
                    {updated.data(), pixels, 1}, false, e, hints);
        return updated;
      };
      for (const int threads : {1, 2, 3, 8}) {
        set_num_threads(threads);
        const std::vector<float> y = forward({}), updated = update({});
        const std::vector<float> found_y =
            forward({.zeros = Zeros::in_a, .nonzeros = {by_row.data(), samples}});
        const std::vector<float> found_updated =
            update({.zeros = Zeros::in_b, .nonzeros = {by_column.data(), pixels}});
        EXPECT_EQ(0, std::memcmp(y.data(), found_y.data(), y.size() * sizeof(float))) << threads;
        EXPECT_EQ(0, std::memcmp(updated.data(), found_updated.data(), w.size() * sizeof(float)))
            << threads;
      }
      set_num_threads(0);
    }
}

}  // namespace
}  // namespace gradus::kernels
