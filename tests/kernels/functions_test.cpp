// exp, log and their relatives on every instruction set: within the bounds that docs/performance.md
// states of the C library's results in the next larger type, with C's special values; an element
// has the same bits everywhere, on any target, at any place of a row, with any stride.
//
// GRADUS_EXHAUSTIVE=1 takes all 2^32 floats instead of every 40,009th, some minutes a function.
#include <gradus/kernels/functions.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include <tests/kernels/bits.h>
#include <tests/kernels/guarded.h>
#include <tests/kernels/targets.h>

namespace gradus::kernels {
namespace {

using gradus::testing::Edge;
using gradus::testing::Guarded;
using gradus::testing::same;
using Index = std::int64_t;

struct Case {
  MathFunction function;
  const char* name;
  double bound_f32, bound_f64;  // in units of the last place
};
constexpr Case cases[] = {{MathFunction::exp, "exp", 1, 1},
                          {MathFunction::expm1, "expm1", 1.5, 1.25},
                          {MathFunction::log, "log", 1, 1},
                          {MathFunction::log1p, "log1p", 1, 1},
                          {MathFunction::log2, "log2", 1.25, 1},
                          {MathFunction::tanh, "tanh", 2, 2},
                          {MathFunction::sigmoid, "sigmoid", 2.5, 2.5},
                          {MathFunction::erf, "erf", 1.75, 1.5},
                          {MathFunction::sin, "sin", 0.51, 1},
                          {MathFunction::cos, "cos", 0.51, 1},
                          {MathFunction::tan, "tan", 0.51, 2.5}};

/// The C library's.
template <class T>
T oracle(MathFunction f, T x) {
  switch (f) {
    case MathFunction::exp:
      return std::exp(x);
    case MathFunction::expm1:
      return std::expm1(x);
    case MathFunction::log:
      return std::log(x);
    case MathFunction::log1p:
      return std::log1p(x);
    case MathFunction::log2:
      return std::log2(x);
    case MathFunction::tanh:
      return std::tanh(x);
    case MathFunction::sigmoid:
      return 1 / (1 + std::exp(-x));
    case MathFunction::erf:
      return std::erf(x);
    case MathFunction::sin:
      return std::sin(x);
    case MathFunction::cos:
      return std::cos(x);
    default:
      return std::tan(x);
  }
}

template <class T>
std::vector<T> values(MathFunction f, const std::vector<T>& x) {
  std::vector<T> y(x.size());
  const Index n = std::ssize(x), one = 1;
  apply_function(f, x.data(), &one, y.data(), &one, &n, 1);
  return y;
}

/// How far y is from `exact`, in units of the last place of the type at `exact`: 0.5 where y is the
/// nearest number; without end where one is NaN, infinite or a zero of the other sign and the other
/// is not.
template <class T, class Wide>
double error_in_ulps(T y, Wide exact) {
  using Limits = std::numeric_limits<T>;
  const T rounded = static_cast<T>(exact);
  if (same(y, rounded)) return 0.5;
  if (!std::isfinite(y) || !std::isfinite(rounded) || y == rounded) return Limits::infinity();
  const int exponent = std::max(exact == 0 ? -20000 : std::ilogb(exact), Limits::min_exponent - 1);
  const Wide difference = std::fabs(static_cast<Wide>(y) - exact);
  return static_cast<double>(std::scalbn(difference, Limits::digits - 1 - exponent));
}

bool exhaustive() {
  const char* text = std::getenv("GRADUS_EXHAUSTIVE");
  return text && std::string(text) == "1";
}

class Functions : public ::testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(All, Functions, ::testing::ValuesIn(cases),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_P(Functions, OfFloatsAreWithinTheirBoundAndEqualOnEveryTarget) {
  const Case& c = GetParam();
  constexpr std::uint64_t all = std::uint64_t{1} << 32;
  const std::uint64_t step = exhaustive() ? 1 : 40009, piece = step << 16;
  double worst = 0;
  float worst_at = 0;
  for (std::uint64_t begin = 0; begin < all; begin += piece) {
    std::vector<float> x;
    for (std::uint64_t k = begin; k < std::min(begin + piece, all); k += step)
      x.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(k)));
    const std::vector<float> y = values(c.function, x);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double error = error_in_ulps(y[i], oracle(c.function, static_cast<double>(x[i])));
      if (error > worst) {
        worst = error;
        worst_at = x[i];
      }
    }
    // All of them take long: the other instruction sets an eighth.
    if (exhaustive() && begin / piece % 8 != 0) continue;
    for_each_target([&](const char* target) {
      const std::vector<float> again = values(c.function, x);
      for (std::size_t i = 0; i < x.size(); ++i)
        ASSERT_TRUE(same(y[i], again[i])) << c.name << '(' << x[i] << ") on " << target;
    });
  }
  if (exhaustive()) std::cout << c.name << ": " << worst << " ulp at " << worst_at << '\n';
  EXPECT_LE(worst, c.bound_f32) << c.name << '(' << worst_at << ')';
}

