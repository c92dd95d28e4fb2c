// One pass in blocks that stay in the first cache; see statistics.h. The loops are
// kernels/moments.h: eight fixed lanes, the same bits on every instruction set.
#include <gradus/kernels/moments.h>
#include <gradus/kernels/threads.h>
#include <gradus/ops/ops.h>
#include <gradus/see/identity.h>
#include <gradus/see/statistics.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace gradus::see {
namespace {

constexpr std::int64_t chunk = 1 << 16;  // elements that one thread takes at a time
constexpr std::int64_t block = 1024;     // elements looked at while they are in the cache
constexpr int lanes = kernels::Moments::lanes;

struct Part {
  std::int64_t zeros = 0, nans = 0, plus_inf = 0, minus_inf = 0, first_bad = -1;
  double min = std::numeric_limits<double>::infinity(), max = -min;
  double sum = 0, squares = 0;
  std::array<std::uint32_t, 64> histogram{};
  std::uint64_t hash = 0;
};

/// The bin of finite numbers between two powers of 2; the smallest, and 0, lie in the middle one.
constexpr int bin_of_octave(int exponent, bool is_negative) {
  const int octave = exponent + 44, k = std::min(octave / 2, 30);
  return octave < 0 ? 32 : is_negative ? 31 - k : 33 + k;
}

/// Bins of floats by their first nine bits, sign and exponent; NaN has the exponent of infinity.
constexpr std::array<std::uint8_t, 512> bins_of_floats = [] {
  std::array<std::uint8_t, 512> bins{};
  for (int i = 0; i < 512; ++i)
    bins[static_cast<std::size_t>(i)] =
        static_cast<std::uint8_t>(bin_of_octave((i & 255) - 127, i > 255));
  bins[255] = 63;  // infinity
  bins[511] = 1;
  return bins;
}();

inline std::size_t bin(float v) { return bins_of_floats[std::bit_cast<std::uint32_t>(v) >> 23]; }
/// A whole number is one as a float as well, and lies in the same bin.
inline std::size_t bin(std::uint8_t v) { return bin(static_cast<float>(v)); }
inline std::size_t bin(double v) {
  if (std::isnan(v)) return 0;
  if (std::isinf(v)) return v > 0 ? 63 : 1;
  // The exponent as it stands in the bits; subnormals and 0 have the lowest.
  const auto exponent = static_cast<int>((std::bit_cast<std::uint64_t>(v) >> 52) & 0x7FF) - 1023;
  return static_cast<std::size_t>(bin_of_octave(exponent, v < 0));
}

/// Puts elements first, first + stride ... before `end` into their bins.
template <class T>
void add_samples(const T* x, std::int64_t first, std::int64_t end, std::int64_t stride,
                 std::array<std::uint32_t, 64>& bins) {
  using Number = std::conditional_t<sizeof(T) == 1 || std::is_same_v<T, float>, T, double>;
  const auto number = [&](std::int64_t i) { return static_cast<Number>(x[i]); };
  const std::uint32_t infinite = bins[63] + bins[1];
  std::int64_t i = first;
  for (; i + 3 * stride < end; i += 4 * stride)
    for (int k = 0; k < 4; ++k) ++bins[bin(number(i + k * stride))];
  for (; i < end; i += stride) ++bins[bin(number(i))];
  if constexpr (std::is_same_v<T, float>) {
    if (bins[63] + bins[1] == infinite) return;
    for (i = first; i < end; i += stride)
      if (std::isnan(x[i])) --bins[std::signbit(x[i]) ? 1 : 63], ++bins[0];
  }
}

void add_one(double v, int lane, kernels::Moments& into) {
  into.sum[lane] += v;
  into.squares[lane] += v * v;
  into.min[lane] = std::min(into.min[lane], v);
  into.max[lane] = std::max(into.max[lane], v);
  into.zeros[lane] += v == 0;
}

/// Adds elements from..to; those that are not finite are counted, and where the first is.
template <class T>
void add_block(const T* x, std::int64_t from, std::int64_t to, kernels::Moments& sums, Part& part) {
  if constexpr (std::is_floating_point_v<T> || std::is_same_v<T, std::uint8_t>)
    if (kernels::add_moments(x + from, to - from, sums)) return;
  for (std::int64_t i = from; i < to; ++i) {
    const double v = static_cast<double>(x[i]);
    if (std::isfinite(v)) {
      add_one(v, static_cast<int>((i - from) % lanes), sums);
      continue;
    }
    part.nans += std::isnan(v);
    part.plus_inf += std::isinf(v) && v > 0;
    part.minus_inf += std::isinf(v) && v < 0;
    if (part.first_bad < 0) part.first_bad = i;
  }
}

constexpr std::uint64_t prime = 0x9E3779B97F4A7C15ull;

std::uint64_t mix(std::uint64_t h, std::uint64_t word) {
  h = (h ^ word) * prime;
  return h ^ (h >> 29);
}

template <class T>
Part part_of(const T* x, std::int64_t begin, std::int64_t end, std::int64_t stride) {
  Part part;
  kernels::Moments sums;
  kernels::ByteHash hash;
  for (std::int64_t at = begin; at < end; at += block) {
    const std::int64_t n = std::min(block, end - at);
    add_block(x, at, at + n, sums, part);
    hash.add(reinterpret_cast<const std::byte*>(x + at), static_cast<std::size_t>(n) * sizeof(T));
    add_samples(x, (at + stride - 1) / stride * stride, at + n, stride, part.histogram);
  }
  for (int k = 0; k < lanes; ++k) {
    part.sum += sums.sum[k];
    part.squares += sums.squares[k];
    part.min = std::min(part.min, sums.min[k]);
    part.max = std::max(part.max, sums.max[k]);
    part.zeros += sums.zeros[k];
  }
  for (int k = 0; k < kernels::ByteHash::lanes; k += 2)
    part.hash = mix(part.hash, std::uint64_t{hash.state[k]} << 32 | hash.state[k + 1]);
  return part;
}

/// 2^11 samples or more; with no divisor in common with the count, so that they visit every
/// index of every axis.
std::int64_t sampling_stride(std::int64_t count) {
  std::int64_t stride = count < 1 << 13 ? 1 : count >> 11;
  while (std::gcd(stride, count) > 1) --stride;
  return stride;
}

template <class T>
Statistics of_contiguous(const T* x, std::int64_t count) {
  const std::int64_t stride = sampling_stride(count);
  std::vector<Part> parts(static_cast<std::size_t>((count + chunk - 1) / chunk));
  kernels::parallel_for(count, chunk, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t at = begin; at < end; at += chunk)
      parts[static_cast<std::size_t>(at / chunk)] =
          part_of(x, at, std::min(at + chunk, end), stride);
  });
  Statistics s;
  s.count = count;
  s.hash = static_cast<std::uint64_t>(count);
  double sum = 0, squares = 0, min = std::numeric_limits<double>::infinity(), max = -min;
  for (const Part& part : parts) {
    s.zeros += part.zeros;
    s.nans += part.nans;
    s.plus_inf += part.plus_inf;
    s.minus_inf += part.minus_inf;
    if (s.first_bad < 0) s.first_bad = part.first_bad;
    sum += part.sum;
    squares += part.squares;
    min = std::min(min, part.min);
    max = std::max(max, part.max);
    for (std::size_t i = 0; i < 64; ++i) s.histogram[i] += part.histogram[i];
    s.hash = mix(s.hash, part.hash);
  }
  s.l2 = std::sqrt(squares);
  if (const std::int64_t finite = count - s.bad(); finite > 0) {
    s.min = min;
    s.max = max;
    s.mean = sum / static_cast<double>(finite);
    // From sums a tiny spread around a large mean drowns in rounding: then a second look is due.
    const double square = squares / static_cast<double>(finite);
    double variance = square - s.mean * s.mean;
    if (variance < 1e-6 * square && s.bad() == 0) {
      double total = 0;
      for (std::int64_t i = 0; i < count; ++i) {
        const double d = static_cast<double>(x[i]) - s.mean;
        total += d * d;
      }
      variance = total / static_cast<double>(count);
    }
    s.std = std::sqrt(std::max(0.0, variance));
  }
  return s;
}

Statistics of_rows(const Tensor& rows) {
  return dispatch(rows.dtype(), [&]<class T>() -> Statistics {
    if constexpr (std::is_same_v<T, bool>)
      return of_contiguous(reinterpret_cast<const std::uint8_t*>(rows.data<bool>()), rows.numel());
    else
      return of_contiguous(rows.data<T>(), rows.numel());
  });
}

}  // namespace

Statistics statistics(const Tensor& x) {
  const Unobserved not_seen;
  const NoGrad not_recorded;
  if (x.layout().is_contiguous()) return of_rows(x);
  Statistics s = of_rows(Tensor(x.storage(), in_memory_order(x.layout()), x.dtype()).contiguous());
  if (s.bad() > 0) s.first_bad = of_rows(x.contiguous()).first_bad;
  return s;
}

}  // namespace gradus::see
