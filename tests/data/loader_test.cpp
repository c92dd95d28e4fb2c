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

TEST(DataLoader, DrawsFromTheGivenGeneratorAsPyTorchDoes) {
  // DataLoader(range(10), batch_size=4, shuffle=True, generator=g), two passes, then g's next draws
  auto numbers = std::make_shared<TensorDataset>(reshape(arange(10), {10, 1}), arange(10));
  Generator g(3);
  const DataLoader loader(numbers, {.batch_size = 4, .shuffle = true, .generator = &g});
  const std::vector<std::vector<int>> torch = {{7, 4, 2, 9}, {1, 5, 0, 8}, {6, 3},
                                               {1, 2, 0, 5}, {9, 4, 8, 3}, {6, 7}};
  std::size_t at = 0;
  for (int pass = 0; pass < 2; ++pass)
    for (auto [x, y] : loader) EXPECT_EQ(y.to_vector<int>(), torch[at++]);
  EXPECT_EQ(randint(0, 1000, {2}, &g).to_vector<int>(), (std::vector<int>{973, 874}));
}

TEST(DataLoader, TakesASampler) {
  // torch.manual_seed(11); DataLoader(range(6), batch_size=4,
  //                                   sampler=RandomSampler(range(6), True, num_samples=9))
  auto numbers = std::make_shared<TensorDataset>(reshape(arange(6), {6, 1}), arange(6));
  const auto sampler = std::make_shared<RandomSampler>(
      6, RandomSamplerOptions{.replacement = true, .num_samples = 9});
  for (int prefetch : {0, 2}) {
    manual_seed(11);
    const DataLoader loader(numbers, {.batch_size = 4, .prefetch = prefetch, .sampler = sampler});
    EXPECT_EQ(loader.batches(), 3);
    std::vector<std::vector<int>> seen;
    for (auto [x, y] : loader) seen.push_back(y.to_vector<int>());
    EXPECT_EQ(seen, (std::vector<std::vector<int>>{{2, 5, 4, 1}, {3, 2, 4, 5}, {0}}));
    EXPECT_EQ(randint(0, 1000, {2}).to_vector<int>(), (std::vector<int>{433, 247}));
  }
  EXPECT_THROW(DataLoader(numbers, {.shuffle = true, .sampler = sampler}), ValueError);
  const auto outside = std::make_shared<SequentialSampler>(7);
  EXPECT_THROW(for ([[maybe_unused]] auto batch
                    : DataLoader(numbers, {.prefetch = 1, .sampler = outside})){},
               IndexError);
}

TEST(DataLoader, APassMayEndAtAnyBatch) {
  // Workers that wait for room, that work, and that are done: none keeps the pass from ending.
  for (int prefetch : {1, 3, 40, 100})
    for (int stop_at : {0, 1, 5, 39}) {
      const DataLoader loader(std::make_shared<Uneven>(),
                              {.batch_size = 1, .prefetch = prefetch, .workers = 3});
      int seen = 0;
      for ([[maybe_unused]] auto batch : loader)
        if (seen++ == stop_at) break;
      try {
        for ([[maybe_unused]] auto batch : loader)
          if (seen++ == 2 * stop_at) throw 1;
      } catch (int) {
      }
    }
  // An error that nobody fetches goes with the pass.
  for ([[maybe_unused]] auto batch :
       DataLoader(std::make_shared<Failing>(4), {.batch_size = 4, .prefetch = 2}))
    break;
}

/// The data set that a loader makes of images is made for the caller.
TEST(DataLoader, ErrorsOfImagesNameTheCallersLine) {
  const data::ImageSet set{zeros({3, 2, 2}, DType::u8), zeros({2}, DType::i64)};
  const Place here = Place::current();
  try {
    const data::DataLoader loader(set, {.batch_size = 1});
    FAIL();
  } catch (const ShapeError& error) {
    EXPECT_STREQ(error.place().file_name(), here.file_name());
    EXPECT_EQ(error.place().line(), here.line() + 2);
  }
}

TEST(DataLoader, AnEmptySetHasNoBatches) {
  auto nothing = std::make_shared<TensorDataset>(zeros({0, 2}), zeros({0}));
  for (int prefetch : {0, 2})
    for (bool shuffle : {false, true})
      for ([[maybe_unused]] auto batch :
           DataLoader(nothing, {.shuffle = shuffle, .prefetch = prefetch}))
        FAIL();
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
