// gradus plot of a tape that gradus step wrote, as a user runs it: whole screens of four widths,
// with and without elements, and SVG files that a real renderer draws.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

#include "tests/support/transcripts.h"

namespace gradus {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class PlotOfATape : public test::FolderTest {
 protected:
  std::string shell(const std::string& line) const {
    const std::string whole = "cd '" + folder_ + "' && " + line + " >out.txt 2>&1";
    EXPECT_EQ(test::exit_code(whole), 0) << line << "\n" << text("out.txt");
    return text("out.txt");
  }
  /// Twelve steps of the classifier on 300 digits, kept as run.tape.
  void record(const std::string& options) const {
    shell("echo 'j step=11' | env -u GRADUS_DATA '" GRADUS_COMMAND_PATH
          "' step --net classifier --size 400 --batch-size 60 --hidden 16 --lr 0.5 --steps 12 "
          "--tape run.tape " +
          options);
  }
  std::string plot(const std::string& arguments, const std::string& settings) const {
    return shell("env " + settings + " '" GRADUS_COMMAND_PATH "' plot run.tape " + arguments);
  }
};

TEST_F(PlotOfATape, ScreensAtFourWidths) {
  for (const std::string keep : {"stats", "full"}) {
    record("--keep " + keep);
    for (const int width : {60, 80, 100, 160})
      for (const bool utf8 : {true, false}) {
        const std::string out =
            plot("", "COLUMNS=" + std::to_string(width) + (utf8 ? " LC_ALL=C.UTF-8" : " LC_ALL=C"));
        const std::string path = GRADUS_SOURCE_DIR "/tests/apps/screens/plot_" + keep + "_" +
                                 std::to_string(width) + (utf8 ? "" : "_ascii") + ".txt";
        if (std::getenv("GRADUS_UPDATE_GOLDENS"))
          std::ofstream(path) << out;
        else
          EXPECT_EQ(out, test::whole_file(path)) << path;
        if (!utf8) {
          EXPECT_TRUE(std::all_of(out.begin(), out.end(), [](char c) { return c > 0; }));
        }
      }
  }
}

TEST_F(PlotOfATape, SaysWhatIsMissingAndWhatWouldGiveIt) {
  record("--keep stats");
  EXPECT_THAT(plot("", "LC_ALL=C"), AllOf(HasSubstr("dead units, "), HasSubstr("--keep full")));
  record("--keep full");
  EXPECT_THAT(plot("", "LC_ALL=C"), Not(HasSubstr("--keep full")));
}

TEST_F(PlotOfATape, WritesFilesThatARendererDraws) {
  record("--keep full");
  plot("--out pictures", "LC_ALL=C");
  int files = 0;
  const bool has_renderer = std::system("rsvg-convert --version >/dev/null 2>&1") == 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_ + "/pictures")) {
    ++files;
    if (!has_renderer) continue;
    shell("rsvg-convert '" + entry.path().string() + "' -o picture.png");
    EXPECT_GT(std::filesystem::file_size(folder_ + "/picture.png"), 2000u) << entry.path();
  }
  EXPECT_EQ(files, 16) << "thirteen pictures of the run, histograms of three layers";
}

/// What an SVG says in words: title, axes, marks and legend.
std::string words_of(const std::string& svg) {
  std::string words;
  for (std::size_t at = svg.find("<text"); at != svg.npos; at = svg.find("<text", at + 1)) {
    const std::size_t begin = svg.find('>', at) + 1;
    words += svg.substr(begin, svg.find('<', begin) - begin) + "\n";
  }
  return words;
}

/// The pictures of docs/plots.md are those of the first command there, today: to the byte where
/// sums of f32 have the same last digits, in their words in any build.
TEST_F(PlotOfATape, ThePagesPicturesAreFresh) {
  const std::string gradus = "env -u GRADUS_DATA '" GRADUS_COMMAND_PATH "' ";
  shell(gradus + "train --log run.jsonl --stats");
  shell(gradus + "plot run.jsonl --out pictures");
  int pictures = 0;
  for (const auto& entry : std::filesystem::directory_iterator(GRADUS_SOURCE_DIR "/docs/plots")) {
    const std::string name = entry.path().filename();
    const std::string kept = test::whole_file(entry.path()), made = text("pictures/" + name);
    const std::string again = "docs/plots/" + name +
                              " is another now: gradus train --log run.jsonl --stats && "
                              "gradus plot run.jsonl --out DIR";
    EXPECT_EQ(words_of(made), words_of(kept)) << again;
    EXPECT_NE(words_of(kept), "");
#ifdef GRADUS_SAME_BITS
    EXPECT_TRUE(made == kept) << again;
#endif
    ++pictures;
  }
  EXPECT_EQ(pictures, 3);
}

TEST_F(PlotOfATape, JsonIsOneObjectAPicture) {
  record("--keep full");
  std::istringstream lines(plot("--json", "LC_ALL=C"));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const nlohmann::json object = nlohmann::json::parse(line);
    EXPECT_TRUE(object.contains("picture") && object.contains("kind") && object.contains("title"));
  }
  EXPECT_GT(count, 10);
}

}  // namespace
}  // namespace gradus