/// Random bits; and numbers of every moderate size, where most of the functions have their limits.
std::vector<double> doubles() {
  std::mt19937_64 random(1);
  std::vector<double> x;
  for (int i = 0; i < 30000; ++i) x.push_back(std::bit_cast<double>(random()));
  for (const double scale : {1e-9, 1e-3, 0.1, 0.5, 1.0, 2.0, 8.0, 50.0, 760.0})
    for (int i = 0; i < 20000; ++i)
      x.push_back(scale * (static_cast<double>(random()) * 0x1p-63 - 1));
  for (int i = 0; i < 20000; ++i)
    x.push_back(1 + 0.3 * (static_cast<double>(random()) * 0x1p-63 - 1));
  // Where an angle is nearly a whole number of quarter turns, and where angles become large.
  for (int k = 1; k < 20000; ++k)
    x.push_back((k % 2 ? 1 : -1) * static_cast<double>(k * std::numbers::pi_v<long double> / 2));
  x.push_back(6381956970095103.0 * 0x1p797);  // of all doubles the nearest to one (J.-M. Muller)
  for (int i = 0; i < 20000; ++i)
    x.push_back(std::ldexp(static_cast<double>(random()), i % 60 - 50));
  for (const double limit : {0x1p20, 0x1p52, 0x1p53, 0x1p54})
    for (double at = limit - 3 * (limit * 0x1p-53); at <= limit * (1 + 0x1p-50);
         at = std::nextafter(at, 2 * limit))
      x.insert(x.end(), {at, -at});
  return x;
}

TEST_P(Functions, OfDoublesAreWithinTheirBoundAndEqualOnEveryTarget) {
  static_assert(std::numeric_limits<long double>::digits >= 64, "no wider type to judge f64 by");
  const Case& c = GetParam();
  const std::vector<double> x = doubles(), y = values(c.function, x);
  double worst = 0, worst_at = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double error = error_in_ulps(y[i], oracle(c.function, static_cast<long double>(x[i])));
    if (error > worst) {
      worst = error;
      worst_at = x[i];
    }
  }
  if (exhaustive()) std::cout << c.name << ": " << worst << " ulp at " << worst_at << '\n';
  EXPECT_LE(worst, c.bound_f64) << c.name << '(' << worst_at << ')';
  for_each_target([&](const char* target) {
    const std::vector<double> again = values(c.function, x);
    for (std::size_t i = 0; i < x.size(); ++i)
      ASSERT_TRUE(same(y[i], again[i])) << c.name << '(' << x[i] << ") on " << target;
  });
}

