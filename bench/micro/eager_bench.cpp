// What one operation costs beside its arithmetic: tensors of one element through the door, without
// and with recording, and with the backward pass; the lesson's training step as a user writes it.
#include <benchmark/benchmark.h>

#include <gradus/ops/ops.h>
#include <gradus/optim/optimizer.h>

namespace {

using namespace gradus;

enum class Which { add, mul, relu };

Tensor call(Which which, const Tensor& x, const Tensor& y) {
  switch (which) {
    case Which::add:
      return x + y;
    case Which::mul:
      return x * y;
    default:
      return relu(x);
  }
}

void plain(benchmark::State& state) {
  const auto which = static_cast<Which>(state.range(0));
  const Tensor x = ones({1}), y = ones({1});
  for (auto _ : state) benchmark::DoNotOptimize(call(which, x, y));
}
BENCHMARK(plain)->ArgName("op")->DenseRange(0, 2);

void recorded(benchmark::State& state) {
  const auto which = static_cast<Which>(state.range(0));
  Tensor x = ones({1}).set_requires_grad(), y = ones({1}).set_requires_grad();
  for (auto _ : state) benchmark::DoNotOptimize(call(which, x, y));
}
BENCHMARK(recorded)->ArgName("op")->DenseRange(0, 2);

void and_back(benchmark::State& state) {
  const auto which = static_cast<Which>(state.range(0));
  Tensor x = ones({1}).set_requires_grad(), y = ones({1}).set_requires_grad();
  for (auto _ : state) {
    call(which, x, y).backward();
    x.zero_grad();
    y.zero_grad();
  }
}
BENCHMARK(and_back)->ArgName("op")->DenseRange(0, 2);

void lesson_step(benchmark::State& state) {
  manual_seed(42);
  const Tensor x = rand({64, 784}), y = randint(0, 10, {64});
  Tensor w1 = (randn({50, 784}) * 0.05).set_requires_grad(), b1 = zeros({50}).set_requires_grad();
  Tensor w2 = (randn({10, 50}) * 0.1).set_requires_grad(), b2 = zeros({10}).set_requires_grad();
  optim::SGD sgd({w1, b1, w2, b2}, {.lr = 1e-3});
  for (auto _ : state) {
    cross_entropy(matmul(relu(matmul(x, w1.T()) + b1), w2.T()) + b2, y).backward();
    sgd.step();
    sgd.zero_grad();
  }
}
BENCHMARK(lesson_step)->Unit(benchmark::kMicrosecond)->UseRealTime();

}  // namespace
