// What recording costs: the lesson's step (50,000 rows, all at once, or mini-batches of 64) without
// a recorder, with statistics, and with elements kept.
#include <benchmark/benchmark.h>

#include <gradus/ops/ops.h>
#include <gradus/optim/optimizer.h>
#include <gradus/see/recorder.h>

namespace {

using namespace gradus;

void lesson_step(benchmark::State& state) {
  const std::int64_t rows = state.range(0);
  manual_seed(42);
  const Tensor x = rand({rows, 784}), y = rand({rows});
  Tensor w1 = randn({784, 50}).set_requires_grad(), w2 = randn({50, 1}).set_requires_grad(),
         b1 = zeros({50}).set_requires_grad(), b2 = zeros({1}).set_requires_grad();
  optim::SGD sgd({w1, b1, w2, b2}, {.lr = 1e-6});
  const auto step = [&] {
    sgd.zero_grad();
    const Tensor out = matmul(relu(matmul(x, w1) + b1), w2) + b2;
    mse(squeeze(out, {-1}), y).backward();
    sgd.step();
  };
  see::Recorder recorder({.level = static_cast<see::TapeLevel>(state.range(1))});
  step();
  for (auto _ : state) step();
}
BENCHMARK(lesson_step)
    ->ArgNames({"rows", "level"})
    ->ArgsProduct({{64, 50000}, {0, 1, 2}})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