template <class T>
void special_values() {
  using Limits = std::numeric_limits<T>;
  const T inf = Limits::infinity(), nan = Limits::quiet_NaN(), tiny = Limits::denorm_min();
  const std::vector<T> x{0, T(-0.0), inf, -inf, nan, -1, -2, 1, tiny, -tiny};
  const auto expect = [&](MathFunction f, const std::vector<T>& wanted) {
    const std::vector<T> y = values(f, x);
    for (std::size_t i = 0; i < wanted.size(); ++i)
      EXPECT_TRUE(same(wanted[i], y[i])) << static_cast<int>(f) << " of " << x[i] << ": " << y[i];
  };
  expect(MathFunction::exp, {1, 1, inf, 0, nan});
  expect(MathFunction::expm1, {0, T(-0.0), inf, -1, nan});
  expect(MathFunction::log, {-inf, -inf, inf, nan, nan, nan, nan, 0});
  expect(MathFunction::log1p, {0, T(-0.0), inf, nan, nan, -inf, nan});
  expect(MathFunction::log2,
         {-inf, -inf, inf, nan, nan, nan, nan, 0, T(Limits::min_exponent) - Limits::digits});
  expect(MathFunction::tanh, {0, T(-0.0), 1, -1, nan});
  expect(MathFunction::sigmoid, {0.5, 0.5, 1, 0, nan});
  expect(MathFunction::erf, {0, T(-0.0), 1, -1, nan});
  expect(MathFunction::sin, {0, T(-0.0), nan, nan, nan});
  expect(MathFunction::cos, {1, 1, nan, nan, nan});
  expect(MathFunction::tan, {0, T(-0.0), nan, nan, nan});
  for (const MathFunction f : {MathFunction::expm1, MathFunction::log1p, MathFunction::tanh,
                               MathFunction::sin, MathFunction::tan}) {
    EXPECT_EQ(tiny, values<T>(f, {tiny})[0]);
    EXPECT_EQ(-tiny, values<T>(f, {-tiny})[0]);
  }
  // Powers of two are exact.
  for (int k = Limits::min_exponent - Limits::digits; k < Limits::max_exponent; ++k)
    EXPECT_EQ(T(k), values<T>(MathFunction::log2, {std::scalbn(T(1), k)})[0]);
}
TEST(FunctionValues, AreThoseOfCAtZeroInfinityAndNaN) {
  for_each_target([](const char* target) {
    SCOPED_TRACE(target);
    special_values<float>();
    special_values<double>();
  });
}

/// Every element as if it were alone.
template <class T>
void layouts(MathFunction f) {
  for (const Edge edge : {Edge::front, Edge::back})
    for (const Index n : {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 67, 255, 256, 257, 600})
      for (const Index sx : {1, 0, -1, 2})
        for (const Index sy : {1, -1, 3}) {
          const auto room = [n](Index step) { return n == 0 ? 0 : std::abs(step) * (n - 1) + 1; };
          Guarded<T> x(room(sx), edge), y(room(sy), edge);
          for (Index i = 0; i < room(sx); ++i) x[i] = T(0.37) * static_cast<T>(i % 61) - 11;
          const T* fx = x.data() + (sx < 0 && n > 0 ? n - 1 : 0);
          T* fy = y.data() + (sy < 0 && n > 0 ? n - 1 : 0);
          apply_function(f, fx, &sx, fy, &sy, &n, 1);
          for (Index i = 0; i < n; ++i)
            ASSERT_TRUE(same(values<T>(f, {fx[i * sx]})[0], fy[i * sy]))
                << n << ' ' << sx << ' ' << sy;
          if (sx != sy) continue;
          std::vector<T> before;
          for (Index i = 0; i < n; ++i) before.push_back(fy[i * sy]);
          T* in_place = const_cast<T*>(fx);
          apply_function(f, fx, &sx, in_place, &sx, &n, 1);
          for (Index i = 0; i < n; ++i)
            ASSERT_TRUE(same(before[static_cast<std::size_t>(i)], in_place[i * sx]));
        }
}
TEST_P(Functions, HaveEqualBitsInAnyLengthStrideAndPlaceWithGuardPages) {
  for_each_target([](const char* target) {
    SCOPED_TRACE(target);
    layouts<float>(GetParam().function);
    layouts<double>(GetParam().function);
  });
}

}  // namespace
}  // namespace gradus::kernels
