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

Tensor parameter(Literal values) { return tensor(values, DType::f64).set_requires_grad(); }

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

TEST(Backward, HooksMustGiveAGradientOfTheTensor) {
  const auto fails = [](auto hook) {
    Tensor x = parameter({2, 3});
    Tensor y = x * 2.0;
    y.register_hook(hook);
    try {
      sum(y).backward();
      ADD_FAILURE() << "nothing was thrown";
    } catch (const GradError& error) {
      EXPECT_THAT(error.what(), HasSubstr("a hook gave"));
      EXPECT_THAT(error.what(), HasSubstr("for a gradient of f64[2]"));
      EXPECT_THAT(error.what(), HasSubstr("at: autograd_test.cpp:"));
    }
    EXPECT_FALSE(x.grad());
  };
  fails([](const Tensor& g) { return sum(g); });
  fails([](const Tensor& g) { return expand_dims(g, 0); });
  fails([](const Tensor& g) { return astype(g, DType::f32); });
  Tensor leaf = parameter({2, 3});
  leaf.register_hook([](const Tensor& g) { return g.sum({0}, true); });
  EXPECT_THROW(sum(leaf * leaf).backward(), GradError);
  EXPECT_THROW(grad(sum(leaf * leaf), {leaf}), GradError);
}

TEST(Backward, HooksCanBeTakenAway) {
  Tensor x = parameter({2});
  int calls = 0;
  HookHandle counting = x.register_hook([&](const Tensor&) -> Tensor { return ++calls, Tensor(); });
  HookHandle tenfold = x.register_hook([](const Tensor& g) { return g * 10.0; });
  const auto gradient = [&] {
    x.zero_grad();
    sum(x * x).backward();
    return x.grad().item();
  };
  EXPECT_EQ(gradient(), 40);
  tenfold.remove();
  EXPECT_EQ(gradient(), 4);
  tenfold.remove();  // again: nothing
  counting.remove();
  EXPECT_EQ(gradient(), 4);
  EXPECT_EQ(calls, 2);
  {
    Tensor gone = parameter({1});
    tenfold = gone.register_hook([](const Tensor& g) { return g; });
  }
  tenfold.remove();  // after its tensor: nothing
  // A hook that takes itself away and adds another while the list runs.
  HookHandle once;
  once = x.register_hook([&](const Tensor& g) {
    once.remove();
    x.register_hook([](const Tensor& h) { return h * 3.0; });
    return g * 2.0;
  });
  EXPECT_EQ(gradient(), 8);
  EXPECT_EQ(gradient(), 12);
  // Of a computed tensor.
  Tensor y = x * 1.0;
  y.register_hook([](const Tensor& g) { return g * 5.0; }).remove();
  x.zero_grad();
  sum(y).backward();
  EXPECT_EQ(x.grad().item(), 3);
}

TEST(Backward, RetainGradTwiceIsOnce) {
  Tensor x = parameter({2});
  Tensor y = x * x;
  y.retain_grad();
  y.retain_grad();
  sum(y * 3.0).backward();
  EXPECT_EQ(y.grad().item(), 3);
  // After a write in place the gradient kept is that of the new value.
  Tensor z = x * 1.0;
  z.retain_grad();
  z.mul_(2);
  z.retain_grad();
  sum(z * 7.0).backward();
  EXPECT_EQ(z.grad().item(), 7);
}

TEST(Backward, WhatWasRetainedStaysAfterAWriteInPlace) {
  Tensor x = parameter({2});
  Tensor z = x * 1.0;
  z.retain_grad();
  sum(z * 3.0).backward({}, /*keep_graph=*/true);
  z.mul_(2);
  EXPECT_EQ(z.grad().item(), 3);
  z.retain_grad();
  sum(z * 7.0).backward();
  EXPECT_EQ(z.grad().item(), 10);
  z.zero_grad();
  EXPECT_FALSE(z.grad());
}

TEST(Backward, ARetainingTensorMayBeGone) {
  Tensor x = parameter({2});
  Tensor loss;
  {
    const Tensor z = x * 3.0;
    z.retain_grad();
    loss = sum(z);
  }
  loss.backward();
  EXPECT_EQ(x.grad().item(), 3);
}

