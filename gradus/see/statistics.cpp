// One pass in blocks that stay in the first cache; see statistics.h. Eight sums in fixed lanes let
// the compiler use any vector width and give the same bits on all.
#include <gradus/kernels/threads.h>
#include <gradus/ops/ops.h>
#include <gradus/see/statistics.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#define GRADUS_CLONES __attribute__((target_clones("avx2", "default"), optimize("O3")))
#else
#define GRADUS_CLONES
#endif

namespace gradus::see {
namespace {

constexpr std::int64_t chunk = 1 << 16;  // elements that one thread takes at a time
constexpr std::int64_t block = 1024;     // elements looked at while they are in the cache
constexpr int lanes = 8;

struct Part {
  std::int64_t zeros = 0, nans = 0, plus_inf = 0, minus_inf = 0, first_bad = -1;
  double min = std::numeric_limits<double>::infinity(), max = -min;
  double sum = 0, squares = 0;
  std::array<std::uint32_t, 64> histogram{};
  std::uint64_t hash = 0;
};

int bin_of(double v) {
  if (std::isnan(v)) return 0;
  if (std::isinf(v)) return v > 0 ? 63 : 1;
  // The exponent as it stands in the bits; subnormals and 0 have the lowest.
  const int octave = static_cast<int>((std::bit_cast<std::uint64_t>(v) >> 52) & 0x7FF) - 1023 + 44;
  if (octave < 0) return 32;
  const int k = std::min(octave / 2, 30);
  return v > 0 ? 33 + k : 31 - k;
}

/// Sums and extremes of a block without NaN and infinity.
struct Lanes {
  double sum[lanes] = {}, squares[lanes] = {}, min[lanes], max[lanes];
  std::int64_t zeros[lanes] = {};
};

template <class T>
GRADUS_CLONES bool all_finite(const T* x, std::int64_t n) {
  // v - v is 0 for finite v, else NaN; a sum of them is 0 or NaN.
  T total = 0;
  T part[lanes] = {};
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    for (int k = 0; k < lanes; ++k) part[k] += x[i + k] - x[i + k];
  for (; i < n; ++i) total += x[i] - x[i];
  for (const T p : part) total += p;
  return total == 0;
}

template <class T>
GRADUS_CLONES void add_block(const T* x, std::int64_t n, Lanes& into) {
  std::int64_t i = 0;
  // Copies that nothing else can point to stay in registers.
  T low[lanes], high[lanes];
  double sum[lanes], squares[lanes];
  std::int32_t zeros[lanes] = {};
  for (int k = 0; k < lanes; ++k) {
    low[k] = high[k] = x[0];
    sum[k] = into.sum[k];
    squares[k] = into.squares[k];
  }
  for (; i + lanes <= n; i += lanes) {
    for (int k = 0; k < lanes; ++k) {
      const T v = x[i + k];
      low[k] = v < low[k] ? v : low[k];
      high[k] = v > high[k] ? v : high[k];
      zeros[k] += v == 0;
    }
    for (int k = 0; k < lanes; ++k) {
      const double v = static_cast<double>(x[i + k]);
      sum[k] += v;
      squares[k] += v * v;
    }
  }
  for (int k = 0; k < lanes; ++k) {
    into.sum[k] = sum[k];
    into.squares[k] = squares[k];
    into.min[k] = std::min(into.min[k], static_cast<double>(low[k]));
    into.max[k] = std::max(into.max[k], static_cast<double>(high[k]));
    into.zeros[k] += zeros[k];
  }
  for (int k = 0; i < n; ++i, ++k) {
    const double v = static_cast<double>(x[i]);
    into.sum[k] += v;
    into.squares[k] += v * v;
    into.min[k] = v < into.min[k] ? v : into.min[k];
    into.max[k] = v > into.max[k] ? v : into.max[k];
    into.zeros[k] += v == 0;
  }
}

constexpr std::uint64_t prime = 0x9E3779B97F4A7C15ull;

std::uint64_t mix(std::uint64_t h, std::uint64_t word) {
  h = (h ^ word) * prime;
  return h ^ (h >> 29);
}

/// Four running hashes, so that one multiplication need not wait for the other.
void hash_bytes(const std::byte* bytes, std::size_t n, std::uint64_t (&h)[4]) {
  std::size_t i = 0;
  for (; i + 32 <= n; i += 32)
    for (std::size_t k = 0; k < 4; ++k) {
      std::uint64_t word;
      std::memcpy(&word, bytes + i + 8 * k, 8);
      h[k] = mix(h[k], word);
    }
  for (; i < n; ++i) h[0] = mix(h[0], static_cast<std::uint64_t>(bytes[i]) + 1);
}

template <class T>
Part part_of(const T* x, std::int64_t begin, std::int64_t end, std::int64_t stride) {
  Part part;
  Lanes sums;
  std::fill(std::begin(sums.min), std::end(sums.min), part.min);
  std::fill(std::begin(sums.max), std::end(sums.max), part.max);
  std::uint64_t h[4] = {1, 2, 3, 4};
  for (std::int64_t at = begin; at < end; at += block) {
    const std::int64_t n = std::min(block, end - at);
    bool finite = true;
    if constexpr (std::is_floating_point_v<T>) finite = all_finite(x + at, n);
    if (finite) {
      add_block(x + at, n, sums);
    } else {
      for (std::int64_t i = at; i < at + n; ++i) {
        const double v = static_cast<double>(x[i]);
        if (std::isfinite(v)) {
          add_block(x + i, 1, sums);
          continue;
        }
        part.nans += std::isnan(v);
        part.plus_inf += std::isinf(v) && v > 0;
        part.minus_inf += std::isinf(v) && v < 0;
        if (part.first_bad < 0) part.first_bad = i;
      }
    }
    hash_bytes(reinterpret_cast<const std::byte*>(x + at), static_cast<std::size_t>(n) * sizeof(T),
               h);
    for (std::int64_t i = (at + stride - 1) / stride * stride; i < at + n; i += stride)
      ++part.histogram[static_cast<std::size_t>(bin_of(static_cast<double>(x[i])))];
  }
  for (int k = 0; k < lanes; ++k) {
    part.sum += sums.sum[k];
    part.squares += sums.squares[k];
    part.min = std::min(part.min, sums.min[k]);
    part.max = std::max(part.max, sums.max[k]);
    part.zeros += sums.zeros[k];
  }
  part.hash = mix(mix(mix(h[0], h[1]), h[2]), h[3]);
  return part;
}

template <class T>
Statistics of_contiguous(const T* x, std::int64_t count) {
  const std::int64_t stride = std::max<std::int64_t>(1, count >> 12);
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

}  // namespace

Statistics statistics(const Tensor& x) {
  const Unobserved not_seen;
  const NoGrad not_recorded;
  const Tensor rows = x.contiguous();
  return dispatch(rows.dtype(), [&]<class T>() -> Statistics {
    if constexpr (std::is_same_v<T, bool>)
      return of_contiguous(reinterpret_cast<const std::uint8_t*>(rows.data<bool>()), rows.numel());
    else
      return of_contiguous(rows.data<T>(), rows.numel());
  });
}

}  // namespace gradus::see
