// Compiled functions: the bits of eager calls, for whole training steps, every optimizer, and every
// operation of the registry inside random programs; and clear words where it cannot be.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include <gradus/compile/compile.h>
#include <gradus/gradus.h>
#include <gradus/ops/registry.h>

namespace gradus {
namespace {

using testing::HasSubstr;

/// Equal specs and bytes.
testing::AssertionResult same_bits(const Tensor& a, const Tensor& b) {
  if (a.spec() != b.spec())
    return testing::AssertionFailure() << a.spec().str() << " and " << b.spec().str();
  const Tensor x = a.detach().contiguous(), y = b.detach().contiguous();
  const std::size_t bytes = static_cast<std::size_t>(x.numel()) * dtype_size(x.dtype());
  if (bytes > 0 && std::memcmp(x.raw_data(), y.raw_data(), bytes) != 0)
    return testing::AssertionFailure() << "bits differ in " << a.spec().str();
  return testing::AssertionSuccess();
}

using MakeOptimizer = std::function<std::unique_ptr<optim::Optimizer>(const Tensors&)>;

/// A small net with its optimizer and its training step.
struct Training {
  nn::Sequential net;
  std::unique_ptr<optim::Optimizer> optimizer;
  explicit Training(const MakeOptimizer& make)
      : net([] {
          manual_seed(3);
          return nn::Sequential{nn::Linear(8, 6), nn::ReLU(), nn::Dropout(0.3), nn::Linear(6, 4)};
        }()),
        optimizer(make(net.parameters())) {
    net.train();
  }
  Tensors step(std::span<const Tensor> in) {
    const Tensor output = net(in[0]);
    const Tensor loss = cross_entropy(output, in[1]);
    loss.backward();
    optimizer->step();
    optimizer->zero_grad();
    return {loss, output};
  }
};

class EveryOptimizer : public testing::TestWithParam<int> {
 protected:
  static std::unique_ptr<optim::Optimizer> make(const Tensors& p) {
    using namespace optim;
    switch (GetParam()) {
      case 0:
        return std::make_unique<SGD>(p, SGDOptions{.lr = 0.1});
      case 1:
        return std::make_unique<SGD>(
            p, SGDOptions{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01, .nesterov = true});
      case 2:
        return std::make_unique<SGD>(p, SGDOptions{.lr = 0.1, .momentum = 0.5, .dampening = 0.1});
      default:
        return std::make_unique<SGD>(p, SGDOptions{.lr = 0.1, .weight_decay = 0.1});
    }
  }
};

TEST_P(EveryOptimizer, TrainsWithTheBitsOfEagerSteps) {
  manual_seed(1);
  std::vector<Tensors> batches;
  for (int i = 0; i < 12; ++i) {
    const std::int64_t n = i % 4 == 3 ? 5 : 16;  // a partial batch now and then
    batches.push_back({randn({n, 8}), randint(0, 4, {n})});
  }
  Training eager(make), learned(make);
  Compiled step([&](std::span<const Tensor> in) { return learned.step(in); });
  const auto run = [&](auto&& f) {
    manual_seed(7);  // dropout draws
    std::vector<Tensors> results;
    for (int epoch = 0; epoch < 3; ++epoch)
      for (const Tensors& batch : batches) results.push_back(f(batch));
    return results;
  };
  const auto wanted = run([&](const Tensors& in) { return eager.step(in); });
  const auto got = run([&](const Tensors& in) { return step(in); });
  ASSERT_TRUE(step.plan(batches[0])) << step.obstacle();
  ASSERT_TRUE(step.plan(batches[3])) << step.obstacle();
  for (std::size_t i = 0; i < wanted.size(); ++i)
    for (std::size_t k = 0; k < 2; ++k) EXPECT_TRUE(same_bits(got[i][k], wanted[i][k])) << i;
  const Tensors a = eager.net.parameters(), b = learned.net.parameters();
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(same_bits(a[i], b[i]));
}
INSTANTIATE_TEST_SUITE_P(Compile, EveryOptimizer, testing::Range(0, 4));

TEST(Compiled, ReadingAComputedValueIsNamed) {
  Compiled f([](std::span<const Tensor> in) {
    const Tensor s = sum(in[0]);
    return Tensors{s.item() > 0 ? s : neg(s)};
  });
  const Tensor x = tensor({1., -2.});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(f(Tensors{x})[0].item(), 1);
  EXPECT_EQ(f.plan(Tensors{x}), nullptr);
  EXPECT_THAT(f.obstacle(), HasSubstr("a computed f32[] was read by item() at compile_test.cpp:"));
}

TEST(Compiled, WhatChangesFromCallToCallIsNamed) {
  int calls = 0, turns = 0;
  Compiled value([&](std::span<const Tensor> in) { return Tensors{in[0] * double(++calls)}; });
  Compiled branch([&](std::span<const Tensor> in) {
    return Tensors{++turns % 2 == 0 ? exp(in[0]) : sin(in[0])};
  });
  const Tensor x = tensor({1., 2.});
  for (int i = 0; i < 5; ++i) {
    const int before = calls;
    EXPECT_EQ(value(Tensors{x})[0].to_vector<double>()[0], before + 1);
    branch(Tensors{x});
  }
  EXPECT_THAT(value.obstacle(), HasSubstr("from outside the operations changes from call to call"));
  EXPECT_THAT(branch.obstacle(), HasSubstr("does not make the same calls every time"));
}

TEST(Compiled, ARecheckFindsANumberThatChanged) {
  double factor = 2;
  Compiled f([&](std::span<const Tensor> in) { return Tensors{in[0] * factor}; });
  const Tensor x = tensor({1., 2.});
  for (int i = 0; i < 4; ++i) f(Tensors{x});
  ASSERT_TRUE(f.plan(Tensors{x}));
  f.recheck();
  EXPECT_EQ(f(Tensors{x})[0].to_vector<double>()[1], 4);
  EXPECT_TRUE(f.plan(Tensors{x})) << "nothing changed";
  EXPECT_EQ(f.change(), "");
  factor = 3;
  f.recheck();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(f(Tensors{x})[0].to_vector<double>()[1], 6);
  EXPECT_THAT(f.change(), HasSubstr("from outside the operations changes from call to call"));
  EXPECT_TRUE(f.plan(Tensors{x}));
  EXPECT_EQ(f.plans_made(), 2);
  EXPECT_EQ(f.obstacle(), "");
}

TEST(Compiled, ARecheckFindsATensorThatWasReplacedByItsCopy) {
  Tensor w = tensor({1., 2.});
  Compiled f([&](std::span<const Tensor> in) { return Tensors{in[0] * w}; });
  const Tensor x = tensor({1., 2.});
  for (int i = 0; i < 4; ++i) f(Tensors{x});
  ASSERT_TRUE(f.plan(Tensors{x}));
  w = clone(w);
  f.recheck();
  f(Tensors{x});
  EXPECT_THAT(f.change(), HasSubstr("was replaced by another tensor"));
  for (int i = 0; i < 3; ++i) f(Tensors{x});
  w.fill_(5);
  EXPECT_EQ(f(Tensors{x})[0].to_vector<double>()[1], 10);
}

TEST(Compiled, ARecheckFindsABranch) {
  bool is_read = false;
  Compiled f([&](std::span<const Tensor> in) {
    const Tensor y = exp(in[0]);
    return Tensors{is_read && y.item() > 0 ? y + 1 : y};
  });
  const Tensor x = zeros({1});
  for (int i = 0; i < 4; ++i) f(Tensors{x});
  is_read = true;
  f.recheck();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(f(Tensors{x})[0].item(), 2);
  EXPECT_EQ(f.plan(Tensors{x}), nullptr);
  EXPECT_THAT(f.obstacle(), HasSubstr("was read by item()"));
}

TEST(Compiled, AnotherSizeIsPlannedAfterOneCall) {
  const Tensor w = reshape(tensor({1., 2.}, DType::f64), {2, 1}).set_requires_grad();
  const auto f = [&](std::span<const Tensor> in) {
    const Tensor loss = mean(square(matmul(in[0], w)));
    return Tensors{loss, grad(Tensors{loss}, Tensors{w})[0], reshape(in[0], {in[0].size(0) * 2})};
  };
  Compiled compiled(f);
  for (int i = 0; i < 3; ++i) compiled(Tensors{ones({8, 2}, DType::f64)});
  ASSERT_TRUE(compiled.plan(Tensors{ones({8, 2}, DType::f64)})) << compiled.obstacle();
  for (std::int64_t n : {3, 5, 20}) {
    const Tensor x = randn({n, 2}, DType::f64);
    compiled(Tensors{x});
    EXPECT_TRUE(compiled.plan(Tensors{x})) << n;
    const Tensors got = compiled(Tensors{x}), wanted = f(Tensors{x});
    for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_TRUE(same_bits(got[i], wanted[i]));
  }
}

TEST(Compiled, AnotherSizeThatDoesSomethingElseIsLearnedOnItsOwn) {
  int calls_of_three = 0;
  Compiled f([&](std::span<const Tensor> in) {
    if (in[0].size(0) != 3) return Tensors{exp(in[0])};
    return Tensors{in[0] * double(++calls_of_three)};
  });
  for (int i = 0; i < 3; ++i) f(Tensors{ones({8})});
  ASSERT_TRUE(f.plan(Tensors{ones({8})}));
  for (int i = 1; i < 5; ++i) EXPECT_EQ(f(Tensors{ones({3})})[0].to_vector<double>()[0], i);
  EXPECT_EQ(f.plan(Tensors{ones({3})}), nullptr);
  // A number that is neither the same nor goes with the size.
  Compiled g(
      [](std::span<const Tensor> in) { return Tensors{in[0] * (in[0].size(0) == 8 ? 2.0 : 7.0)}; });
  for (int i = 0; i < 3; ++i) g(Tensors{ones({8})});
  g(Tensors{ones({3})});
  EXPECT_EQ(g.plan(Tensors{ones({3})}), nullptr);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(g(Tensors{ones({3})})[0].to_vector<double>()[0], 7);
  EXPECT_TRUE(g.plan(Tensors{ones({3})})) << "two traces more";
}

TEST(Compiled, AnInputThatIsTheStateItselfIsNotTakenForAnotherTensor) {
  const auto make = [](Tensor& state) {
    return [&state](std::span<const Tensor> in) {
      const Tensor before = sum(in[0]);
      state.mul_(2);
      return Tensors{before, sum(in[0])};
    };
  };
  Tensor state = tensor({1., 2.}), same = clone(state);
  const auto f = make(same);
  Compiled compiled(make(state));
  const Tensor other = tensor({5., 6.});
  for (int i = 0; i < 4; ++i) compiled(Tensors{other}), f(Tensors{other});
  ASSERT_TRUE(compiled.plan(Tensors{other}));
  for (int i = 0; i < 5; ++i) {
    const Tensors got = compiled(Tensors{state}), wanted = f(Tensors{same});
    EXPECT_TRUE(same_bits(got[0], wanted[0]));
    EXPECT_TRUE(same_bits(got[1], wanted[1]));
  }
}

TEST(Compiled, ATensorThatEveryCallMakesAndWritesIsNamed) {
  Compiled f([](std::span<const Tensor> in) {
    Tensor sum = Tensor::of(std::vector<double>{0, 0}, {2});
    sum.add_(in[0]);
    return Tensors{sum};
  });
  const Tensor x = tensor({1., 2.}, DType::f64);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(f(Tensors{x})[0].to_vector<double>()[1], 2);
  EXPECT_THAT(f.obstacle(), HasSubstr("written in place is another one in every call"));
}

TEST(Compiled, ErrorsNameTheOperationAndLeaveThePlanUsable) {
  Compiled f([](std::span<const Tensor> in) { return Tensors{cross_entropy(in[0], in[1])}; });
  const Tensor x = ones({2, 3}), good = tensor({0, 2}), bad = tensor({0, 3});
  const double wanted = f(Tensors{x, good})[0].item();
  for (int i = 0; i < 3; ++i) f(Tensors{x, good});
  ASSERT_TRUE(f.plan(Tensors{x, good}));
  try {
    f(Tensors{x, bad});
    FAIL();
  } catch (const IndexError& error) {
    EXPECT_THAT(error.what(), HasSubstr("check_labels"));
    EXPECT_THAT(error.what(), HasSubstr("target[1] = 3, but there are 3 classes, 0..2"));
  }
  EXPECT_EQ(f(Tensors{x, good})[0].item(), wanted);
}

TEST(Compiled, AnInputMayLieInAnyWay) {
  Compiled f([](std::span<const Tensor> in) { return Tensors{matmul(exp(in[0]), in[0].T())}; });
  const Tensor x = reshape(arange(0, 6, 1, DType::f32), {3, 2}) / 5;
  for (int i = 0; i < 4; ++i) f(Tensors{x});
  ASSERT_TRUE(f.plan(Tensors{x}));
  const Tensor turned = clone(x.T()).T();
  ASSERT_FALSE(turned.is_contiguous());
  EXPECT_TRUE(same_bits(f(Tensors{turned})[0], f(Tensors{x})[0]));
}

TEST(Compiled, CheckpointAndCustomFunctionsAreSeenInside) {
  const Tensor w = tensor({{0.5, -1.}, {2., 0.25}}).set_requires_grad();
  const auto f = [&](std::span<const Tensor> in) {
    const Tensor y =
        checkpoint([&](std::span<const Tensor> x) { return Tensors{tanh(matmul(x[0], w))}; },
                   Tensors{in[0]})[0];
    return grad(Tensors{sum(y * y)}, Tensors{w});
  };
  Compiled compiled(f);
  const Tensor x = tensor({{1., 2.}, {3., 4.}});
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(same_bits(compiled(Tensors{x})[0], f(Tensors{x})[0]));
  EXPECT_TRUE(compiled.plan(Tensors{x})) << compiled.obstacle();
}

/// A random program around one sample of one operation: some inputs are passed through operations
/// that keep their values, the results through others, and often the gradient is taken and a
/// parameter updated.
class RandomProgram {
 public:
  RandomProgram(const Sample& sample, std::uint32_t seed) : sample_(sample), random_(seed) {
    for (int i = 0; i < 8; ++i) choices_.push_back(static_cast<std::uint32_t>(random_()));
    for (const Tensor& x : sample.inputs)
      if (is_floating(x.dtype()) && x.ndim() > 0 && bias_.size() < 2)
        bias_.push_back(zeros_like(x).set_requires_grad());
  }
  Tensors operator()(std::span<const Tensor> in) const {
    Tensors inputs(in.begin(), in.end());
    std::size_t next = 0;
    for (Tensor& x : inputs) {
      if (!is_floating(x.dtype()) || x.ndim() == 0) continue;
      if (choice(0, 2)) x = flip(flip(x));
      if (choice(1, 2) && x.ndim() > 1) x = clone(x.T()).T();
      if (choice(2, 2) && next < bias_.size()) x = x + bias_[next++];
    }
    Tensors results;
    for (const Tensor& y : apply_all(sample_.op, inputs)) {
      results.push_back(y);
      if (!is_floating(y.dtype())) continue;
      Tensor z = y;
      switch (choices_[3] % 5) {
        case 0:
          z = z * z + 1;
          break;
        case 1:
          z = relu(z) - z;
          break;
        case 2:
          z = z.ndim() > 0 ? sum(z, {0}) : neg(z);
          break;
        case 3:
          z = where(z > 0, z, z * 0.5);
          break;
        default:
          z = tanh(z);
      }
      results.push_back(z);
    }
    if (next > 0 && sample_.op.has_gradient() && choice(4, 2)) {
      Tensor total;
      for (const Tensor& y : results)
        if (y.requires_grad()) total = total ? total + sum(y) : sum(y);
      if (total) {
        total.backward();
        NoGrad guard;
        for (Tensor b : bias_)
          if (b.grad()) b.sub_(0.125 * b.grad());
        for (const Tensor& b : bias_) b.zero_grad();
      }
    }
    for (const Tensor& b : bias_) results.push_back(clone(b.detach()));
    return results;
  }

