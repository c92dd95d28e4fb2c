// Products that broadcasting blows up: deferred, summed without their elements, or written out when
// somebody looks; the numbers against plain loops in f64.
#include <gradus/program/deferred.h>

#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include <gradus/gradus.h>

namespace gradus {
namespace {

/// Sum over `axes` of the product of a and b, element by element in f64.
std::vector<double> product_summed(const Tensor& a, const Tensor& b, const Ints& axes) {
  const Shape shape = broadcast_shapes(a.shape(), b.shape());
  const std::vector<double> x = broadcast_to(a, shape.to_vector()).to_vector<double>(),
                            y = broadcast_to(b, shape.to_vector()).to_vector<double>();
  const std::vector<int> reduced = normalize_axes(axes, shape.rank());
  Layout kept = Layout::contiguous(shape);
  std::int64_t count = 1;
  for (int k = shape.rank() - 1; k >= 0; --k) {
    const bool is_reduced = std::find(reduced.begin(), reduced.end(), k) != reduced.end();
    kept.strides[k] = is_reduced ? 0 : count;
    if (!is_reduced) count *= shape[k];
  }
  std::vector<double> sums(static_cast<std::size_t>(count), 0);
  std::size_t i = 0;
  for_each_position(kept, [&](std::int64_t at) {
    sums[static_cast<std::size_t>(at)] += x[i] * y[i];
    ++i;
  });
  return sums;
}

void expect_near(const Tensor& got, const std::vector<double>& want, double tolerance) {
  const std::vector<double> values = got.to_vector<double>();
  ASSERT_EQ(values.size(), want.size());
  for (std::size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(values[i], want[i], tolerance) << i;
}

struct Pattern {
  Ints a, b, axes;
};

TEST(Deferred, SumsOfProductsAreContractions) {
  const std::vector<Pattern> patterns = {
      {{64, 64, 1}, {64, 1, 64}, {0}},  // the lesson's gradient of a weight
      {{64, 64, 1}, {64, 1, 64}, {2}},  // an axis of one factor alone
      {{64, 64, 1}, {64, 1, 64}, {0, 1}},
      {{64, 64, 1}, {64, 1, 64}, {}},
      {{1, 64, 64}, {64, 64, 1}, {1}},
      {{64, 1, 64}, {64}, {-1}},
      {{512, 1}, {1, 512}, {0}},
      {{512, 1}, {512}, {1}},
      {{4, 1, 40, 1}, {1, 40, 1, 40}, {3}},
      {{4, 1, 40, 1}, {1, 40, 1, 40}, {0, 2}},
      {{2, 30, 1, 3}, {30, 40, 1}, {1}},
      {{300000}, {}, {0}},
  };
  manual_seed(3);
  for (const Pattern& p : patterns)
    for (bool keepdims : {false, true}) {
      const Tensor a = rand(p.a, DType::f64) - 0.5, b = rand(p.b, DType::f64) - 0.5;
      const Tensor y = sum(a * b, p.axes, keepdims);
      expect_near(y, product_summed(a, b, p.axes), 1e-10);
      const Shape shape = broadcast_shapes(a.shape(), b.shape());
      EXPECT_EQ(y.shape(), sum(zeros(shape.to_vector()), p.axes, keepdims).shape());
    }
}

TEST(Deferred, AnAxisThatBothFactorsWereStretchedAlong) {
  manual_seed(4);
  const Tensor a = broadcast_to(rand({1, 64, 1}, DType::f64), {64, 64, 1}),
               b = broadcast_to(rand({1, 1, 64}, DType::f64), {64, 1, 64});
  expect_near(sum(a * b, {0}), product_summed(a, b, {0}), 1e-10);
  expect_near(sum(a * b, {1}), product_summed(a, b, {1}), 1e-10);
}

TEST(Deferred, TheProductIsNeverWrittenOut) {
  manual_seed(5);
  Tensor x = rand({2000, 200, 1}), g = rand({2000, 1, 50});  // product: 80 MB, factors: 2 MB
  x.set_requires_grad();
  g.set_requires_grad();
  reset_peak_memory();
  const std::size_t before = memory_in_use();
  const Tensor w = sum(x * g, {0});
  sum(w * w).backward();
  EXPECT_LT(peak_memory() - before, std::size_t{16} << 20);
  // dL/dx[n,i] = 2 sum_j w[i,j] g[n,j]
  const Tensor plain_w = w.detach(), plain_g = reshape(g.detach(), {2000, 50});
  const std::vector<double> want =
      (2 * matmul(astype(plain_g, DType::f64), astype(plain_w, DType::f64).t()))
          .to_vector<double>();
  const std::vector<double> got = x.grad().to_vector<double>();
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); i += 97) EXPECT_NEAR(got[i], want[i], 2e-5 * want[i]);
}

TEST(Deferred, WhoLooksGetsTheElementsAndChangesNoBit) {
  manual_seed(6);
  const Tensor a = rand({64, 64, 1}), b = rand({64, 1, 64});
  const Tensor unseen = a * b, seen = a * b;
  EXPECT_NE(deferred_call(seen), nullptr);
  const std::size_t before = memory_in_use();
  const std::vector<double> values = seen.to_vector<double>();
  EXPECT_EQ(memory_in_use() - before, std::size_t{64 * 64 * 64 * 4});
  const float* x = a.data<float>();
  const float* y = b.data<float>();
  for (std::size_t n : {0u, 17u, 63u})
    for (std::size_t i : {0u, 5u, 63u})
      EXPECT_EQ(values[(n * 64 + i) * 64 + 7], double{x[n * 64 + i] * y[n * 64 + 7]});
  EXPECT_EQ(sum(seen, {0}).to_vector<float>(), sum(unseen, {0}).to_vector<float>());
}

TEST(Deferred, AWriteToAFactorComesTooLateToMatter) {
  manual_seed(7);
  Tensor a = rand({64, 64, 1}), b = rand({64, 1, 64});
  const std::vector<double> want = product_summed(a, b, {0});
  const Tensor product = a * b, looked_at = a * b;
  looked_at.to_vector<float>();
  a.mul_(2.0);
  b.zero_();
  expect_near(sum(product, {0}), want, 1e-4);
  EXPECT_EQ(sum(product, {0}).to_vector<float>(), sum(looked_at, {0}).to_vector<float>());
}

TEST(Deferred, AWriteToTheProductItself) {
  manual_seed(8);
  const Tensor a = rand({64, 64, 1}, DType::f64), b = rand({64, 1, 64}, DType::f64);
  std::vector<double> want = product_summed(a, b, {0});
  for (double& w : want) w += 64;
  Tensor product = a * b;
  product.add_(1.0);
  expect_near(sum(product, {0}), want, 1e-10);
}

TEST(Deferred, ViewsOfAProductReadItsElements) {
  manual_seed(9);
  const Tensor a = rand({64, 64, 1}, DType::f64), b = rand({64, 1, 64}, DType::f64);
  const Tensor product = a * b;
  expect_near(sum(permute_dims(product, {2, 1, 0}), {2}).t(), product_summed(a, b, {0}), 1e-10);
  const double element = product[{3, 4, 5}].item();
  const double left = a[{3, 4, 0}].item(), right = b[{3, 0, 5}].item();
  EXPECT_EQ(element, left * right);
}

TEST(Deferred, SmallAndIntegerProductsAreComputedAtOnce) {
  EXPECT_EQ(deferred_call(ones({8, 8, 1}) * ones({8, 1, 8})), nullptr);
  EXPECT_EQ(deferred_call(ones({600, 600}) * ones({600, 600})), nullptr);
  EXPECT_EQ(deferred_call(ones({600, 1}, DType::i64) * ones({1, 600}, DType::i64)), nullptr);
}

TEST(Deferred, TheShapeOfAnAccidentalTableCostsNothing) {
  const Tensor column = rand({10000, 1}), row = rand({10000});
  const std::size_t before = memory_in_use();
  const Tensor difference = column - row, sum = column + row;
  EXPECT_EQ(difference.shape(), Shape({10000, 10000}));
  EXPECT_EQ(sum.shape(), Shape({10000, 10000}));
  EXPECT_EQ(memory_in_use(), before);
  // Looked at, they hold what they say.
  const Tensor a = rand({2000, 1}), b = rand({2000});
  const float x = a.data<float>()[1999], y = b.data<float>()[7];
  EXPECT_EQ(((a + b)[{1999, 7}].item<float>()), x + y);
  EXPECT_EQ(((a - b)[{1999, 7}].item<float>()), x - y);
}

TEST(Deferred, SeveralThreadsMayLookFirst) {
  manual_seed(10);
  const Tensor a = rand({64, 64, 1}), b = rand({64, 1, 64});
  for (int round = 0; round < 20; ++round) {
    const Tensor product = a * b;
    std::vector<std::vector<float>> seen(4);
    std::vector<std::thread> threads;
    for (auto& values : seen)
      threads.emplace_back([&values, &product] { values = product.to_vector<float>(); });
    for (std::thread& thread : threads) thread.join();
    for (const auto& values : seen) EXPECT_EQ(values, seen[0]);
  }
}

TEST(Deferred, MoreThanFitsIsRefusedWhereItIsLookedAt) {
  const std::int64_t n = 1 << 30;
  const Tensor product = broadcast_to(ones({1, 1}), {1, n}) * broadcast_to(ones({1, 1}), {n, 1});
  EXPECT_EQ(product.shape(), Shape({n, n}));  // 2^62 bytes
  EXPECT_THROW(sum(product.t(), {0, 1}), MemoryError);
  EXPECT_EQ(sum(product, {0, 1}).item(), std::ldexp(1, 60));
}

}  // namespace
}  // namespace gradus
