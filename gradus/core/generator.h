// Generator: random numbers. The default stream is PyTorch's CPU stream (MT19937), so that seeds
// give the numbers that PyTorch prints; Philox is for draws that must not depend on order or
// threads.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <gradus/core/mersenne_twister.h>

namespace gradus {

/// PyTorch's CPU generator: mt19937 seeded with the low 32 bits of the seed. Not thread-safe: give
/// each thread its own. (torch.Generator)
class Generator {
 public:
  explicit Generator(std::uint64_t seed = 5489) { manual_seed(seed); }
  void manual_seed(std::uint64_t seed);
  std::uint64_t seed() const { return seed_; }

  std::uint32_t random32() { return engine_(); }
  /// (first draw << 32) | second draw.
  std::uint64_t random64();
  /// U[0,1) with 24 bits, one draw; with 53 bits, two draws.
  float uniform_f32();
  double uniform_f64();

  /// U[low, high): u * (high - low) + low, rounded once (fma). (torch.Tensor.uniform_)
  void fill_uniform(float* values, std::int64_t n, double low = 0, double high = 1);
  void fill_uniform(double* values, std::int64_t n, double low = 0, double high = 1);
  /// N(mean, std^2): Box-Muller in blocks of 16 from 16 values on, else pairs in double whose
  /// second value is kept for the next call. (torch.Tensor.normal_)
  void fill_normal(float* values, std::int64_t n, double mean = 0, double std = 1);
  void fill_normal(double* values, std::int64_t n, double mean = 0, double std = 1);
  /// Integers in [low, high); a range from 2^28 on takes 64-bit draws. Throws ValueError unless
  /// low < high. (torch.randint)
  void fill_integers(std::int64_t* values, std::int64_t n, std::int64_t low, std::int64_t high);
  /// A permutation of 0..n-1. Throws ValueError for a negative n. (torch.randperm)
  std::vector<std::int64_t> permutation(std::int64_t n);

  /// The whole state as text, for checkpoints; the inverse throws DataError for anything else.
  std::string state() const;
  void set_state(const std::string& state);

 private:
  double normal_f64();
  template <class T>
  void fill_normal_blocks(T* values, std::int64_t n, T mean, T std);

  MersenneTwister engine_;
  std::uint64_t seed_ = 0;
  std::optional<double> next_normal_;
};

/// The generator used where none is given: one of the two pieces of global state (the other are
/// settings). Not synchronised: draw from one thread, or give generators.
Generator& default_generator();
/// Seeds it. (torch.manual_seed)
void manual_seed(std::uint64_t seed);

/// Philox4x32-10: four 32-bit words from a 128-bit counter and a 64-bit key, without state.
/// (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011)
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                    std::array<std::uint32_t, 2> key);
/// U[0,1) number `index` of stream `key`: the same whoever asks, in any order.
float philox_uniform(std::uint64_t key, std::uint64_t index);

}  // namespace gradus
