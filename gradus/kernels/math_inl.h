// exp, log and what follows from them, for one instruction set (the guard is Highway's). Written
// with sums, products and quotients of single roundings in a fixed order, never with fused
// multiply-add, and without a look at neighbouring lanes: so an element has the same bits in a
// vector of any width, on any instruction set, in any place. NaN, infinities, signed zeros,
// subnormal results and overflow are as in C's <math.h>. The coefficients:
// tools/math_coefficients.py.
#if defined(GRADUS_KERNELS_MATH_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_KERNELS_MATH_INL_H
#undef GRADUS_KERNELS_MATH_INL_H
#else
#define GRADUS_KERNELS_MATH_INL_H
#endif

#include <gradus/kernels/math_coefficients.h>

#include <cstddef>
#include <limits>

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

/// What belongs to a type: bits of the fraction, the exponent's offset, and where a function has
/// reached its limit.
template <class T>
struct MathLimits;
template <>
struct MathLimits<float> {
  static constexpr int fraction = 23, bias = 127;
  static constexpr float exp_zero = -104, exp_infinite = 89, expm1_minus_one = -18, tanh_one = 10,
                         erf_one = 4;
};
template <>
struct MathLimits<double> {
  static constexpr int fraction = 52, bias = 1023;
  static constexpr double exp_zero = -746, exp_infinite = 710, expm1_minus_one = -38, tanh_one = 20,
                          erf_one = 6;
};

// ---- Parts -------------------------------------------------------------------------------------

/// c[0] + c[1] x + c[2] x^2 ...: by Horner's rule, the even powers and the odd ones apart, in two
/// chains that do not wait for each other.
template <class D, class V, std::size_t size>
HWY_INLINE V polynomial(D d, V x, const hn::TFromD<D> (&c)[size]) {
  constexpr std::size_t last_even = (size - 1) / 2 * 2, last_odd = size / 2 * 2 - 1;
  const V square = x * x;
  V even = hn::Set(d, c[last_even]), odd = hn::Set(d, c[last_odd]);
  for (std::size_t k = last_even; k >= 2; k -= 2) even = even * square + hn::Set(d, c[k - 2]);
  for (std::size_t k = last_odd; k >= 3; k -= 2) odd = odd * square + hn::Set(d, c[k - 2]);
  return even + x * odd;
}

/// x where it lies between low and high, or is NaN; else the limit.
template <class D, class V, class T = hn::TFromD<D>>
HWY_INLINE V limited(D d, V x, T low, T high) {
  const V from = hn::Set(d, low), to = hn::Set(d, high);
  return hn::IfThenElse(x < from, from, hn::IfThenElse(x > to, to, x));
}

/// 3/2 2^fraction: added to a number that is small against it, it leaves no room for a fraction.
template <class T>
constexpr T whole_maker = static_cast<T>(3ull << (MathLimits<T>::fraction - 1));

/// The nearest whole number, ties to even.
template <class D, class V>
HWY_INLINE V nearest_whole(D d, V x) {
  const V maker = hn::Set(d, whole_maker<hn::TFromD<D>>);
  return (x + maker) - maker;
}

/// 2^n for a whole n that is the exponent of a normal number.
template <class D, class V>
HWY_INLINE V power_of_two(D d, V n) {
  using T = hn::TFromD<D>;
  const hn::RebindToUnsigned<D> bits;
  using Bits = hn::TFromD<decltype(bits)>;
  // The last bits of n + maker are n's; the others are shifted out.
  const auto last = hn::BitCast(bits, n + hn::Set(d, whole_maker<T>));
  return hn::BitCast(d, hn::ShiftLeft<MathLimits<T>::fraction>(
                            last + hn::Set(bits, static_cast<Bits>(MathLimits<T>::bias))));
}

/// 2^n as a product of two: each is normal where 2^n, or a number near 1 times 2^n, is zero,
/// subnormal or infinite.
template <class V>
struct TwoPowers {
  V first, second;
};
template <class D, class V>
HWY_INLINE TwoPowers<V> two_powers(D d, V n) {
  const V half = nearest_whole(d, n * hn::Set(d, 0.5));
  return {power_of_two(d, half), power_of_two(d, n - half)};
}

// ---- The exponential and its relatives ---------------------------------------------------------

/// e^x = 2^n (1 + r + rest), |r| <= ln(2) / 2, rest = e^r - 1 - r.
template <class V>
struct ExpParts {
  V n, r, rest;
};
/// For an x that is neither large nor infinite. ln(2) is taken out in two pieces (W. Cody and
/// W. Waite, "Software manual for the elementary functions", 1980), and what r loses in its last
/// rounding goes to the rest.
template <class D, class V>
HWY_INLINE ExpParts<V> exp_parts(D d, V x) {
  using C = MathCoefficients<hn::TFromD<D>>;
  const V n = nearest_whole(d, x * hn::Set(d, C::log2e));
  const V high = x - n * hn::Set(d, C::ln2_high), low = n * hn::Set(d, C::ln2_low);
  const V r = high - low;
  return {n, r, ((high - r) - low) + (r * r) * polynomial(d, r, C::exp)};
}

