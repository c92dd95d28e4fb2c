// Tensors as values: sharing, indexing, printing, errors. Expected texts and values come from NumPy
// and PyTorch.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include <gradus/gradus.h>

namespace gradus {
namespace {

using testing::HasSubstr;

Tensor counted(const Ints& shape) { return reshape(arange(Shape(shape).numel()), shape); }

TEST(Tensor, ACopyOfALentHandleIsAHandle) {
  auto owner = std::make_shared<float>(2.5f);
  const std::weak_ptr<float> watch = owner;
  Tensor kept;
  {
    const Tensor x(Storage::borrow(owner.get(), sizeof(float), owner), Layout{}, DType::f32);
    owner = nullptr;
    const Lent lent = x;
    kept = lent.tensor;
  }
  EXPECT_EQ(kept.item(), 2.5);
  kept = {};
  EXPECT_TRUE(watch.expired());
}

TEST(Tensor, LessonsSmallValues) {
  const Tensor a = tensor({10., 6., -4.}), b = tensor({2., 8., 7.});
  EXPECT_EQ((a + b).to_vector<int>(), (std::vector<int>{12, 14, 3}));
  EXPECT_NEAR(mean(astype(a < b, DType::f32)).item(), .6667, 1e-4);
  const Tensor m = reshape(arange(1, 10, 1, DType::f32), {3, 3}), c = tensor({10., 20., 30.});
  EXPECT_EQ(sum(m * m).item(), 285);
  EXPECT_NEAR(norm(m).item(), 16.88, .005);
  EXPECT_EQ((m + c).to_vector<int>(), (std::vector<int>{11, 22, 33, 14, 25, 36, 17, 28, 39}));
  EXPECT_EQ((m + c[{all, newaxis}]).to_vector<int>(),
            (std::vector<int>{11, 12, 13, 24, 25, 26, 37, 38, 39}));
  const Tensor t = broadcast_to(c, {3, 3});
  EXPECT_EQ(t.storage().bytes(), 12u);
  EXPECT_EQ(t.strides(), Shape({0, 1}));
}

TEST(Tensor, IndexingIsNumPys) {
  const Tensor x = counted({3, 4});
  EXPECT_EQ(x[1].to_vector<int>(), (std::vector<int>{4, 5, 6, 7}));
  EXPECT_EQ((x[{-1, 2}].item<int>()), 10);
  EXPECT_EQ((x[{all, 2}].to_vector<int>()), (std::vector<int>{2, 6, 10}));
  EXPECT_EQ((x[{Slice{0, 3, 2}, Slice{{}, {}, -1}}].to_vector<int>()),
            (std::vector<int>{3, 2, 1, 0, 11, 10, 9, 8}));
  EXPECT_EQ((x[{newaxis, ellipsis, newaxis}].shape()), Shape({1, 3, 4, 1}));
  EXPECT_EQ((x[{tensor({0, 1, 2}), tensor({3, 0, 1})}].to_vector<int>()),
            (std::vector<int>{3, 4, 9}));
  EXPECT_EQ((x[{x > 8}].to_vector<int>()), (std::vector<int>{9, 10, 11}));
  EXPECT_EQ((x[{reshape(tensor({0, 2}), {2, 1}), tensor({1, 3})}].to_vector<int>()),
            (std::vector<int>{1, 3, 9, 11}));
  // Index tensors side by side stay in place, apart they come first.
  const Tensor y = counted({2, 3, 4});
  EXPECT_EQ((y[{all, tensor({0, 2}), tensor({1, 1})}].shape()), Shape({2, 2}));
  EXPECT_EQ((y[{tensor({0, 1}), all, tensor({1, 1})}].shape()), Shape({2, 3}));
  EXPECT_TRUE(x[1].storage() == x.storage());
  EXPECT_THROW(x[3], IndexError);
  EXPECT_THROW((x[{0, 0, 0}]), IndexError);
  EXPECT_THROW((x[{tensor({4}), tensor({0})}]), IndexError);
}

TEST(Tensor, WritingThroughAnIndex) {
  Tensor x = zeros({3, 4});
  x[1].fill_(5);
  EXPECT_EQ(sum(x).item(), 20);
  const Index first_column[] = {all, 0};
  index_put_(x, first_column, tensor({1., 2., 3.}));
  EXPECT_EQ((x[{all, 0}].to_vector<int>()), (std::vector<int>{1, 2, 3}));
  x[{Slice{0, 2}}].copy_(x[{Slice{1, 3}}]);  // overlapping
  EXPECT_EQ((x[{all, 0}].to_vector<int>()), (std::vector<int>{2, 3, 3}));
  const Index corner[] = {0, -1}, none[] = {tensor({0, 1}, DType::i64) < 0};
  index_put_(x, corner, Tensor::scalar(7), true);
  EXPECT_EQ((x[{0, 3}].item()), 12);
  index_put_(x, corner, Tensor::scalar(7));
  EXPECT_EQ((x[{0, 3}].item()), 7);
  EXPECT_THROW(index_put_(x, none, tensor({1.})), IndexError) << "a mask of 2 for 3 rows";
  const Index nothing[] = {Tensor::scalar(0, DType::boolean)};
  const std::vector<double> before = x.to_vector<double>();
  index_put_(x, nothing, tensor({99.}));
  EXPECT_EQ(x.to_vector<double>(), before);
  EXPECT_EQ(x[nothing[0]].shape(), Shape({0, 3, 4}));
}

TEST(Tensor, NumbersFollowTheTensor) {
  EXPECT_EQ((tensor({1, 2}) + 1).dtype(), DType::i64);
  EXPECT_EQ((tensor({1, 2}) + 1.5).dtype(), DType::f32);
  EXPECT_EQ((ones({2}, DType::f64) * 0.1).to_vector<double>()[0], 0.1);
  EXPECT_EQ((1 / tensor({2., 4.})).to_vector<double>(), (std::vector<double>{.5, .25}));
  EXPECT_EQ((tensor({1, 2}) / 2).dtype(), DType::f32);
}

TEST(Tensor, ErrorsNameOperationInputsPlaceAndRepair) {
  try {
    (void)matmul(zeros({50000, 50}), zeros({784, 1}));
    FAIL();
  } catch (const ShapeError& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("matmul (50000,50) @ (784,1): inner sizes 50 and 784 differ"));
    EXPECT_THAT(error.what(), HasSubstr("A weight of (50,1) would fit"));
    EXPECT_THAT(error.what(), HasSubstr("at: tensor_test.cpp:"));
  }
  try {
    (void)(zeros({3}) + zeros({4}));
    FAIL();
  } catch (const ShapeError& error) {
    EXPECT_THAT(error.what(), HasSubstr("add(f32[3], f32[4])"));
    EXPECT_THAT(error.what(), HasSubstr("at: tensor_test.cpp:"));
  }
  try {
    (void)softmax(zeros({2, 3}), 3);
    FAIL();
  } catch (const ShapeError& error) {
    EXPECT_THAT(error.what(), HasSubstr("axis 3 is out of range"));
    EXPECT_THAT(error.what(), HasSubstr("valid axes are -2..1"));
  }
  EXPECT_THROW(Tensor().shape(), ValueError);
  EXPECT_THROW(zeros({2}).item(), ShapeError);
  EXPECT_THROW(zeros({2}).data<double>(), DTypeError);
}

TEST(Tensor, LossesCatchTheTraps) {
  try {
    (void)mse(zeros({10000, 1}), zeros({10000}));
    FAIL();
  } catch (const ShapeError& error) {
    EXPECT_THAT(error.what(), HasSubstr("100000000 differences instead of 10000"));
  }
  try {
    (void)cross_entropy(zeros({3, 10}), tensor({1, 10, 5}));
    FAIL();
  } catch (const IndexError& error) {
    EXPECT_THAT(error.what(), HasSubstr("target[1] = 10, but there are 10 classes, 0..9"));
    EXPECT_THAT(error.what(), HasSubstr("labels count from 1? subtract 1"));
  }
}

TEST(Tensor, SumsKeepTheirDigits) {
  // 39.2 million elements: a plain running f32 sum of these is off by 4 in 1000.
  const Tensor x = full({39'200'000}, 0.1);
  EXPECT_NEAR(sum(x).item() / (39.2e6 * static_cast<double>(0.1f)), 1, 1e-6);
  manual_seed(3);
  const Tensor y = randn({1000, 333});
  EXPECT_EQ(sum(y, {0}).to_vector<float>(), sum(clone(y.T()), {1}).to_vector<float>());
}

TEST(Print, IsPyTorchsForm) {
  EXPECT_EQ(to_string(tensor({{1., 2.5}, {-3.25, 4.}})),
            "[[ 1.0000,  2.5000],\n [-3.2500,  4.0000]]");
  EXPECT_EQ(to_string(tensor({1., 2., 3.})), "[1., 2., 3.]");
  EXPECT_EQ(to_string(tensor({1, 20, 3})), "[ 1, 20,  3]");
  EXPECT_EQ(to_string(tensor({1., 2.}) > 1.5), "[False,  True]");
  EXPECT_EQ(to_string(Tensor::scalar(.5)), "0.5000");
  EXPECT_EQ(to_string(zeros({0, 3})), "[]");
  EXPECT_EQ(to_string(tensor({1e-5, 1.})), "[1.0000e-05, 1.0000e+00]");
  EXPECT_EQ(to_string(tensor({1e-5, 1.}), {.precision = 2, .scientific = false}), "[0.00, 1.00]");
  EXPECT_EQ(to_string(arange(2000)), "[   0,    1,    2, ..., 1997, 1998, 1999]");
  std::ostringstream out;
  out << tensor({1, 2});
  EXPECT_EQ(out.str(), "[1, 2]");
}

}  // namespace
}  // namespace gradus
