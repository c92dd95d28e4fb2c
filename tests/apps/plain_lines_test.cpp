// Lines without libedit: the prompt, the ends of lines and of the input.
#include <apps/plain_lines.h>

#include <gtest/gtest.h>

#include <sstream>

namespace gradus {
namespace {

using app::PlainLines;

TEST(PlainLines, GivesEachLineWithoutItsEnd) {
  std::istringstream in("b lin1\n\nc \r\nlast");
  std::ostringstream out;
  PlainLines lines(in, out);
  EXPECT_EQ(lines.next(), "b lin1");
  EXPECT_EQ(lines.next(), "");  // Enter, which repeats
  EXPECT_EQ(lines.next(), "c ");
  EXPECT_EQ(lines.next(), "last");
  EXPECT_EQ(lines.next(), std::nullopt);
  EXPECT_EQ(lines.next(), std::nullopt);
  EXPECT_EQ(out.str(), "");  // nobody is asked
}

TEST(PlainLines, APersonIsAskedForEachAndTheEndBeginsALine) {
  std::istringstream in("n\nq\n");
  std::ostringstream out;
  PlainLines lines(in, out, "(gradus) ");
  EXPECT_EQ(lines.next(), "n");
  EXPECT_EQ(out.str(), "(gradus) ");
  EXPECT_EQ(lines.next(), "q");
  EXPECT_EQ(lines.next(), std::nullopt);
  EXPECT_EQ(out.str(), "(gradus) (gradus) (gradus) \n");
}

}  // namespace
}  // namespace gradus
