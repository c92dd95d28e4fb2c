// The data sets: facts of the real ones, fixed values of our own, PyTorch's orders of batches.
#include <gtest/gtest.h>

#include <gradus/gradus.h>
#include <tests/support/real_data.h>

namespace gradus::data {
namespace {

std::int64_t byte_sum(const Tensor& x) { return sum(x).item<std::int64_t>(); }

TEST(Mnist, FactsOfTheRealSet) {
  GRADUS_REAL_DATA(folder, "mnist");
  const ImageData data = mnist(*folder);
  EXPECT_EQ(data.name, "mnist");
  EXPECT_EQ(data.train.images.shape(), Shape({50000, 28, 28}));
  EXPECT_EQ(data.valid.size(), 10000);
  EXPECT_EQ(byte_sum(data.train.images), 1309089051);
  EXPECT_EQ(byte_sum(data.valid.images), 258209494);
  EXPECT_EQ(byte_sum(data.test.images), 264923200);
  EXPECT_EQ((data.valid.labels[{Slice{0, 10}}].to_vector<int>()),
            (std::vector<int>{3, 8, 6, 9, 6, 4, 5, 3, 8, 4}));
  const Batch first = TensorDataset(data.train).get(std::vector<std::int64_t>{0});
  EXPECT_EQ((first.x[{0, 203}].item<float>()), .19140625f);
  EXPECT_EQ(sum(astype(data.train.labels == 3, DType::i64)).item<int>(), 5101);
}

TEST(FashionMnist, FactsOfTheRealSet) {
  GRADUS_REAL_DATA(folder, "fashion-mnist");
  const ImageData data = mnist(*folder);
  EXPECT_EQ(byte_sum(data.train.images), 2853847097);
  EXPECT_EQ(byte_sum(data.test.images), 573469082);
  EXPECT_EQ((data.train.labels[{Slice{0, 10}}].to_vector<int>()),
            (std::vector<int>{9, 0, 0, 3, 0, 2, 7, 2, 5, 5}));
}

TEST(Mnist, MissingFoldersAreNamed) {
  EXPECT_THROW(mnist("/nowhere"), IoError);
  EXPECT_THROW(mnist(GRADUS_SOURCE_DIR), IoError);
  EXPECT_THROW(mnist(std::string(GRADUS_SOURCE_DIR) + "/CMakeLists.txt"), IoError);
}

TEST(Digits, AreTheSameEverywhere) {
  const ImageData a = digits({.train = 200, .valid = 20, .test = 20}),
                  b = digits({.train = 100, .valid = 20, .test = 20});
  EXPECT_EQ((a.train.images[{Slice{0, 100}}].to_vector<int>()), b.train.images.to_vector<int>())
      << "more digits begin with the fewer";
  EXPECT_EQ(a.test.images.to_vector<int>(), b.test.images.to_vector<int>());
  EXPECT_NE(byte_sum(digits({.train = 200, .valid = 20, .test = 20, .seed = 2}).train.images),
            byte_sum(a.train.images));
  const std::vector<int> labels = digits().train.labels.to_vector<int>();
  for (int digit = 0; digit < 10; ++digit)
    EXPECT_NEAR(std::count(labels.begin(), labels.end(), digit), 1200, 150);
  EXPECT_THROW(digits({.train = 0}), ValueError);
}

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