TEST(Backward, AGradientSetByHandMustFit) {
  Tensor x = parameter({2, 3});
  x.set_grad(tensor({1.}, DType::f64));
  try {
    sum(x * x).backward();
    FAIL();
  } catch (const GradError& error) {
    EXPECT_THAT(error.what(), HasSubstr("the gradient set before is f64[1], its tensor f64[2]"));
  }
  x.set_grad(tensor({1., 1.}, DType::f64));
  sum(x * x).backward();
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{5, 7}));
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

TEST(Transforms, OutputsThatNothingMovesGiveZeros) {
  const Tensor x = tensor({{3., 1.}, {2., 5.}}, DType::f64);
  const TensorFunction f = [](std::span<const Tensor> in) {
    const ValuesIndices top = max(in[0], 1);
    return Tensors{top.indices, top.values, ones({2}, DType::f64)};
  };
  const Tensors u{zeros({2}, DType::i64), tensor({10., 20.}, DType::f64), ones({2}, DType::f64)};
  const auto [value, pulled] = vjp(f, std::span(&x, 1), u);
  EXPECT_EQ(value[0].to_vector<int>(), (std::vector<int>{0, 1}));
  EXPECT_EQ(pulled[0].to_vector<double>(), (std::vector<double>{10, 0, 0, 20}));
  const Tensor v = tensor({{1., 2.}, {3., 4.}}, DType::f64);
  const Tensors pushed = jvp(f, std::span(&x, 1), std::span(&v, 1)).tensors;
  EXPECT_EQ(pushed[0].to_vector<double>(), (std::vector<double>{0, 0}));
  EXPECT_EQ(pushed[0].dtype(), DType::i64);
  EXPECT_EQ(pushed[1].to_vector<double>(), (std::vector<double>{1, 4}));
  EXPECT_EQ(pushed[2].to_vector<double>(), (std::vector<double>{0, 0}));
  const TensorFunction constant = [](std::span<const Tensor>) { return Tensors{ones({3})}; };
  const Tensors w{ones({3})};
  EXPECT_EQ(vjp(constant, std::span(&x, 1), w).tensors[0].to_vector<double>(),
            (std::vector<double>{0, 0, 0, 0}));
  EXPECT_EQ(jvp(constant, std::span(&x, 1), std::span(&v, 1)).tensors[0].to_vector<double>(),
            (std::vector<double>{0, 0, 0}));
  EXPECT_THROW(vjp(f, std::span(&x, 1), std::span(u).first(2)), ShapeError);
}

TEST(Checkpoint, RunsItsFunctionOnceForwardAndOnceBackward) {
  Tensor w = parameter({2, 3});
  const Tensor x = parameter({1, 4});
  int calls = 0;
  const TensorFunction f = [&](std::span<const Tensor> in) {
    ++calls;
    return Tensors{tanh(in[0] * w) * w};
  };
  const Tensor y = checkpoint(f, std::span(&x, 1))[0];
  EXPECT_EQ(calls, 1);
  sum(y).backward();
  EXPECT_EQ(calls, 2);
  NoGrad guard;
  checkpoint(f, std::span(&x, 1));
  EXPECT_EQ(calls, 3);
}

/// f(x) with and without checkpoint: value, first gradients of x and w, and second ones.
void expect_the_same(const std::function<Tensor(const Tensor& x, const Tensor& w)>& f) {
  const auto run = [&](bool kept) {
    const Tensor start = parameter({.3, -.7}), w = parameter({1.5, .5});
    const Tensor x = start * 2.0;  // computed, so that its own history goes on
    const TensorFunction g = [&](std::span<const Tensor> in) { return Tensors{f(in[0], w)}; };
    const Tensor y = kept ? checkpoint(g, std::span(&x, 1))[0] : g(std::span(&x, 1))[0];
    const Tensor loss = sum(y * y) + sum(x);
    Tensors all = grad(loss, {start, w}, {.create_graph = true});
    const Tensor squares = sum(all[0] * all[0]) + sum(all[1]);
    for (const Tensor& second : grad(squares, {start, w}, {.keep_graph = true}))
      all.push_back(second);
    loss.backward();
    all.push_back(start.grad());
    all.push_back(w.grad());
    return concat(all).to_vector<double>();
  };
  const std::vector<double> with = run(true), without = run(false);
  ASSERT_EQ(with.size(), without.size());
  for (std::size_t i = 0; i < with.size(); ++i)
    EXPECT_NEAR(with[i], without[i], 1e-13 * std::max(1., std::abs(without[i]))) << i;
}

