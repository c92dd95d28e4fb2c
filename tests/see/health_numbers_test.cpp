// Where numbers that are not finite begin: in the data, in a call, in a backward pass; and where
// they are meant.
#include <gradus/autograd/backward.h>
#include <gradus/nn/layers.h>
#include <gradus/ops/ops.h>
#include <gradus/optim/optimizer.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include <tests/see/health_of.h>

using namespace gradus;
using test::health_of;
using testing::HasSubstr;

namespace {

Tensor number(double v) { return Tensor::scalar(v, DType::f32); }
/// [4,4]: 0 on and below the diagonal, -inf above.
Tensor causal_mask() { return triu(full({4, 4}, -INFINITY), 1); }

TEST(HealthNumbers, NaNThatCameWithTheData) {
  manual_seed(1);
  Tensor x = randn({64, 8}).set_name("x");
  x[3][2].copy_(number(NAN));
  const Tensor labels = randint(0, 4, {64});
  nn::Sequential net{nn::Linear(8, 4)};
  optim::SGD sgd(net.parameters(), {.lr = 0.1});
  const auto train = [&](const Tensor& data) {
    for (int step = 0; step < 2; ++step) {
      sgd.zero_grad();
      cross_entropy(net(data), labels).backward();
      sgd.step();
    }
  };
  EXPECT_EQ(health_of([&] { train(where(isnan(x), number(0), x)); }), "");  // taken care of
  EXPECT_EQ(health_of([&] { train(x); }),
            "N1 error  first non-finite value: x[3,2] = nan came with the data; matmul takes it at "
            "step 0 t1. 1 of 512 elements.\n          Mend the data, or leave these rows out.\n");
}

TEST(HealthNumbers, NaNOfARowOfMinusInfinity) {
  const Tensor scores = Tensor(ones({2, 2})).set_name("s");
  const auto masked = [&](const Tensor& mask) {
    return health_of([&] { softmax(where(mask > 0, scores, number(-INFINITY)), 1); });
  };
  EXPECT_EQ(masked(tensor({{1, 0}, {0, 0}})),
            "N1 error  first non-finite value: t3 softmax, softmax_2[1,0] = nan; input "
            "where_1[1,0] = -inf came from where at t2. 2 of 4 elements.\n          Leave a finite "
            "number in each row: a row of -inf alone has no softmax. [n- shows t2]\n");
  EXPECT_EQ(masked(tensor({{1, 0}, {0, 1}})), "");
}

TEST(HealthNumbers, InfinitiesThatSoftmaxTakesUpAreMeant) {
  Tensor scores = ones({4, 4}).set_requires_grad();
  EXPECT_EQ(health_of([&] { sum(square(softmax(scores + causal_mask(), 1))).backward(); }), "");
  EXPECT_EQ(health_of([&] { softmax(scores + log(tril(ones({4, 4}))), 1); }), "");
  // The same logarithm without a softmax.
  EXPECT_THAT(health_of([&] {
                mean(scores + log(tril(ones({4, 4}))));
              }),
              HasSubstr("log_3[0,1] = log(0) = -inf"));
}

TEST(HealthNumbers, OperandsAreShownOfElementwiseCallsAlone) {
  Tensor a = tensor({{1., 2e38}, {1., 1.}}), b = tensor({{1., 1.}, {2e38, 1.}});
  a.set_name("a");
  EXPECT_EQ(health_of([&] { matmul(a, b); }),
            "N1 error  first non-finite value: t1 matmul, matmul_0[0,0] = inf; input a[0,1] = "
            "2e38, its largest. 1 of 4 elements.\n          Lower the learning rate, or look at "
            "the inputs.\n");
  EXPECT_THAT(health_of([&] { cumsum(full({3}, 1e38) * 2, 0); }),
              HasSubstr("t3 cumsum, cumsum_2[1] = inf; input mul_1[0] = 2e38, its largest, was "
                        "1e38 * 2 at t2. 2 of 3"));
  EXPECT_THAT(health_of([&] { sum(square(a * 0.5e-19) * 2e38); }), HasSubstr("t3 mul"));
  EXPECT_THAT(health_of([&] { sum(full({4}, 2e38)); }),
              HasSubstr("t2 sum, sum_1 = inf; input full_0[0] = 2e38, its largest, came from full "
                        "at t1. 1 of 1 element."));
}

TEST(HealthNumbers, OfABackwardPassTheForwardCallIsNamed) {
  Tensor p = zeros({3}).set_requires_grad().set_name("p");
  see::Recorder recorder({.level = see::TapeLevel::full});
  const int place = __LINE__ + 1;
  sqrt(sum(square(p))).backward();
  recorder.finish();
  const std::vector<Diagnostic> found = see::health(recorder.tape());
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found[0].str(),
              HasSubstr("first non-finite value: t4 sqrt.backward, div_4 = 0.5 / 0 = inf; input "
                        "loss = 0 was sqrt(0) at t3;"));
  EXPECT_THAT(found[0].str(), HasSubstr("Keep the input of sqrt above 0: sqrt(x + eps)."));
  EXPECT_EQ(found[0].place, "health_numbers_test.cpp:" + std::to_string(place));
  // The repair that it names.
  p.zero_grad();
  EXPECT_EQ(health_of([&] { sqrt(sum(square(p)) + 1e-12).backward(); }), "");
}

/// What N3 says of a program of y; and that the repair which it names has a finite gradient.
TEST(HealthNumbers, N3NamesTheCallThatFailed) {
  Tensor y = tensor({0., 1., 2.}).set_requires_grad().set_name("y");
  const Tensor one = number(1);
  EXPECT_EQ(health_of([&] { sum(where(y != 0, 3 / y, zeros({3}))).backward(); }),
            "N3 warn   where(y != 0, 3 / y, 0): the NaN is hidden forward but returns in backward "
            "(0 * inf). Make the input safe first: where(y != 0, 3 / where(y != 0, y, 1), 0).\n");
  y.zero_grad();
  EXPECT_EQ(
      health_of([&] { sum(where(y != 0, 3 / where(y != 0, y, one), zeros({3}))).backward(); }), "");
  y.zero_grad();
  EXPECT_EQ(health_of([&] { sum(where(y > 0, y * log(y), zeros({3}))).backward(); }),
            "N3 warn   where(y > 0, y * log(y), 0): the NaN is hidden forward but returns in "
            "backward (0 * inf). Make the input safe first: where(y > 0, y * log(where(y > 0, y, "
            "1)), 0).\n");
  y.zero_grad();
  EXPECT_EQ(
      health_of([&] { sum(where(y > 0, y * log(where(y > 0, y, one)), zeros({3}))).backward(); }),
      "");
}

TEST(HealthNumbers, N3NeedsABackwardPass) {
  const Tensor x = tensor({0., 1., 2.});
  EXPECT_EQ(health_of([&] { sum(where(x > 0, log(x), zeros({3}))); }), "");
  Tensor w = ones({3}).set_requires_grad();
  EXPECT_EQ(health_of([&] { sum(w * where(x > 0, log(x), zeros({3}))).backward(); }), "");
}

}  // namespace
