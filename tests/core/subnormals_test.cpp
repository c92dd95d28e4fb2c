// Numbers too small for a normal exponent: IEEE by default, zeros when asked, never something else
// on another thread or in a plan.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include <gradus/compile/compile.h>
#include <gradus/gradus.h>
#include <gradus/kernels/threads.h>

namespace gradus {
namespace {

#if defined(__x86_64__) || defined(__aarch64__)

class Subnormals : public testing::Test {
 protected:
  void SetUp() override { set_flush_subnormals(true); }
  void TearDown() override {
    set_flush_subnormals(false);
    kernels::set_num_threads(0);
  }
};

constexpr double tiny = 1e-40;  // subnormal in f32
constexpr double infinity = std::numeric_limits<double>::infinity();

double times(double x, double y) { return (Tensor::scalar(x) * Tensor::scalar(y)).item(); }

/// What the test's own code computes: its modes are its own.
float half_of_smallest_normal() {
  volatile float smallest = std::numeric_limits<float>::min();
  return smallest * 0.5F;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  const auto x = a.to_vector<float>(), y = b.to_vector<float>();
  return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * sizeof(float)) == 0;
}

TEST_F(Subnormals, AreNumbersByDefault) {
  set_flush_subnormals(false);
  EXPECT_EQ(times(tiny, 1), static_cast<double>(1e-40F));
  EXPECT_NEAR(log(Tensor::scalar(tiny)).item(), std::log(tiny), 1e-4);
  EXPECT_EQ((Tensor::scalar(tiny) == 0).item(), 0);
}

TEST_F(Subnormals, AreZerosOfTheirSignWhenAsked) {
  EXPECT_EQ(times(tiny, 1), 0) << "an operand";
  EXPECT_EQ(times(1e-30, 1e-10), 0) << "a result";
  EXPECT_TRUE(std::signbit(times(-1e-30, 1e-10)));
  EXPECT_EQ((Tensor::scalar(tiny) == 0).item(), 1);
  EXPECT_EQ(times(std::numeric_limits<float>::min(), 1),
            static_cast<double>(std::numeric_limits<float>::min()))
      << "the smallest normal number is one";
}

TEST_F(Subnormals, NanAndInfinityAreWhatTheyAre) {
  EXPECT_TRUE(std::isnan(times(std::nan(""), 1)));
  EXPECT_TRUE(std::isnan(times(infinity, tiny))) << "tiny is 0 here";
  EXPECT_EQ(times(infinity, 2), infinity);
  EXPECT_EQ(times(-infinity, 2), -infinity);
}

TEST_F(Subnormals, TheCallersModeIsItsOwn) {
  times(tiny, 1);
  EXPECT_GT(half_of_smallest_normal(), 0);
  Compiled f([](std::span<const Tensor> in) { return Tensors{in[0] * 0.5}; });
  const Tensor x = Tensor::scalar(static_cast<double>(std::numeric_limits<float>::min()));
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(f(Tensors{x})[0].item(), 0);
    EXPECT_GT(half_of_smallest_normal(), 0);
  }
  ASSERT_TRUE(f.plan(Tensors{x}));
  EXPECT_THROW(matmul(ones({2, 3}), ones({2, 3})), ShapeError);
  EXPECT_GT(half_of_smallest_normal(), 0) << "after an error too";
}

TEST_F(Subnormals, BitsAreEqualForAnyNumberOfThreadsAndInAPlan) {
  manual_seed(2);
  const Tensor x = randn({700, 600}) * 1e-19, w = randn({600, 400}) * 1e-19;
  const auto f = [&](std::span<const Tensor> in) {
    const Tensor y = matmul(in[0], w);  // of products about 1e-38: some normal, some not
    return Tensors{y, in[0] * in[0] * 10, sum(y * 0.5, {0}), relu(y) - y};
  };
  kernels::set_num_threads(1);
  const Tensors alone = f(Tensors{x});
  double zeros_of_product = 0;
  for (double v : alone[0].to_vector<double>()) {
    EXPECT_TRUE(v == 0 || std::abs(v) >= std::numeric_limits<float>::min());
    zeros_of_product += v == 0;
  }
  EXPECT_GT(zeros_of_product, 100);
  EXPECT_LT(zeros_of_product, 700 * 400 / 2);
  Compiled compiled(f);
  for (int threads : {1, 2, 3, 4, 8}) {
    kernels::set_num_threads(threads);
    const Tensors eager = f(Tensors{x}), planned = compiled(Tensors{x});
    for (std::size_t i = 0; i < alone.size(); ++i) {
      EXPECT_TRUE(same_bits(eager[i], alone[i])) << threads << " " << i;
      EXPECT_TRUE(same_bits(planned[i], alone[i])) << threads << " " << i;
    }
  }
  EXPECT_TRUE(compiled.plan(Tensors{x})) << compiled.obstacle();
}

#endif

}  // namespace
}  // namespace gradus
