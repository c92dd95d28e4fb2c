// The sizes of a shape as names.
#include <gradus/core/unpack.h>
#include <gtest/gtest.h>

namespace gradus {
namespace {

TEST(Unpack, NamesTheSizes) {
  const auto [n, m] = unpack<2>({50000, 784});
  EXPECT_EQ(n, 50000);
  EXPECT_EQ(m, 784);
  const auto [only] = unpack<1>({7});
  EXPECT_EQ(only, 7);
  EXPECT_TRUE(unpack<0>({}).empty());
}

TEST(Unpack, SaysHowManyAxesThereAre) {
  try {
    (void)unpack<2>({10, 28, 28});
    FAIL() << "nothing was thrown";
  } catch (const ShapeError& error) {
    EXPECT_EQ(error.problem(), "unpack<2> of the shape [10,28,28], which has 3 axes");
    EXPECT_NE(error.hint().find("unpack<3>"), std::string::npos);
    EXPECT_NE(std::string(error.place().file_name()).find("unpack_test.cpp"), std::string::npos);
  }
  EXPECT_THROW((void)unpack<1>(Shape{}), ShapeError);
}

}  // namespace
}  // namespace gradus
