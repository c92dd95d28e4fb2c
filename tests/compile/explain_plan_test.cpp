// What a plan tells about itself: kernels, FLOPs and bytes counted by hand, reasons, and a table
// that keeps its width.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include <gradus/compile/plan.h>
#include <gradus/gradus.h>

namespace gradus {
namespace {

using compile::KernelInfo;
using compile::Plan;
using testing::HasSubstr;

Plan plan_of(const TensorFunction& f, const Tensors& inputs) {
  return Plan(trace_for_replay(f, inputs).program);
}

/// The one kernel of a function of one operation.
KernelInfo kernel_of(const TensorFunction& f, const Tensors& inputs) {
  const Plan plan = plan_of(f, inputs);
  EXPECT_EQ(plan.kernels().size(), 1u) << plan.str();
  return plan.kernels()[0];
}

using In = std::span<const Tensor>;

TEST(ExplainPlan, CountsArithmeticByHand) {
  const Tensor x = ones({64, 50}), y = ones({64, 50});
  const auto flops = [&](const TensorFunction& f, const Tensors& in) {
    return kernel_of(f, in).flops;
  };
  EXPECT_EQ(flops([](In in) { return Tensors{in[0] * in[1]}; }, {x, y}), 3200);
  EXPECT_EQ(flops([](In in) { return Tensors{relu(in[0])}; }, {x}), 3200);
  EXPECT_EQ(flops([](In in) { return Tensors{sum(in[0], {0})}; }, {x}), 3150);  // 50 (64 - 1)
  EXPECT_EQ(flops([](In in) { return Tensors{matmul(in[0], in[1].T())}; }, {x, y}),
            2 * 64 * 64 * 50);
  // What moves, makes or converts values does no arithmetic.
  EXPECT_EQ(flops([](In in) { return Tensors{astype(in[0], DType::f64)}; }, {x}), 0);
  EXPECT_EQ(flops([](In in) { return Tensors{where(in[0], in[1], in[1])}; },
                  {astype(x, DType::boolean), y}),
            0);
  EXPECT_EQ(flops([](In in) { return Tensors{in[0] <= in[1]}; }, {x, y}), 0);
  EXPECT_EQ(flops([](In in) { return Tensors{take(in[0], in[1], 0)}; }, {x, arange(0, 9)}), 0);
  EXPECT_EQ(flops([](In in) { return Tensors{in[0] + in[1]}; }, {arange(0, 9), arange(0, 9)}), 0);
}

TEST(ExplainPlan, WhatAProductTookInCounts) {
  const Tensor x = ones({64, 784}), w = ones({784, 50}), b = ones({50});
  const KernelInfo k =
      kernel_of([](In in) { return Tensors{relu(matmul(in[0], in[1]) + in[2])}; }, {x, w, b});
  EXPECT_EQ(k.what, "matmul + add + relu");
  EXPECT_EQ(k.flops, 2. * 64 * 50 * 784 + 2 * 64 * 50);
  EXPECT_EQ(k.bytes, 4. * (64 * 784 + 784 * 50 + 50 + 64 * 50)) << "the bias as it is held";
  EXPECT_EQ(k.inputs[2], (Spec{{50}, DType::f32}));
}

TEST(ExplainPlan, ALoopCountsItsParts) {
  const KernelInfo k =
      kernel_of([](In in) { return Tensors{tanh(in[0] * in[1]) + 1}; }, {ones({30}), ones({30})});
  EXPECT_EQ(k.what, "mul + tanh + add");
  EXPECT_EQ(k.flops, 90);
  EXPECT_EQ(k.bytes, 4. * (3 * 30 + 1)) << "what only the loop knows takes no memory";
}

TEST(ExplainPlan, SaysWhyNot) {
  const Tensor x = ones({8, 8});
  const auto note = [&](const TensorFunction& f) { return plan_of(f, {x}).kernels()[0].note; };
  EXPECT_THAT(note([](In in) { return Tensors{softmax(matmul(in[0], in[0]), 1)}; }),
              HasSubstr("followed by softmax"));
  EXPECT_THAT(note([](In in) {
                const Tensor y = matmul(in[0], in[0]);
                return Tensors{relu(y), sum(y)};
              }),
              HasSubstr("not read exactly once"));
  EXPECT_THAT(note([](In in) { return Tensors{matmul(in[0], in[0]) + in[0]}; }),
              HasSubstr("what is added is a matrix"));
}

/// A training step of a deep net, with names longer than a line.
Plan deep_plan() {
  manual_seed(1);
  static nn::Sequential net{nn::Linear(20, 15), nn::GELU(), nn::Linear(15, 10), nn::ReLU(),
                            nn::Linear(10, 4)};
  static optim::Adam optimizer(net.parameters(), {.weight_decay = 0.01});
  const auto step = [&](In in) {
    const Tensor loss = cross_entropy(net(in[0]), in[1]);
    loss.backward();
    optimizer.step();
    optimizer.zero_grad();
    return Tensors{loss};
  };
  const Tensors in{randn({6, 20}), randint(0, 4, {6})};
  step(in);
  return plan_of(step, in);
}

TEST(ExplainPlan, PrintsWholeLinesOfAnyWidth) {
  const Plan plan = deep_plan();
  for (int width : {40, 60, 80, 100, 200}) {
    const std::string text = plan.str(width);
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      const bool is_one_word = line.find_last_of(' ') == line.find_first_not_of(' ') - 1;
      EXPECT_TRUE(line.size() <= static_cast<std::size_t>(width) || is_one_word)
          << width << ": " << line;
    }
    for (const KernelInfo& k : plan.kernels()) {
      std::string words = k.what, flat = text;
      // Everything is there: line ends and the spaces around them count as one space.
      flat.erase(std::unique(flat.begin(), flat.end(),
                             [](char a, char b) { return std::isspace(a) && std::isspace(b); }),
                 flat.end());
      std::replace(flat.begin(), flat.end(), '\n', ' ');
      EXPECT_THAT(flat, HasSubstr(words));
      for (const Spec& spec : k.inputs) EXPECT_THAT(flat, HasSubstr(spec.str()));
    }
    for (const char* phase : {"forward, 0\n", "backward\n", "update\n"})
      EXPECT_THAT(text, HasSubstr(phase));
  }
}

TEST(ExplainPlan, AChainOfElementwiseKernelsTakesOneBuffer) {
  // Sums between them keep the kernels apart; each reads what the one before wrote, for the last
  // time.
  const auto chain = [](In in) {
    Tensor x = exp(in[0]), total = sum(in[0]);
    for (int i = 0; i < 6; ++i) {
      x = x * total;
      total = sum(x);
    }
    return Tensors{total};
  };
  const Tensor x = ones({100, 100});
  const std::size_t one = 40000 + 64;
  const Plan plan = plan_of(chain, {x});
  EXPECT_GE(plan.kernels().size(), 13u);
  EXPECT_LE(plan.arena_bytes(), one + 20 * 64) << plan.str();
}

TEST(ExplainPlan, UpdatesAreOneLoopAParameter) {
  int loops = 0;
  const Plan plan = deep_plan();
  for (const KernelInfo& k : plan.kernels()) loops += k.phase == Phase::update;
  EXPECT_EQ(loops, 6) << plan.str();
}

}  // namespace
}  // namespace gradus
