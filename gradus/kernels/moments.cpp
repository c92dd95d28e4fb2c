// Eight lanes in as many vectors as an instruction set needs for them; see moments.h.
#include <gradus/kernels/moments.h>

#include <gradus/kernels/highway.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/kernels/moments.cpp"
#include <hwy/foreach_target.h>
// After it, once for each instruction set:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Index = std::int64_t;

constexpr Index eight = Moments::lanes;

/// Eight numbers of type T.
template <class T>
using Tag = hn::CappedTag<T, eight>;
template <class T>
constexpr Index width = static_cast<Index>(HWY_MIN(HWY_LANES(T), eight));
template <class T>
struct Eight {
  hn::Vec<Tag<T>> part[eight / width<T>];
};

/// Vector w of eight doubles from eight floats or doubles.
HWY_INLINE hn::Vec<Tag<double>> doubles(const float* x, Index w) {
  const hn::Rebind<float, Tag<double>> half;
  return hn::PromoteTo(Tag<double>(), hn::LoadU(half, x + w * width<double>));
}
HWY_INLINE hn::Vec<Tag<double>> doubles(const double* x, Index w) {
  return hn::LoadU(Tag<double>(), x + w * width<double>);
}

template <class T>
bool add_moments_loop(const void* elements, Index n, Moments& into) {
  using Whole = hwy::MakeSigned<T>;
  constexpr Tag<T> d;
  constexpr Tag<double> f64;
  const T* x = static_cast<const T*>(elements);
  if (n < 1) return true;
  Eight<T> low, high;
  Eight<Whole> zeros;
  Eight<double> sum, squares;
  for (auto& v : low.part) v = hn::Set(d, x[0]);
  high = low;
  for (auto& v : zeros.part) v = hn::Zero(Tag<Whole>());
  for (auto& v : sum.part) v = hn::Zero(f64);
  squares = sum;
  Index i = 0;
#pragma GCC unroll 4
  for (; i + eight <= n; i += eight) {
    for (Index w = 0; w < eight / width<T>; ++w) {
      const auto v = hn::LoadU(d, x + i + w * width<T>);
      low.part[w] = hn::Min(v, low.part[w]);
      high.part[w] = hn::Max(v, high.part[w]);
      // A true comparison is -1 as a whole number.
      const auto is_zero = hn::VecFromMask(d, hn::Eq(v, hn::Zero(d)));
      zeros.part[w] = hn::Sub(zeros.part[w], hn::BitCast(Tag<Whole>(), is_zero));
    }
    for (Index w = 0; w < eight / width<double>; ++w) {
      const auto v = doubles(x + i, w);
      sum.part[w] = hn::Add(sum.part[w], v);
      // The square of a float is exact in f64, fused with the sum or not.
      if constexpr (std::is_same_v<T, float>)
        squares.part[w] = hn::MulAdd(v, v, squares.part[w]);
      else
        squares.part[w] = hn::Add(squares.part[w], hn::Mul(v, v));
    }
  }
  Moments found;
  T lows[eight], highs[eight];
  Whole counts[eight];
  for (Index w = 0; w < eight / width<T>; ++w) {
    hn::StoreU(low.part[w], d, lows + w * width<T>);
    hn::StoreU(high.part[w], d, highs + w * width<T>);
    hn::StoreU(zeros.part[w], Tag<Whole>(), counts + w * width<T>);
  }
  for (Index w = 0; w < eight / width<double>; ++w) {
    hn::StoreU(sum.part[w], f64, found.sum + w * width<double>);
    hn::StoreU(squares.part[w], f64, found.squares + w * width<double>);
  }
  for (Index k = 0; i < n; ++i, ++k) {
    const auto v = static_cast<double>(x[i]);
    found.sum[k] += v;
    found.squares[k] += v * v;
    lows[k] = x[i] < lows[k] ? x[i] : lows[k];
    highs[k] = x[i] > highs[k] ? x[i] : highs[k];
    counts[k] += x[i] == 0;
  }
  // An infinity or a NaN among the elements is one among the sums of squares.
  double all = 0;
  for (Index k = 0; k < eight; ++k) all += found.squares[k];
  if (!std::isfinite(all)) return false;
  for (Index k = 0; k < eight; ++k) {
    into.sum[k] += found.sum[k];
    into.squares[k] += found.squares[k];
    into.min[k] = std::min(into.min[k], static_cast<double>(lows[k]));
    into.max[k] = std::max(into.max[k], static_cast<double>(highs[k]));
    into.zeros[k] += counts[k];
  }
  return true;
}

constexpr std::uint32_t prime = 0x9E3779B1;  // odd, near 2^32 / golden ratio

void hash_loop(const std::byte* bytes, Index stripes, std::uint32_t* state) {
  constexpr Tag<std::uint32_t> d;
  constexpr Index lanes = width<std::uint32_t>, vectors = ByteHash::lanes / lanes;
  hn::Vec<Tag<std::uint32_t>> h[vectors];
  for (Index w = 0; w < vectors; ++w) h[w] = hn::LoadU(d, state + w * lanes);
  const auto factor = hn::Set(d, prime);
  const auto* words = reinterpret_cast<const std::uint32_t*>(bytes);
  for (Index i = 0; i < stripes; ++i, words += ByteHash::lanes)
    for (Index w = 0; w < vectors; ++w) {
      h[w] = hn::Mul(hn::Xor(h[w], hn::LoadU(d, words + w * lanes)), factor);
      h[w] = hn::Xor(h[w], hn::ShiftRight<15>(h[w]));
    }
  for (Index w = 0; w < vectors; ++w) hn::StoreU(h[w], d, state + w * lanes);
}

