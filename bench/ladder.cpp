// The ladder: one product, from the loop of the definition to the library's kernel, a rung for each
// idea. C [m, n] = A [m, k] B [k, n], all row-major; what each rung gains is in the table.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/ladder.cpp"
// clang-format off
#include <gradus/kernels/highway.h>
#include <hwy/foreach_target.h>  // NOLINT
#include <hwy/highway.h>
// clang-format on

#include <gradus/kernels/gemm.h>
#include <gradus/kernels/threads.h>

#include <algorithm>
#include <cstdio>

#include "bench.h"

HWY_BEFORE_NAMESPACE();
namespace bench {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using Index = std::int64_t;

/// Vectors along j, one row of C at a time, which is read and written for each k.
void vector_rows(Index m, Index n, Index k, const float* a, const float* b, float* c) {
  const hn::CappedTag<float, 16> d;
  const Index lanes = static_cast<Index>(hn::Lanes(d)), whole = n / lanes * lanes;
  std::fill(c, c + m * n, 0.0f);
  for (Index i = 0; i < m; ++i)
    for (Index p = 0; p < k; ++p) {
      const auto left = hn::Set(d, a[i * k + p]);
      for (Index j = 0; j < whole; j += lanes)
        hn::StoreU(hn::MulAdd(left, hn::LoadU(d, b + p * n + j), hn::LoadU(d, c + i * n + j)), d,
                   c + i * n + j);
      for (Index j = whole; j < n; ++j) c[i * n + j] += a[i * k + p] * b[p * n + j];
    }
}

/// A tile of C, 8 rows of two vectors, stays in registers over all of k; edges as above.
void register_tile(Index m, Index n, Index k, const float* a, const float* b, float* c) {
  const hn::CappedTag<float, 16> d;
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  constexpr Index rows = 8;
  const Index whole_m = m / rows * rows, whole_n = n / (2 * lanes) * (2 * lanes);
  for (Index i = 0; i < whole_m; i += rows)
    for (Index j = 0; j < whole_n; j += 2 * lanes) {
      hn::Vec<decltype(d)> sums[rows][2];
      for (auto& row : sums) row[0] = row[1] = hn::Zero(d);
      for (Index p = 0; p < k; ++p) {
        const auto right0 = hn::LoadU(d, b + p * n + j),
                   right1 = hn::LoadU(d, b + p * n + j + lanes);
        for (Index r = 0; r < rows; ++r) {
          const auto left = hn::Set(d, a[(i + r) * k + p]);
          sums[r][0] = hn::MulAdd(left, right0, sums[r][0]);
          sums[r][1] = hn::MulAdd(left, right1, sums[r][1]);
        }
      }
      for (Index r = 0; r < rows; ++r) {
        hn::StoreU(sums[r][0], d, c + (i + r) * n + j);
        hn::StoreU(sums[r][1], d, c + (i + r) * n + j + lanes);
      }
    }
  for (Index i = 0; i < m; ++i)
    for (Index j = i < whole_m ? whole_n : 0; j < n; ++j) {
      float sum = 0;
      for (Index p = 0; p < k; ++p) sum += a[i * k + p] * b[p * n + j];
      c[i * n + j] = sum;
    }
}

}  // namespace HWY_NAMESPACE
}  // namespace bench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bench {

HWY_EXPORT(vector_rows);
HWY_EXPORT(register_tile);

namespace {

using namespace gradus;
using Index = std::int64_t;

void naive(Index m, Index n, Index k, const float* a, const float* b, float* c) {
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j < n; ++j) {
      float sum = 0;
      for (Index p = 0; p < k; ++p) sum += a[i * k + p] * b[p * n + j];
      c[i * n + j] = sum;
    }
}

/// The two inner loops exchanged: the innermost walks along rows.
void exchanged(Index m, Index n, Index k, const float* a, const float* b, float* c) {
  std::fill(c, c + m * n, 0.0f);
  for (Index i = 0; i < m; ++i)
    for (Index p = 0; p < k; ++p)
      for (Index j = 0; j < n; ++j) c[i * n + j] += a[i * k + p] * b[p * n + j];
}

void library(Index m, Index n, Index k, const float* a, const float* b, float* c) {
  kernels::gemm<float>(m, n, k, {a, k, 1}, {b, n, 1}, {c, n, 1}, false);
}

}  // namespace

Json run_ladder(const Options& options, Peak& peak) {
  struct Rung {
    const char* name;
    std::function<void(Index, Index, Index, const float*, const float*, float*)> multiply;
    int threads = 1;
  };
  std::vector<Rung> rungs{
      {"the definition, i j k", naive},
      {"loops exchanged, i k j (compiler's vectors)", exchanged},
      {"best instruction set, fused multiply-adds", HWY_DYNAMIC_DISPATCH(vector_rows)},
      {"8 rows x 2 vectors of C stay in registers", HWY_DYNAMIC_DISPATCH(register_tile)},
      {"the library: tiles by shape, blocks, packing", library},
  };
  for (const int threads : options.threads)
    if (threads > 1) rungs.push_back({"the library on more threads", library, threads});
  Json out = Json::array();
  for (const auto& [m, n, k] :
       {std::array<Index, 3>{64, 50, 784}, {128, 512, 512}, {1024, 1024, 1024}}) {
    const std::vector<float> a(static_cast<std::size_t>(m * k), 0.5f),
        b(static_cast<std::size_t>(k * n), 0.25f);
    std::vector<float> c(static_cast<std::size_t>(m * n));
    std::vector<Readings> seconds(rungs.size());
    const int rounds = m == 1024 ? 1 : std::min(options.rounds, 5);
    for (int round = 0; round < rounds; ++round)
      for (std::size_t i = 0; i < rungs.size(); ++i) {
        peak.read(rungs[i].threads);
        kernels::set_num_threads(rungs[i].threads);
        seconds[i].add(
            seconds_of(0.05, [&] { rungs[i].multiply(m, n, k, a.data(), b.data(), c.data()); }));
      }
    kernels::set_num_threads(0);
    const std::string shape = std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k);
    std::vector<std::vector<std::string>> rows{
        {shape, "threads", "us", "GFLOP/s", "% of peak", "gain"}};
    for (std::size_t i = 0; i < rungs.size(); ++i) {
      const double least = seconds[i].least(), rate = 2.0 * static_cast<double>(m * n * k) / least,
                   share = rate / peak(rungs[i].threads);
      rows.push_back({rungs[i].name, std::to_string(rungs[i].threads), fixed(least * 1e6, 1),
                      fixed(rate * 1e-9, 1), fixed(100 * share, 1),
                      i == 0 ? "" : fixed(seconds[i - 1].least() / least, 2) + " x"});
      out.push_back({{"shape", shape},
                     {"rung", rungs[i].name},
                     {"threads", rungs[i].threads},
                     {"us", least * 1e6},
                     {"gflops", rate * 1e-9},
                     {"share_of_peak", share}});
    }
    print_table(rows);
  }
  return out;
}

}  // namespace bench
#endif
