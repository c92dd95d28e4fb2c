// Orders against the draws of PyTorch 2: torch.utils.data's samplers, printed by it.
#include <gtest/gtest.h>

#include <gradus/gradus.h>

namespace gradus::data {
namespace {

TEST(Sampler, RandomDrawsAsPyTorchDoes) {
  EXPECT_EQ(SequentialSampler(4).indices(), (Ints{0, 1, 2, 3}));
  manual_seed(7);
  EXPECT_EQ(RandomSampler(10).indices(), (Ints{3, 0, 1, 9, 4, 7, 2, 5, 6, 8}));
  EXPECT_EQ(RandomSampler(5, {.num_samples = 13}).indices(),
            (Ints{3, 2, 0, 4, 1, 4, 0, 3, 2, 1, 4, 2, 0}));
  EXPECT_EQ(RandomSampler(10, {.replacement = true, .num_samples = 37}).indices(),
            (Ints{1, 9, 3, 4, 6, 5, 3, 6, 9, 4, 4, 3, 6, 2, 3, 0, 0, 0, 4,
                  3, 3, 0, 5, 3, 2, 3, 5, 2, 0, 8, 9, 0, 9, 2, 4, 4, 3}));
  Generator g(3);
  const RandomSampler given(10, {.generator = &g});
  EXPECT_EQ(given.indices(), (Ints{6, 0, 3, 7, 8, 5, 1, 9, 2, 4}));
  EXPECT_EQ(given.indices(), (Ints{0, 9, 6, 1, 7, 2, 5, 3, 4, 8}));
  EXPECT_EQ(SubsetRandomSampler({4, 9, 2, 7, 1}).indices(), (Ints{2, 1, 7, 9, 4}));
  // The default generator stands where PyTorch's does.
  EXPECT_EQ(randint(0, 1000, {3}).to_vector<int>(), (std::vector<int>{158, 631, 8}));
}

TEST(Sampler, BatchesKeepOrDropTheRest) {
  const auto ten = std::make_shared<SequentialSampler>(10);
  EXPECT_EQ(BatchSampler(ten, 4).batches(),
            (std::vector<Ints>{{0, 1, 2, 3}, {4, 5, 6, 7}, {8, 9}}));
  EXPECT_EQ(BatchSampler(ten, 4, true).batches(), (std::vector<Ints>{{0, 1, 2, 3}, {4, 5, 6, 7}}));
  for (std::int64_t n : {0, 1, 3, 4, 5, 8})
    for (bool drop : {false, true}) {
      const BatchSampler batches(std::make_shared<SequentialSampler>(n), 4, drop);
      EXPECT_EQ(batches.size(), static_cast<std::int64_t>(batches.batches().size())) << n;
    }
  EXPECT_THROW(BatchSampler(ten, 0), ValueError);
}

TEST(Sampler, RefusesWhatCannotBe) {
  EXPECT_THROW(RandomSampler(-1), ValueError);
  EXPECT_THROW(RandomSampler(3, {.num_samples = -1}), ValueError);
  EXPECT_THROW(RandomSampler(0, {.replacement = true, .num_samples = 2}), ValueError);
  EXPECT_TRUE(RandomSampler(0).indices().empty());
}

}  // namespace
}  // namespace gradus::data
