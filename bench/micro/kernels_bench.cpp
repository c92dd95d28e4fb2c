// The kernels alone: the five products of a 784-50-10 training step with 64 samples, square
// products, products of few rows, sums along and across rows, the gather of a batch of images.
#include <benchmark/benchmark.h>
#include <gradus/kernels/elementwise.h>
#include <gradus/kernels/gather.h>
#include <gradus/kernels/gemm.h>
#include <gradus/kernels/reduce.h>
#include <gradus/kernels/threads.h>

#include <vector>

namespace {

using namespace gradus::kernels;
using Index = std::int64_t;

std::vector<float> values(Index n) {
  std::vector<float> x(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 97) / 97.0f - 0.5f;
  return x;
}

void flops(benchmark::State& state, double per_iteration) {
  state.counters["FLOP/s"] =
      benchmark::Counter(per_iteration, benchmark::Counter::kIsIterationInvariantRate);
}

void lesson_step(benchmark::State& state) {
  set_num_threads(static_cast<int>(state.range(0)));
  const auto x = values(64 * 784), w1 = values(50 * 784), w2 = values(500), g2 = values(640);
  auto h = values(3200), g1 = values(3200), y = values(640), dw1 = values(50 * 784),
       dw2 = values(500);
  for (auto _ : state) {
    gemm<float>(64, 50, 784, {x.data(), 784, 1}, {w1.data(), 1, 784}, {h.data(), 50, 1}, false);
    gemm<float>(64, 10, 50, {h.data(), 50, 1}, {w2.data(), 1, 50}, {y.data(), 10, 1}, false);
    gemm<float>(10, 50, 64, {g2.data(), 1, 10}, {h.data(), 50, 1}, {dw2.data(), 50, 1}, false);
    gemm<float>(64, 50, 10, {g2.data(), 10, 1}, {w2.data(), 50, 1}, {g1.data(), 50, 1}, false);
    gemm<float>(50, 784, 64, {g1.data(), 1, 50}, {x.data(), 784, 1}, {dw1.data(), 784, 1}, false);
    benchmark::ClobberMemory();
  }
  flops(state, 2.0 * 64 * (2 * 784 * 50 + 3 * 500));
  set_num_threads(0);
}
BENCHMARK(lesson_step)->ArgName("threads")->Arg(1)->Arg(2)->UseRealTime();

/// A [m,k] times a B [k,n] that lies in rows; turned: in columns, as the weight of a layer does.
void few_rows(benchmark::State& state) {
  const Index m = state.range(0), n = state.range(1), k = state.range(2);
  const bool turned = state.range(3) != 0;
  set_num_threads(1);
  const auto a = values(m * k), b = values(k * n);
  auto c = values(m * n);
  for (auto _ : state) {
    gemm<float>(m, n, k, {a.data(), k, 1}, {b.data(), turned ? 1 : n, turned ? k : 1},
                {c.data(), n, 1}, false);
    benchmark::ClobberMemory();
  }
  flops(state, 2.0 * static_cast<double>(m * n * k));
  set_num_threads(0);
}
BENCHMARK(few_rows)
    ->ArgNames({"m", "n", "k", "turned"})
    ->ArgsProduct({{1, 2, 3}, {512}, {512}, {0, 1}})
    ->ArgsProduct({{1, 2, 3}, {4096}, {784}, {0, 1}})
    ->Args({1, 50000, 50, 0})
    ->Args({64, 1, 50, 0});

void square(benchmark::State& state) {
  const Index n = state.range(0);
  set_num_threads(static_cast<int>(state.range(1)));
  const auto a = values(n * n), b = values(n * n);
  auto c = values(n * n);
  for (auto _ : state) {
    gemm<float>(n, n, n, {a.data(), n, 1}, {b.data(), n, 1}, {c.data(), n, 1}, false);
    benchmark::ClobberMemory();
  }
  flops(state, 2.0 * static_cast<double>(n * n * n));
  set_num_threads(0);
}
BENCHMARK(square)
    ->ArgNames({"n", "threads"})
    ->ArgsProduct({{128, 512, 1024}, {1, 2}})
    ->UseRealTime();

void sum(benchmark::State& state) {
  const bool across = state.range(0) != 0;
  const Index rows = 1024, columns = 1024, one = 1;
  const auto x = values(rows * columns);
  std::vector<float> y(1024);
  for (auto _ : state) {
    reduce(
        x.data(), &rows, across ? &one : &columns, 1, &columns, across ? &columns : &one, 1,
        y.data(), 0.0f, [](float v) { return v; }, [](float a, float b) { return a + b; },
        [](float v) { return v; });
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * rows * columns * 4);
}
BENCHMARK(sum)->ArgName("across")->Arg(0)->Arg(1);

void add(benchmark::State& state) {
  const Index n = state.range(0), one = 1;
  const auto a = values(n), b = values(n);
  auto y = values(n);
  for (auto _ : state) {
    map2([](float v, float w) { return v + w; }, a.data(), &one, b.data(), &one, y.data(), &one, &n,
         1);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * n * 12);
}
BENCHMARK(add)->Arg(3200)->Arg(1 << 22)->UseRealTime();

/// Batches of 64 of 50,000 images, shuffled: the next rows are in no cache.
void gather(benchmark::State& state) {
  constexpr Index count = 50000, rows = 64;
  const std::vector<std::uint8_t> images(count * 784, 7);
  std::vector<Index> index;
  for (Index i = 0; i < count; ++i) index.push_back(i * 12347 % count);
  std::vector<float> x(rows * 784);
  Index first = 0;
  for (auto _ : state) {
    gather_rows_u8(images.data(), 784, index.data() + first, rows, 256, x.data());
    first = first + 2 * rows > count ? 0 : first + rows;
    benchmark::ClobberMemory();
  }
}
BENCHMARK(gather);

}  // namespace