/// The sum of all lanes, which has room in 64 bits.
template <class D>
std::uint64_t total(D d, hn::Vec<D> v) {
  hn::TFromD<D> lanes[hn::MaxLanes(D())];
  hn::StoreU(v, d, lanes);
  std::uint64_t sum = 0;
  for (const auto lane : lanes) sum += static_cast<std::uint64_t>(lane);
  return sum;
}

/// Truth values and pixels: whole numbers, whose sums are exact in any order.
bool add_bytes(const void* elements, Index n, Moments& into) {
  const auto* x = static_cast<const std::uint8_t*>(elements);
  if (n < 1) return true;
  std::uint64_t sum = 0, squares = 0, zeros = 0;
  std::uint8_t low = x[0], high = x[0];
  Index i = 0;
#if HWY_TARGET != HWY_SCALAR
  constexpr hn::ScalableTag<std::uint8_t> d;
  constexpr hn::RepartitionToWide<decltype(d)> d16;
  constexpr hn::Repartition<std::int16_t, decltype(d)> whole16;
  constexpr hn::Repartition<std::int32_t, decltype(d)> d32;
  constexpr hn::Repartition<std::uint64_t, decltype(d)> d64;
  constexpr auto step = static_cast<Index>(hn::MaxLanes(d));
  const auto none = hn::Zero(d), one = hn::Set(d, 1);
  auto lows = hn::Set(d, low), highs = lows;
  auto sums = hn::Zero(d64), zero_count = sums;
  auto even = hn::Zero(d32), odd = even;  // sums of squares
  for (; i + step <= n; i += step) {
    const auto v = hn::LoadU(d, x + i);
    lows = hn::Min(lows, v);
    highs = hn::Max(highs, v);
    sums = hn::Add(sums, hn::SumsOf8(v));
    const auto is_zero = hn::VecFromMask(d, hn::Eq(v, none));
    zero_count = hn::Add(zero_count, hn::SumsOf8(hn::And(is_zero, one)));
    const auto lower = hn::BitCast(whole16, hn::ZipLower(d16, v, none)),
               upper = hn::BitCast(whole16, hn::ZipUpper(d16, v, none));
    even = hn::ReorderWidenMulAccumulate(d32, lower, lower, even, odd);
    even = hn::ReorderWidenMulAccumulate(d32, upper, upper, even, odd);
  }
  if (i > 0) {
    std::uint8_t least[step], most[step];
    hn::StoreU(lows, d, least);
    hn::StoreU(highs, d, most);
    low = *std::min_element(least, least + step);
    high = *std::max_element(most, most + step);
    sum = total(d64, sums);
    zeros = total(d64, zero_count);
    squares = total(d32, even) + total(d32, odd);
  }
#endif
  for (; i < n; ++i) {
    const std::uint32_t v = x[i];
    sum += v;
    squares += v * v;
    zeros += v == 0;
    low = std::min(low, x[i]);
    high = std::max(high, x[i]);
  }
  into.sum[0] += static_cast<double>(sum);
  into.squares[0] += static_cast<double>(squares);
  into.zeros[0] += static_cast<std::int64_t>(zeros);
  into.min[0] = std::min<double>(into.min[0], low);
  into.max[0] = std::max<double>(into.max[0], high);
  return true;
}

bool add_floats(const void* x, Index n, Moments& into) {
  return add_moments_loop<float>(x, n, into);
}
bool add_doubles(const void* x, Index n, Moments& into) {
  return add_moments_loop<double>(x, n, into);
}

}  // namespace
}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::kernels {

HWY_EXPORT(add_floats);
HWY_EXPORT(add_doubles);
HWY_EXPORT(add_bytes);
HWY_EXPORT(hash_loop);

Moments::Moments() {
  std::fill_n(min, lanes, std::numeric_limits<double>::infinity());
  std::fill_n(max, lanes, -std::numeric_limits<double>::infinity());
}

template <class T>
bool add_moments(const T* x, std::int64_t n, Moments& into) {
  const auto loop = sizeof(T) == 1   ? HWY_DYNAMIC_DISPATCH(add_bytes)
                    : sizeof(T) == 4 ? HWY_DYNAMIC_DISPATCH(add_floats)
                                     : HWY_DYNAMIC_DISPATCH(add_doubles);
  return loop(x, n, into);
}
template bool add_moments(const float*, std::int64_t, Moments&);
template bool add_moments(const double*, std::int64_t, Moments&);
template bool add_moments(const std::uint8_t*, std::int64_t, Moments&);

ByteHash::ByteHash() {
  for (std::uint32_t k = 0; k < lanes; ++k) state[k] = k + 1;
}

void ByteHash::add(const std::byte* bytes, std::size_t n) {
  constexpr std::size_t stripe = sizeof state;
  HWY_DYNAMIC_DISPATCH(hash_loop)(bytes, static_cast<std::int64_t>(n / stripe), state);
  const std::size_t rest = n % stripe;
  if (rest == 0) return;
  // The last bytes are filled up with their number, so that a 0 at the end is one more.
  std::byte last[stripe];
  std::memset(last, static_cast<int>(rest), stripe);
  std::memcpy(last, bytes + n - rest, rest);
  HWY_DYNAMIC_DISPATCH(hash_loop)(last, 1, state);
}

}  // namespace gradus::kernels
#endif
