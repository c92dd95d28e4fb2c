// Placing buffers: no two that live at the same time share a byte, and reuse happens.
#include <gtest/gtest.h>

#include <random>

#include <gradus/compile/memory.h>

namespace gradus::compile {
namespace {

TEST(Placement, BuffersOfDifferentTimesShareBytes) {
  const Placement p = place({{1000, 0, 1}, {1000, 2, 3}, {500, 1, 2}});
  EXPECT_EQ(p.offsets[0], p.offsets[1]);
  EXPECT_EQ(p.bytes, 1024u + 512u);
}

TEST(Placement, NothingOverlapsInRandomPlans) {
  std::mt19937 random(1);
  const auto draw = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (int round = 0; round < 200; ++round) {
    std::vector<Lifetime> buffers(static_cast<std::size_t>(1 + draw(60)));
    std::size_t all = 0;
    for (Lifetime& b : buffers) {
      b.bytes = static_cast<std::size_t>(draw(5000));
      b.first = draw(40);
      b.last = b.first + draw(10);
      all += (b.bytes + 63) / 64 * 64;
    }
    const Placement p = place(buffers);
    EXPECT_LE(p.bytes, all);
    for (std::size_t i = 0; i < buffers.size(); ++i) {
      EXPECT_EQ(p.offsets[i] % 64, 0u);
      EXPECT_LE(p.offsets[i] + buffers[i].bytes, p.bytes);
      for (std::size_t k = 0; k < i; ++k) {
        const bool together =
            buffers[i].first <= buffers[k].last && buffers[k].first <= buffers[i].last;
        const bool overlap = p.offsets[i] < p.offsets[k] + buffers[k].bytes &&
                             p.offsets[k] < p.offsets[i] + buffers[i].bytes;
        EXPECT_FALSE(together && overlap) << "round " << round;
      }
    }
  }
}

}  // namespace
}  // namespace gradus::compile
