// What is made of results: the table, which keeps to the terminal's width and loses nothing, the
// list of chapters, and JSON.
#include <examples/lesson13/json.h>
#include <examples/lesson13/lesson.h>
#include <gradus/gradus.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
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

TEST(LessonTable, ShowsTheDigitsThatTheToleranceReaches) {
  lesson::Result r;
  r.what = "next number", r.ok = true, r.tolerance = 1e-15;
  r.lesson = r.here = lesson::json_number(.7645251082582081);
  EXPECT_NE(lesson::table({r}, 80).find("0.7645251082582081"), std::string::npos);
  r.tolerance = .01;
  EXPECT_EQ(lesson::table({r}, 80).find("0.7645251082582081"), std::string::npos);
  EXPECT_NE(lesson::table({r}, 80).find("0.7645251083"), std::string::npos);
}

TEST(LessonJson, NumbersReadBackAsThemselves) {
  for (double number : {.7645251082582081, 4308.76, 1e-15, -0.1, 4308.76025390625, 1e300, 50000.})
    EXPECT_EQ(nlohmann::json::parse(lesson::json_number(number)).get<double>(), number);
  EXPECT_EQ(lesson::json_number(INFINITY), "null");
}

TEST(LessonJson, IsOneObjectARow) {
  lesson::Result title;
  title.row = 24, title.chapter = 8, title.titles = true, title.what = "mse";
  title.lesson = "4308.76", title.here = "4308.7606", title.tolerance = .01, title.ok = true;
  EXPECT_EQ(lesson::rows_json({title}),
            "{\"row\":24,\"chapter\":8,\"what\":\"mse\",\"lesson\":4308.76,\"here\":4308.7606,"
            "\"tolerance\":0.01,\"ok\":true}\n");

  lesson::Result other = title;  // of the same row, in an earlier chapter, and wrong
  other.chapter = 7, other.titles = false, other.what = "mean", other.ok = false;
  lesson::Result absent = title;
  absent.row = 25, absent.left_out = true, absent.ok = false;
  std::istringstream lines(lesson::rows_json({other, absent, title}));
  std::vector<nlohmann::json> rows;
  for (std::string line; std::getline(lines, line);) rows.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0]["what"], "mse") << "the check that names the row comes first";
  EXPECT_EQ(rows[0]["chapter"], 8);
  EXPECT_EQ(rows[0]["ok"], false) << "of all its checks";
  EXPECT_EQ(rows[0]["also"].size(), 1U);
  EXPECT_EQ(rows[0]["also"][0]["what"], "mean");
  EXPECT_EQ(rows[0]["also"][0]["chapter"], 7);
  EXPECT_EQ(rows[0]["also"][0]["ok"], false);
  EXPECT_EQ(rows[1]["row"], 25);
  EXPECT_TRUE(rows[1]["ok"].is_null());
  EXPECT_EQ(rows[1]["left_out"], true);

  // What could be checked names the row where the number of the lesson could not.
  lesson::Result here = other;
  here.row = 25, here.ok = true;
  const auto row = nlohmann::json::parse(lesson::rows_json({absent, here}));
  EXPECT_EQ(row["what"], "mean");
  EXPECT_EQ(row["ok"], true);
  EXPECT_EQ(row["also"][0]["left_out"], true);
}

TEST(LessonLines, AreBrokenBetweenWords) {
  const std::string hint =
      "  hint: they would broadcast to [50000,50000], bring both to one shape\n";
  for (int width : {20, 40, 60}) {
    std::istringstream lines(lesson::broken(hint, width));
    std::string words;
    for (std::string line; std::getline(lines, line);) {
      EXPECT_LE(line.size(), static_cast<std::size_t>(width)) << line;
      std::istringstream in(line);
      for (std::string word; in >> word;) words += (words.empty() ? "" : " ") + word;
    }
    EXPECT_EQ("  " + words + "\n", hint) << width;
  }
  EXPECT_EQ(lesson::broken(hint, 80), hint);
  EXPECT_EQ(lesson::broken(hint, 0), hint);
  EXPECT_EQ(lesson::broken("", 40), "");
  EXPECT_EQ(lesson::broken("\n", 40), "\n");
  EXPECT_EQ(lesson::broken(std::string(50, ' ') + "\n", 40), std::string(50, ' ') + "\n");
  EXPECT_EQ(lesson::broken(std::string(50, 'x') + " y\n", 40), std::string(50, 'x') + "\n  y\n");
  const std::string picture = std::string(30, '.') + " \xE2\xA0\x80 " + std::string(30, '.');
  EXPECT_EQ(lesson::broken(picture, 40), picture);
}

TEST(LessonTable, AlsoEachIsACheckForEveryNumber) {
  static const lesson::Chapter chapter{
      99, "one of the test's own", [] {
        lesson::also_each(1, "x", {1, 2, 4}, gradus::tensor({1., 2., 3.}), .5);
      }};
  const lesson::Record record = lesson::run(chapter, true);
  ASSERT_EQ(record.results.size(), 3U);
  EXPECT_EQ(record.results[1].what, "x[1]");
  EXPECT_TRUE(record.results[1].ok);
  EXPECT_FALSE(record.results[2].ok);
  static const lesson::Chapter too_few{
      98, "another", [] {
        lesson::also_each(1, "x", {1}, gradus::tensor({1., 2.}), .5);
      }};
  EXPECT_THROW((void)lesson::run(too_few, true), gradus::ShapeError);
}

TEST(LessonData, AFolderThatIsNamedMustHaveMnist) {
  EXPECT_THROW(lesson::look_in("no/such/folder"), gradus::IoError);
  EXPECT_THROW((void)lesson::data(), gradus::IoError);
  lesson::look_in("");
}

}  // namespace
