// The table at a chapter's end: it keeps to the terminal's width and loses nothing.
#include <examples/lesson13/lesson.h>
#include <gtest/gtest.h>

#include <sstream>

namespace {

std::vector<lesson::Result> results() {
  lesson::Result number;
  number.row = 24, number.chapter = 8, number.what = "mse(preds, y_train)";
  number.lesson = "4308.76", number.here = "4308.760254", number.tolerance = .01, number.ok = true;
  lesson::Result wordy = number;
  wordy.row = 48, wordy.what = "shapes of inp.unsqueeze(-1), out.g.unsqueeze(1), their product";
  wordy.lesson = "\"[50000,50,1] [50000,1,1] [50000,50,1] [50,1]\"", wordy.here = wordy.lesson;
  wordy.tolerance = 0;
  lesson::Result wrong = number;
  wrong.row = 100, wrong.what = std::string(90, 'x'), wrong.ok = false;
  lesson::Result absent = number;
  absent.row = 16, absent.left_out = true;
  return {number, wordy, wrong, absent};
}

std::vector<std::string> lines(int width) {
  std::vector<std::string> all;
  std::istringstream text(lesson::table(results(), width));
  for (std::string line; std::getline(text, line);) all.push_back(line);
  return all;
}

TEST(LessonTable, KeepsToTheWidth) {
  for (int width : {40, 60, 80, 100, 160})
    for (const std::string& line : lines(width))
      EXPECT_LE(line.size(), static_cast<std::size_t>(width)) << line;
}

TEST(LessonTable, LosesNothing) {
  for (int width : {40, 60, 80, 100, 160}) {
    std::string letters;  // without the spaces, that lines may be broken at
    for (const std::string& line : lines(width))
      for (char letter : line)
        if (letter != ' ') letters += letter;
    for (const char* piece : {"24mse(preds,y_train)", "4308.76", "4308.760254", "+-0.01",
                              "[50000,50,1][50000,1,1][50000,50,1][50,1]", "NO", "rows16"})
      EXPECT_NE(letters.find(piece), letters.npos) << piece << " at width " << width;
  }
}

TEST(LessonTable, IsOneLineAResultWhereThereIsRoom) {
  const std::vector<std::string> wide = lines(160);
  ASSERT_GE(wide.size(), 2U);
  EXPECT_NE(wide[1].find("mse(preds, y_train)"), std::string::npos);
  EXPECT_NE(wide[1].find("4308.760254"), std::string::npos);
}

TEST(LessonData, AFolderThatIsNamedMustHaveMnist) {
  lesson::look_in("no/such/folder");
  EXPECT_THROW((void)lesson::data(), gradus::IoError);
  lesson::look_in("");
}

}  // namespace
