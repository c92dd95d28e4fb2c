// Writing in place: what the operation reads counts as it was before, however it lies on the bytes
// that are written; a target that overlaps itself is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include <gradus/gradus.h>

namespace gradus {
namespace {

using testing::HasSubstr;

Tensor count(const Ints& shape) {
  return reshape(arange(0, static_cast<double>(Shape(shape).numel()), 1, DType::f32), shape);
}
using Floats = std::vector<float>;
Floats floats(const Tensor& x) { return x.to_vector<float>(); }

// numpy: x[0, 0] = [7]; y[0] = [[1, 2]]; and leading axes that are not of size 1 are refused.
TEST(InPlace, AssignmentDropsLeadingAxesOfSizeOne) {
  Tensor x = zeros({2, 2});
  index_put_(x, {0, 0}, tensor({7.}));
  index_put_(x, {1}, tensor({{1., 2.}}));
  EXPECT_EQ(floats(x), (Floats{7, 0, 1, 2}));
  index_put_(x, {tensor({1, 0}), 1}, tensor({3., 4.}).reshape({1, 1, 2}));
  EXPECT_EQ(floats(x), (Floats{7, 4, 1, 3}));
  EXPECT_EQ(floats(index_put(x, std::vector<Index>{0}, tensor({{8., 9.}}))), (Floats{8, 9, 1, 3}));
  EXPECT_THROW(index_put_(x, {0, 0}, tensor({1., 2.})), ShapeError);
  EXPECT_THROW(index_put_(x, {0}, zeros({2, 2})), ShapeError);
}

// x[{0, 0}] = v does not compile (the test core.assigning_to_a_part_does_not_compile); variables
// and elements of lists are assigned.
static_assert(std::is_nothrow_move_assignable_v<Tensor> && std::is_copy_assignable_v<Tensor>);

TEST(InPlace, ViewsOfTheTargetCountAsTheyWere) {
  Tensor x = tensor({{1., 2.}, {3., 4.}});
  x.add_(x.T());
  EXPECT_EQ(floats(x), (Floats{2, 5, 5, 8}));
  Tensor y = tensor({1., 2., 3., 4.});
  y[{Slice{1, {}}}].add_(y[{Slice{{}, -1}}]);
  EXPECT_EQ(floats(y), (Floats{1, 3, 5, 7}));
  y = tensor({1., 2., 3., 4.});
  y.mul_(flip(y));
  EXPECT_EQ(floats(y), (Floats{4, 6, 6, 4}));
  Tensor z = tensor({{1., 2.}, {3., 4.}});
  z.sub_(z[0]);  // broadcast over the row that is written first
  EXPECT_EQ(floats(z), (Floats{0, 0, 2, 2}));
  Tensor same = tensor({1., 2.});
  same.add_(same);
  EXPECT_EQ(floats(same), (Floats{2, 4}));
}

/// A view of `base` with the given sizes, made by slices, flips and a transposition.
Tensor random_view(const Tensor& base, const Ints& sizes, std::mt19937& random) {
  const auto below = [&](std::int64_t n) { return static_cast<std::int64_t>(random()) % n; };
  Tensor view = base;
  for (int k = 0; k < 2; ++k) {
    const std::int64_t n = sizes[static_cast<std::size_t>(k)], room = base.size(k);
    const std::int64_t step = 1 + below((room - 1) / std::max<std::int64_t>(n - 1, 1));
    const std::int64_t start = below(room - (n - 1) * step);
    view = slice(view, k, start, start + (n - 1) * step + 1, step);
    if (below(2)) view = flip(view, {k});
  }
  return below(2) && sizes[0] == sizes[1] ? view.T() : view;
}

TEST(InPlace, RandomViewsOfOneStorageAgreeWithCopies) {
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    const std::int64_t n = 1 + static_cast<std::int64_t>(random() % 3),
                       m = 1 + static_cast<std::int64_t>(random() % 3);
    const Tensor base = count({6, 6});
    Tensor target = random_view(base, {n, m}, random);
    const Tensor other = random_view(base, {n, m}, random);
    const Tensor a = clone(target), b = clone(other);
    Floats expected;
    switch (round % 4) {
      case 0:
        expected = floats(a + b);
        target.add_(other);
        break;
      case 1:
        expected = floats(a - b);
        target.sub_(other);
        break;
      case 2:
        expected = floats(a * b);
        target.mul_(other);
        break;
      default:
        expected = floats(b);
        target.copy_(other);
    }
    EXPECT_EQ(floats(target), expected) << "round " << round;
  }
}

TEST(InPlace, ATargetThatOverlapsItselfIsRefused) {
  const Tensor z = tensor({1., 2., 3.});
  Tensor wide = broadcast_to(z, {2, 3});
  EXPECT_THROW(wide.add_(1), ValueError);
  EXPECT_THROW(wide.add_(ones({2, 3})), ValueError);
  EXPECT_THROW(wide.mul_(2), ValueError);
  EXPECT_THROW(wide.fill_(0), ValueError);
  EXPECT_THROW(wide.copy_(zeros({2, 3})), ValueError);
  const Index corner[] = {0, 0};
  EXPECT_THROW(index_put_(wide, corner, Tensor::scalar(5)), ValueError);
  EXPECT_EQ(floats(z), (Floats{1, 2, 3}));
  try {
    wide.add_(1);
    FAIL();
  } catch (const ValueError& error) {
    EXPECT_THAT(error.what(), HasSubstr("add_(f32[2,3], f32[]): the target f32[2,3] overlaps"));
    EXPECT_THAT(error.what(), HasSubstr("x = x.clone()"));
    EXPECT_THAT(error.what(), HasSubstr("at: in_place_test.cpp:"));
  }
  Tensor row = broadcast_to(z, {1, 3});  // an axis of size 1 repeats nothing
  row.add_(1);
  EXPECT_EQ(floats(z), (Floats{2, 3, 4}));
}

TEST(InPlace, TheDoorRefusesWhatWouldBeReadTooLate) {
  Tensor x = tensor({{1., 2.}, {3., 4.}});
  const Tensors inputs{x, x.T()};
  EXPECT_THROW(apply_into(find_op("add"), inputs, x, "add_"), ValueError);
  EXPECT_EQ(floats(x), (Floats{1, 2, 3, 4}));
}

TEST(InPlace, AViewOfARecordedTargetIsRefused) {
  Tensor x = tensor({{1., 2.}, {3., 4.}}).set_requires_grad();
  Tensor y = x * 1.0;
  EXPECT_THROW(y.add_(y.T()), GradError) << "the view would change behind its history";
  EXPECT_EQ(floats(y.detach()), (Floats{1, 2, 3, 4}));
}

TEST(InPlace, CompiledAsEager) {
  Compiled f([](std::span<const Tensor> in) {
    Tensor x = in[0] * 1.0;
    x.add_(x.T());
    return Tensors{x};
  });
  const Tensors in{tensor({{1., 2.}, {3., 4.}})};
  for (int call = 0; call < 3; ++call) EXPECT_EQ(floats(f(in)[0]), (Floats{2, 5, 5, 8}));
}

}  // namespace
}  // namespace gradus
