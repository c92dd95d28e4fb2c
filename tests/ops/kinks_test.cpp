// Gradients where the textbook's rule divides 0 by 0. Values beside "torch" are what PyTorch 2
// gives.
#include <gtest/gtest.h>

#include <cmath>

#include <gradus/gradus.h>

#include "tests/ops/values.h"

namespace gradus {
namespace {

using test::inf;
using test::Values;

template <class F>
Values slope(const Values& at, F f) {
  const Tensor x = Tensor::of(at, {static_cast<std::int64_t>(at.size())}).set_requires_grad();
  return grad(sum(f(x)), {x})[0].template to_vector<double>();
}
template <class F>
GradcheckReport check(const Values& at, const Ints& shape, F f) {
  const Tensor x = Tensor::of(at, Shape(shape));
  return gradcheck([&](std::span<const Tensor> v) { return Tensors{f(v[0])}; }, std::span(&x, 1));
}

// torch: torch.tensor([2., 2., 2.]).std() has gradient [0, 0, 0].
TEST(Kinks, StdOfEqualNumbersHasNoSlope) {
  const auto f = [](const Tensor& x) { return stddev(x); };
  EXPECT_EQ(slope({2, 2, 2}, f), Values(3));
  EXPECT_EQ(stddev(tensor({2., 2., 2.})).item(), 0);
  EXPECT_TRUE(std::isnan(stddev(tensor({2.})).item()));
  EXPECT_TRUE(check({1, 2, 4}, {3}, f).ok());
}

// torch: all zeros for ord 3 of zeros; for ord 0.5 of [0, 1, 4] the slope 0 at 0, and
// (sum of roots) / root = 3 and 1.5 elsewhere.
TEST(Kinks, NormHasNoSlopeAtZero) {
  const auto of = [](double ord) { return [ord](const Tensor& x) { return norm(x, ord); }; };
  for (const double ord : {2.0, 3.0, 1.5, 0.5}) EXPECT_EQ(slope({0, 0}, of(ord)), Values(2)) << ord;
  EXPECT_EQ(slope({0, 1, 4}, of(0.5)), (Values{0, 3, 1.5}));
  EXPECT_EQ(norm(tensor({0., 1., 4.}), 0.5).item(), 9);
  EXPECT_EQ(slope({0, 2}, of(-1)), Values(2)) << "the norm is 0 as long as one number is";
  EXPECT_EQ(norm(tensor({0., 2.}), -1).item(), 0);
  EXPECT_EQ(norm(tensor({0., 0.}), 3).item(), 0);
  EXPECT_NEAR(norm(tensor({1., -2.}), -1).item(), 2. / 3, 1e-7);
  for (const double ord : {3.0, 2.5, 0.5, -1.0})
    EXPECT_TRUE(check({1, -2, 0.5, 3}, {2, 2}, of(ord)).ok()) << ord;
}

// torch: torch.linalg.vector_norm(x, 0) has a gradient of zeros.
TEST(Kinks, CountingHasTheSlopeZero) {
  const auto f = [](const Tensor& x) { return norm(x, 0); };
  EXPECT_EQ(slope({0, 1, -4}, f), Values(3));
  EXPECT_EQ(norm(tensor({0., 1., std::nan(""), -inf}), 0).item(), 3);
}

// torch: maximum(1, nan) gives the gradient to both.
TEST(Kinks, BesideANaNBothGetTheGradient) {
  for (const bool is_maximum : {true, false}) {
    Tensor a = tensor({1., std::nan(""), 2., 3.}).set_requires_grad();
    Tensor b = tensor({std::nan(""), 1., 2., 4.}).set_requires_grad();
    const Tensor y = is_maximum ? maximum(a, b) : minimum(a, b);
    EXPECT_TRUE(std::isnan(y[0].item()) && std::isnan(y[1].item()));
    sum(y).backward();
    const double third = is_maximum ? 0 : 1;
    EXPECT_EQ(a.grad().to_vector<double>(), (Values{1, 1, 0.5, third}));
    EXPECT_EQ(b.grad().to_vector<double>(), (Values{1, 1, 0.5, 1 - third}));
  }
}

// The product of the others, whatever is 0.
TEST(Kinks, ProductOfTheOthersIsExactBesideZeros) {
  const auto f = [](const Tensor& x) { return prod(x); };
  EXPECT_EQ(slope({2, 3, 5, 7, 11}, f), (Values{1155, 770, 462, 330, 210}));
  EXPECT_EQ(slope({2, 0, 5}, f), (Values{0, 10, 0}));
  EXPECT_EQ(slope({0, 3, 0, 7}, f), Values(4));
  EXPECT_EQ(slope({3}, f), Values{1});
  EXPECT_EQ(slope({1e-300, 1e-300, 1e300, 1e300}, f)[2], 0) << "no quotient of a product of 0";
  for (const Values& at : {Values{2, 3, 5, 7, 1.5, -1}, Values{2, 0, 5, 7, 1.5, -1},
                           Values{2, 0, 5, 0, 1.5, -1}, Values{0, 0, 0, 7, 1.5, -1}})
    for (const Ints& axis : {Ints{}, Ints{0}, Ints{1}}) {
      const GradcheckReport report =
          check(at, {2, 3}, [&](const Tensor& x) { return prod(x, axis); });
      EXPECT_TRUE(report.ok()) << report.str();
    }
}

// n x n numbers would be 40 GB here.
TEST(Kinks, ProductsOfManyTakeLittleMemory) {
  const Tensor x = ones({100'000}).set_requires_grad();
  prod(x).backward();
  EXPECT_EQ(sum(x.grad()).item(), 100'000);
}

}  // namespace
}  // namespace gradus
