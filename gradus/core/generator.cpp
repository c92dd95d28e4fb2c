// The random streams; see generator.h.
#include <gradus/core/generator.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <locale>
#include <numbers>
#include <numeric>
#include <sstream>
#include <string_view>

#include <gradus/core/error.h>

namespace gradus {

void Generator::manual_seed(std::uint64_t seed) {
  seed_ = seed;
  engine_.seed(static_cast<std::uint32_t>(seed));
  next_normal_.reset();
}

std::uint64_t Generator::random64() {
  const std::uint64_t first = engine_();
  return first << 32 | engine_();
}

float Generator::uniform_f32() {
  return static_cast<float>(engine_() & ((1u << 24) - 1)) * 0x1p-24f;
}

double Generator::uniform_f64() {
  return static_cast<double>(random64() & ((1ull << 53) - 1)) * 0x1p-53;
}

namespace {

/// fma(x, scale, shift). Where nothing is added and no product underflows, the plain product has
/// the same bits (+ 0 turns -0 to 0, as the fma does), and the loop is vectorised.
template <class T>
void scale_and_shift(T* values, std::int64_t n, T scale, T shift) {
  if (shift == 0 && std::fabs(scale) > T(1e-10))
    for (std::int64_t i = 0; i < n; ++i) values[i] = values[i] * scale + 0;
  else
    for (std::int64_t i = 0; i < n; ++i) values[i] = std::fma(values[i], scale, shift);
}

/// From U[0,1) to U[low, high). With low = -high, u * 2 high - high is (2 u - 1) high, whose
/// factors are exact: rounded once, it has the bits of the fma.
template <class T>
void stretch(T* values, std::int64_t n, T low, T high) {
  if (high > 0 && low == -high && std::isfinite(high - low))
    for (std::int64_t i = 0; i < n; ++i) values[i] = (2 * values[i] - 1) * high;
  else
    scale_and_shift(values, n, high - low, low);
}

/// A block of 16 numbers of U[0,1): the radii are made of the first 8, the angles of the others.
/// (G. Box and M. Muller, "A note on the generation of random normal deviates", 1958)
template <class T>
void normal_of_uniform(T* block, T mean, T std) {
  for (int j = 0; j < 8; ++j) {
    const T radius = std::sqrt(T(-2) * std::log(1 - block[j]));
    const T angle = T(2) * std::numbers::pi_v<T> * block[j + 8];
    block[j] = radius * std::cos(angle);
    block[j + 8] = radius * std::sin(angle);
  }
  scale_and_shift<T>(block, 16, std, mean);
}

}  // namespace

void Generator::fill_uniform(float* values, std::int64_t n, double low, double high) {
  float* to = values;
  engine_.draw(n, [&](const std::uint32_t* words, std::size_t m) {
    for (std::size_t i = 0; i < m; ++i)
      to[i] = static_cast<float>(static_cast<std::int32_t>(words[i] & ((1u << 24) - 1))) * 0x1p-24f;
    to += m;
  });
  stretch(values, n, static_cast<float>(low), static_cast<float>(high));
}

void Generator::fill_uniform(double* values, std::int64_t n, double low, double high) {
  for (std::int64_t i = 0; i < n; ++i) values[i] = uniform_f64();
  stretch(values, n, low, high);
}

double Generator::normal_f64() {
  if (next_normal_) {
    const double value = *next_normal_;
    next_normal_.reset();
    return value;
  }
  const double u1 = uniform_f64(), u2 = uniform_f64();
  const double radius = std::sqrt(-2.0 * std::log1p(-u2)), angle = 2.0 * std::numbers::pi * u1;
  next_normal_ = radius * std::sin(angle);
  return radius * std::cos(angle);
}

template <class T>
void Generator::fill_normal_blocks(T* values, std::int64_t n, T mean, T std) {
  fill_uniform(values, n);
  for (std::int64_t i = 0; i + 16 <= n; i += 16) normal_of_uniform(values + i, mean, std);
  if (n % 16 != 0) {
    // The last 16 are drawn again, as one block.
    fill_uniform(values + n - 16, 16);
    normal_of_uniform(values + n - 16, mean, std);
  }
}

void Generator::fill_normal(float* values, std::int64_t n, double mean, double std) {
  if (n >= 16)
    return fill_normal_blocks(values, n, static_cast<float>(mean), static_cast<float>(std));
  for (std::int64_t i = 0; i < n; ++i) values[i] = static_cast<float>(normal_f64() * std + mean);
}

void Generator::fill_normal(double* values, std::int64_t n, double mean, double std) {
  if (n >= 16) return fill_normal_blocks(values, n, mean, std);
  for (std::int64_t i = 0; i < n; ++i) values[i] = normal_f64() * std + mean;
}

void Generator::fill_integers(std::int64_t* values, std::int64_t n, std::int64_t low,
                              std::int64_t high) {
  if (low >= high)
    throw ValueError(
        "no integers from " + std::to_string(low) + " up to and without " + std::to_string(high),
        "low must be below high");
  const std::uint64_t range = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
  for (std::int64_t i = 0; i < n; ++i) {
    const std::uint64_t draw = range >= 1ull << 28 ? random64() : random32();
    values[i] = static_cast<std::int64_t>(draw % range + static_cast<std::uint64_t>(low));
  }
}

std::vector<std::int64_t> Generator::permutation(std::int64_t n) {
  if (n < 0)
    throw ValueError("a permutation of " + std::to_string(n) + " numbers", "n is 0 or more");
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = 0; i + 1 < order.size(); ++i)
    std::swap(order[i], order[i + random32() % (order.size() - i)]);
  return order;
}

