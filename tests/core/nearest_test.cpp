// "did you mean ...?"
#include <gtest/gtest.h>

#include <gradus/core/nearest.h>

namespace gradus {
namespace {

TEST(Nearest, CountsEditsAndExchangesOfNeighbours) {
  const std::vector<std::string> words{"train", "eval", "predict", "data", "ops", "apply"};
  EXPECT_EQ(nearest("trian", words), "train");
  EXPECT_EQ(nearest("tarin", words), "train");
  EXPECT_EQ(nearest("evl", words), "eval");
  EXPECT_EQ(nearest("predicts", words), "predict");
  EXPECT_EQ(nearest("xyzzy", words), "");
  EXPECT_EQ(nearest("", words), "");
  EXPECT_EQ(nearest("train", {}), "");
}

TEST(Nearest, CapitalsCountAsSmallLettersAndASingleLetterIsNearNothingElse) {
  EXPECT_EQ(nearest("TRAIN", {"train", "eval"}), "train");
  EXPECT_EQ(nearest("B", {"b", "x"}), "b");
  EXPECT_EQ(nearest("r", {"@", "x"}), "");
  EXPECT_EQ(nearest("exit", {"next", "quit"}), "");
}

TEST(Nearest, ABeginningIsEnoughWhereItIsTheOnlyOne) {
  EXPECT_EQ(nearest("pre", {"train", "prediction"}), "prediction");
  EXPECT_EQ(nearest("pre", {"preparation", "prediction"}), "");
}

}  // namespace
}  // namespace gradus
