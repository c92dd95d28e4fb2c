// Passes: fewer steps, the same results.
#include <gtest/gtest.h>

#include <gradus/compile/passes.h>
#include <gradus/gradus.h>
#include <gradus/program/trace.h>

namespace gradus::compile {
namespace {

Program traced(const std::function<Tensors(std::span<const Tensor>)>& f, const Tensors& inputs) {
  return trace(f, inputs);
}

int count(const Program& program, std::string_view name) {
  int n = 0;
  for (const Step& step : program.steps) n += step.op.name() == name;
  return n;
}

const Tensor& input() {
  static const Tensor x = reshape(arange(0, 12, 1, DType::f32), {3, 4}) / 7;
  return x;
}

TEST(Passes, DeadStepsGo) {
  const Program p = traced(
      [](std::span<const Tensor> in) {
        exp(in[0]);
        return Tensors{sin(in[0])};
      },
      {input()});
  EXPECT_EQ(p.steps.size(), 2u);
  const Program less = remove_dead_steps(p);
  ASSERT_EQ(less.steps.size(), 1u);
  EXPECT_EQ(less.steps[0].op.name(), "sin");
}

TEST(Passes, WritesAndDrawsStay) {
  const Tensor counter = zeros({3});
  const Program p = traced(
      [&](std::span<const Tensor> in) {
        Tensor c = counter;
        c.add_(1);
        rand({2});
        return Tensors{sin(in[0])};
      },
      {input()});
  const Program less = remove_dead_steps(p);
  EXPECT_EQ(count(less, "add"), 1);
  EXPECT_EQ(count(less, "rand"), 1);
}

TEST(Passes, EqualStepsAreMadeOnce) {
  const Program p = traced(
      [](std::span<const Tensor> in) {
        return Tensors{exp(in[0]) + exp(in[0]), sum(exp(in[0]), {0}), sum(exp(in[0]), {1})};
      },
      {input()});
  const Program less = simplify(p);
  EXPECT_EQ(count(p, "exp"), 4);
  EXPECT_EQ(count(less, "exp"), 1);
  EXPECT_EQ(count(less, "sum"), 2) << "other attributes are another call";
  const Tensors a = p.run(Tensors{input()}), b = less.run(Tensors{input()});
  for (std::size_t i = 0; i < a.size(); ++i)
    EXPECT_EQ(a[i].to_vector<float>(), b[i].to_vector<float>());
}

TEST(Passes, AWriteBetweenKeepsBoth) {
  const Tensor state = ones({4});
  const Program p = traced(
      [&](std::span<const Tensor> in) {
        Tensor s = state;
        const Tensor before = exp(s);
        s.add_(in[0]);
        return Tensors{before, exp(s)};
      },
      {input()[0]});
  EXPECT_EQ(count(simplify(p), "exp"), 2);
}

TEST(Passes, DrawsAreNeverMerged) {
  const Program p =
      traced([](std::span<const Tensor>) { return Tensors{rand({3}) + rand({3})}; }, {input()});
  EXPECT_EQ(count(simplify(p), "rand"), 2);
}

TEST(Passes, ClonesGoUnlessSomebodyWrites) {
  const Program reads =
      traced([](std::span<const Tensor> in) { return Tensors{sin(clone(exp(in[0])))}; }, {input()});
  EXPECT_EQ(count(simplify(reads), "clone"), 0);
  const Program writes = traced(
      [](std::span<const Tensor> in) {
        const Tensor e = exp(in[0]);
        Tensor c = clone(e);
        c.add_(1);
        return Tensors{c, e};
      },
      {input()});
  EXPECT_EQ(count(simplify(writes), "clone"), 1);
  const Program of_input =
      traced([](std::span<const Tensor> in) { return Tensors{clone(in[0])}; }, {input()});
  EXPECT_EQ(count(simplify(of_input), "clone"), 1) << "the caller's bytes are not ours to return";
}

}  // namespace
}  // namespace gradus::compile