TEST(Checkpoint, AnyOrderWithWhatTheFunctionTakesFromOutside) {
  expect_the_same([](const Tensor& x, const Tensor& w) { return tanh(x * w) * x; });
}
TEST(Checkpoint, AnInputThatTheFunctionAlsoTakesFromOutside) {
  const auto run = [](bool kept) {
    const Tensor x = parameter({.3, -.7});
    const TensorFunction f = [&](std::span<const Tensor> in) { return Tensors{in[0] * x * x}; };
    const Tensor y = kept ? checkpoint(f, std::span(&x, 1))[0] : f(std::span(&x, 1))[0];
    sum(y).backward();
    return x.grad().to_vector<double>();
  };
  EXPECT_EQ(run(true), run(false));
}
TEST(Checkpoint, ComputedTensorsFromOutsideKeepTheirOwnPath) {
  const Tensor a = parameter({.3, -.7}), x = parameter({2, 3});
  const Tensor h = a * a;  // used inside and outside
  int hooked = 0;
  h.register_hook([&](const Tensor&) -> Tensor { return ++hooked, Tensor(); });
  const TensorFunction f = [&](std::span<const Tensor> in) { return Tensors{in[0] * h}; };
  sum(checkpoint(f, std::span(&x, 1))[0] + h).backward();
  EXPECT_EQ(hooked, 1);
  EXPECT_NEAR(a.grad().to_vector<double>()[0], 2 * .3 * 3, 1e-15);
  EXPECT_NEAR(a.grad().to_vector<double>()[1], 2 * -.7 * 4, 1e-15);
  EXPECT_EQ(x.grad().to_vector<double>(), h.detach().to_vector<double>());
}
TEST(Checkpoint, WhatIsHandedOnKeepsItsHistory) {
  const Tensor a = parameter({.3, -.7}), x = parameter({2, 3});
  const Tensor h = a * a;
  const TensorFunction f = [&](std::span<const Tensor> in) { return Tensors{h, in[0]}; };
  const Tensors y = checkpoint(f, std::span(&x, 1));
  sum(y[0] * 2.0 + y[1] * 3.0 + h).backward();
  EXPECT_NEAR(a.grad().to_vector<double>()[0], 3 * 2 * .3, 1e-15);
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{3, 3}));
}
TEST(Checkpoint, AThrowInBackwardLeavesTheGeneratorAsItWas) {
  manual_seed(7);
  const Tensor x = parameter({2, 3});
  bool throws = false;
  const TensorFunction f = [&](std::span<const Tensor> in) {
    const Tensor y = dropout(in[0], .5);
    if (throws) throw ValueError("no");
    return Tensors{y};
  };
  const Tensor y = checkpoint(f, std::span(&x, 1))[0];
  (void)rand({3});
  const std::string before = default_generator().state();
  throws = true;
  EXPECT_THROW(sum(y).backward(), ValueError);
  EXPECT_EQ(default_generator().state(), before);
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

// One gradient for each input, an empty one for none: a list that is too short would leave a
// parameter where it is, without a word.
TEST(Custom, BackwardGivesOneGradientForEachInput) {
  std::size_t count = 0;
  const CustomFunction product{
      .name = "product",
      .forward = [](std::span<const Tensor> in) { return Tensors{in[0] * in[1]}; },
      .backward =
          [&](std::span<const Tensor> in, std::span<const Tensor>, std::span<const Tensor> g) {
            Tensors all{g[0] * in[1], Tensor{}, g[0]};
            all.resize(count);
            return all;
          }};
  const auto gradient = [&] {
    Tensors x{parameter({2}), parameter({3})};
    sum(product(x)[0]).backward();
    EXPECT_FALSE(x[1].grad());
    return x[0].grad().item();
  };
  count = 2;
  EXPECT_EQ(gradient(), 3);
  for (std::size_t wrong : {0, 1, 3}) {
    count = wrong;
    EXPECT_THAT(message(gradient),
                HasSubstr("the backward of the custom function 'product' gave " +
                          std::to_string(wrong) + " gradients for its 2 inputs"));
    EXPECT_THAT(message(gradient), HasSubstr("an empty Tensor for none"));
    EXPECT_THROW(gradient(), GradError);
  }
  const Tensor x = parameter({1});
  const CustomFunction nothing{.name = "mine", .forward = {}, .backward = {}};
  EXPECT_THROW(nothing(std::span(&x, 1)), ValueError) << "no forward";
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
