// Elementwise functions, softmax and random numbers: nanoseconds an element of 100,000 floats in a
// row, on one thread.
#include <benchmark/benchmark.h>
#include <gradus/gradus.h>
#include <gradus/kernels/threads.h>

#include <string>

namespace {

using namespace gradus;

constexpr std::int64_t count = 100'000;

template <class F>
void add(const std::string& name, double low, double high, Ints shape, F f) {
  benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
    const NoGrad guard;
    const Tensor x = reshape(linspace(low, high, count), shape);
    for (auto _ : state) benchmark::DoNotOptimize(f(x));
    state.counters["s/element"] = benchmark::Counter(
        static_cast<double>(count),
        benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  });
}

const bool registered = [] {
  kernels::set_num_threads(1);
  const Ints flat{count};
  add("exp", -10, 10, flat, [](const Tensor& x) { return exp(x); });
  add("expm1", -10, 10, flat, [](const Tensor& x) { return expm1(x); });
  add("log", 0.001, 100, flat, [](const Tensor& x) { return log(x); });
  add("log1p", -0.9, 100, flat, [](const Tensor& x) { return log1p(x); });
  add("log2", 0.001, 100, flat, [](const Tensor& x) { return log2(x); });
  add("tanh", -5, 5, flat, [](const Tensor& x) { return tanh(x); });
  add("sigmoid", -10, 10, flat, [](const Tensor& x) { return sigmoid(x); });
  add("erf", -3, 3, flat, [](const Tensor& x) { return erf(x); });
  add("sin", -10, 10, flat, [](const Tensor& x) { return sin(x); });
  add("cos", -10, 10, flat, [](const Tensor& x) { return cos(x); });
  add("tan", -10, 10, flat, [](const Tensor& x) { return tan(x); });
  add("gelu", -5, 5, flat, [](const Tensor& x) { return gelu(x); });
  add("silu", -5, 5, flat, [](const Tensor& x) { return silu(x); });
  add("softplus", -5, 5, flat, [](const Tensor& x) { return softplus(x); });
  for (const std::int64_t n : {10, 100, 1000, 100'000}) {
    const std::string rows = "/rows of " + std::to_string(n);
    add("softmax" + rows, -5, 5, {count / n, n}, [](const Tensor& x) { return softmax(x, -1); });
    add("log_softmax" + rows, -5, 5, {count / n, n},
        [](const Tensor& x) { return log_softmax(x, -1); });
  }
  add("softmax/columns", -5, 5, {100, 1000}, [](const Tensor& x) { return softmax(x, 0); });
  add("logsumexp/rows of 100", -5, 5, {1000, 100},
      [](const Tensor& x) { return logsumexp(x, {-1}); });
  add("cross_entropy/rows of 10", -5, 5, {10'000, 10}, [](const Tensor& x) {
    static const Tensor target = randint(0, 10, {10'000});
    return cross_entropy(x, target);
  });
  add("rand", 0, 1, flat, [](const Tensor&) { return rand({count}); });
  add("randn", 0, 1, flat, [](const Tensor&) { return randn({count}); });
  return true;
}();

}  // namespace
