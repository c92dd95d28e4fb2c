// The walk backwards: accumulation, depth, release, hooks, errors with their repair, higher orders.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gradus/gradus.h>

namespace gradus {
namespace {

using testing::HasSubstr;

template <class F>
std::string message(F&& f) {
  try {
    f();
  } catch (const GradError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

Tensor parameter(std::initializer_list<double> values) {
  return tensor(values, DType::f64).set_requires_grad();
}

TEST(Backward, SharedInputsAccumulate) {
  Tensor x = parameter({3});
  sum(x * x + x).backward();
  EXPECT_EQ(x.grad().item(), 7);
  sum(x * x + x).backward();
  EXPECT_EQ(x.grad().item(), 14) << "a second backward adds";
  x.zero_grad();
  EXPECT_FALSE(x.grad());
}

TEST(Backward, ChainsOfAMillionNodes) {
  Tensor x = parameter({1});
  Tensor y = x;
  for (int i = 0; i < 1'000'000; ++i) y = y + 1;
  y.backward();
  EXPECT_EQ(x.grad().item(), 1);
  Tensor z = x;
  for (int i = 0; i < 1'000'000; ++i) z = neg(z);  // freed without a backward
}

TEST(Backward, FreesWhatItKept) {
  const std::size_t before = memory_in_use();
  {
    Tensor x = zeros({1000, 100}).set_requires_grad();
    Tensor loss = sum(exp(exp(x)));
    const std::size_t during = memory_in_use();
    loss.backward();
    EXPECT_LT(memory_in_use(), during);
  }
  EXPECT_EQ(memory_in_use(), before);
}

TEST(Backward, ErrorsSayWhatToDo) {
  Tensor x = parameter({1, 2});
  EXPECT_THAT(message([&] { (x * x).backward(); }),
              HasSubstr("backward() needs one number, out has shape (2,) = 2 numbers"));
  Tensor loss = sum(x * x);
  loss.backward();
  EXPECT_THAT(message([&] { loss.backward(); }),
              HasSubstr("kept was released at autograd_test.cpp"));
  EXPECT_THAT(message([&] { sum(x.detach() * 2).backward(); }),
              HasSubstr("The path ends at detach() at autograd_test.cpp"));
  EXPECT_THAT(message([&] { mean(astype(x > 1, DType::f64)).backward(); }),
              HasSubstr("The path ends at greater to bool at autograd_test.cpp"));
  EXPECT_THAT(message([&] { no_grad([&] { return sum(x * x); }).backward(); }),
              HasSubstr("no parameter leads to this tensor"));
  Tensor y = x * 1.0;
  Tensor squared = sum(y * y);
  y.add_(1);
  EXPECT_THAT(message([&] { squared.backward(); }), HasSubstr("\"add_\" (autograd_test.cpp"));
  EXPECT_THAT(message([&] { x.add_(1); }), HasSubstr("inside no_grad"));
  EXPECT_THAT(message([&] { x.mul_(2).zero_(); }),
              HasSubstr("would be overwritten while recording"));
  Tensor z = x * 1.0;
  Tensor part = z[0];
  EXPECT_THAT(message([&] { z.add_(1); }), HasSubstr("other tensors see the storage"));
  const CustomFunction no_rule{
      .name = "mine",
      .forward = [](std::span<const Tensor> in) { return Tensors{in[0] * 2.0}; },
      .backward = {}};
  EXPECT_THAT(message([&] { sum(no_rule(std::span<const Tensor>(&x, 1))[0]).backward(); }),
              HasSubstr("'mine' has no backward"));
  EXPECT_THROW(parameter({1}).set_requires_grad().astype(DType::i64).set_requires_grad(),
               DTypeError);
}

TEST(Backward, InPlaceWhileRecordingFollowsTheChain) {
  Tensor x = parameter({1, 2});
  Tensor y = x * 3.0;
  y.mul_(tensor({2., 5.}, DType::f64));
  sum(y).backward();
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{6, 15}));
}

TEST(Backward, HooksSeeAndReplace) {
  Tensor x = parameter({2});
  Tensor y = x * x;
  y.retain_grad();
  y.register_hook([](const Tensor& g) { return g * 10.0; });
  x.register_hook([](const Tensor& g) { return g + 1.0; });
  sum(y * 3.0).backward();
  EXPECT_EQ(x.grad().item(), 121);
  EXPECT_EQ(y.grad().item(), 3);
}

TEST(Grad, AnyOrder) {
  Tensor x = parameter({2});
  Tensor y = sum(pow(x, 4.0));
  for (double expected : {32., 48., 48., 24.}) {
    y = grad(y, {x}, {.create_graph = true})[0];
    EXPECT_NEAR(y.item(), expected, 1e-12);
  }
  EXPECT_THROW(grad(sum(x * x), {parameter({1})}), GradError);
}

TEST(Transforms, JacobianAndHessian) {
  const Tensor x = tensor({1., 2., 3.}, DType::f64);
  const Tensor w = tensor({{1., 2., 3.}, {4., 5., 6.}}, DType::f64);
  EXPECT_EQ(jacobian([&](const Tensor& v) { return matmul(w, v); }, x).to_vector<double>(),
            w.to_vector<double>());
  const Tensor h = hessian([](const Tensor& v) { return sum(v * v * v); }, x);
  EXPECT_EQ(h.to_vector<double>(), (std::vector<double>{6, 0, 0, 0, 12, 0, 0, 0, 18}));
}

TEST(Checkpoint, SameGradientsWithParametersAndDropout) {
  auto run = [](bool use_checkpoint) {
    manual_seed(4);
    Tensor w = randn({5, 5}, DType::f64).set_requires_grad();
    Tensor x = randn({3, 5}, DType::f64).set_requires_grad();
    const TensorFunction f = [&](std::span<const Tensor> in) {
      return Tensors{dropout(relu(matmul(in[0], w)), .3)};
    };
    const Tensor y = use_checkpoint ? checkpoint(f, std::span(&x, 1))[0] : f(std::span(&x, 1))[0];
    sum(y * y).backward();
    Tensors all{y.detach(), x.grad(), w.grad()};
    return concat({reshape(all[0], {-1}), reshape(all[1], {-1}), reshape(all[2], {-1})})
        .to_vector<double>();
  };
  EXPECT_EQ(run(true), run(false));
}

TEST(Custom, GradientIsTheUsers) {
  const CustomFunction twice{
      .name = "twice",
      .forward = [](std::span<const Tensor> in) { return Tensors{in[0] * 2.0}; },
      .backward = [](std::span<const Tensor>, std::span<const Tensor>,
                     std::span<const Tensor> g) { return Tensors{g[0] * 2.0}; }};
  const Tensors x{tensor({1., 2.}, DType::f64)};
  EXPECT_TRUE(gradcheck([&](std::span<const Tensor> in) { return twice(in); }, x).ok());
}

TEST(Gradcheck, CatchesAFactorOfTwo) {
  const CustomFunction wrong{
      .name = "wrong",
      .forward = [](std::span<const Tensor> in) { return Tensors{in[0] * 2.0}; },
      .backward = [](std::span<const Tensor>, std::span<const Tensor>,
                     std::span<const Tensor> g) { return Tensors{g[0] * 4.0}; }};
  const Tensors x{tensor({1., 2.}, DType::f64)};
  const GradcheckReport report =
      gradcheck([&](std::span<const Tensor> in) { return wrong(in); }, x, {.second_order = false});
  EXPECT_EQ(report.checked, 2);
  EXPECT_EQ(report.failures.size(), 2u);
  EXPECT_THAT(report.str(), HasSubstr("ratio 2.000"));
}

TEST(Gradcheck, AcceptsAnySlopeAtAKink) {
  const Tensors x{tensor({0., 1., -1.}, DType::f64)};
  const GradcheckReport report = gradcheck(
      [](std::span<const Tensor> in) { return Tensors{relu(in[0])}; }, x, {.second_order = false});
  EXPECT_TRUE(report.ok()) << report.str();
  EXPECT_EQ(report.kinks, 1);
}

}  // namespace
}  // namespace gradus
