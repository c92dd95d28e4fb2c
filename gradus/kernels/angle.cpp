// x 2/pi modulo 4 in whole numbers; see angle.h.
#include <gradus/kernels/angle.h>
#include <gradus/kernels/math_coefficients.h>
#include <hwy/base.h>

#include <bit>
#include <cmath>
#include <limits>

namespace gradus::kernels {
namespace {

using Word = std::uint64_t;

struct TwoWords {
  Word high, low;
};
TwoWords product(Word a, Word b) {
  TwoWords all{};
  all.low = hwy::Mul128(a, b, &all.high);
  return all;
}
TwoWords sum(TwoWords a, Word b) {
  const Word low = a.low + b;
  return {a.high + (low < b), low};
}

/// The 64 bits from bit `at` on of a list of words.
Word bits_from(const Word* words, int at) {
  const Word* word = words + at / 64;
  const int shift = at % 64;
  return shift == 0 ? word[0] : word[0] << shift | word[1] >> (64 - shift);
}

}  // namespace

AngleParts large_angle(double x) {
  if (!std::isfinite(x)) return {0, std::numeric_limits<double>::quiet_NaN(), 0};
  // |x| = m 2^e. Where m 2^e meets a bit of 2/pi that makes a multiple of 4, nothing is left: 192
  // bits behind those are enough.
  constexpr int fraction = 52, bias = 1023;
  const Word of_x = std::bit_cast<Word>(x);
  const Word m = (of_x & ((Word{1} << fraction) - 1)) | Word{1} << fraction;
  const int e = static_cast<int>(of_x >> fraction & 0x7FF) - bias - fraction;
  const int first = e + 62;  // of weight 2^(1 - e); bit 63 stands in front of the binary point
  const Word* words = AngleCoefficients::two_over_pi_bits;
  // turns 2^-190 = m 2^e 2/pi modulo 4.
  const TwoWords last = product(m, bits_from(words, first + 128));
  const TwoWords middle = sum(product(m, bits_from(words, first + 64)), last.high);
  Word turns[] = {m * bits_from(words, first) + middle.high, middle.low, last.low};
  Word quarter = turns[0] >> 62;
  for (int k = 0; k < 3; ++k) turns[k] = turns[k] << 2 | (k < 2 ? turns[k + 1] >> 62 : 0);
  // Now a fraction of a quarter; from 1/2 on the next quarter is nearer.
  const bool is_behind = turns[0] >> 63;
  if (is_behind) {
    ++quarter;
    turns[2] = ~turns[2] + 1;
    turns[1] = ~turns[1] + (turns[2] == 0);
    turns[0] = ~turns[0] + (turns[2] == 0 && turns[1] == 0);
  }
  int shift = 0;
  while (turns[0] >> 63 == 0) {  // no double is as near to a quarter that nothing would be left
    const int zeros = turns[0] == 0 ? 63 : std::countl_zero(turns[0]);
    turns[0] = turns[0] << zeros | turns[1] >> (64 - zeros);
    turns[1] = turns[1] << zeros | turns[2] >> (64 - zeros);
    turns[2] <<= zeros;
    shift += zeros;
  }
  // Times pi/2: rest 2^-(127 + shift) is the angle.
  const Word* half_pi = AngleCoefficients::half_pi_bits;
  TwoWords rest = product(turns[0], half_pi[0]);
  rest = sum(sum(rest, product(turns[0], half_pi[1]).high), product(turns[1], half_pi[0]).high);
  if (rest.high >> 63 == 0) {
    rest = {rest.high << 1 | rest.low >> 63, rest.low << 1};
    ++shift;
  }
  const double high = std::ldexp(static_cast<double>(rest.high >> 11), -52 - shift);
  const double low =
      std::ldexp(static_cast<double>(rest.high << 53 | rest.low >> 11), -116 - shift);
  const double sign = is_behind != (x < 0) ? -1 : 1;
  if (x < 0) quarter = 0 - quarter;
  return {static_cast<std::int64_t>(quarter & 3), sign * high, sign * low};
}

}  // namespace gradus::kernels
