// Made by tools/math_coefficients.py: the numbers behind math_inl.h, lowest power first. The errors
// are weighted so that they are relative to the function's value, before rounding.
#pragma once

#include <cstdint>

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

/// Of sin, cos and tan, in doubles for floats, too.
struct AngleCoefficients {
  // What is larger is too large for four pieces of pi / 2.
  static constexpr double largest = 0x1p20;
  static constexpr double two_over_pi = 0x1.45f306dc9c883p-1;
  // pi / 2 as a sum whose first parts have 33 bits each.
  static constexpr double half_pi_1 = 0x1.921fb544p+0;
  static constexpr double half_pi_2 = 0x1.0b4611a6p-34;
  static constexpr double half_pi_3 = 0x1.3198a2ep-69;
  static constexpr double half_pi_4 = 0x1.b839a252049c1p-104;
  // (sin(r) - r) / r^3 in r^2, |r| <= pi / 4, for a float: error 2^-37.5
  static constexpr double sin_float[] = {-0x1.5555554c70e54p-3, 0x1.11110869b5d77p-7,
                                         -0x1.a00f7e9e43fe8p-13, 0x1.6cd1d18b46788p-19};
  // (sin(r) - r) / r^3 in r^2, |r| <= pi / 4, for a double: error 2^-57.9
  static constexpr double sin_double[] = {-0x1.5555555555548p-3,  0x1.111111110f7cdp-7,
                                          -0x1.a01a019bfd83bp-13, 0x1.71de356772ea1p-19,
                                          -0x1.ae5e5a43976bp-26,  0x1.5d8fba676fae8p-33};
  // (cos(r) - 1 + r^2 / 2) / r^4 in r^2, |r| <= pi / 4, for a float: error 2^-33.0
  static constexpr double cos_float[] = {0x1.55554a1077254p-5, -0x1.6c0c331a77782p-10,
                                         0x1.99eb730f38c13p-16};
  // (cos(r) - 1 + r^2 / 2) / r^4 in r^2, |r| <= pi / 4, for a double: error 2^-64.0
  static constexpr double cos_double[] = {0x1.555555555554bp-5,  -0x1.6c16c16c14f8ep-10,
                                          0x1.a01a019c83f09p-16, -0x1.27e4f7ea7e7b5p-22,
                                          0x1.1ee9d783f1637p-29, -0x1.8fa48016b4c82p-37};
  // 2 / pi in binary: words of 64 bits, the first in front of the point.
  static constexpr std::uint64_t two_over_pi_bits[] = {
      0x0000000000000000, 0xA2F9836E4E441529, 0xFC2757D1F534DDC0, 0xDB6295993C439041,
      0xFE5163ABDEBBC561, 0xB7246E3A424DD2E0, 0x06492EEA09D1921C, 0xFE1DEB1CB129A73E,
      0xE88235F52EBB4484, 0xE99C7026B45F7E41, 0x3991D639835339F4, 0x9C845F8BBDF9283B,
      0x1FF897FFDE05980F, 0xEF2F118B5A0A6D1F, 0x6D367ECF27CB09B7, 0x4F463F669E5FEA2D,
      0x7527BAC7EBE5F17B, 0x3D0739F78A5292EA, 0x6BFB5FB11F8D5D08, 0x56033046FC7B6BAB};
  // pi / 2 2^127, two words.
  static constexpr std::uint64_t half_pi_bits[] = {0xC90FDAA22168C234, 0xC4C6628B80DC1CD1};
};

}  // namespace gradus::kernels
