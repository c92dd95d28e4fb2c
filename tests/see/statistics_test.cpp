// What one pass over a tensor finds, against plain loops in f64.
#include <gradus/ops/ops.h>
#include <gradus/see/recorder.h>
#include <gradus/see/statistics.h>
#include <gradus/see/tape_view.h>
#include <gradus/see/words.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

using namespace gradus;

namespace {

/// Two-pass formulas over a plain vector.
TEST(Statistics, AgreeWithPlainLoops) {
  Generator g(11);
  for (const std::int64_t n : {1, 7, 1023, 1025, 70000, 200001}) {
    Tensor x = randn({n}, DType::f32, &g) * 3. + 1000.;
    if (n > 1000) {
      float* data = x.data<float>();
      data[5] = 0;
      data[77] = std::nanf("");
      data[900] = -INFINITY;
      data[901] = INFINITY;
    }
    const auto values = x.to_vector<double>();
    double sum = 0, squares = 0, low = INFINITY, high = -INFINITY, finite = 0;
    for (const double v : values) {
      if (!std::isfinite(v)) continue;
      sum += v;
      squares += v * v;
      low = std::min(low, v);
      high = std::max(high, v);
      ++finite;
    }
    double spread = 0;
    for (const double v : values)
      if (std::isfinite(v)) spread += (v - sum / finite) * (v - sum / finite);
    const see::Statistics s = see::statistics(x);
    EXPECT_EQ(s.count, n);
    EXPECT_EQ(s.min, low);
    EXPECT_EQ(s.max, high);
    EXPECT_NEAR(s.mean, sum / finite, 1e-9 * 1000);
    EXPECT_NEAR(s.l2, std::sqrt(squares), 1e-9 * s.l2);
    EXPECT_NEAR(s.std, std::sqrt(spread / finite), 1e-5 * (1 + s.std));
    if (n > 1000) {
      EXPECT_EQ(s.zeros, 1);
      EXPECT_EQ(s.nans, 1);
      EXPECT_EQ(s.plus_inf, 1);
      EXPECT_EQ(s.minus_inf, 1);
      EXPECT_EQ(s.first_bad, 77);
    }
    if (n < (1 << 13)) {
      std::uint64_t total = 0;
      for (const auto count : s.histogram) total += count;
      EXPECT_EQ(total, static_cast<std::uint64_t>(n));
    }
  }
}

TEST(Statistics, BinsAreFactorsOfFour) {
  const auto bin = [](double v) {
    const see::Statistics s = see::statistics(Tensor::scalar(v, DType::f64));
    return std::find(s.histogram.begin(), s.histogram.end(), 1u) - s.histogram.begin();
  };
  EXPECT_EQ(bin(0), 32);
  EXPECT_EQ(bin(1e-20), 32);
  EXPECT_EQ(bin(1), 33 + 22);
  EXPECT_EQ(bin(3.99), 33 + 22);
  EXPECT_EQ(bin(4), 33 + 23);
  EXPECT_EQ(bin(-1), 31 - 22);
  EXPECT_EQ(bin(NAN), 0);
  EXPECT_EQ(bin(1e30), 63);
}

TEST(Statistics, FloatsAndBytesLieInTheBinsOfTheirDoubles) {
  Generator g(6);
  Tensor x = exp(randn({4000}, DType::f32, &g) * 20) * sign(randn({4000}, DType::f32, &g));
  const float strange[] = {0.f, -0.f, 1e-45f, -1e-39f, NAN, -NAN, INFINITY, -INFINITY, 3e38f};
  for (std::size_t i = 0; i < std::size(strange); ++i) x.data<float>()[7 * i + 3] = strange[i];
  EXPECT_EQ(see::statistics(x).histogram, see::statistics(x.astype(DType::f64)).histogram);
  const Tensor bytes = randint(0, 256, {4000}, &g).astype(DType::u8);
  EXPECT_EQ(see::statistics(bytes).histogram, see::statistics(bytes.astype(DType::f64)).histogram);
}

TEST(Statistics, SamplesVisitEveryColumn) {
  for (const std::int64_t columns : {10, 50, 49, 64, 784}) {
    const std::int64_t rows = 50000 / columns;
    for (std::int64_t column = 0; column < columns; column += columns / 10 + 1) {
      Tensor x = ones({rows, columns});
      for (std::int64_t row = 0; row < rows; ++row) x.data<float>()[row * columns + column] = 5;
      const see::Statistics s = see::statistics(x);
      std::uint32_t samples = 0;
      for (const auto count : s.histogram) samples += count;
      const double share = static_cast<double>(s.histogram[56]) / samples;  // 4 <= 5 < 16
      EXPECT_GE(samples, 2048u);
      EXPECT_NEAR(share * static_cast<double>(columns), 1, 0.3) << columns << ", " << column;
    }
  }
}

TEST(Statistics, EqualBitsHaveEqualHashesAndOneBitChangesIt) {
  Generator g(5);
  const Tensor x = randn({300, 70}, DType::f32, &g), y = x.clone();
  EXPECT_EQ(see::statistics(x).hash, see::statistics(y).hash);
  y.data<float>()[12345] = std::nextafter(y.data<float>()[12345], 9.f);
  EXPECT_NE(see::statistics(x).hash, see::statistics(y).hash);
}

/// Whoever sees the same elements of one storage gets the same numbers to the last bit, whichever
/// view is asked; the first bad number is the view's own.
TEST(Statistics, ViewsOfTheSameElementsHaveTheSameOnes) {
  Generator g(5);
  const Tensor x = randn({30, 7, 4}, DType::f32, &g);
  for (const Tensor& view : {permute_dims(x, {2, 1, 0}), x.t(), reshape(x, {-1}), x[newaxis]})
    EXPECT_EQ(see::statistics(view), see::statistics(x));
  EXPECT_NE(see::statistics(flip(x, {0})).hash, see::statistics(x).hash);
  x.data<float>()[1 * 28 + 2 * 4 + 3] = NAN;  // x[1,2,3]
  EXPECT_EQ(see::statistics(x).first_bad, 1 * 28 + 2 * 4 + 3);
  EXPECT_EQ(see::statistics(permute_dims(x, {2, 1, 0})).first_bad, 3 * 210 + 2 * 30 + 1);
  see::Recorder recorder({.level = see::TapeLevel::full});
  (void)(x * 1.);  // of no alarm: it came so
  (void)(permute_dims(x, {2, 1, 0}) * 1.);
  recorder.finish();
  const see::Tape& tape = recorder.tape();
  int seen = 0;
  for (const see::TapeValue& value : tape.values)
    if (value.spec.shape == Shape({4, 7, 30}) && value.statistics) {
      EXPECT_EQ(value.statistics->first_bad, 3 * 210 + 2 * 30 + 1);
      ++seen;
    }
  EXPECT_EQ(seen, 2);
}

TEST(Statistics, HistogramsSayBetweenWhichNumbersTheyLie) {
  const auto axis = [](const Tensor& x) {
    const std::string text = see::histogram_text(see::statistics(x), {.utf8 = false});
    return text.substr(text.rfind('|') + 3);
  };
  EXPECT_EQ(axis(tensor({0., 0.5, 0.996})), "0 .. 4^0");
  EXPECT_EQ(axis(tensor({-51., 3., 114.5})), "-4^3 .. 4^4");
  EXPECT_EQ(axis(tensor({1., 3.})), "4^0 .. 4^1");
  EXPECT_EQ(axis(tensor({-3., -1.})), "-4^1 .. -4^0");
  EXPECT_EQ(axis(tensor({1., 1.77e19})), "4^0 .. >4^8");
  EXPECT_EQ(axis(tensor({-1.77e19, 0.})), "<-4^8 .. 0");
  EXPECT_EQ(axis(ones({100, 100})), "4^0 .. 4^1, sampled");
}

TEST(Statistics, OfEmptyBooleanAndIntegerTensors) {
  EXPECT_EQ(see::statistics(zeros({0, 3})).count, 0);
  EXPECT_TRUE(std::isnan(see::statistics(zeros({0})).min));
  const see::Statistics s = see::statistics(tensor({1., 0., 1., 1.}) > 0);
  EXPECT_EQ(s.zeros, 1);
  EXPECT_EQ(s.mean, 0.75);
  EXPECT_EQ(see::statistics(tensor({-3, 5})).max, 5);
}

TEST(Words, NaNHasNoSignAndIsTheFarthestFromZero) {
  for (const double nan : {std::nan(""), std::copysign(std::nan(""), -1)}) {
    EXPECT_EQ(see::number(nan), "nan");
    EXPECT_EQ(see::signed_number(nan), "nan");
    EXPECT_EQ(see::magnitude(nan), HUGE_VAL);
  }
  EXPECT_EQ(see::signed_number(0.5), "+0.5");
  EXPECT_EQ(see::signed_number(-HUGE_VAL), "-inf");
}

}  // namespace
