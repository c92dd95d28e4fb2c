// The view algebra against plain enumeration of indices.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include <gradus/core/tensor.h>

namespace gradus {
namespace {

std::vector<std::int64_t> positions(const Layout& layout) {
  std::vector<std::int64_t> list;
  for_each_position(layout, [&](std::int64_t p) { list.push_back(p); });
  return list;
}

TEST(Layout, SliceFollowsPython) {
  // From Python: list(range(7))[start:stop:step]
  const Layout x = Layout::contiguous({7});
  EXPECT_EQ(positions(x.slice(0, {}, {}, -1)), (Ints{6, 5, 4, 3, 2, 1, 0}));
  EXPECT_EQ(positions(x.slice(0, -3, {}, 1)), (Ints{4, 5, 6}));
  EXPECT_EQ(positions(x.slice(0, 5, 1, -2)), (Ints{5, 3}));
  EXPECT_EQ(positions(x.slice(0, -100, 100, 3)), (Ints{0, 3, 6}));
  EXPECT_EQ(positions(x.slice(0, 3, 3, 1)), Ints{});
  EXPECT_EQ(positions(x.slice(0, 2, -100, -1)), (Ints{2, 1, 0}));
  EXPECT_THROW(x.slice(0, 0, 1, 0), ValueError);
  EXPECT_EQ(x.slice(0, 0, 7, std::numeric_limits<std::int64_t>::max()).shape, Shape({1}));
  EXPECT_EQ(positions(x.slice(0, 6, {}, std::numeric_limits<std::int64_t>::min())), Ints{6});
}

TEST(Layout, RandomViewsAgreeWithEnumeration) {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    std::uniform_int_distribution<std::int64_t> size(1, 4);
    const Shape shape{size(random), size(random), size(random)};
    Layout x = Layout::contiguous(shape);
    std::vector<std::int64_t> expected = positions(x);
    const Ints order =
        std::array<Ints, 3>{Ints{2, 0, 1}, Ints{1, 0, 2}, Ints{0, 2, 1}}[random() % 3];
    const Layout moved = x.permute(order);
    expected.clear();
    for (std::int64_t i = 0; i < moved.shape[0]; ++i)
      for (std::int64_t j = 0; j < moved.shape[1]; ++j)
        for (std::int64_t k = 0; k < moved.shape[2]; ++k) {
          std::int64_t at[3];
          at[order[0]] = i;
          at[order[1]] = j;
          at[order[2]] = k;
          expected.push_back((at[0] * shape[1] + at[1]) * shape[2] + at[2]);
        }
    EXPECT_EQ(positions(moved), expected);
    // A reshape that claims to need no copy keeps every position in order.
    for (const Shape& target : {Shape{shape.numel()}, Shape{shape[0] * shape[1], shape[2]},
                                Shape{shape[2], shape[0], shape[1]}, Shape{1, shape.numel(), 1}}) {
      const auto seen = moved.reshape(target);
      if (seen) {
        EXPECT_EQ(positions(*seen), expected);
      } else {
        // Refused: then no strides at all could give these positions.
        bool possible = true;
        Shape strides = target;
        std::int64_t unit = 1;
        for (int axis = target.rank() - 1; axis >= 0; --axis) {
          strides[axis] =
              target[axis] > 1 ? expected[static_cast<std::size_t>(unit)] - expected[0] : 0;
          unit *= target[axis];
        }
        possible = positions({target, strides, expected[0]}) == expected;
        EXPECT_FALSE(possible) << moved.shape.str() << " to " << target.str();
      }
    }
  }
}

TEST(Layout, OverlapAgreesWithEnumeration) {
  std::mt19937 random(2);
  const int rounds = 3000;
  int overlapping = 0;
  for (int round = 0; round < rounds; ++round) {
    Layout layout{Shape(), Shape(), 40};
    for (int axis = static_cast<int>(random() % 4); axis > 0; --axis) {
      layout.shape.push_back(static_cast<std::int64_t>(random() % 4));
      layout.strides.push_back(static_cast<std::int64_t>(random() % 15) - 7);
    }
    std::vector<std::int64_t> all = positions(layout);
    std::sort(all.begin(), all.end());
    const bool overlaps = std::adjacent_find(all.begin(), all.end()) != all.end();
    overlapping += overlaps;
    EXPECT_EQ(layout.overlaps_itself(), overlaps)
        << layout.shape.str() << " strides " << layout.strides.str();
  }
  EXPECT_GT(overlapping, rounds / 20);
  EXPECT_LT(overlapping, rounds - rounds / 10);
}

TEST(Layout, BroadcastStretchesWithoutMemory) {
  const Layout x = Layout::contiguous({3, 1}).broadcast_to({2, 3, 4});
  EXPECT_EQ(x.strides, Shape({0, 1, 0}));
  EXPECT_THROW(Layout::contiguous({3}).broadcast_to({4}), ShapeError);
  EXPECT_THROW(Layout::contiguous({3, 1}).broadcast_to({3}), ShapeError);
}

TEST(Shape, BroadcastingIsNumPys) {
  EXPECT_EQ(broadcast_shapes({256, 256, 3}, {3}), Shape({256, 256, 3}));
  EXPECT_EQ(broadcast_shapes({10000, 1}, {10000}), Shape({10000, 10000}));
  EXPECT_EQ(broadcast_shapes({2, 0}, {1}), Shape({2, 0}));
  try {
    broadcast_shapes({3}, {4});
    FAIL();
  } catch (const ShapeError& error) {
    EXPECT_STREQ(error.what(),
                 "shapes [3] and [4] do not broadcast: sizes 3 and 4 at axis -1\n  hint: aligned "
                 "at the last axis, sizes must be equal or one of them 1");
  }
}

TEST(Shape, CountsAreChecked) {
  EXPECT_THROW(Shape({std::int64_t{1} << 40, std::int64_t{1} << 40}).numel(), ShapeError);
  EXPECT_EQ(Shape({std::int64_t{1} << 40, std::int64_t{1} << 40, 0}).numel(), 0);
  EXPECT_THROW(Shape(Ints(17, 1)), ShapeError);
  EXPECT_THROW(Tensor::empty({std::int64_t{1} << 45}), MemoryError);
}

TEST(DType, PromotionIsTheTable) {
  // Rows and columns bool u8 i32 i64 f32 f64; NumPy's result_type, but integers with f32 stay f32.
  const std::string_view table[6] = {"bool u8 i32 i64 f32 f64", "u8 u8 i32 i64 f32 f64",
                                     "i32 i32 i32 i64 f32 f64", "i64 i64 i64 i64 f32 f64",
                                     "f32 f32 f32 f32 f32 f64", "f64 f64 f64 f64 f64 f64"};
  for (std::size_t i = 0; i < 6; ++i) {
    std::string row;
    for (DType b : all_dtypes)
      row += (row.empty() ? "" : " ") + std::string(dtype_name(promote(all_dtypes[i], b)));
    EXPECT_EQ(row, table[i]);
  }
}

}  // namespace
}  // namespace gradus
