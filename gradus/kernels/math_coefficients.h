// Made by tools/math_coefficients.py: the numbers behind math_inl.h, lowest power first. The errors
// are weighted so that they are relative to the function's value, before rounding.
#pragma once

namespace gradus::kernels {

template <class T>
struct MathCoefficients;

template <>
struct MathCoefficients<float> {
  // ln(2) and 1 / ln(2), each also as a sum whose first part has few bits.
  static constexpr float log2e = 0x1.715476p+0f;
  static constexpr float log2e_high = 0x1.716p+0f;
  static constexpr float log2e_low = -0x1.7135a8p-13f;
  static constexpr float ln2_high = 0x1.62e4p-1f;
  static constexpr float ln2_low = 0x1.7f7d1cp-20f;
  // (e^r - 1 - r) / r^2 in r, |r| <= ln(2) / 2: error 2^-28.3
  static constexpr float exp[] = {0x1.fffffcp-2f, 0x1.555492p-3f, 0x1.5558f2p-5f, 0x1.1239e2p-7f,
                                  0x1.6a2434p-10f};
  // (ln((1 + s) / (1 - s)) - 2 s) / s^3 in s^2, s^2 <= 0.02945: error 2^-37.6
  static constexpr float log[] = {0x1.555554p-1f, 0x1.999a7ap-2f, 0x1.2438d2p-2f, 0x1.e2f724p-3f};
  // erf(x) / x - 1 in x^2, |x| <= 1: error 2^-29.7
  static constexpr float erf[] = {0x1.06eba8p-3f, -0x1.81273ep-2f,  0x1.ce2d2p-4f,  -0x1.b7fbb6p-6f,
                                  0x1.5419f8p-8f, -0x1.a485eap-11f, 0x1.4ae49ep-14f};
  // -ln(erfc(1 + t)) in t, t <= 3 (f32) or 5 (f64): error 2^-29.8
  static constexpr float erfc[] = {0x1.d97fcp+0f,   0x1.51c9aap+1f,  0x1.afad1cp-1f,
                                   0x1.53ff24p-5f,  -0x1.444122p-7f, 0x1.df8fc6p-10f,
                                   -0x1.86dd72p-13f};
};

template <>
struct MathCoefficients<double> {
  // ln(2) and 1 / ln(2), each also as a sum whose first part has few bits.
  static constexpr double log2e = 0x1.71547652b82fep+0;
  static constexpr double log2e_high = 0x1.7154768p+0;
  static constexpr double log2e_low = -0x1.6a3e80f444178p-27;
  static constexpr double ln2_high = 0x1.62e42fefa4p-1;
  static constexpr double ln2_low = -0x1.8432a1b0e2634p-43;
  // (e^r - 1 - r) / r^2 in r, |r| <= ln(2) / 2: error 2^-64.0
  static constexpr double exp[] = {0x1.p-1,
                                   0x1.555555555555bp-3,
                                   0x1.5555555555503p-5,
                                   0x1.111111110ec5ep-7,
                                   0x1.6c16c16c304c6p-10,
                                   0x1.a01a01b37df96p-13,
                                   0x1.a01a01368072fp-16,
                                   0x1.71ddf021389c4p-19,
                                   0x1.27e5b461a36dep-22,
                                   0x1.af6be76a59a1ep-26,
                                   0x1.1e3d08b5bc4a3p-29};
  // (ln((1 + s) / (1 - s)) - 2 s) / s^3 in s^2, s^2 <= 0.02945: error 2^-66.7
  static constexpr double log[] = {0x1.5555555555555p-1, 0x1.9999999999dffp-2, 0x1.249249242b411p-2,
                                   0x1.c71c7258fde4ap-3, 0x1.745cde358ccadp-3, 0x1.3b20ab92cec39p-3,
                                   0x1.0f5cc8b887e7cp-3, 0x1.0f6314b6b8f0fp-3};
  // erf(x) / x - 1 in x^2, |x| <= 1: error 2^-62.8
  static constexpr double erf[] = {
      0x1.06eba8214db69p-3,  -0x1.812746b0379e6p-2,  0x1.ce2f21a042b34p-4,  -0x1.b82ce31284f38p-6,
      0x1.565bcd0dbd91bp-8,  -0x1.c02db3db495ebp-11, 0x1.f9a321e4b5115p-14, -0x1.f4d1e43476986p-17,
      0x1.b9df3058fab8bp-20, -0x1.5f1f40da96dbbp-23, 0x1.f7b99c1c97933p-27, -0x1.38ac1e539509dp-30,
      0x1.06274e72355cap-34};
  // -ln(erfc(1 + t)) in t, t <= 3 (f32) or 5 (f64): error 2^-59.5
  static constexpr double erfc[] = {
      0x1.d97fbf27aa2a1p+0,   0x1.51c9b0006c237p+1,  0x1.afabc11a29553p-1,   0x1.5477f09c109bbp-5,
      -0x1.48c9d3ed5a086p-7,  0x1.033f65e9b693ep-9,  -0x1.f1b39890cdae1p-13, -0x1.b8dd439be64aap-16,
      0x1.c7a4c0887a2c9p-16,  -0x1.4263b11dcb07p-17, 0x1.14519fd31e225p-19,  -0x1.31021209ef1b9p-23,
      -0x1.a52b6120b618p-24,  0x1.c0fd58f897ba3p-25, -0x1.017b2c14c5d29p-26, 0x1.8c0c9d36a1aap-29,
      -0x1.97e382e21d35dp-32, 0x1.ff5e4d6aab748p-36, -0x1.2773d03acb44fp-40};
};

}  // namespace gradus::kernels
