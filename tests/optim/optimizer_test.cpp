// Update rules against PyTorch 2.x: 20 steps on a small function in f64, values printed by it.
#include <gtest/gtest.h>

#include <gradus/gradus.h>

namespace gradus::optim {
namespace {

template <class Make>
void expect_like_torch(Make&& make, std::vector<double> torch) {
  Tensor p = tensor({1., -2., 3.}, DType::f64).set_requires_grad();
  auto optimizer = make(Tensors{p});
  for (int step = 0; step < 20; ++step) {
    optimizer.zero_grad();
    sum(square(p) * tensor({1., 2., .5}, DType::f64) + sin(p)).backward();
    optimizer.step();
  }
  const std::vector<double> ours = p.to_vector<double>();
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(ours[i], torch[i], 1e-12);
}

TEST(Optimizer, Sgd) {
  expect_like_torch(
      [](Tensors p) { return SGD(p, {.lr = .1, .momentum = .9, .weight_decay = .01}); },
      {-0.7918338800091577, -0.4846548897749876, 0.07228963693417717});
}
TEST(Optimizer, Nesterov) {
  expect_like_torch([](Tensors p) { return SGD(p, {.lr = .1, .momentum = .9, .nesterov = true}); },
                    {-0.4651202642998967, -0.24052063046946204, -0.6567768305166227});
}
TEST(Optimizer, Adam) {
  expect_like_torch([](Tensors p) { return Adam(p, {.lr = .1, .weight_decay = .01}); },
                    {-0.648094050867004, -0.28798595263964577, 1.044394700613693});
}
TEST(Optimizer, AdamW) {
  expect_like_torch([](Tensors p) { return AdamW(p, {.lr = .1, .weight_decay = .01}); },
                    {-0.6485203738480203, -0.2731925320907, 1.0026392655107532});
}

TEST(Optimizer, RefusesWhatCannotBe) {
  Tensor p = zeros({2}).set_requires_grad();
  EXPECT_THROW(SGD({p}, {.lr = NAN}), ValueError);
  EXPECT_THROW(SGD({p}, {.lr = .1, .nesterov = true}), ValueError);
  EXPECT_THROW(SGD({zeros({2})}, {.lr = .1}), GradError);
  EXPECT_THROW(SGD(Tensors{}, {.lr = .1}), ValueError);
  EXPECT_THROW(SGD(Tensors{Tensor()}, {.lr = .1}), GradError);
}

TEST(Optimizer, RefusesAParameterGivenTwice) {
  Tensor p = zeros({2}).set_requires_grad(), q = zeros({2}).set_requires_grad();
  p.set_name("p");
  try {
    SGD(Tensors{p, q, p}, {.lr = .1});
    FAIL();
  } catch (const ValueError& error) {
    EXPECT_NE(std::string(error.what()).find("the parameter 'p' f32[2] twice"), std::string::npos)
        << error.what();
  }
  EXPECT_THROW(Adam(std::vector<Group>{{{p}, .1, 0}, {{q, p}, .2, 0}}, {}), ValueError);
  EXPECT_NO_THROW(Adam(std::vector<Group>{{{p}, .1, 0}, {{q}, .2, 0}}, {}));
}

TEST(Optimizer, RefusesAGradientThatDoesNotFit) {
  Tensor p = tensor({1., 2.}).set_requires_grad(), q = tensor({1., 2.}).set_requires_grad();
  SGD optimizer({p, q}, {.lr = .1});
  p.set_grad(ones({2}));
  q.set_grad(ones({1}));
  EXPECT_THROW(optimizer.step(), GradError);
  EXPECT_EQ(p.to_vector<double>(), (std::vector<double>{1, 2})) << "nothing was changed";
}

TEST(Optimizer, StateContinues) {
  auto run = [](bool interrupt) {
    Tensor p = tensor({1., 2.}, DType::f64).set_requires_grad();
    auto optimizer = std::make_unique<Adam>(Tensors{p}, AdamOptions{.lr = .1});
    for (int step = 0; step < 6; ++step) {
      if (interrupt && step == 3) {
        const auto state = optimizer->state_dict();
        optimizer = std::make_unique<Adam>(Tensors{p}, AdamOptions{.lr = .1});
        optimizer->load_state_dict(state);
      }
      optimizer->zero_grad();
      sum(p * p * p).backward();
      optimizer->step();
    }
    return p.to_vector<double>();
  };
  EXPECT_EQ(run(true), run(false));
}

TEST(Optimizer, ClipsTheJointNorm) {
  Tensor a = zeros({2}).set_requires_grad(), b = zeros({1}).set_requires_grad();
  a.set_grad(tensor({3., 0.}));
  b.set_grad(tensor({4.}));
  EXPECT_NEAR(clip_grad_norm({a, b}, 1), 5, 1e-6);
  EXPECT_NEAR(a.grad()[0].item(), .6, 1e-6);
}

TEST(Schedule, OneCycleIsPyTorchs) {
  const std::pair<std::int64_t, double> torch[] = {
      {0, 0.020000000000000018}, {3, 0.3341640786499874}, {5, 0.5},
      {6, 0.49373200311754367},  {12, 0.250001},          {19, 2e-06}};
  for (const auto& [step, lr] : torch) EXPECT_NEAR(one_cycle(.5, step, 20), lr, 1e-12) << step;
  EXPECT_NEAR(cosine(.5, 10, 20), .25, 1e-12);
}

}  // namespace
}  // namespace gradus::optim
