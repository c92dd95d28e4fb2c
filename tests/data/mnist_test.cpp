// MNIST-shaped folders: the real ones against their published sums, made ones against the rules.
#include <gradus/data/mnist.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include <gradus/io/idx.h>

#include "tests/data/image_sums.h"
#include "tests/io/attack.h"
#include "tests/support/real_data.h"

namespace gradus::data {
namespace {

using test::byte_sum;
using test::first_labels;
using test::message_of;
using testing::HasSubstr;

std::vector<int> counts(const ImageSet& set) {
  std::vector<int> result(10);
  for (const std::int64_t label : set.labels.to_vector<std::int64_t>())
    ++result[static_cast<std::size_t>(label)];
  return result;
}

// The sums were counted by NumPy over the published files.
TEST(Mnist, RealFilesHaveTheirPublishedSums) {
  const auto dir = test::real_data("mnist");
  if (!dir) GTEST_SKIP() << test::no_real_data("mnist");
  const ImageData data = mnist(*dir);
  EXPECT_EQ(data.name, "mnist");
  EXPECT_EQ(data.classes, 10);
  EXPECT_EQ(data.train.images.spec(), (Spec{{50000, 28, 28}, DType::u8}));
  EXPECT_EQ(data.valid.images.spec(), (Spec{{10000, 28, 28}, DType::u8}));
  EXPECT_EQ(data.test.images.spec(), (Spec{{10000, 28, 28}, DType::u8}));
  EXPECT_EQ(data.train.labels.spec(), (Spec{{50000}, DType::i64}));
  EXPECT_EQ(byte_sum(data.train), 1309089051);
  EXPECT_EQ(byte_sum(data.valid), 258209494);
  EXPECT_EQ(byte_sum(data.test), 264923200);
  EXPECT_THAT(counts(data.train),
              testing::ElementsAre(4932, 5678, 4968, 5101, 4859, 4506, 4951, 5175, 4842, 4988));
  EXPECT_THAT(counts(data.valid),
              testing::ElementsAre(991, 1064, 990, 1030, 983, 915, 967, 1090, 1009, 961));
  EXPECT_THAT(counts(data.test),
              testing::ElementsAre(980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009));
  EXPECT_THAT(first_labels(data.train), testing::ElementsAre(5, 0, 4, 1, 9, 2, 1, 3, 1, 4));
  EXPECT_THAT(first_labels(data.valid), testing::ElementsAre(3, 8, 6, 9, 6, 4, 5, 3, 8, 4));
  EXPECT_THAT(first_labels(data.test), testing::ElementsAre(7, 2, 1, 0, 4, 1, 4, 9, 5, 9));
  EXPECT_EQ(data.train.images.storage(), data.valid.images.storage()) << "views, not copies";
  const std::uint8_t* pixels = data.train.images.data<std::uint8_t>();
  EXPECT_THAT(std::vector<int>(pixels + 200, pixels + 210),
              testing::ElementsAre(0, 0, 0, 49, 238, 253, 253, 253, 253, 253));
}

TEST(Mnist, RealFashionFilesHaveTheirPublishedSums) {
  const auto dir = test::real_data("fashion-mnist");
  if (!dir) GTEST_SKIP() << test::no_real_data("fashion-mnist");
  const ImageData data = mnist(*dir + "/");
  EXPECT_EQ(data.name, "fashion-mnist");
  EXPECT_EQ(byte_sum(data.train), 2853847097);
  EXPECT_EQ(byte_sum(data.valid), 577267072);
  EXPECT_EQ(byte_sum(data.test), 573469082);
  EXPECT_THAT(first_labels(data.train), testing::ElementsAre(9, 0, 0, 3, 0, 2, 7, 2, 5, 5));
  EXPECT_THAT(counts(data.test), testing::Each(1000));
}

/// A small folder to damage: n training and 2 test images of 2 x 3, labels i % 10.
class MnistFolder : public testing::Test {
 protected:
  void SetUp() override {
    write_images("train-images-idx3-ubyte", 12);
    write_labels("train-labels-idx1-ubyte", 12);
    write_images("t10k-images-idx3-ubyte", 2);
    write_labels("t10k-labels-idx1-ubyte", 2);
  }
  void write_images(const std::string& name, std::int64_t n, std::int64_t height = 2) {
    Tensor images = Tensor::empty({n, height, 3}, DType::u8);
    for (std::int64_t i = 0; i < images.numel(); ++i)
      images.data<std::uint8_t>()[i] = static_cast<std::uint8_t>(i);
    io::write_idx(folder_ / name, images);
  }
  void write_labels(const std::string& name, std::int64_t n, int first = 0) {
    Tensor labels = Tensor::empty({n}, DType::u8);
    for (std::int64_t i = 0; i < n; ++i)
      labels.data<std::uint8_t>()[i] = static_cast<std::uint8_t>(first + i % 10);
    io::write_idx(folder_ / name, labels);
  }
  std::string wrong() const {
    return message_of([&] { mnist(folder_.path()); });
  }
  void rename(const std::string& from, const std::string& to) const {
    std::filesystem::rename(folder_ / from, folder_ / to);
  }