 private:
  bool choice(std::size_t i, std::uint32_t n) const { return choices_[i] % n == 0; }
  Sample sample_;
  std::mt19937 random_;
  std::vector<std::uint32_t> choices_;
  Tensors bias_;
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int random_programs = 1000;
#else
constexpr int random_programs = 10000;
#endif

TEST(Compiled, RandomProgramsOverTheRegistryHaveEagerBits) {
  std::vector<Sample> samples;
  for (const Op& op : all_ops())
    for (const Sample& s : op.samples()) samples.push_back(s);
  int planned = 0;
  std::map<std::string, int> refused_by;
  for (int seed = 0; seed < random_programs; ++seed) {
    const Sample& sample = samples[static_cast<std::size_t>(seed) % samples.size()];
    const RandomProgram eager(sample, static_cast<std::uint32_t>(seed)),
        learned(sample, static_cast<std::uint32_t>(seed));
    Compiled compiled([&](std::span<const Tensor> in) { return learned(in); });
    for (int call = 0; call < 5; ++call) {
      Tensors inputs = sample.inputs;  // other values each time: a plan must not know them
      for (Tensor& x : inputs)
        if (is_floating(x.dtype())) x = x * (1 - 0.01 * call);
      const std::uint64_t draws = static_cast<std::uint64_t>(seed * 10 + call);
      manual_seed(draws);
      const Tensors wanted = eager(inputs);
      manual_seed(draws);
      const Tensors got = compiled(inputs);
      ASSERT_EQ(wanted.size(), got.size());
      for (std::size_t i = 0; i < wanted.size(); ++i)
        ASSERT_TRUE(same_bits(got[i], wanted[i]))
            << "seed " << seed << ", call " << call << ", " << sample.op.str();
    }
    if (compiled.plan(sample.inputs))
      ++planned;
    else
      ++refused_by[std::string(sample.op.name()) + ": " + compiled.obstacle()];
  }
  for (const auto& [why, times] : refused_by) {
    RecordProperty(why, times);
    std::printf("%d x %s\n", times, why.c_str());
  }
  EXPECT_GT(planned, 0.9 * random_programs);
}

}  // namespace
}  // namespace gradus
