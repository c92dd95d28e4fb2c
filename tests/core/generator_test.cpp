// The random streams against PyTorch 2.x (values printed by it) and Random123's published vectors.
#include <gtest/gtest.h>

#include <gradus/gradus.h>

namespace gradus {
namespace {

TEST(Generator, DrawsTheWordsOfMt19937) {
  Generator g(42);
  EXPECT_EQ(g.random32(), 1608637542u);
  EXPECT_EQ(g.random32(), 3421126067u);
  EXPECT_EQ(g.random32(), 4083286876u);
}

TEST(Generator, UniformIsPyTorchsToTheBit) {
  Generator g(7);
  float f[4];
  double d[2];
  g.fill_uniform(f, 4);
  g.fill_uniform(d, 2);
  EXPECT_EQ(f[0], 0x1.11e15ep-1f);
  EXPECT_EQ(f[1], 0x1.97262p-3f);
  EXPECT_EQ(f[2], 0x1.518432p-1f);
  EXPECT_EQ(f[3], 0x1.5053ecp-1f);
  EXPECT_EQ(d[0], 0x1.b9643fa6cd0d3p-1);
  EXPECT_EQ(d[1], 0x1.5039774a13667p-1);
}

TEST(Generator, SmallNormalsKeepTheSecondOfAPair) {
  Generator g(42);
  float x[8];
  g.fill_normal(x, 5);
  g.fill_normal(x + 5, 3);
  const float torch[8] = {0.33669036626815796f, 0.12880940735340118f, 0.23446236550807953f,
                          0.23033303022384644f, -1.1228563785552979f, -0.18632829189300537f,
                          2.2082014083862305f,  -0.637997031211853f};
  for (int i = 0; i < 8; ++i) EXPECT_FLOAT_EQ(x[i], torch[i]) << i;
}

TEST(Generator, LargeNormalsComeInBlocksOfSixteen) {
  Generator g(42);
  float x[17];
  g.fill_normal(x, 17);
  const float torch[17] = {1.9269152879714966f,  -0.1595974713563919f,  -0.4973975419998169f,
                           0.439589262008667f,   -0.7581311464309692f,  1.078317642211914f,
                           0.8008005619049072f,  1.680620551109314f,    0.3558599054813385f,
                           1.2964228391647339f,  0.610466480255127f,    1.334737777709961f,
                           -0.2316243201494217f, 0.041759490966796875f, -0.2515752911567688f,
                           0.859858512878418f,   -0.3097267746925354f};
  // PyTorch's vector code uses its own sine and logarithm: some last digits differ.
  for (int i = 0; i < 17; ++i) EXPECT_NEAR(x[i], torch[i], 2e-6) << i;
}

TEST(Generator, LessonsNumbers) {
  manual_seed(42);
  const Tensor w1 = randn({784, 50});
  const Tensor w2 = randn({50, 1});
  const double first[] = {1.926915, 1.487284, .900717, -2.105521},
               second[] = {-.874127, .510715, .925640};
  for (int i = 0; i < 4; ++i) EXPECT_NEAR((w1[{0, i}].item()), first[i], 1e-6);
  for (int i = 0; i < 3; ++i) EXPECT_NEAR((w2[{i, 0}].item()), second[i], 1e-6);
}

TEST(Generator, IntegersAndPermutations) {
  Generator g(7);
  std::int64_t x[8];
  g.fill_integers(x, 6, 0, 10);
  EXPECT_EQ((std::vector<std::int64_t>(x, x + 6)), (std::vector<std::int64_t>{5, 2, 1, 6, 3, 7}));
  g.fill_integers(x, 2, 0, std::int64_t{1} << 40);
  EXPECT_EQ(x[0], 650496783975);
  EXPECT_EQ(x[1], 396459895993);
  EXPECT_EQ(g.permutation(8), (std::vector<std::int64_t>{6, 7, 4, 5, 0, 2, 3, 1}));
}

TEST(Generator, StateContinuesWhereItWas) {
  Generator g(3);
  float x[5], y[5];
  g.fill_normal(x, 3);
  const std::string state = g.state();
  g.fill_normal(x, 5);
  Generator other(99);
  other.set_state(state);
  other.fill_normal(y, 5);
  EXPECT_EQ(std::vector<float>(x, x + 5), std::vector<float>(y, y + 5));
  EXPECT_THROW(other.set_state("nonsense"), DataError);
}

TEST(Generator, LinearStartsAsInPyTorch) {
  manual_seed(1);
  nn::Linear first(784, 50), second(50, 10);
  EXPECT_EQ((first.weight[{0, 0}].item<float>()), 0x1.2d80aap-6f);
  EXPECT_EQ((first.weight[{0, 1}].item<float>()), -0x1.0244f4p-6f);
  EXPECT_EQ((first.bias[0].item<float>()), -0x1.6de702p-7f);
  EXPECT_EQ((second.weight[{0, 1}].item<float>()), 0x1.6c5ef4p-5f);
  EXPECT_NEAR(sum(first.weight.detach().astype(DType::f64)).item(), 0x1.1509521f257p+0, 1e-12);
}

// Known answers of Random123 (kat_vectors, philox4x32 with 10 rounds).
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}),
            (std::array<std::uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}),
            (std::array<std::uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (std::array<std::uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

}  // namespace
}  // namespace gradus