  test::Folder folder_;
};

TEST_F(MnistFolder, TheLastSixthIsForValidation) {
  const ImageData data = mnist(folder_.path());
  EXPECT_EQ(data.train.images.shape(), (Shape{10, 2, 3}));
  EXPECT_EQ(data.valid.images.shape(), (Shape{2, 2, 3}));
  EXPECT_EQ(data.test.size(), 2);
  EXPECT_EQ(data.valid.images.data<std::uint8_t>()[0], 60);
  EXPECT_THAT(data.valid.labels.to_vector<int>(), testing::ElementsAre(0, 1));
  write_images("train-images-idx3-ubyte", 2);
  write_labels("train-labels-idx1-ubyte", 2);
  EXPECT_EQ(mnist(folder_.path()).valid.size(), 1);
}

TEST_F(MnistFolder, ReadsTheOtherSpelling) {
  rename("train-images-idx3-ubyte", "train-images.idx3-ubyte");
  rename("t10k-labels-idx1-ubyte", "t10k-labels.idx1-ubyte.gz");  // the content decides
  EXPECT_EQ(mnist(folder_.path()).train.size(), 10);
}

TEST_F(MnistFolder, SaysWhatIsWrong) {
  EXPECT_THAT(message_of([&] { mnist(folder_ / "nowhere"); }), HasSubstr("there is no folder"));
  EXPECT_THAT(message_of([&] { mnist(folder_ / "t10k-labels-idx1-ubyte"); }),
              HasSubstr("is not a folder"));
  write_images("train-images-idx3-ubyte", 11);
  EXPECT_THAT(wrong(), HasSubstr("DataError: 11 images in "));
  EXPECT_THAT(wrong(), HasSubstr("but 12 labels in "));
  write_images("train-images-idx3-ubyte", 12, 4);
  EXPECT_THAT(wrong(), HasSubstr("training images are u8[12,4,3], test images are u8[2,2,3]"));
  write_images("train-images-idx3-ubyte", 12);
  write_labels("train-labels-idx1-ubyte", 12, 1);
  EXPECT_THAT(wrong(),
              HasSubstr("label 9 is 10, but there are 10 classes, 0..9; 1 of 12 labels are "
                        "out of range, min 1, max 10\n  hint: labels count from 1?"));
  write_images("train-images-idx3-ubyte", 0);
  write_labels("train-labels-idx1-ubyte", 0);
  EXPECT_THAT(wrong(), HasSubstr("no pixels, u8[0,2,3]"));
  write_images("train-images-idx3-ubyte", 1);
  write_labels("train-labels-idx1-ubyte", 1);
  EXPECT_THAT(wrong(), HasSubstr("cannot be split"));
  write_labels("train-images-idx3-ubyte", 12);
  EXPECT_THAT(wrong(), HasSubstr("the header says rank 1, images have 3"));
  write_images("train-labels-idx1-ubyte", 12);
  EXPECT_THAT(wrong(), HasSubstr("the header says rank 3, labels have 1"));
  std::filesystem::remove(folder_ / "train-labels-idx1-ubyte");
  EXPECT_THAT(wrong(), HasSubstr("IoError: no train-labels-idx1-ubyte in "));
  EXPECT_THAT(wrong(), HasSubstr("train-labels.idx1-ubyte, each with and without .gz"));
}

TEST_F(MnistFolder, LoadFindsFoldersByNameAndDefault) {
  const char* old = std::getenv("GRADUS_DATA");
  const std::string kept = old == nullptr ? "" : old;
  unsetenv("GRADUS_DATA");
  EXPECT_EQ(load().name, "digits");
  EXPECT_EQ(load("digits").name, "digits");
  EXPECT_EQ(load(folder_.path()).train.size(), 10);
  EXPECT_THROW(load("small"), IoError);
  setenv("GRADUS_DATA", folder_.path().c_str(), 1);
  EXPECT_EQ(load().name, std::filesystem::path(folder_.path()).filename().string());
  for (const char* sub : {"mnist", "small"}) {
    std::filesystem::create_directory(folder_ / sub);
    for (const char* file : {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                             "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"})
      std::filesystem::copy_file(folder_ / file, folder_ / (std::string(sub) + "/" + file));
  }
  std::filesystem::remove(folder_ / "train-images-idx3-ubyte");
  EXPECT_EQ(load().name, "mnist");
  EXPECT_EQ(load("small").name, "small");
  if (old == nullptr)
    unsetenv("GRADUS_DATA");
  else
    setenv("GRADUS_DATA", kept.c_str(), 1);
}

}  // namespace
}  // namespace gradus::data
