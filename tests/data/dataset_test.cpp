// Rows, parts of data sets, and the bytes' way to floating numbers.
#include <gtest/gtest.h>

#include <gradus/gradus.h>

namespace gradus::data {
namespace {

std::shared_ptr<const Dataset> numbers(std::int64_t n) {
  return std::make_shared<TensorDataset>(reshape(arange(n), {n, 1}), arange(n));
}

TEST(TensorDataset, BytesAreDividedByTheScaleExactly) {
  // All bytes in one row each way round; the quotient in f32, as NumPy and PyTorch give it.
  Tensor bytes = Tensor::empty({2, 256}, DType::u8);
  for (int i = 0; i < 256; ++i) {
    bytes.data<std::uint8_t>()[i] = static_cast<std::uint8_t>(i);
    bytes.data<std::uint8_t>()[256 + i] = static_cast<std::uint8_t>(255 - i);
  }
  for (double scale : {256., 255., 1., 3.}) {
    const std::int64_t rows[] = {1, 0, 1};
    const Batch batch = TensorDataset(bytes, arange(2), scale).get(rows);
    EXPECT_EQ(batch.x.spec(), (Spec{{3, 256}, DType::f32}));
    EXPECT_EQ(batch.y.to_vector<int>(), (std::vector<int>{1, 0, 1}));
    for (int r = 0; r < 3; ++r)
      for (int i = 0; i < 256; ++i) {
        const int byte = rows[r] ? 255 - i : i;
        ASSERT_EQ(batch.x.data<float>()[r * 256 + i],
                  static_cast<float>(byte) / static_cast<float>(scale));
      }
  }
}

TEST(TensorDataset, KeepsShapesWhenAsked) {
  const Tensor x = reshape(arange(0, 24, 1, DType::f64), {4, 2, 3});
  const std::int64_t rows[] = {3, 1};
  EXPECT_EQ(TensorDataset(x, zeros({4, 5}), 256, false).get(rows).x.spec(),
            (Spec{{2, 2, 3}, DType::f64}));
  const Batch flat = TensorDataset(x, zeros({4, 5})).get(rows);
  EXPECT_EQ(flat.x.to_vector<int>(),
            (std::vector<int>{18, 19, 20, 21, 22, 23, 6, 7, 8, 9, 10, 11}));
  EXPECT_EQ(flat.x.shape(), Shape({2, 6}));
  EXPECT_EQ(flat.y.shape(), Shape({2, 5}));
}

TEST(TensorDataset, RefusesWhatDoesNotFit) {
  EXPECT_THROW(TensorDataset(zeros({3, 2}), arange(4)), ShapeError);
  EXPECT_THROW(TensorDataset(zeros({2, 3}).T(), arange(3)), ShapeError);
  EXPECT_THROW(TensorDataset(zeros({3, 2}), arange(3), 0), ValueError);
  for (std::int64_t outside : {-1, 3}) {
    const std::int64_t rows[] = {0, outside};
    EXPECT_THROW(numbers(3)->get(rows), IndexError);
  }
}

TEST(Subset, TakesChosenSamplesInTheirOrder) {
  const auto part = subset(numbers(10), {7, 2, 7});
  EXPECT_EQ(part->size(), 3);
  std::vector<int> seen;
  for (auto [x, y] : DataLoader(part, {.batch_size = 2}))
    for (int i : y.to_vector<int>()) seen.push_back(i);
  EXPECT_EQ(seen, (std::vector<int>{7, 2, 7}));
  EXPECT_THROW(subset(numbers(10), {10}), IndexError);
  EXPECT_THROW(subset(numbers(10), {-1}), IndexError);
  const std::int64_t rows[] = {3};
  EXPECT_THROW(part->get(rows), IndexError);
}

TEST(RandomSplit, DrawsAsPyTorchDoes) {
  // torch.manual_seed(5); random_split(range(10), [7, 3]); random_split(range(11), [.5, .3, .2])
  manual_seed(5);
  const auto parts = random_split(numbers(10), {7, 3});
  EXPECT_EQ(parts[0]->indices(), (Ints{1, 4, 9, 6, 3, 5, 0}));
  EXPECT_EQ(parts[1]->indices(), (Ints{2, 8, 7}));
  const auto shares = random_split(numbers(11), split_sizes(11, {.5, .3, .2}));
  EXPECT_EQ(shares[0]->indices(), (Ints{0, 10, 5, 6, 3, 2}));
  EXPECT_EQ(shares[1]->indices(), (Ints{9, 1, 8}));
  EXPECT_EQ(shares[2]->indices(), (Ints{7, 4}));
  EXPECT_THROW(random_split(numbers(10), {7, 4}), ValueError);
  EXPECT_THROW(random_split(numbers(10), {7, 2}), ValueError);
  EXPECT_THROW(random_split(numbers(10), {11, -1}), ValueError);
  EXPECT_THROW(split_sizes(10, {.5, .4}), ValueError);
  EXPECT_EQ(split_sizes(3, {.25, .25, .5}), (Ints{1, 1, 1}));
}

}  // namespace
}  // namespace gradus::data
