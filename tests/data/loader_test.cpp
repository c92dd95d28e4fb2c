// Batches and their orders: PyTorch's, in this thread or made ahead on a worker.
#include <gtest/gtest.h>

#include <gradus/gradus.h>

namespace gradus::data {
namespace {

TEST(DataLoader, ShufflesAsPyTorchDoes) {
  // torch.manual_seed(5); DataLoader(range(10), batch_size=4, shuffle=True), two passes
  manual_seed(5);
  auto numbers = std::make_shared<TensorDataset>(reshape(arange(10), {10, 1}), arange(10));
  const std::vector<std::vector<int>> torch = {{8, 3, 0, 5}, {9, 1, 6, 2}, {4, 7},
                                               {5, 8, 9, 7}, {2, 0, 4, 1}, {3, 6}};
  for (int prefetch : {0, 3}) {
    manual_seed(5);
    const DataLoader loader(numbers, {.batch_size = 4, .shuffle = true, .prefetch = prefetch});
    EXPECT_EQ(loader.batches(), 3);
    std::size_t at = 0;
    for (int pass = 0; pass < 2; ++pass)
      for (auto [x, y] : loader) EXPECT_EQ(y.to_vector<int>(), torch[at++]);
    EXPECT_EQ(at, torch.size());
  }
}

TEST(DataLoader, KeepsOrDropsTheLastBatch) {
  auto numbers = std::make_shared<TensorDataset>(zeros({10, 2}), arange(10));
  int batches = 0;
  for (auto [x, y] : DataLoader(numbers, {.batch_size = 4, .drop_last = true})) {
    EXPECT_EQ(x.shape(), Shape({4, 2}));
    ++batches;
  }
  EXPECT_EQ(batches, 2);
  EXPECT_THROW(DataLoader(numbers, {.batch_size = 0}), ValueError);
}

class Failing : public Dataset {
 public:
  std::int64_t size() const override { return 8; }
  Batch get(std::span<const std::int64_t> indices) const override {
    if (indices[0] >= 4) throw DataError("sample 4 is damaged");
    return {zeros({4}), zeros({4})};
  }
};

TEST(DataLoader, ErrorsOfTheWorkerReachTheLoop) {
  for (int prefetch : {0, 2}) {
    int seen = 0;
    EXPECT_THROW(for ([[maybe_unused]] auto batch
                      : DataLoader(std::make_shared<Failing>(),
                                   {.batch_size = 4, .prefetch = prefetch}))++ seen,
                 DataError);
    EXPECT_EQ(seen, 1);
  }
}

}  // namespace
}  // namespace gradus::data
