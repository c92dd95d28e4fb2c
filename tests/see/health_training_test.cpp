// Rules about training: loops that are right and look wrong, and the reverse.
#include <gradus/autograd/backward.h>
#include <gradus/nn/layers.h>
#include <gradus/ops/ops.h>
#include <gradus/optim/optimizer.h>
#include <gradus/see/health_inputs.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include <tests/see/health_of.h>

using namespace gradus;
using test::health_of;
using testing::HasSubstr;

namespace {

nn::Sequential small_net() {
  manual_seed(1);
  return nn::Sequential{nn::Linear(8, 16), nn::ReLU(), nn::Linear(16, 4)};
}
Tensor loss_of(nn::Sequential& net) {
  return cross_entropy(net(randn({32, 8})), randint(0, 4, {32}));
}

/// Four steps of a net, with or without zero_grad; between backward and update `change`.
template <class F>
std::string steps_of(bool zero, F&& change, const see::HealthOptions& options = {}) {
  nn::Sequential net = small_net();
  optim::SGD sgd(net.parameters(), {.lr = 0.01});
  return health_of(
      [&] {
        for (int step = 0; step < 4; ++step) {
          if (zero) sgd.zero_grad();
          loss_of(net).backward();
          change(net.parameters());
          sgd.step();
        }
      },
      options);
}

TEST(HealthTraining, T1OfGradientsThatWereClippedOrScaled) {
  const auto clip = [](const Tensors& p) { optim::clip_grad_norm(p, 0.1); };
  const auto scale = [](const Tensors& p) {
    const NoGrad guard;
    for (const Tensor& one : p) Tensor(one).set_grad(one.grad() * 0.1);
  };
  const auto in_place = [](const Tensors& p) {
    const NoGrad guard;
    for (const Tensor& one : p) one.grad().mul_(0.1);
  };
  const std::string told = "T1 warn   0.weight.g still holds step 0 when step 1 adds to it";
  EXPECT_THAT(steps_of(false, clip), HasSubstr(told));
  EXPECT_THAT(steps_of(false, scale), HasSubstr(told));
  EXPECT_THAT(steps_of(false, in_place), HasSubstr(told));
  EXPECT_EQ(steps_of(true, clip), "");
  EXPECT_EQ(steps_of(true, scale), "");
  EXPECT_EQ(steps_of(true, in_place), "");
}

TEST(HealthTraining, T1IsSilentWhereTheSumIsZeroedBeforeItIsUsed) {
  manual_seed(1);
  nn::Sequential maker{nn::Linear(8, 16), nn::ReLU(), nn::Linear(16, 4)},
      judge{nn::Linear(4, 16), nn::ReLU(), nn::Linear(16, 1)};
  optim::SGD of_maker(maker.parameters(), {.lr = 1e-3}), of_judge(judge.parameters(), {.lr = 1e-3});
  const auto gan = [&](bool zero) {
    return health_of([&] {
      const Tensor yes = ones({32, 1}), no = zeros({32, 1});
      for (int step = 0; step < 3; ++step) {
        if (zero) of_judge.zero_grad();
        const Tensor made = maker(randn({32, 8}));
        (binary_cross_entropy_with_logits(judge(randn({32, 4})), yes) +
         binary_cross_entropy_with_logits(judge(made.detach()), no))
            .backward();
        of_judge.step();
        of_maker.zero_grad();
        binary_cross_entropy_with_logits(judge(made), yes).backward();
        of_maker.step();
      }
    });
  };
  EXPECT_EQ(gan(true), "");
  EXPECT_THAT(gan(false), HasSubstr("T1 warn"));
}

TEST(HealthTraining, T1ComparesAccumulateWithWhatAddedUp) {
  const auto nothing = [](const Tensors&) {};
  EXPECT_THAT(steps_of(false, nothing, {.accumulate = 2}),
              HasSubstr("T1 warn   0.weight.g still holds step 1 when step 2 adds to it"));
  EXPECT_EQ(steps_of(false, nothing, {.accumulate = 4}), "");
}

TEST(HealthTraining, T2IsSilentOfABodyUnderNoGrad) {
  manual_seed(1);
  const auto tune = [](bool frozen) {
    nn::Sequential body{nn::Linear(8, 16), nn::ReLU()}, head{nn::Linear(16, 4)};
    optim::SGD sgd(head.parameters(), {.lr = 0.01});
    return health_of([&] {
      for (int step = 0; step < 3; ++step) {
        sgd.zero_grad();
        const Tensor x = randn({32, 8});
        const Tensor h = frozen ? no_grad([&] { return body(x); }) : body(x).detach();
        cross_entropy(head(h), randint(0, 4, {32})).backward();
        sgd.step();
      }
    });
  };
  EXPECT_EQ(tune(true), "");
  EXPECT_THAT(tune(false), HasSubstr("T2 warn   0.weight has not changed for 3 steps"));
}

/// A body under no_grad, which an optimizer owns or not; its last step may run without no_grad.
TEST(HealthTraining, T2OfANoGradByMistake) {
  manual_seed(1);
  const auto train = [](bool owns_body, bool leaves, bool looks) {
    nn::Sequential body{nn::Linear(8, 16), nn::ReLU()}, head{nn::Linear(16, 4)};
    Tensors owned = head.parameters();
    if (owns_body)
      for (const Tensor& p : body.parameters()) owned.push_back(p);
    optim::SGD sgd(owned, {.lr = 0.01});
    return health_of([&] {
      for (int step = 0; step < 3; ++step) {
        sgd.zero_grad();
        const Tensor x = randn({32, 8});
        const bool is_held = !(leaves && step == 2);
        const Tensor h = is_held ? no_grad([&] { return body(x); }) : body(x);
        cross_entropy(head(h), randint(0, 4, {32})).backward();
        sgd.step();
        if (looks) no_grad([&] { return head(body(x)); });  // evaluation
      }
    });
  };
  const std::string mistake =
      " has not changed for 4 steps: an optimizer owns it, but it is used under no_grad alone, "
      "where "
      "no gradient comes back. Take the no_grad away; if it shall stay as it is, leave it out of "
      "the "
      "optimizer.\n";
  EXPECT_EQ(train(true, false, true),
            "T2 warn   0.weight" + mistake + "T2 warn   0.bias" + mistake);
  EXPECT_EQ(train(false, false, true), "");  // a frozen body, meant
  EXPECT_EQ(train(true, true, true), "");    // frozen for two steps, then not
}

/// The whole forward pass under no_grad, and a loss that is made a leaf so that backward() runs;
/// said of a tape that was saved, too.
TEST(HealthTraining, T2OfALossThatWasMadeALeaf) {
  const auto train = [](bool by_mistake) {
    manual_seed(1);
    Tensor w = ones({4, 1}).set_requires_grad().set_name("w");
    optim::SGD sgd({w}, {.lr = 0.01});
    const Tensor x = rand({8, 4});
    see::Recorder recorder({.level = see::TapeLevel::full});
    for (int step = 0; step < 3; ++step) {
      sgd.zero_grad();
      const auto loss = [&] { return mean(square(matmul(x, w))); };
      if (by_mistake)
        no_grad(loss).set_requires_grad().backward();
      else
        loss().backward();
      sgd.step();
    }
    no_grad([&] { return matmul(x, w); });  // evaluation
    recorder.finish();
    const std::string path = testing::TempDir() + "no_grad.tape";
    see::save_tape(path, recorder.tape());
    const std::string text = see::health_text(see::health(recorder.tape()));
    EXPECT_EQ(see::health_text(see::health(see::open_tape(path))), text);
    return text;
  };
  EXPECT_THAT(train(true), HasSubstr("an optimizer owns it, but it is used under no_grad alone"));
  EXPECT_THAT(train(false), testing::Not(HasSubstr("T2")));
}

/// Steps of plain gradient descent on the mean square of x w.
std::string descend(const Tensor& x, const Ints& shape, double rate, int steps) {
  Tensor w = ones(shape).set_requires_grad().set_name("w");
  optim::SGD sgd({w}, {.lr = rate});
  return health_of([&] {
    for (int step = 0; step < steps; ++step) {
      sgd.zero_grad();
      mean(square(shape.empty() ? x * w : matmul(x, w))).backward();
      sgd.step();
    }
  });
}

TEST(HealthTraining, X1OfVectorsAndNumbers) {
  manual_seed(1);
  const Tensor x = rand({32, 4}), numbers = rand({32}) * 3;
  EXPECT_THAT(descend(x, {4}, 5, 4), HasSubstr("in one step at lr 5; w moved by"));
  EXPECT_THAT(descend(numbers, {}, 5, 4), HasSubstr("in one step at lr 5; w moved by"));
  EXPECT_EQ(descend(x, {4}, 0.1, 40), "");
  EXPECT_EQ(descend(numbers, {}, 0.01, 40), "");
}

TEST(HealthTraining, X1OfALossThatGrowsSlowly) {
  manual_seed(1);
  const Tensor x = rand({32, 4});
  EXPECT_THAT(descend(x, {4, 1}, 0.97, 40),
              testing::MatchesRegex("X1 warn   loss [0-9.]+ -> [0-9.]+ \\(x[0-9.]+\\) in [0-9]+ "
                                    "steps at lr 0.97; w moved by [0-9.]+ % of its length in the "
                                    "last \\(healthy: about 0.1 %\\). Lower lr: at [0-9.e-]+ it "
                                    "moves by 0.1 %.\n"));
  EXPECT_EQ(descend(x, {4, 1}, 0.8, 40), "");
  // Single rows: losses go up and down by more than ten times, and fall.
  Tensor w = Tensor(ones({4, 1}) * 0.5).set_requires_grad().set_name("w");
  optim::SGD sgd({w}, {.lr = 0.05});
  EXPECT_EQ(health_of([&] {
              for (int step = 0; step < 200; ++step) {
                sgd.zero_grad();
                const Tensor row = randn({1, 4});
                mse(matmul(row, w), sum(row, {1}, true)).backward();
                sgd.step();
              }
            }),
            "");
}

/// One row a step, whose loss is low or high by chance, from a weight of any length.
std::string descend_by_rows(double length, double rate, bool has_bias, int seed) {
  manual_seed(static_cast<std::uint64_t>(seed));
  Tensor w = Tensor(ones({1, 4}) * length).set_requires_grad().set_name("w");
  Tensor b = zeros({1, 1}).set_requires_grad().set_name("b");
  optim::SGD sgd({w, b}, {.lr = rate});
  return health_of([&] {
    for (int step = 0; step < 40; ++step) {
      sgd.zero_grad();
      const Tensor row = randn({1, 4});
      const Tensor y = matmul(row, w.T());
      mse(has_bias ? y + b : y, sum(row, {1}, true)).backward();
      sgd.step();
    }
  });
}

TEST(HealthTraining, X1OfATinyFirstWeightAsksWhetherTheStepOvershoots) {
  for (const double length : {0., 1e-6, 1e-3, 0.5})
    for (const bool has_bias : {false, true})
      for (int seed = 1; seed <= 10; ++seed) {
        SCOPED_TRACE(testing::Message() << length << " " << has_bias << " " << seed);
        EXPECT_EQ(descend_by_rows(length, 0.02, has_bias, seed), "");
        EXPECT_THAT(descend_by_rows(length, 2, has_bias, seed), HasSubstr("X1 warn"));
      }
}

TEST(HealthTraining, X1OfAWeightThatWasZero) {
  manual_seed(1);
  const Tensor x = rand({32, 4});
  const auto train = [&](double rate) {
    Tensor w = zeros({4, 1}).set_requires_grad().set_name("w");
    optim::SGD sgd({w}, {.lr = rate});
    return health_of([&] {
      for (int step = 0; step < 2; ++step) {
        sgd.zero_grad();
        mse(matmul(x, w), ones({32, 1})).backward();
        sgd.step();
      }
    });
  };
  EXPECT_THAT(
      train(20),
      testing::MatchesRegex("X1 warn   loss 1 -> [0-9.]+ \\(x[0-9.e+]+\\) in one step at lr 20; w, "
                            "which was 0, got a length of [0-9.]+. Lower the learning rate.\n"));
  EXPECT_EQ(train(0.1), "");
}

/// A vector that is a weight goes too far beside a matrix that does not.
TEST(HealthTraining, X1OfAVectorBesideAMatrix) {
  manual_seed(1);
  const Tensor x = rand({32, 4});
  const auto train = [&](double rate) {
    Tensor frame = ones({4, 4}).set_requires_grad().set_name("frame"),
           v = ones({4}).set_requires_grad().set_name("v");
    optim::SGD slow({frame}, {.lr = 1e-4}), fast({v}, {.lr = rate});
    return health_of([&] {
      for (int step = 0; step < 3; ++step) {
        slow.zero_grad(), fast.zero_grad();
        mean(square(matmul(matmul(x, frame), v))).backward();
        slow.step(), fast.step();
      }
    });
  };
  EXPECT_THAT(train(5), HasSubstr("in one step at lr 5; v moved by"));
  EXPECT_EQ(train(1e-3), "");
}

TEST(HealthTraining, X1ComparesLossesOfOneObjective) {
  manual_seed(1);
  Tensor w = ones({4, 1}).set_requires_grad(), v = ones({4, 1}).set_requires_grad();
  optim::SGD one({w}, {.lr = 0.1}), other({v}, {.lr = 0.1});
  const Tensor x = rand({32, 4});
  EXPECT_EQ(health_of([&] {
              for (int step = 0; step < 4; ++step) {
                one.zero_grad();
                (mean(square(matmul(x, w))) * 0.01).backward();
                one.step();
                other.zero_grad();
                (mean(square(matmul(x, v))) + 0 * sum(w.detach())).backward();
                other.step();
              }
            }),
            "");
}

TEST(HealthTraining, X2OfALastLayerThatStartsAtZero) {
  const auto train = [](int steps, double scale) {
    manual_seed(1);
    Tensors w;
    for (int layer = 0; layer < 3; ++layer)
      w.push_back(Tensor(randn({8, 8}) * (layer == 2 ? scale : 0.3)).set_requires_grad());
    optim::SGD sgd(w, {.lr = 0.1});
    return health_of([&] {
      for (int step = 0; step < steps; ++step) {
        sgd.zero_grad();
        Tensor h = rand({32, 8});
        for (const Tensor& one : w) h = tanh(matmul(h, one));
        mean(square(h - 1)).backward();
        sgd.step();
      }
    });
  };
  EXPECT_EQ(train(1, 0), "");
  EXPECT_EQ(train(3, 0), "");
}

/// Two relus without names, of which the first or the second dies.
TEST(HealthTraining, D1TellsRelusApart) {
  const auto die = [](const std::string& which) {
    manual_seed(1);
    Tensor w1 = Tensor(rand({4, 10}) * 0.3).set_requires_grad().set_name("w1"),
           w2 = Tensor(rand({4, 10}) * 0.3).set_requires_grad().set_name("w2");
    const Tensor x = rand({600, 4});
    optim::SGD one({w1}, {.lr = which == "w1" ? 100. : 1e-5}),
        other({w2}, {.lr = which == "w2" ? 100. : 1e-5});
    return health_of([&] {
      for (int step = 0; step < 3; ++step) {
        one.zero_grad(), other.zero_grad();
        (sum(relu(matmul(x, w1))) / 600 + sum(relu(matmul(x, w2))) / 600).backward();
        one.step(), other.step();
      }
    });
  };
  for (const std::string which : {"w1", "w2"})
    EXPECT_EQ(die(which),
              "D1 warn   relu after " + which +
                  ": 10 of 10 units are 0 for all 1200 rows since step 1 (0 before "
                  "it, lr 100): they get gradient 0 and cannot recover. Lower lr; bound "
                  "the init; leaky_relu.\n");
}

/// Half of the units die in one step, the rest in the next: none lives on. Those that are dead from
/// the start are no surprise of a step.
TEST(HealthTraining, D1CountsTheUnitsThatAreDeadAtTheEnd) {
  const auto die = [](std::int64_t at_start, std::int64_t first, std::int64_t rest) {
    Tensor w = ones({4, 10}).set_requires_grad();
    const Tensor x = rand({300, 4});
    return health_of([&] {
      for (int step = 0; step < 6; ++step) {
        const NoGrad guard;
        const std::int64_t dead = step == 0 ? at_start : step == 1 ? first : rest;
        w[{all, Slice{0, dead}}].copy_(full({4, dead}, -1));
        const GradMode recording(true);
        sum(relu(matmul(x, w))).backward();
        w.zero_grad();
      }
    });
  };
  const std::string end =
      ": they get gradient 0 and cannot recover. Lower lr; bound the init; "
      "leaky_relu.\n";
  EXPECT_EQ(
      die(0, 5, 10),
      "D1 warn   relu: 10 of 10 units are 0 for all 1200 rows since step 2 (5 since step 1, 0 "
      "before it)" +
          end);
  EXPECT_EQ(die(2, 6, 9),
            "D1 warn   relu: 9 of 10 units are 0 for all 1200 rows since step 2 (6 since step 1, 2 "
            "before it)" +
                end);
  EXPECT_EQ(
      die(2, 6, 6),
      "D1 warn   relu: 6 of 10 units are 0 for all 1500 rows since step 1 (2 before it)" + end);
}

TEST(HealthTraining, D1OfUnitsThatAreDeadFromTheStart) {
  const auto start = [](double bias) {
    manual_seed(1);
    Tensor w = Tensor(randn({8, 16}) * 0.3).set_requires_grad(),
           b = full({16}, bias).set_requires_grad();
    optim::SGD sgd({w, b}, {.lr = 1e-3});
    return health_of([&] {
      for (int step = 0; step < 3; ++step) {
        sgd.zero_grad();
        mean(square(relu(matmul(randn({600, 8}), w) + b))).backward();
        sgd.step();
      }
    });
  };
  EXPECT_EQ(start(-20),
            "D1 warn   relu: 16 of 16 units are 0 for all 1800 rows since the start: they get "
            "gradient 0 and cannot recover. Bound the init; leaky_relu.\n");
  EXPECT_EQ(start(0), "");
}

TEST(HealthTraining, F1FollowsFlattenAndKeepsNetsApart) {
  const auto flat = [](std::int64_t rows) {
    nn::Sequential net{nn::Flatten(), nn::Linear(64, 4)};
    Tensor x = rand({64, 8, 8});
    x[{all, Slice{0, rows}}].copy_(zeros({64, rows, 8}));
    return health_of([&] { mean(net(x)).backward(); });
  };
  EXPECT_EQ(flat(1),
            "F1 note   8 of 64 inputs are 0 in all 64 rows: 32 weights of layer 1 get gradient "
            "exactly 0.\n");
  EXPECT_EQ(flat(0), "");
  nn::Sequential a{nn::Linear(16, 4)}, b{nn::Linear(16, 4)};
  Tensor x = rand({64, 16});
  const Tensor whole = rand({64, 16});
  x[{all, Slice{0, 8}}].copy_(zeros({64, 8}));
  EXPECT_EQ(health_of([&] { (mean(a(x)) + mean(b(whole))).backward(); }),
            "F1 note   8 of 16 inputs are 0 in all 64 rows: 32 weights of layer 0 get gradient "
            "exactly 0.\n");
}

TEST(HealthTraining, F1OfSeveralTapesIsOfAllRows) {
  nn::Sequential net{nn::Linear(16, 4)};
  const auto tape_of = [&](std::int64_t silent) {
    Tensor x = rand({64, 16});
    x[{all, Slice{0, silent}}].copy_(zeros({64, silent}));
    see::Recorder recorder({.level = see::TapeLevel::full});
    mean(net(x)).backward();
    recorder.finish();
    return recorder.tape();
  };
  see::SilentInputs inputs;
  inputs.see(tape_of(8));
  EXPECT_EQ(inputs.found().at(0).str(),
            "F1 note   8 of 16 inputs are 0 in all 64 rows: 32 weights of layer 0 get gradient "
            "exactly 0.");
  inputs.see(tape_of(3));
  ASSERT_EQ(inputs.found().size(), 1U);
  EXPECT_EQ(inputs.found()[0].str(),
            "F1 note   3 of 16 inputs are 0 in all 128 rows: 12 weights of layer 0 get gradient "
            "exactly 0.");
  inputs.see(tape_of(0));
  EXPECT_TRUE(inputs.found().empty());
}

TEST(HealthTraining, StepsCountFromWhereTheTapeBegan) {
  const auto nothing = [](const Tensors&) {};
  EXPECT_THAT(steps_of(false, nothing, {.first_step = 40}),
              HasSubstr("0.weight.g still holds step 40 when step 41 adds to it"));
}

}  // namespace