/// e^x / 2^n = (1 + r) + rest, with what the first sum loses.
template <class D, class V>
HWY_INLINE V exp_scaled(D d, const ExpParts<V>& parts) {
  const V one = hn::Set(d, 1), sum = one + parts.r, lost = parts.r - (sum - one);
  return sum + (lost + parts.rest);
}

template <class D, class V>
HWY_INLINE V exp(D d, V x) {
  using Limits = MathLimits<hn::TFromD<D>>;
  const ExpParts<V> parts = exp_parts(d, limited(d, x, Limits::exp_zero, Limits::exp_infinite));
  const TwoPowers<V> scale = two_powers(d, parts.n);
  return (exp_scaled(d, parts) * scale.first) * scale.second;
}

/// (e^x - 1) / 2^n = (1 - 2^-n) + r + rest, with what the first two sums lose.
template <class D, class V>
HWY_INLINE V expm1_scaled(D d, const ExpParts<V>& parts, V inverse) {
  const V one = hn::Set(d, 1), base = one - inverse, sum = base + parts.r;
  const V lost = (parts.r - (sum - base)) + ((one - base) - inverse);
  return sum + (lost + parts.rest);
}

template <class D, class V>
HWY_INLINE V expm1(D d, V x) {
  using Limits = MathLimits<hn::TFromD<D>>;
  const ExpParts<V> parts =
      exp_parts(d, limited(d, x, Limits::expm1_minus_one, Limits::exp_infinite));
  const TwoPowers<V> scale = two_powers(d, parts.n), inverse = two_powers(d, hn::Neg(parts.n));
  const V y = expm1_scaled(d, parts, inverse.first * inverse.second);
  return hn::IfThenElse(x == hn::Zero(d), x, (y * scale.first) * scale.second);  // -0
}

/// (e^2a - 1) / (e^2a + 1) = t / (t + 2) for a = |x|, with the sign of x. A small one is better off
/// as t/2 - t/2 (t / (t + 2)), where the sum's and the quotient's roundings weigh little.
template <class D, class V>
HWY_INLINE V tanh(D d, V x) {
  using T = hn::TFromD<D>;
  const V a = limited(d, hn::Abs(x), T(0), MathLimits<T>::tanh_one);
  const ExpParts<V> parts = exp_parts(d, a + a);
  const V t = expm1_scaled(d, parts, power_of_two(d, hn::Neg(parts.n))) * power_of_two(d, parts.n);
  const V half = t * hn::Set(d, 0.5), quotient = t / (t + hn::Set(d, 2));
  const V y = hn::IfThenElse(t < hn::Set(d, 1), half - half * quotient, quotient);
  return hn::CopySign(y, x);
}

/// 1 / (1 + e^-x), or the same times e^x / e^x where x < 0: no exponential of a positive number.
template <class D, class V>
HWY_INLINE V sigmoid(D d, V x) {
  const V e = exp(d, hn::Neg(hn::Abs(x))), one = hn::Set(d, 1);
  return hn::IfThenElse(x < hn::Zero(d), e, one) / (one + e);
}

/// x + x P(x^2) up to |x| = 1, then 1 - e^-Q(|x| - 1) (a polynomial for the logarithm of erfc).
template <class D, class V>
HWY_INLINE V erf(D d, V x) {
  using T = hn::TFromD<D>;
  using C = MathCoefficients<T>;
  const V a = hn::Abs(x), one = hn::Set(d, 1);
  const V inner = x + x * polynomial(d, x * x, C::erf);
  const V beyond = limited(d, a, T(1), MathLimits<T>::erf_one) - one;
  const ExpParts<V> parts = exp_parts(d, hn::Neg(polynomial(d, beyond, C::erfc)));
  const V outer = one - exp_scaled(d, parts) * power_of_two(d, parts.n);
  return hn::IfThenElse(a < one, inner, hn::CopySign(outer, x));
}

// ---- Logarithms --------------------------------------------------------------------------------