std::string Generator::state() const {
  std::ostringstream text;
  text.imbue(std::locale::classic());  // the program's locale may group digits
  text << "gradus-mt19937-1 " << seed_ << ' ' << next_normal_.has_value() << ' ' << std::hexfloat
       << next_normal_.value_or(0) << std::defaultfloat << ' ' << engine_;
  return text.str();
}

void Generator::set_state(const std::string& state) {
  std::istringstream text(state);
  text.imbue(std::locale::classic());
  std::string version, normal;
  std::uint64_t seed = 0;
  bool has_normal = false;
  MersenneTwister engine;
  text >> version >> seed >> has_normal >> normal >> engine;
  const bool complete = text && text.peek() == std::char_traits<char>::eof();
  // "[-]0x1.8p+0", read without the program's locale.
  std::string_view digits = normal;
  const bool negative = digits.starts_with('-');
  digits.remove_prefix(std::min<std::size_t>(digits.size(), negative ? 3 : 2));
  const char* end = digits.data() + digits.size();
  double magnitude = 0;
  const auto [stop, failure] =
      std::from_chars(digits.data(), end, magnitude, std::chars_format::hex);
  if (!complete || failure != std::errc{} || stop != end || version != "gradus-mt19937-1")
    throw DataError("this is not the state of a generator", "pass what state() returned");
  seed_ = seed;
  engine_ = engine;
  next_normal_.reset();
  if (has_normal) next_normal_ = negative ? -magnitude : magnitude;
}

Generator& default_generator() {
  static Generator generator;
  return generator;
}

void manual_seed(std::uint64_t seed) { default_generator().manual_seed(seed); }

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                    std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {
        static_cast<std::uint32_t>(p1 >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(p1),
        static_cast<std::uint32_t>(p0 >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(p0)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

float philox_uniform(std::uint64_t key, std::uint64_t index) {
  const auto words = philox(
      {static_cast<std::uint32_t>(index / 4), static_cast<std::uint32_t>(index / 4 >> 32), 0, 0},
      {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)});
  return static_cast<float>(words[index % 4] >> 8) * 0x1p-24f;
}

}  // namespace gradus
