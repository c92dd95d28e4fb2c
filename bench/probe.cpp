// What the machine can do: fused multiply-adds in registers, copies, and handing work to threads.
// The loop is compiled for every instruction set and the best chosen, as the kernels are.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/probe.cpp"
// clang-format off
#include <gradus/kernels/highway.h>
#include <hwy/foreach_target.h>  // NOLINT
#include <hwy/highway.h>
// clang-format on

#include <gradus/kernels/threads.h>

#include <cstring>
#include <memory>

#include "bench.h"

HWY_BEFORE_NAMESPACE();
namespace bench {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Twelve chains hide the latency of any multiply-add that takes up to six cycles on two ports.
double multiply_adds(std::int64_t turns, float* sink) {
  const hn::ScalableTag<float> d;
  const auto a = hn::Set(d, 0.999f), b = hn::Set(d, 0.001f);
  auto c0 = hn::Set(d, 0.1f), c1 = hn::Set(d, 0.2f), c2 = hn::Set(d, 0.3f), c3 = hn::Set(d, 0.4f),
       c4 = hn::Set(d, 0.5f), c5 = hn::Set(d, 0.6f), c6 = hn::Set(d, 0.7f), c7 = hn::Set(d, 0.8f),
       c8 = hn::Set(d, 0.9f), c9 = hn::Set(d, 1.0f), ca = hn::Set(d, 1.1f), cb = hn::Set(d, 1.2f);
  for (std::int64_t i = 0; i < turns; ++i) {
    c0 = hn::MulAdd(c0, a, b), c1 = hn::MulAdd(c1, a, b), c2 = hn::MulAdd(c2, a, b);
    c3 = hn::MulAdd(c3, a, b), c4 = hn::MulAdd(c4, a, b), c5 = hn::MulAdd(c5, a, b);
    c6 = hn::MulAdd(c6, a, b), c7 = hn::MulAdd(c7, a, b), c8 = hn::MulAdd(c8, a, b);
    c9 = hn::MulAdd(c9, a, b), ca = hn::MulAdd(ca, a, b), cb = hn::MulAdd(cb, a, b);
  }
  const auto low = hn::Add(hn::Add(hn::Add(c0, c1), hn::Add(c2, c3)), hn::Add(c4, c5));
  const auto high = hn::Add(hn::Add(hn::Add(c6, c7), hn::Add(c8, c9)), hn::Add(ca, cb));
  *sink = hn::GetLane(hn::SumOfLanes(d, hn::Add(low, high)));  // so that nothing is left out
  return 2.0 * 12.0 * static_cast<double>(hn::Lanes(d)) * static_cast<double>(turns);
}

}  // namespace HWY_NAMESPACE
}  // namespace bench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bench {

HWY_EXPORT(multiply_adds);

namespace {

/// f(thread) on `threads` threads at once; what all of them took.
template <class F>
double together(int threads, F&& f) {
  gradus::kernels::set_num_threads(threads);
  const double start = now();
  gradus::kernels::parallel_for(
      threads, 1, [&](std::int64_t begin, std::int64_t) { f(static_cast<int>(begin)); });
  return now() - start;
}

}  // namespace

double fma_peak(int threads, double slice) {
  std::vector<float> sinks(static_cast<std::size_t>(threads) * 64);
  const std::int64_t turns = 200000;  // some 0.5 ms
  double flop = 0, best = 0;
  for (const double end = now() + slice; now() < end;) {
    const double took = together(threads, [&](int thread) {
      const double done =
          HWY_DYNAMIC_DISPATCH(multiply_adds)(turns, &sinks[static_cast<std::size_t>(thread) * 64]);
      if (thread == 0) flop = done * threads;
    });
    best = std::max(best, flop / took);
  }
  gradus::kernels::set_num_threads(0);
  return best;
}

double copy_rate(int threads, double slice) {
  const std::size_t bytes = std::size_t{64} << 20;
  const auto memory = std::make_unique<char[]>(2 * bytes * static_cast<std::size_t>(threads));
  double best = 0;
  for (const double end = now() + slice; now() < end;) {
    const double took = together(threads, [&](int thread) {
      char* at = memory.get() + 2 * bytes * static_cast<std::size_t>(thread);
      std::memcpy(at, at + bytes, bytes);
    });
    best = std::max(best, 2.0 * static_cast<double>(bytes) * threads / took);
  }
  gradus::kernels::set_num_threads(0);
  return best;
}

double handover(int threads, double slice) {
  gradus::kernels::set_num_threads(threads);
  const double seconds = seconds_of(
      slice, [&] { gradus::kernels::parallel_for(threads, 1, [](std::int64_t, std::int64_t) {}); });
  gradus::kernels::set_num_threads(0);
  return seconds;
}

std::string instruction_set() {
  const std::int64_t targets = hwy::SupportedTargets() & HWY_TARGETS;
  return hwy::TargetName(targets & -targets);  // the best one has the lowest bit
}

double Peak::read(int threads, double slice) {
  const double value = fma_peak(threads, slice);
  for (auto& [known, readings] : readings_)
    if (known == threads) {
      readings.add(value);
      return value;
    }
  readings_.emplace_back(threads, Readings{{value}});
  return value;
}

double Peak::operator()(int threads) const {
  for (const auto& [known, readings] : readings_)
    if (known == threads) return readings.most();
  return 0;
}

Json Peak::json() const {
  Json out = Json::array();
  for (const auto& [threads, readings] : readings_)
    out.push_back({{"threads", threads},
                   {"gflops", readings.most() * 1e-9},
                   {"median_gflops", readings.median() * 1e-9},
                   {"least_gflops", readings.least() * 1e-9},
                   {"readings", readings.values.size()}});
  return out;
}

Json run_probes(const Options& options, Peak& peak, const char* when) {
  Json out = Json::array();
  std::vector<std::vector<std::string>> rows{
      {std::string("probes ") + when, "FMA GFLOP/s", "copy GB/s", "handover us"}};
  for (const int threads : options.threads) {
    const double flops = peak.read(threads, 0.3), bytes = copy_rate(threads, 0.5),
                 seconds = handover(threads, 0.1);
    rows.push_back({std::to_string(threads) + (threads == 1 ? " thread" : " threads"),
                    fixed(flops * 1e-9, 1), fixed(bytes * 1e-9, 1), fixed(seconds * 1e6, 2)});
    out.push_back({{"threads", threads},
                   {"fma_gflops", flops * 1e-9},
                   {"copy_gb_per_s", bytes * 1e-9},
                   {"handover_us", seconds * 1e6}});
  }
  print_table(rows);
  return out;
}

}  // namespace bench
#endif