/// x = 2^k (1 + f), sqrt(1/2) <= 1 + f < sqrt(2).
template <class V>
struct LogParts {
  V k, f;
};
/// For a finite x > 0.
template <class D, class V>
HWY_INLINE LogParts<V> log_parts(D d, V x) {
  using T = hn::TFromD<D>;
  using Limits = MathLimits<T>;
  const hn::RebindToUnsigned<D> dbits;
  using Bits = hn::TFromD<decltype(dbits)>;
  constexpr Bits one = static_cast<Bits>(static_cast<Bits>(Limits::bias) << Limits::fraction);
  constexpr Bits sqrt_half = sizeof(T) == 4 ? Bits(0x3F3504F3) : Bits(0x3FE6A09E667F3BCD);
  constexpr T lift = static_cast<T>(2ull << Limits::fraction), whole = lift / 2;
  // A subnormal number is lifted to a normal one.
  const auto is_small = x < hn::Set(d, std::numeric_limits<T>::min());
  const V normal = hn::IfThenElse(is_small, x * hn::Set(d, lift), x);
  const auto bits = hn::BitCast(dbits, normal);
  // The exponent and its offset, rounded so that 1 + f comes to lie around 1.
  const auto exponent = hn::ShiftRight<Limits::fraction>(bits + hn::Set(dbits, one - sqrt_half));
  const V f =
      hn::BitCast(d, bits - hn::ShiftLeft<Limits::fraction>(exponent) + hn::Set(dbits, one)) -
      hn::Set(d, 1);
  // A whole number below 2^fraction becomes a floating one by being the fraction of 2^fraction.
  const V raised = hn::BitCast(d, exponent | hn::BitCast(dbits, hn::Set(d, whole)));
  const V offset = hn::Set(d, whole + static_cast<T>(Limits::bias));
  const V offset_lifted = hn::Set(d, whole + static_cast<T>(Limits::bias + Limits::fraction + 1));
  return {raised - hn::IfThenElse(is_small, offset_lifted, offset), f};
}

/// ln(1 + f) = f - tail. With s = f / (2 + f), 1 + f = (1 + s) / (1 - s) and the logarithm is a
/// series in odd powers of s; f is exact and stands alone, only the small tail has roundings (the
/// formula of FreeBSD's e_log.c, K. C. Ng 1993).
template <class D, class V>
HWY_INLINE V log_tail(D d, V f) {
  const V s = f / (hn::Set(d, 2) + f), z = s * s, half_square = (f * f) * hn::Set(d, 0.5);
  const V series = z * polynomial(d, z, MathCoefficients<hn::TFromD<D>>::log);
  return half_square - s * (half_square + series);
}

/// k ln(2) + ln(1 + f) + more, with what the first sum loses.
template <class D, class V>
HWY_INLINE V log_sum(D d, const LogParts<V>& parts, V more) {
  using C = MathCoefficients<hn::TFromD<D>>;
  const V high = parts.k * hn::Set(d, C::ln2_high), sum = high + parts.f;
  const V lost = parts.f - (sum - high);
  return sum + (lost + ((parts.k * hn::Set(d, C::ln2_low) + more) - log_tail(d, parts.f)));
}

/// y, but -inf where what the logarithm is taken of is 0, NaN where it is less, and itself where it
/// is +inf or NaN.
template <class D, class V>
HWY_INLINE V log_limits(D d, V of, V y) {
  using Limits = std::numeric_limits<hn::TFromD<D>>;
  const V infinity = hn::Set(d, Limits::infinity()), zero = hn::Zero(d);
  const V above = hn::IfThenElse(of < infinity, y, of);
  return hn::IfThenElse(
      of > zero, above,
      hn::IfThenElse(of == zero, hn::Neg(infinity),
                     hn::IfThenElse(of < zero, hn::Set(d, Limits::quiet_NaN()), of)));
}

template <class D, class V>
HWY_INLINE V log(D d, V x) {
  return log_limits(d, x, log_sum(d, log_parts(d, x), hn::Zero(d)));
}

/// The logarithm of u = 1 + x, and to first order what u lost of x.
template <class D, class V>
HWY_INLINE V log1p(D d, V x) {
  const V one = hn::Set(d, 1), u = one + x;
  const V lost = hn::IfThenElse(x < one, x - (u - one), one - (u - x));
  LogParts<V> parts = log_parts(d, u);
  // Near 0 nothing need be lost: f is x itself.
  const auto is_near = parts.k == hn::Zero(d);
  parts.f = hn::IfThenElse(is_near, x, parts.f);
  const V y = log_sum(d, parts, hn::IfThenZeroElse(is_near, lost / u));
  return hn::IfThenElse(x == hn::Zero(d), x, log_limits(d, u, y));  // -0
}

/// k + ln(1 + f) / ln(2): the logarithm as a sum whose first part has half the bits, so that its
/// product is exact.
template <class D, class V>
HWY_INLINE V log2(D d, V x) {
  using T = hn::TFromD<D>;
  using C = MathCoefficients<T>;
  const hn::RebindToUnsigned<D> dbits;
  using Bits = hn::TFromD<decltype(dbits)>;
  constexpr Bits first_half = sizeof(T) == 4 ? Bits(0xFFFFF000) : Bits(0xFFFFFFFF00000000);
  const LogParts<V> parts = log_parts(d, x);
  const V high = hn::BitCast(d, hn::BitCast(dbits, parts.f) & hn::Set(dbits, first_half));
  const V low = (parts.f - high) - log_tail(d, parts.f);
  const V product = high * hn::Set(d, C::log2e_high), sum = parts.k + product;
  const V lost = product - (sum - parts.k);
  const V rest = low * hn::Set(d, C::log2e) + high * hn::Set(d, C::log2e_low);
  return log_limits(d, x, sum + (lost + rest));
}

}  // namespace
}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // once for each instruction set
