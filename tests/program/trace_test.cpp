// Programs: a training step is traced, printed, read back and run, with the bits of the eager one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gradus/gradus.h>

namespace gradus {
namespace {

struct Net {
  Tensor w, b;
  Net() {
    manual_seed(1);
    w = (randn({4, 3}) * 0.5).detach().set_requires_grad();
    b = zeros({3}).set_requires_grad();
  }
  Tensor step(const Tensor& x, const Tensor& y) {
    const Tensor loss = cross_entropy(matmul(x, w) + b, y);
    loss.backward();
    no_grad([&] {
      for (Tensor* p : {&w, &b}) p->sub_(0.1 * p->grad());
      return 0;
    });
    w.zero_grad();
    b.zero_grad();
    return loss.detach();
  }
};

TEST(Trace, ATrainingStepRunsAgain) {
  const Tensor x = reshape(arange(0, 20, 1, DType::f32), {5, 4}) / 10, y = tensor({0, 1, 2, 1, 0});
  Net eager, traced;
  const Program program =
      trace([&](std::span<const Tensor> in) { return Tensors{traced.step(in[0], in[1])}; },
            Tensors{x, y});
  EXPECT_GT(program.steps.size(), 15u);
  EXPECT_THAT(program.str(), testing::HasSubstr("= matmul(%0, %"));
  eager.step(x, y);
  for (int step = 0; step < 5; ++step) {
    const double loss = eager.step(x, y).item();
    NoGrad guard;  // the program holds the backward pass already
    EXPECT_EQ(program.run(Tensors{x, y})[0].item(), loss);
  }
  EXPECT_EQ(traced.w.to_vector<float>(), eager.w.to_vector<float>());
  EXPECT_EQ(traced.b.to_vector<float>(), eager.b.to_vector<float>());
}

TEST(Trace, HoldsNoMoreThanTheFunctionDoes) {
  const Tensor x = rand({1000});  // 4 kB
  const TensorFunction decay = [](std::span<const Tensor> in) {
    Tensor y = in[0];
    for (int i = 0; i < 100; ++i) y = y * 0.5 + exp(neg(y)) * y;
    return Tensors{y};
  };
  decay(Tensors{x});
  const std::size_t before = memory_in_use();
  reset_peak_memory();
  const Tensors plain = decay(Tensors{x});
  const std::size_t taken = peak_memory() - before;
  reset_peak_memory();
  const std::size_t before_trace = memory_in_use();
  const Program program = trace(decay, Tensors{x});
  // The program keeps the numbers of the function; all of its results together are 2 MB.
  EXPECT_LE(peak_memory() - before_trace, taken + 16'000);
  // Though memory is used again and again, no value is taken for another.
  EXPECT_EQ(program.run(Tensors{x})[0].to_vector<float>(), plain[0].to_vector<float>());
}

TEST(Program, TextComesBack) {
  const Tensor x = tensor({{1., 2.}, {3., 4.}});
  const Program program = trace(
      [](std::span<const Tensor> in) {
        return Tensors{sum(softmax(in[0], 0), {1}, true), max(in[0], 1).indices};
      },
      Tensors{x});
  const auto find = [](std::string_view name) { return find_op(name); };
  const Program back = Program::parse(program.str(), find, program.constants);
  EXPECT_EQ(back.str(), program.str());
  EXPECT_EQ(back.run(Tensors{x})[0].to_vector<double>(),
            program.run(Tensors{x})[0].to_vector<double>());
  EXPECT_THROW((void)program.run(Tensors{zeros({3, 2})}), ShapeError);
  for (const char* bad :
       {"", "return %0", "%1 = softmax(%0) {axis=0} : f32[2]\nreturn %1",
        "input %0 : f32[2]\n%0 = neg(%0) : f32[2]\nreturn %0", "input %0 : f32[2",
        "input %0 : q32[2]\nreturn %0", "input %0 : f32[2]\n%1 = nothing(%0) : f32[2]\nreturn %1",
        "input %99999999 : f32[2]\nreturn %99999999"})
    EXPECT_THROW(Program::parse(bad, find, {}), Error) << bad;
}

}  // namespace
}  // namespace gradus
