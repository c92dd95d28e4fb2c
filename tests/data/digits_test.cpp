// The built-in digits: fixed bytes, and as hard as they are meant to be.
// The byte sums come from tests/data/digits_reference.py, a second, plain drawing of the
// definition.
#include <gradus/data/digits.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include <gradus/autograd/backward.h>
#include <gradus/core/generator.h>
#include <gradus/ops/ops.h>

#include "tests/data/image_sums.h"
#include "tests/io/attack.h"

namespace gradus::data {
namespace {

using test::byte_sum;
using test::first_labels;

/// Sum of byte * (position % 65521 + 1): also sees bytes that changed places.
std::int64_t weighted_sum(const ImageSet& set) {
  const std::uint8_t* pixels = set.images.data<std::uint8_t>();
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < set.images.numel(); ++i) sum += pixels[i] * (i % 65521 + 1);
  return sum;
}

bool starts_with(const ImageSet& longer, const ImageSet& shorter) {
  return std::memcmp(longer.images.raw_data(), shorter.images.raw_data(),
                     static_cast<std::size_t>(shorter.images.numel())) == 0;
}

TEST(Digits, HaveTheShapesAskedFor) {
  const ImageData data = digits({.train = 70, .valid = 30, .test = 20});
  EXPECT_EQ(data.name, "digits");
  EXPECT_EQ(data.classes, 10);
  EXPECT_EQ(data.train.images.spec(), (Spec{{70, 28, 28}, DType::u8}));
  EXPECT_EQ(data.valid.images.spec(), (Spec{{30, 28, 28}, DType::u8}));
  EXPECT_EQ(data.test.labels.spec(), (Spec{{20}, DType::i64}));
  EXPECT_THROW(digits({.train = 0}), ValueError);
  EXPECT_THROW(digits({.test = -1}), ValueError);
}

TEST(Digits, DependOnTheSeedAndOnNothingElse) {
  const ImageData few = digits({.train = 20, .valid = 20, .test = 20});
  const ImageData more = digits({.train = 40, .valid = 20, .test = 30});
  EXPECT_TRUE(starts_with(more.train, few.train)) << "image i is the same however many are drawn";
  EXPECT_TRUE(starts_with(more.test, few.test));
  EXPECT_FALSE(starts_with(few.train, few.valid));
  EXPECT_FALSE(
      starts_with(digits({.train = 20, .valid = 1, .test = 1, .seed = 2}).train, few.train));
  EXPECT_FALSE(starts_with(
      digits({.train = 20, .valid = 1, .test = 1, .seed = (1ull << 32) + 1}).train, few.train));
}

TEST(Digits, AreTheSameBytesOnEveryMachine) {
  const ImageData few = digits({.train = 20, .valid = 20, .test = 20});
  EXPECT_THAT(first_labels(few.train), testing::ElementsAre(8, 0, 9, 5, 7, 9, 3, 0, 6, 0));
  EXPECT_EQ(byte_sum(few.train), 568974);
  EXPECT_EQ(weighted_sum(few.train), 4238253676);
  EXPECT_THAT(first_labels(few.valid), testing::ElementsAre(5, 0, 5, 3, 1, 0, 8, 1, 9, 9));
  EXPECT_EQ(byte_sum(few.valid), 660281);
  EXPECT_EQ(weighted_sum(few.valid), 5339372070);
  EXPECT_THAT(first_labels(few.test), testing::ElementsAre(8, 1, 8, 5, 8, 1, 1, 6, 8, 7));
  EXPECT_EQ(byte_sum(few.test), 554369);
  EXPECT_EQ(weighted_sum(few.test), 4186601160);
  // The whole default set.
  const ImageData data = digits();
  EXPECT_EQ(byte_sum(data.train), 356656287);
  EXPECT_EQ(weighted_sum(data.train), 11678718451171);
  EXPECT_EQ(byte_sum(data.valid), 59831885);
  EXPECT_EQ(weighted_sum(data.valid), 1946670393842);
  EXPECT_EQ(byte_sum(data.test), 59830721);
  EXPECT_EQ(weighted_sum(data.test), 1963425562063);
}

TEST(Digits, EveryLabelIsAboutAsFrequent) {
  std::vector<int> counts(10);
  for (const std::int64_t label : digits().train.labels.to_vector<std::int64_t>())
    ++counts.at(static_cast<std::size_t>(label));
  for (const int count : counts) EXPECT_NEAR(count, 1200, 5 * std::sqrt(12000 * .1 * .9));
}

/// Weights and biases of linear layers with a ReLU between them, PyTorch's initial distribution.
struct Net {
  Tensors parameters;

  explicit Net(const Ints& sizes) {
    Generator generator(1);
    for (std::size_t k = 0; k + 1 < sizes.size(); ++k) {
      const double bound = 1 / std::sqrt(static_cast<double>(sizes[k]));
      for (const Shape& shape : {Shape{sizes[k], sizes[k + 1]}, Shape{sizes[k + 1]}}) {
        Tensor p = Tensor::empty(shape);
        generator.fill_uniform(p.data<float>(), p.numel(), -bound, bound);
        parameters.push_back(p.set_requires_grad());
      }
    }
  }
  Tensor operator()(Tensor x) const {
    for (std::size_t k = 0; k < parameters.size(); k += 2) {
      if (k > 0) x = relu(x);
      x = add(matmul(x, parameters[k]), parameters[k + 1]);
    }
    return x;
  }
};

Tensor pixels_of(const ImageSet& set, std::int64_t start, std::int64_t stop) {
  const Tensor part = set.images.with_layout(set.images.layout().slice(0, start, stop));
  return mul(part.reshape({stop - start, 784}).astype(DType::f32), Tensor::scalar(1. / 256));
}

/// Test accuracy after three epochs of plain gradient descent, batches of 64 in order.
double accuracy_after_training(const Ints& sizes, double rate) {
  const ImageData data = digits();
  const Net net(sizes);
  const std::int64_t n = data.train.size(), batch = 64;
  for (int epoch = 0; epoch < 3; ++epoch)
    for (std::int64_t start = 0; start < n; start += batch) {
      const std::int64_t stop = std::min(n, start + batch);
      const Tensor labels =
          data.train.labels.with_layout(data.train.labels.layout().slice(0, start, stop));
      cross_entropy(net(pixels_of(data.train, start, stop)), labels).backward();
      for (const Tensor& p : net.parameters) {
        float* values = p.data<float>();
        const std::vector<float> gradient = p.grad().to_vector<float>();
        for (std::size_t i = 0; i < gradient.size(); ++i)
          values[i] -= static_cast<float>(rate) * gradient[i];
        p.zero_grad();
      }
    }
  const std::int64_t count = data.test.size();
  const std::vector<double> scores = net(pixels_of(data.test, 0, count)).to_vector<double>();
  const std::vector<std::int64_t> labels = data.test.labels.to_vector<std::int64_t>();
  std::int64_t right = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto row = scores.begin() + static_cast<std::ptrdiff_t>(10 * i);
    right += std::max_element(row, row + 10) - row == labels[i];
  }
  return static_cast<double>(right) / static_cast<double>(count);
}

TEST(Digits, AreTooHardForALinearModel) {
  const double accuracy = accuracy_after_training({784, 10}, .5);
  EXPECT_GT(accuracy, .80);
  EXPECT_LT(accuracy, .93);
}

TEST(Digits, AreFineForOneHiddenLayer) {
  const double accuracy = accuracy_after_training({784, 50, 10}, .5);
  EXPECT_GE(accuracy, .96);
  EXPECT_LE(accuracy, .99);
}

}  // namespace
}  // namespace gradus::data
