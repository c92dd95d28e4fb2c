// What the host changes while a compiled training runs: a layer's probability, a factor of the
// loss, the state of the optimizer. Each is seen, or named: the bits are those of eager steps.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tests/train/small_training.h>

namespace gradus {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using namespace test;

/// What the trainer says about plans.
struct Listen : Callback {
  void planned(TrainState& s, const compile::Plan& plan) override {
    EXPECT_FALSE(plan.kernels().empty());
    plans_at.push_back(s.step);
  }
  void plan_dropped(TrainState&, const std::string& reason) override { dropped.push_back(reason); }
  void not_compiled(TrainState&, const std::string& reason) override {
    obstacles.push_back(reason);
  }
  std::vector<std::int64_t> plans_at;
  std::vector<std::string> dropped, obstacles;
};

const std::vector<std::pair<std::string, MakeOptimizer>>& rules() {
  using namespace optim;
  static const std::vector<std::pair<std::string, MakeOptimizer>> all{
      {"sgd", maker<SGD>(SGDOptions{.lr = 0.2})},
      {"momentum", maker<SGD>(SGDOptions{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01})},
      {"adam", maker<Adam>(AdamOptions{.lr = 0.01})}};
  return all;
}

TEST(HostChanges, NothingChangesAndThePlansStay) {
  Listen listen;
  nn::Sequential net = small_net(0.2);
  train(rules()[0].second, {}, net, cross_entropy, {&listen});
  // The fourth batch is the second trace; the seventh, of 18, agrees with what is known.
  EXPECT_EQ(listen.plans_at, (std::vector<std::int64_t>{4, 7}));
  EXPECT_THAT(listen.dropped, IsEmpty());
  EXPECT_THAT(listen.obstacles, IsEmpty());
}

TEST(HostChanges, TheProbabilityOfADropoutBetweenEpochs) {
  for (const auto& [name, make] : rules()) {
    const auto run = [&, &make = make](bool compile, double later, Listen& listen) {
      nn::Sequential net = small_net(0.5);
      struct Weaken : Callback {
        nn::Dropout& layer;
        double p;
        Weaken(nn::Dropout& of, double to) : layer(of), p(to) {}
        void before_epoch(TrainState& s) override {
          if (s.epoch == 3) layer.p = p;
        }
      } weaken(dynamic_cast<nn::Dropout&>(net[2]), later);
      return train(make, {.compile = compile}, net, cross_entropy, {&weaken, &listen});
    };
    Listen listen, quiet;
    const Outcome compiled = run(true, 0.1, listen), eager = run(false, 0.1, quiet);
    EXPECT_EQ(compiled, eager) << name;
    EXPECT_NE(compiled, run(true, 0.5, quiet)) << name << ": the change must matter";
    ASSERT_THAT(listen.dropped, SizeIs(1)) << name;
    EXPECT_THAT(listen.dropped[0], HasSubstr("does not make the same calls"));
    EXPECT_EQ(listen.plans_at, (std::vector<std::int64_t>{4, 7, 16, 21})) << name;
  }
}

TEST(HostChanges, AFactorOfTheLossFromEpochToEpoch) {
  for (const auto& [name, make] : rules()) {
    const auto run = [&, &make = make](bool compile, double shrink, Listen& listen) {
      nn::Sequential net = small_net(0.2);
      struct Anneal : Callback {
        double alpha = 1, by;
        explicit Anneal(double factor) : by(factor) {}
        void before_epoch(TrainState&) override { alpha *= by; }
      } anneal(shrink);
      const LossFunction loss = [&](const Tensor& x, const Tensor& y) {
        return cross_entropy(x, y) * anneal.alpha;
      };
      return train(make, {.compile = compile}, net, loss, {&anneal, &listen});
    };
    Listen listen, quiet;
    EXPECT_EQ(run(true, 0.5, listen), run(false, 0.5, quiet)) << name;
    ASSERT_THAT(listen.dropped, SizeIs(1)) << name << ": it is said once";
    EXPECT_THAT(listen.dropped[0], HasSubstr("from outside the operations changes"));
    EXPECT_GE(listen.plans_at.size(), 4u) << "every epoch gets a plan again";
  }
}

TEST(HostChanges, AStateThatIsLoadedInTheMiddle) {
  for (const auto& [name, make] : rules())
    for (const bool is_empty : {false, true}) {  // a state of an optimizer that made no step
      const auto run = [&, &make = make](bool compile) {
        nn::Sequential net = small_net(0.2);
        struct Reload : Callback {
          std::vector<std::pair<std::string, Tensor>> kept;
          bool is_empty;
          explicit Reload(bool empty) : is_empty(empty) {}
          void keep(optim::Optimizer& o) {
            for (auto& [key, value] : o.state_dict()) kept.emplace_back(key, clone(value));
          }
          void before_fit(TrainState& s) override {
            if (is_empty) keep(s.optimizer);
          }
          void after_batch(TrainState& s) override {
            if (!is_empty && s.step == 3) keep(s.optimizer);
            if (s.step == 12) s.optimizer.load_state_dict(kept);
          }
        } reload(is_empty);
        return train(make, {.compile = compile}, net, cross_entropy, {&reload});
      };
      EXPECT_EQ(run(true), run(false)) << name << (is_empty ? ", empty" : "");
    }
}

TEST(HostChanges, LoadedStateGoesIntoTheTensorsThatAreThere) {
  nn::Sequential net = small_net(0);
  optim::SGD optimizer(net.parameters(), {.lr = 0.1, .momentum = 0.9});
  const auto step = [&] {
    cross_entropy(net(ones({4, 6})), zeros({4}, DType::i64)).backward();
    optimizer.step();
    optimizer.zero_grad();
  };
  step();
  std::vector<std::pair<std::string, Tensor>> saved;
  for (auto& [name, value] : optimizer.state_dict()) saved.emplace_back(name, clone(value));
  const auto before = optimizer.state_dict();
  step();
  optimizer.load_state_dict(saved);
  const auto after = optimizer.state_dict();
  ASSERT_EQ(after.size(), saved.size());
  for (std::size_t i = 0; i < after.size(); ++i) {
    EXPECT_EQ(after[i].second.to_vector<double>(), saved[i].second.to_vector<double>());
    if (after[i].first.ends_with("momentum")) {
      EXPECT_EQ(after[i].second.storage(), before[i].second.storage()) << after[i].first;
      EXPECT_NE(after[i].second.storage(), saved[i].second.storage()) << "a copy, not the caller's";
    }
  }
}

/// Its way depends on an element that it reads without asking anybody.
struct Peek : nn::Module {
  nn::Linear a{6, 3}, b{6, 3};
  GRADUS_FIELDS(a, b)
  Tensor forward(const Tensor& x) override {
    const Tensor mean_of_all = mean(x);
    return mean_of_all.data<float>()[0] > 0 ? a(x) : b(x);
  }
};

TEST(HostChanges, ABranchOnAnElementIsNamed) {
  Listen listen;
  const auto run = [&](bool compile) {
    manual_seed(3);
    Peek net;
    return train(rules()[1].second, {.compile = compile}, net, cross_entropy, {&listen});
  };
  const Outcome compiled = run(true);
  ASSERT_THAT(listen.obstacles, SizeIs(1));
  EXPECT_THAT(listen.obstacles[0],
              HasSubstr("a computed f32[] was read by data() after 'mean' at host_changes_test"));
  EXPECT_EQ(compiled, run(false));
}

TEST(HostChanges, ALayerThatIsReplacedBetweenEpochs) {
  const auto run = [&](bool compile) {
    nn::Sequential net = small_net(0);
    struct Swap : Callback {
      nn::Linear& layer;
      explicit Swap(nn::Linear& of) : layer(of) {}
      void before_epoch(TrainState& s) override {  // the optimizer goes on with the old one
        if (s.epoch == 3) layer.bias = full({3}, 0.25).set_requires_grad();
      }
    } swap(dynamic_cast<nn::Linear&>(net[3]));
    return train(rules()[0].second, {.compile = compile}, net, cross_entropy, {&swap});
  };
  EXPECT_EQ(run(true), run(false));
}

}  // namespace
}  // namespace gradus
