// The Mersenne twister against std::mt19937, word for word, and what a generator makes of its words
// against the definition, one number after the other.
#include <gradus/core/generator.h>
#include <gradus/core/mersenne_twister.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace gradus {
namespace {

TEST(MersenneTwister, HasTheWordsOfTheStandardLibrary) {
  for (const std::uint32_t seed : {0u, 1u, 5489u, 4294967295u}) {
    MersenneTwister ours(seed);
    std::mt19937 theirs(seed);
    for (int i = 0; i < 2000; ++i) ASSERT_EQ(theirs(), ours()) << seed << ", word " << i;
  }
}

TEST(MersenneTwister, DrawsManyAsItDrawsOne) {
  MersenneTwister ours(7);
  std::mt19937 theirs(7);
  for (const std::int64_t n : {0, 1, 623, 624, 625, 3, 1300, -1}) {
    std::vector<std::uint32_t> words;
    ours.draw(n, [&](const std::uint32_t* from, std::size_t m) {
      words.insert(words.end(), from, from + m);
    });
    ASSERT_EQ(std::max<std::int64_t>(n, 0), std::ssize(words));
    for (const std::uint32_t word : words) ASSERT_EQ(theirs(), word);
  }
}

TEST(MersenneTwister, WritesAndReadsTheStateAsTheStandardLibraryDoes) {
  MersenneTwister ours(3);
  std::mt19937 theirs(3);
  for (const int more : {0, 1, 623, 700}) {
    for (int i = 0; i < more; ++i) ASSERT_EQ(theirs(), ours());
    std::ostringstream a, b;
    a << ours;
    b << theirs;
    ASSERT_EQ(b.str(), a.str());
    MersenneTwister again(99);
    std::istringstream(b.str()) >> again;
    MersenneTwister copy = ours;
    for (int i = 0; i < 700; ++i) ASSERT_EQ(copy(), again());
  }
}

TEST(MersenneTwister, RefusesTextThatIsNoState) {
  std::ostringstream text;
  text << MersenneTwister(1);
  const std::string whole = text.str(), words = whole.substr(0, whole.rfind(' '));
  MersenneTwister twister(5);
  for (const std::string& bad : {std::string(), std::string("1 2 3"), words, words + " 625"}) {
    std::istringstream in(bad);
    in >> twister;
    EXPECT_TRUE(in.fail());
  }
  EXPECT_EQ(MersenneTwister(5)(), twister());
}

template <class T>
T uniform(std::mt19937& random) {
  if constexpr (sizeof(T) == 4) {
    return static_cast<T>(random() & ((1u << 24) - 1)) * T(0x1p-24);
  } else {
    const std::uint64_t high = random();
    return static_cast<T>((high << 32 | random()) & ((1ull << 53) - 1)) * T(0x1p-53);
  }
}
template <class T>
void expect_fused_uniforms() {
  Generator ours(11);
  std::mt19937 theirs(11);
  for (const auto& [low, high] : {std::pair<T, T>{T(0), T(1)},
                                  {T(-0.3), T(0.3)},
                                  {T(0), T(3)},
                                  {T(-1), T(2)},
                                  {T(2), T(2)},
                                  {T(5), T(-5)},
                                  {T(0), T(-2)},
                                  {T(-1e-42), T(1e-42)},
                                  {T(0), T(1e-42)}})
    for (const std::int64_t n : {1, 17, 1000}) {
      std::vector<T> values(static_cast<std::size_t>(n));
      ours.fill_uniform(values.data(), n, low, high);
      for (const T value : values) {
        const T wanted = std::fma(uniform<T>(theirs), high - low, low);
        ASSERT_EQ(wanted, value) << low << ".." << high;
        ASSERT_EQ(std::signbit(wanted), std::signbit(value)) << low << ".." << high;
      }
    }
}
TEST(MersenneTwister, UniformsAreRoundedOnce) {
  expect_fused_uniforms<float>();
  expect_fused_uniforms<double>();
}

}  // namespace
}  // namespace gradus
