// sin, cos and tan for one instruction set (the guard is Highway's), by the rules of math_inl.h. In
// doubles; floats are widened, which costs less than the care that their own arithmetic needs.
#if defined(GRADUS_KERNELS_TRIGONOMETRY_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_KERNELS_TRIGONOMETRY_INL_H
#undef GRADUS_KERNELS_TRIGONOMETRY_INL_H
#else
#define GRADUS_KERNELS_TRIGONOMETRY_INL_H
#endif

#include <gradus/kernels/angle.h>
#include <gradus/kernels/math_inl.h>

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {
namespace {

/// x = n pi/2 + rest + rest_low; the last bits of `quarter` are n's.
template <class V>
struct Angle {
  V quarter, rest, rest_low;
};

/// What a - b loses, whichever is larger. (O. Moller, D. Knuth)
template <class V>
HWY_INLINE V lost_of_difference(V a, V b, V difference) {
  const V taken = difference - a;
  return (a - (difference - taken)) - (b + taken);
}

/// Gives the lanes with large angles what large_angle finds.
template <class D, class V>
HWY_NOINLINE Angle<V> with_large_angles(D d, V x, Angle<V> angle) {
  HWY_ALIGN double xs[HWY_LANES(double)], quarters[HWY_LANES(double)], rests[HWY_LANES(double)],
      rests_low[HWY_LANES(double)];
  hn::Store(x, d, xs);
  hn::Store(angle.quarter, d, quarters);
  hn::Store(angle.rest, d, rests);
  hn::Store(angle.rest_low, d, rests_low);
  for (std::size_t i = 0; i < hn::Lanes(d); ++i) {
    if (!(std::fabs(xs[i]) > AngleCoefficients::largest)) continue;
    const AngleParts parts = large_angle(xs[i]);
    quarters[i] = whole_maker<double> + static_cast<double>(parts.quarter);
    rests[i] = parts.rest;
    rests_low[i] = parts.rest_low;
  }
  return {hn::Load(d, quarters), hn::Load(d, rests), hn::Load(d, rests_low)};
}

/// pi/2 is taken out in pieces, of which n times those with few bits is exact: three for a T of
/// float, four for a double, whose rest has a low part.
template <class T, class D, class V>
HWY_INLINE Angle<V> angle(D d, V x) {
  using C = AngleCoefficients;
  const V maker = hn::Set(d, whole_maker<double>);
  const V quarter = x * hn::Set(d, C::two_over_pi) + maker, n = quarter - maker;
  const V first = x - n * hn::Set(d, C::half_pi_1);
  const V second_part = n * hn::Set(d, C::half_pi_2), second = first - second_part;
  Angle<V> result{quarter, second - n * hn::Set(d, C::half_pi_3), hn::Zero(d)};
  if constexpr (sizeof(T) == 8) {
    const V third_part = n * hn::Set(d, C::half_pi_3), third = second - third_part;
    const V low = (lost_of_difference(first, second_part, second) +
                   lost_of_difference(second, third_part, third)) -
                  n * hn::Set(d, C::half_pi_4);
    result.rest = third + low;
    result.rest_low = (third - result.rest) + low;
  }
  if (hn::AllFalse(d, hn::Abs(x) > hn::Set(d, C::largest))) return result;
  return with_large_angles(d, x, result);
}

/// r + r^3 P(r^2), and what rest_low adds to it to first order.
template <class T, class D, class V>
HWY_INLINE V sin_of_rest(D d, const Angle<V>& a, V square) {
  using C = AngleCoefficients;
  if constexpr (sizeof(T) == 4)
    return a.rest + (square * a.rest) * polynomial(d, square, C::sin_float);
  const V cubic = (square * a.rest) * polynomial(d, square, C::sin_double);
  return a.rest + (cubic + (a.rest_low - (square * hn::Set(d, 0.5)) * a.rest_low));
}
/// 1 - r^2/2 + r^4 Q(r^2), with what the first difference loses, and with rest_low.
template <class T, class D, class V>
HWY_INLINE V cos_of_rest(D d, const Angle<V>& a, V square) {
  using C = AngleCoefficients;
  const V one = hn::Set(d, 1), half = square * hn::Set(d, 0.5), first = one - half;
  if constexpr (sizeof(T) == 4)
    return first + (square * square) * polynomial(d, square, C::cos_float);
  const V quartic = (square * square) * polynomial(d, square, C::cos_double);
  return first + (((one - first) - half) + (quartic - a.rest * a.rest_low));
}

/// Of the angle with `more` quarter turns added.
template <class T, class D, class V>
HWY_INLINE V sin_of(D d, const Angle<V>& a, V more) {
  const hn::RebindToUnsigned<D> dbits;
  const auto quarter = hn::BitCast(dbits, a.quarter + more);
  const auto is_odd = hn::RebindMask(d, hn::TestBit(quarter, hn::Set(dbits, 1)));
  const V square = a.rest * a.rest;
  const V y = hn::IfThenElse(is_odd, cos_of_rest<T>(d, a, square), sin_of_rest<T>(d, a, square));
  const auto sign = hn::ShiftLeft<62>(quarter & hn::Set(dbits, 2));
  return hn::BitCast(d, hn::BitCast(dbits, y) ^ sign);
}

// Of doubles; T is the type that the result is rounded to.
template <class T, class D, class V>
HWY_INLINE V sin(D d, V x) {
  return hn::IfThenElse(x == hn::Zero(d), x, sin_of<T>(d, angle<T>(d, x), hn::Zero(d)));  // -0
}
template <class T, class D, class V>
HWY_INLINE V cos(D d, V x) {
  return sin_of<T>(d, angle<T>(d, x), hn::Set(d, 1));
}
/// sin / cos, and - cos / sin in every other quarter.
template <class T, class D, class V>
HWY_INLINE V tan(D d, V x) {
  const hn::RebindToUnsigned<D> dbits;
  const Angle<V> a = angle<T>(d, x);
  const auto is_odd =
      hn::RebindMask(d, hn::TestBit(hn::BitCast(dbits, a.quarter), hn::Set(dbits, 1)));
  const V square = a.rest * a.rest;
  const V s = sin_of_rest<T>(d, a, square), c = cos_of_rest<T>(d, a, square);
  const V y = hn::IfThenElse(is_odd, hn::Neg(c), s) / hn::IfThenElse(is_odd, s, c);
  return hn::IfThenElse(x == hn::Zero(d), x, y);  // -0
}

}  // namespace
}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // once for each instruction set
