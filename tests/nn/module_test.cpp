// What every module can: fields, state, modes, copies, summaries.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gradus/gradus.h>

namespace gradus {
namespace {

using testing::HasSubstr;

struct Block : nn::Module {
  nn::Linear inner{4, 4};
  Tensor scale = ones({4}).set_requires_grad();
  std::shared_ptr<nn::Linear> last = std::make_shared<nn::Linear>(4, 2, false);
  nn::Dropout drop{.5};
  GRADUS_FIELDS(inner, scale, last, drop)
  Tensor forward(const Tensor& x) override { return (*last)(x + drop(relu(inner(x)) * scale)); }
};

TEST(Module, FieldsNameTheParameters) {
  Block block;
  std::vector<std::string> names;
  for (const auto& [name, p] : block.named_parameters()) names.push_back(name);
  EXPECT_EQ(names,
            (std::vector<std::string>{"inner.weight", "inner.bias", "scale", "last.weight"}));
  EXPECT_EQ(block.parameters().size(), 4U);
  EXPECT_EQ(block.parameter_count(), 16 + 4 + 4 + 8);
  EXPECT_EQ(block.describe(), "Block");
  sum(block(ones({3, 4}))).backward();
  for (const Tensor& p : block.parameters()) EXPECT_TRUE(p.grad());
  block.zero_grad();
  for (const Tensor& p : block.parameters())
    EXPECT_TRUE(!p.grad() || sum(abs(p.grad())).item() == 0);
}

TEST(Module, ModesReachEveryModule) {
  Block block;
  EXPECT_TRUE(block.drop.is_training());
  block.eval();
  EXPECT_FALSE(block.is_training() || block.inner.is_training() || block.drop.is_training() ||
               block.last->is_training());
  const Tensor x = ones({3, 4});
  EXPECT_EQ(block(x).to_vector<float>(), block(x).to_vector<float>());
  block.train();
  EXPECT_TRUE(block.drop.is_training() && block.last->is_training());
}

TEST(Module, EvaluatingGivesEveryModuleItsOwnModeBack) {
  Block block;
  block.drop.eval();  // frozen inside a net that trains
  try {
    const nn::Evaluating evaluating(block);
    EXPECT_FALSE(block.is_training() || block.inner.is_training());
    throw 1;
  } catch (int) {
  }
  EXPECT_TRUE(block.is_training() && block.inner.is_training() && block.last->is_training());
  EXPECT_FALSE(block.drop.is_training());
}

TEST(Module, ATensorOfTwoFieldsIsOneParameter) {
  struct Tied : nn::Module {
    nn::Linear in{3, 3, false}, out{3, 3, false};
    GRADUS_FIELDS(in, out)
    Tensor forward(const Tensor& x) override { return out(in(x)); }
  } tied;
  tied.out.weight = tied.in.weight;
  EXPECT_EQ(tied.parameters().size(), 1U);
  EXPECT_EQ(tied.parameter_count(), 9);
  EXPECT_EQ(tied.state_dict().size(), 2U);
  optim::SGD optimizer(tied.parameters(), {.lr = .5});
  const Tensor before = clone(tied.in.weight.detach());
  sum(tied(ones({1, 3}))).backward();
  const Tensor g = tied.in.weight.grad();
  optimizer.step();
  EXPECT_EQ(tied.out.weight.to_vector<float>(), (before - .5 * g).to_vector<float>());
}

TEST(Module, ClonesShareNothing) {
  const auto check = [](auto& net, const Tensor& x) {
    net.eval();
    sum(net(x)).backward();
    auto copy = nn::clone(net);
    EXPECT_FALSE(copy.is_training());
    const std::vector<float> before = net(x).template to_vector<float>();
    EXPECT_EQ(copy(x).template to_vector<float>(), before);
    const nn::NamedTensors mine = net.state_dict(), theirs = copy.state_dict();
    ASSERT_EQ(mine.size(), theirs.size());
    for (std::size_t i = 0; i < mine.size(); ++i) {
      EXPECT_EQ(mine[i].first, theirs[i].first);
      EXPECT_EQ(mine[i].second.requires_grad(), theirs[i].second.requires_grad());
      EXPECT_NE(mine[i].second.raw_data(), theirs[i].second.raw_data()) << mine[i].first;
      EXPECT_FALSE(theirs[i].second.grad());
    }
    NoGrad guard;
    for (Tensor p : copy.parameters()) p.fill_(7);
    EXPECT_EQ(net(x).template to_vector<float>(), before);
    copy.train();
    EXPECT_FALSE(net.is_training());
  };
  Block block;
  check(block, randn({3, 4}));
  nn::Sequential net{nn::Linear(4, 5), nn::BatchNorm1d(5), nn::Sequential{nn::Linear(5, 2)}};
  check(net, randn({3, 4}));
}

TEST(Module, ACloneKeepsTiedTensorsTied) {
  struct Tied : nn::Module {
    nn::Linear a{3, 3}, b{3, 3};
    GRADUS_FIELDS(a, b)
    Tensor forward(const Tensor& x) override { return b(a(x)); }
  } tied;
  tied.b.weight = tied.a.weight;
  const auto copy = nn::clone(tied);
  EXPECT_EQ(copy.a.weight.id(), copy.b.weight.id());
  EXPECT_NE(copy.a.weight.id(), tied.a.weight.id());
}

TEST(Module, AnAbstractPointerCannotBeCloned) {
  nn::Sequential net;
  net.push_back(std::shared_ptr<nn::Module>(std::make_shared<nn::ReLU>()));
  EXPECT_EQ(net(tensor({-1., 2.})).to_vector<int>(), (std::vector<int>{0, 2}));
  EXPECT_THROW(nn::clone(net), ValueError);
}

TEST(Module, AStateThatDoesNotFitIsNamedWhole) {
  nn::Sequential net{nn::Linear(3, 2), nn::ReLU(), nn::Linear(2, 2)};
  const auto message = [&](const nn::NamedTensors& state) -> std::string {
    try {
      net.load_state_dict(state);
    } catch (const Error& error) {
      return error.problem();
    }
    return "nothing was thrown";
  };
  const nn::NamedTensors good = net.state_dict();
  EXPECT_EQ(message({good[0], good[3], {"2.wieght", good[2].second}, {"x", good[1].second}}),
            "the state has no '0.bias' of f32[2], '2.weight' of f32[2,2]; "
            "the module has no '2.wieght', 'x'");
  EXPECT_EQ(message({good[0], good[1], {"2.weight", zeros({3, 2})}, {"2.bias", zeros({1})}}),
            "'2.weight' is f32[3,2] in the state, f32[2,2] in the module, "
            "'2.bias' is f32[1] in the state, f32[2] in the module");
  // Other dtypes are converted.
  nn::NamedTensors doubles;
  for (const auto& [name, x] : good) doubles.emplace_back(name, astype(x.detach(), DType::f64) * 2);
  const std::vector<float> before = good[0].second.to_vector<float>();
  net.load_state_dict(doubles);
  EXPECT_EQ(net.state_dict()[0].second.to_vector<float>()[0], 2 * before[0]);
}

TEST(Module, SummaryShowsShapesAndCounts) {
  nn::Sequential net{nn::Linear(784, 50), nn::ReLU(), nn::Linear(50, 10)};
  EXPECT_EQ(net.summary({{64, 784}, DType::f32}),
            "Sequential            [64,10]  39760\n"
            "  0: Linear(784, 50)  [64,50]  39250\n"
            "  1: ReLU()           [64,50]      0\n"
            "  2: Linear(50, 10)   [64,10]    510\n"
            "parameters                     39760\n");
  Block block;
  const std::string tree = block.summary({{2, 4}, DType::f32});
  EXPECT_THAT(tree, HasSubstr("Block                          [2,2]  32\n"));
  EXPECT_THAT(tree, HasSubstr("  last: Linear(4, 2, no bias)  [2,2]   8\n"));
  EXPECT_TRUE(block.drop.is_training()) << "modes are as before";
  EXPECT_THROW(block.summary({{2, 3}, DType::f32}), ShapeError);
  EXPECT_TRUE(block.drop.is_training());
  struct Two : nn::Module {
    nn::ModuleList both{nn::Linear(2, 2), nn::Linear(3, 2)};
    GRADUS_FIELDS(both)
    Tensor forward(const Tensor& x) override { return both[0](x); }
  } two;
  EXPECT_EQ(two.summary({{1, 2}, DType::f32}),
            "Two                  [1,2]  14\n"
            "  both: ModuleList   -      14\n"
            "    0: Linear(2, 2)  [1,2]   6\n"
            "    1: Linear(3, 2)  -       8\n"
            "parameters                  14\n");
  EXPECT_THAT(two.summary(), HasSubstr("    1: Linear(3, 2)   8\n"));
}

}  // namespace
}  // namespace gradus
