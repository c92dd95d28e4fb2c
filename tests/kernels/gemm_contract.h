// What the tests of gemm share: the contract of gemm.h as a plain loop, and the choice of one
// instruction set.
#pragma once

#include <gradus/kernels/highway.h>

#include <hwy/targets.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace gradus::kernels {

/// What the library chooses from while a test runs; everything again afterwards.
class On {
 public:
  explicit On(std::int64_t target) { choose(target); }
  ~On() { choose(0); }
  On(const On&) = delete;
  On& operator=(const On&) = delete;

 private:
  static void choose(std::int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

/// The instruction sets of this machine that the kernels are compiled for.
inline std::vector<std::int64_t> targets() { return hwy::SupportedAndGeneratedTargets(); }

template <class T>
void fill_random(T* data, std::int64_t n, unsigned seed) {
  std::mt19937 random(seed);
  for (std::int64_t i = 0; i < n; ++i)
    data[i] = static_cast<T>(static_cast<double>(random()) / 2147483648.0 - 1.0);
}

/// One element of A B, or of C + A B when its old value is given.
template <class T>
T contract(std::int64_t k, const T* a, std::int64_t a_step, const T* b, std::int64_t b_step,
           const T* old) {
  bool any = old != nullptr;
  T total = any ? *old : T(0);
  for (std::int64_t k0 = 0; k0 < k; k0 += 256) {
    T sum = 0;
    for (std::int64_t p = k0; p < std::min(k, k0 + 256); ++p)
      sum = std::fma(a[p * a_step], b[p * b_step], sum);
    sum = sum + T(0);
    total = any ? total + sum : sum;
    any = true;
  }
  return total;
}

}  // namespace gradus::kernels
