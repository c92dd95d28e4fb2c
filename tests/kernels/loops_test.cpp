// Elementwise loops, reductions and the row gather against plain loops over logical indices.
#include <gradus/kernels/elementwise.h>
#include <gradus/kernels/reduce.h>
#include <gradus/kernels/threads.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "guarded.h"

namespace gradus::kernels {
namespace {

using gradus::testing::Edge;
using gradus::testing::Guarded;
using Index = std::int64_t;

std::vector<float> random_floats(Index n, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> x(static_cast<std::size_t>(n));
  for (float& v : x) v = static_cast<float>(random()) / 4294967296.0f - 0.25f;
  return x;
}

TEST(Walk, MergesAxesAndVisitsLogicalOrder) {
  const Index sizes[] = {2, 3, 4}, packed[] = {12, 4, 1}, turned[] = {1, 2, 6};
  EXPECT_EQ(1, (Walk<2>(sizes, 3, {packed, packed}).rank));
  EXPECT_EQ(3, (Walk<2>(sizes, 3, {packed, turned}).rank));
  const Walk<2> walk(sizes, 3, {packed, turned});
  std::vector<Index> seen;
  walk.for_each_run([&](const Index* at, Index n) {
    for (Index i = 0; i < n; ++i) seen.push_back(at[1] + i * walk.strides[1][walk.rank - 1]);
  });
  std::vector<Index> expected;
  for (Index i = 0; i < 2; ++i)
    for (Index j = 0; j < 3; ++j)
      for (Index k = 0; k < 4; ++k) expected.push_back(i + 2 * j + 6 * k);
  EXPECT_EQ(expected, seen);
  const Index empty[] = {2, 0, 4};
  int runs = 0;
  Walk<1>(empty, 3, {packed}).for_each_run([&](const Index*, Index) { ++runs; });
  EXPECT_EQ(0, runs);
}

TEST(Map, RemaindersStridesAndGuardPages) {
  for (Edge edge : {Edge::front, Edge::back})
    for (Index n = 0; n < 40; ++n)
      for (int kind = 0; kind < 4; ++kind) {  // bit 0: a broadcast, bit 1: b backwards
        Guarded<float> a(kind & 1 ? 1 : n, edge), b(n, edge), y(n, edge), z(n, edge), w(n, edge);
        for (Index i = 0; i < (kind & 1 ? 1 : n); ++i) a[i] = static_cast<float>(i) + 0.5f;
        for (Index i = 0; i < n; ++i) b[i] = static_cast<float>(3 * i);
        const Index sa = kind & 1 ? 0 : 1, sb = kind & 2 ? -1 : 1, one = 1;
        const float* from = kind & 2 ? b.data() + n - 1 : b.data();
        map1([](float v) { return v * 2; }, from, &sb, y.data(), &one, &n, 1);
        map2([](float v, float u) { return v - u; }, a.data(), &sa, from, &sb, z.data(), &one, &n,
             1);
        map3([](float v, float u, float t) { return v + u * t; }, a.data(), &sa, from, &sb,
             y.data(), &one, w.data(), &one, &n, 1);
        for (Index i = 0; i < n; ++i) {
          const float va = a[i * sa], vb = b[kind & 2 ? n - 1 - i : i];
          ASSERT_EQ(vb * 2, y[i]);
          ASSERT_EQ(va - vb, z[i]);
          ASSERT_EQ(va + vb * y[i], w[i]);
        }
      }
}

float sum_of(const float* x, Index n, Index stride) {
  float y = 0;
  reduce(
      x, nullptr, nullptr, 0, &n, &stride, 1, &y, 0.0f, [](float v) { return v; },
      [](float a, float b) { return a + b; }, [](float v) { return v; });
  return y;
}

TEST(Reduce, BitsDoNotDependOnLayout) {
  for (Index rows : {1, 5, 16, 17, 100, 1025, 3001})
    for (Index columns : {1, 2, 16, 17, 50}) {
      const std::vector<float> x = random_floats(rows * columns, 1);
      std::vector<float> turned(x.size());
      for (Index i = 0; i < rows; ++i)
        for (Index j = 0; j < columns; ++j)
          turned[static_cast<std::size_t>(j * rows + i)] =
              x[static_cast<std::size_t>(i * columns + j)];
      std::vector<float> down(static_cast<std::size_t>(columns));
      const Index stride = columns, one = 1;
      reduce(
          x.data(), &columns, &one, 1, &rows, &stride, 1, down.data(), 0.0f,
          [](float v) { return v; }, [](float a, float b) { return a + b; },
          [](float v) { return v; });
      for (Index j = 0; j < columns; ++j) {
        double exact = 0;
        for (Index i = 0; i < rows; ++i)
          exact += static_cast<double>(turned[static_cast<std::size_t>(j * rows + i)]);
        ASSERT_EQ(sum_of(turned.data() + j * rows, rows, 1), down[static_cast<std::size_t>(j)]);
        ASSERT_NEAR(exact, static_cast<double>(down[static_cast<std::size_t>(j)]),
                    1e-6 * static_cast<double>(rows) + 1e-6);
      }
    }
}

TEST(Reduce, MillionsOfFloatsStayNearF64) {
  const Index n = 39200000;  // the lesson's training images as floats
  const std::vector<float> x = random_floats(n, 2);
  double exact = 0, squares = 0;
  for (float v : x) {
    exact += static_cast<double>(v);
    squares += static_cast<double>(v) * static_cast<double>(v);
  }
  const double sum = static_cast<double>(sum_of(x.data(), n, 1));
  EXPECT_NEAR(1.0, sum / exact, 3e-7);
  const Index one = 1;
  float norm = 0;
  reduce(
      x.data(), nullptr, nullptr, 0, &n, &one, 1, &norm, 0.0f, [](float v) { return v * v; },
      [](float a, float b) { return a + b; }, [](float v) { return std::sqrt(v); });
  EXPECT_NEAR(1.0, static_cast<double>(norm) / std::sqrt(squares), 3e-7);
}

TEST(Loops, EqualBitsForAnyNumberOfThreads) {
  const Index rows = 3001, columns = 301, n = rows * columns, one = 1;
  const std::vector<float> x = random_floats(n, 3);
  std::vector<float> first[3];
  for (int threads : {1, 2, 3, 4, 8}) {
    set_num_threads(threads);
    std::vector<float> y(x.size()), down(static_cast<std::size_t>(columns)),
        along(static_cast<std::size_t>(rows));
    map1([](float v) { return v * v - 3; }, x.data(), &one, y.data(), &one, &n, 1);
    const auto same = [](float v) { return v; };
    const auto add = [](float a, float b) { return a + b; };
    reduce(x.data(), &columns, &one, 1, &rows, &columns, 1, down.data(), 0.0f, same, add, same);
    reduce(x.data(), &rows, &columns, 1, &columns, &one, 1, along.data(), 0.0f, same, add, same);
    if (threads == 1) {
      first[0] = y;
      first[1] = down;
      first[2] = along;
      for (std::size_t i = 0; i < y.size(); ++i) ASSERT_EQ(x[i] * x[i] - 3, y[i]);
      for (Index i = 0; i < rows; ++i)
        ASSERT_EQ(sum_of(x.data() + i * columns, columns, 1), along[static_cast<std::size_t>(i)]);
      for (Index j = 0; j < columns; ++j)
        ASSERT_EQ(sum_of(x.data() + j, rows, columns), down[static_cast<std::size_t>(j)]);
    }
    EXPECT_EQ(first[0], y) << threads;
    EXPECT_EQ(first[1], down) << threads;
    EXPECT_EQ(first[2], along) << threads;
  }
  set_num_threads(0);
}

TEST(Reduce, EmptyGivesTheIdentity) { EXPECT_EQ(0.0f, sum_of(nullptr, 0, 1)); }

}  // namespace
}  // namespace gradus::kernels
