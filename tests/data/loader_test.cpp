// Batches and their orders: PyTorch's, in this thread or made ahead on workers.
#include <gtest/gtest.h>

#include <thread>

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
  explicit Failing(std::int64_t damaged) : damaged_(damaged) {}
  std::int64_t size() const override { return 8; }
  Batch get(std::span<const std::int64_t> indices) const override {
    if (indices[0] >= damaged_) throw DataError("a sample is damaged");
    return {zeros({4}), zeros({4})};
  }

 private:
  std::int64_t damaged_;
};

TEST(DataLoader, ErrorsOfTheWorkersReachTheLoop) {
  for (int prefetch : {0, 2})
    for (int damaged : {0, 4}) {
      int seen = 0;
      EXPECT_THROW(for ([[maybe_unused]] auto batch
                        : DataLoader(std::make_shared<Failing>(damaged),
                                     {.batch_size = 4, .prefetch = prefetch, .workers = 2}))++ seen,
                   DataError);
      EXPECT_EQ(seen, damaged / 4);
    }
}

/// Slow on even batches, so that workers finish out of order.
class Uneven : public Dataset {
 public:
  std::int64_t size() const override { return 40; }
  Batch get(std::span<const std::int64_t> indices) const override {
    if (indices[0] % 2 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    return {Tensor(), Tensor::of(indices, {static_cast<std::int64_t>(indices.size())})};
  }
};

TEST(DataLoader, WorkersKeepTheOrder) {
  for (int workers : {1, 2, 3, 8}) {
    std::int64_t next = 0;
    const DataLoader loader(std::make_shared<Uneven>(),
                            {.batch_size = 1, .prefetch = 4, .workers = workers});
    for (auto [x, y] : loader) EXPECT_EQ(y.item<std::int64_t>(), next++);
    EXPECT_EQ(next, 40);
    for (auto [x, y] : loader) break;  // an abandoned pass ends its workers
  }
  EXPECT_THROW(DataLoader(std::make_shared<Uneven>(), {.prefetch = 2, .workers = 0}), ValueError);
}

TEST(DataLoader, ValidationTakesTwiceTheBatch) {
  auto numbers = std::make_shared<TensorDataset>(reshape(arange(10), {10, 1}), arange(10));
  manual_seed(5);
  const auto [train, valid] = get_dls(numbers, numbers, 4, {.drop_last = true});
  EXPECT_EQ(train.batches(), 2);
  EXPECT_EQ(valid.batches(), 2);
  std::vector<std::int64_t> sizes;
  for (auto [x, y] : valid) sizes.push_back(y.size(0));
  EXPECT_EQ(sizes, (std::vector<std::int64_t>{8, 2}));
  manual_seed(5);
  EXPECT_EQ((*train.begin()).y.to_vector<int>(), (std::vector<int>{8, 3, 0, 5}));
}

}  // namespace
}  // namespace gradus::data
