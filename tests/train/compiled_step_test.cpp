// Compiled training has the bits of eager training, for every update rule, with schedules and
// dropout; what a plan cannot know makes it step aside.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include <gradus/kernels/threads.h>
#include <tests/train/small_training.h>

namespace gradus {
namespace {

using test::MakeOptimizer;
using test::maker;
using test::Outcome;
using test::spirals;
using test::train;

using testing::HasSubstr;
using testing::Not;

TEST(CompiledStep, EveryRuleAndScheduleHasEagerBits) {
  using namespace optim;
  const std::vector<std::pair<std::string, MakeOptimizer>> rules{
      {"sgd", maker<SGD>(SGDOptions{.lr = 0.2})},
      {"momentum", maker<SGD>(SGDOptions{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01})},
      {"nesterov", maker<SGD>(SGDOptions{.lr = 0.1, .momentum = 0.9, .nesterov = true})},
      {"adam", maker<Adam>(AdamOptions{.lr = 0.01, .weight_decay = 0.01})},
      {"adamw", maker<AdamW>(AdamOptions{.lr = 0.01, .weight_decay = 0.1})}};
  for (const auto& [name, make] : rules)
    for (const auto schedule : {constant, cosine, one_cycle}) {
      const Outcome compiled = train(make, {.schedule = schedule});
      const Outcome eager = train(make, {.schedule = schedule, .compile = false});
      EXPECT_EQ(compiled, eager) << name;
      EXPECT_THAT(compiled.plan, HasSubstr("matmul")) << name;
      EXPECT_EQ(eager.plan, "");
    }
}

TEST(CompiledStep, BitsDoNotDependOnThreads) {
  const MakeOptimizer make = maker<optim::Adam>(optim::AdamOptions{.lr = 0.01});
  const Outcome one = train(make, {});
  for (int n : {2, 3, 4, 8}) {
    kernels::set_num_threads(n);
    EXPECT_EQ(train(make, {}), one) << n;
  }
  kernels::set_num_threads(0);
}

TEST(CompiledStep, ACallbackThatNeedsGradientsGetsThem) {
  struct Clip : Callback {
    void before_step(TrainState& state) override {
      norms.push_back(optim::clip_grad_norm(state.net.parameters(), 0.5));
    }
    std::vector<double> norms;
  } clip, again;
  const MakeOptimizer make = maker<optim::SGD>(optim::SGDOptions{.lr = 0.2});
  const Outcome compiled = train(make, {}, 0.2, &clip);
  EXPECT_EQ(clip.norms.size(), 28u) << "every batch of four epochs";
  EXPECT_EQ(compiled.plan, "");
  EXPECT_EQ(compiled, train(make, {.compile = false}, 0.2, &again));
  EXPECT_EQ(clip.norms, again.norms);
}

TEST(CompiledStep, AFrozenLayerAndAChangedDecayAreSeen) {
  struct Freeze : Callback {
    void after_batch(TrainState& state) override {
      if (state.step == 12) state.net.parameters()[0].set_requires_grad(false);
      if (state.step == 18) state.optimizer.groups()[0].weight_decay = 0.3;
    }
  } freeze;
  const MakeOptimizer make = maker<optim::SGD>(optim::SGDOptions{.lr = 0.2});
  const Outcome compiled = train(make, {}, 0, &freeze);
  EXPECT_NE(compiled, train(make, {}, 0));
  EXPECT_EQ(compiled, train(make, {.compile = false}, 0, &freeze));
}

TEST(CompiledStep, ALayerInAnotherModeIsSeen) {
  struct NoDropout : Callback {
    void before_epoch(TrainState& state) override {
      if (state.epoch >= 3) state.net.for_each_module([](nn::Module& m) { m.eval(); });
    }
  } off;
  const MakeOptimizer make = maker<optim::SGD>(optim::SGDOptions{.lr = 0.2});
  const Outcome compiled = train(make, {}, 0.5, &off);
  EXPECT_NE(compiled, train(make, {}, 0.5));
  EXPECT_EQ(compiled, train(make, {.compile = false}, 0.5, &off));
}

/// Pictures with a share of numbers that are not zero, and a net whose first product is wide enough
/// to pass over the others. The first epochs see none, then a callback plants an infinity.
Outcome train_on_pictures(double density, FitOptions options, bool with_infinity = false) {
  manual_seed(5);
  const Tensor dense = randn({200, 100}), draw = rand({200, 100});
  const Tensor x = dense * astype(draw < density, DType::f32);
  const Tensor y = argmax(dense[{all, Slice{0, 3}}], 1);
  const auto data = std::make_shared<data::TensorDataset>(x, y);
  manual_seed(3);
  nn::Sequential net{nn::Linear(100, 40), nn::ReLU(), nn::Linear(40, 3)};
  optim::SGD optimizer(net.parameters(), {.lr = 0.1});
  struct Plant : Callback {
    void after_batch(TrainState& state) override {
      if (state.step == 12) state.net.parameters()[0].data<float>()[7] = INFINITY;
    }
  } plant;
  manual_seed(11);
  options.epochs = 3;
  Trainer trainer(net, optimizer, cross_entropy);
  if (with_infinity) trainer.with(plant);
  Outcome outcome;
  for (const EpochRecord& r :
       trainer.fit(data::DataLoader(data, {.batch_size = 32, .shuffle = true}), options))
    outcome.losses.push_back(std::isnan(r.train_loss) ? -1 : r.train_loss);
  for (const Tensor& p : net.parameters()) {
    std::vector<float> values = p.to_vector<float>();
    for (float& v : values)
      if (std::isnan(v)) v = 12345;  // equal to itself
    outcome.parameters.push_back(values);
  }
  outcome.plan = trainer.plan();
  return outcome;
}

TEST(CompiledStep, PassingOverZerosChangesNoBit) {
  for (const bool with_infinity : {false, true})
    for (const double density : {0.0, 0.19, 0.9}) {
      const Outcome skipping = train_on_pictures(density, {}, with_infinity);
      const Outcome dense = train_on_pictures(density, {.skip_zeros = false}, with_infinity);
      EXPECT_EQ(skipping, dense) << density;
      EXPECT_EQ(skipping, train_on_pictures(density, {.compile = false}, with_infinity)) << density;
      EXPECT_THAT(skipping.plan,
                  HasSubstr(density < 0.5 ? "pass over its zeros" : "do not pass over its zeros"));
      EXPECT_THAT(dense.plan, Not(HasSubstr("zeros")));
      for (const int threads : {2, 3}) {
        kernels::set_num_threads(threads);
        EXPECT_EQ(skipping, train_on_pictures(density, {}, with_infinity)) << threads;
      }
      kernels::set_num_threads(0);
    }
}

/// Its way depends on its values.
struct Fickle : nn::Module {
  nn::Linear a{6, 3}, b{6, 3};
  GRADUS_FIELDS(a, b)
  Tensor forward(const Tensor& x) override { return sum(x).item() > 0 ? a(x) : b(x); }
};

TEST(CompiledStep, ANetThatBranchesRunsStepByStepAndSaysSoOnce) {
  struct Listen : Callback {
    void not_compiled(TrainState&, const std::string& reason) override {
      reasons.push_back(reason);
    }
    std::vector<std::string> reasons;
  } listen;
  const auto run = [&](bool compile) {
    const auto data = spirals();
    manual_seed(3);
    Fickle net;
    optim::SGD optimizer(net.parameters(), {.lr = 0.1, .momentum = 0.5});
    manual_seed(11);
    Trainer(net, optimizer, cross_entropy)
        .with(listen)
        .fit(data::DataLoader(data, {.batch_size = 32, .shuffle = true}),
             {.epochs = 3, .compile = compile});
    std::vector<std::vector<float>> parameters;
    for (const Tensor& p : net.parameters()) parameters.push_back(p.to_vector<float>());
    return parameters;
  };
  const auto compiled = run(true);
  ASSERT_EQ(listen.reasons.size(), 1u);
  EXPECT_THAT(listen.reasons[0], HasSubstr("read by item() at compiled_step_test.cpp"));
  EXPECT_EQ(compiled, run(false));
}

}  // namespace
}  // namespace gradus
