// Plots as values: dots against a naive rasteriser, pixels decoded again, bytes and screens against
// files. What a renderer makes of the SVG: plot_ink_test.cpp.
#include <gradus/core/generator.h>
#include <gradus/io/image.h>
#include <gradus/see/plot_axis.h>
#include <gradus/see/plot_png.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/see/plot_samples.h"

using namespace gradus;
using namespace gradus::see;
using namespace gradus::test;

namespace {

/// Columns of each line of text without escapes.
std::vector<int> widths(const std::string& text) {
  std::vector<int> all(1, 0);
  bool escape = false;
  for (const char c : text) {
    if (c == '\n')
      all.push_back(0);
    else if (c == '\x1b')
      escape = true;
    else if (escape)
      escape = c != 'm';
    else
      all.back() += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }
  return all;
}

}  // namespace

TEST(Plot, BrailleIsANaiveRaster) {
  std::mt19937 random(1);
  for (int trial = 0; trial < 300; ++trial) {
    const int columns = 1 + static_cast<int>(random() % 12),
              rows = 1 + static_cast<int>(random() % 6);
    Braille braille(columns, rows);
    std::vector<std::vector<bool>> dots(static_cast<std::size_t>(4 * rows),
                                        std::vector<bool>(static_cast<std::size_t>(2 * columns)));
    for (int k = 0; k < 3; ++k) {
      int p[4];
      for (int& v : p) v = static_cast<int>(random() % 40) - 5;
      braille.line(p[0], p[1], p[2], p[3]);
      const double n = std::max({std::abs(p[2] - p[0]), std::abs(p[3] - p[1]), 1});
      for (double i = 0; i <= n; ++i) {
        const double x = std::floor(p[0] + i * (p[2] - p[0]) / n + .5),
                     y = std::floor(p[1] + i * (p[3] - p[1]) / n + .5);
        if (x >= 0 && y >= 0 && x < 2 * columns && y < 4 * rows)
          dots[static_cast<std::size_t>(y)][static_cast<std::size_t>(x)] = true;
      }
    }
    // Unicode 15, Braille Patterns: U+2800 plus 2^(dot - 1), dots 1 2 3 7 left, 4 5 6 8 right.
    static constexpr int number[4][2] = {{1, 4}, {2, 5}, {3, 6}, {7, 8}};
    for (int r = 0; r < rows; ++r)
      for (int c = 0; c < columns; ++c) {
        int code = 0x2800;
        for (int y = 0; y < 4; ++y)
          for (int x = 0; x < 2; ++x)
            if (dots[static_cast<std::size_t>(4 * r + y)][static_cast<std::size_t>(2 * c + x)])
              code += 1 << (number[y][x] - 1);
        const std::string glyph = braille.glyph(c, r);
        ASSERT_EQ(glyph.size(), 3u);
        const int read_back = (glyph[0] & 0xF) << 12 | (glyph[1] & 0x3F) << 6 | (glyph[2] & 0x3F);
        ASSERT_EQ(read_back, code) << "trial " << trial;
        ASSERT_EQ(braille.is_empty(c, r), code == 0x2800);
      }
  }
}

TEST(Plot, PngIsReadBackPixelByPixel) {
  for (const auto& [rows, columns] : {std::pair<std::size_t, std::size_t>{1, 1},
                                      {3, 7},
                                      {200, 150}}) {  // the last takes two blocks
    std::vector<Colour> pixels;
    for (std::size_t i = 0; i < rows * columns; ++i) {
      const auto v = static_cast<std::uint8_t>(i * 37 % 256);
      pixels.push_back({v, v, v});
    }
    const std::vector<std::uint8_t> file = png(rows, columns, pixels);
    const Tensor image = io::parse_image(file);
    ASSERT_EQ(image.shape(),
              Shape({static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns)}));
    for (std::size_t i = 0; i < pixels.size(); ++i)
      ASSERT_EQ(image.data<std::uint8_t>()[i], pixels[i][0]);
  }
}

TEST(Plot, Base64HasTheVectorsOfItsStandard) {  // RFC 4648, section 10
  const auto of = [](const std::string& s) {
    return base64({reinterpret_cast<const std::uint8_t*>(s.data()), s.size()});
  };
  EXPECT_EQ(of(""), "");
  EXPECT_EQ(of("f"), "Zg==");
  EXPECT_EQ(of("fo"), "Zm8=");
  EXPECT_EQ(of("foo"), "Zm9v");
  EXPECT_EQ(of("foobar"), "Zm9vYmFy");
}

TEST(Plot, NumbersAndTicksAreRound) {
  EXPECT_EQ(fixed(-0.001, 2), "0.00");
  EXPECT_EQ(fixed(1.005, 1), "1.0");
  for (const auto& [value, words] : std::vector<std::pair<double, std::string>>{{0, "0"},
                                                                                {1200, "1200"},
                                                                                {12000, "12k"},
                                                                                {2.5e6, "2.5M"},
                                                                                {0.05, "0.05"},
                                                                                {1e-5, "1e-5"},
                                                                                {-3, "-3"},
                                                                                {1e20, "1e20"},
                                                                                {0.001, "0.001"}})
    EXPECT_EQ(short_number(value), words);
  const auto words_of = [](const Ruler& ruler, int wanted) {
    std::string all;
    for (const auto& tick : ruler.ticks(wanted)) all += tick.second + " ";
    return all;
  };
  EXPECT_EQ(words_of({0, 1}, 5), "0.0 0.2 0.4 0.6 0.8 1.0 ");
  EXPECT_EQ(words_of({-3, 17}, 4), "0 5 10 15 ");
  EXPECT_EQ(words_of({0, 3, false, {}, true}, 8), "0 1 2 3 ");  // steps
  const double steps[] = {0, 1, 2}, one[] = {4};
  EXPECT_EQ(words_of(Ruler::of(steps, by_steps, false), 8), "0 1 2 ");
  EXPECT_EQ(words_of(Ruler::of(one, by_steps, false), 8), "4 5 ");
  EXPECT_EQ(words_of(Ruler::of(steps, {}, false), 4), "0.0 0.5 1.0 1.5 2.0 ");
  EXPECT_EQ(words_of({1e-5, 10, true}, 6), "1e-5 1e-4 0.001 0.01 0.1 1 10 ");
  EXPECT_EQ(words_of({0.04, 0.6, true}, 5), "0.05 0.1 0.2 0.5 ");
}

TEST(Plot, LabelsKeepApartAndInOrder) {
  std::mt19937 random(2);
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<double> wanted(1 + random() % 8);
    for (double& v : wanted) v = static_cast<double>(random() % 100);
    const std::vector<double> placed = spread(wanted, 10, 0, 100);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      EXPECT_GE(placed[i], 0);
      EXPECT_LE(placed[i], 100);
      for (std::size_t k = 0; k < i; ++k) {
        EXPECT_GE(std::abs(placed[i] - placed[k]), 10 - 1e-9);
        if (wanted[i] != wanted[k]) {
          EXPECT_EQ(wanted[i] < wanted[k], placed[i] < placed[k]);
        }
      }
    }
  }
}

TEST(Plot, BytesAndScreensAreStable) {
  for (const auto& [name, plot] : samples()) {
    expect_golden(name + ".svg", svg(plot));
    for (const int width : {60, 80, 100, 160})
      for (const bool utf8 : {true, false})
        expect_golden(name + "-" + std::to_string(width) + (utf8 ? "" : "-ascii") + ".txt",
                      text(plot, {.width = width, .utf8 = utf8}));
    expect_golden(name + "-80-colour.txt", text(plot, {.width = 80, .colour = true}));
  }
}

TEST(Plot, NoLineIsTooWideWhateverTheNumbers) {
  std::vector<Plot> plots;
  for (const auto& [name, plot] : samples()) plots.push_back(plot);
  const double huge = 1.7e308, tiny = 5e-324;
  for (const std::vector<double>& y : std::vector<std::vector<double>>{{},
                                                                       {NAN, INFINITY},
                                                                       {0},
                                                                       {-huge, huge},
                                                                       {1e-300, 2e-300},
                                                                       {5, 5, 5},
                                                                       {1, NAN, 3},
                                                                       {huge},
                                                                       {tiny},
                                                                       {tiny, huge},
                                                                       {1e15, 1e15 + 1},
                                                                       {-1, 0}})
    for (const bool log : {false, true}) {
      LinePlot plot{"t", {"step"}, {"a rather long name of an axis", log}, {}, {{1e-3, "a guide"}}};
      Series s{"a name that is much longer than any terminal likes to show in one line", {}, y, 3};
      for (std::size_t i = 0; i < y.size(); ++i) s.x.push_back(static_cast<double>(i) * 1e5);
      plot.series = {s, s};
      plots.emplace_back(plot);
      plots.emplace_back(Heatmap{"h", {"x"}, {"y", false}, {1, y.size(), y}});
      plots.emplace_back(Gallery{"g",
                                 {{"one\ntwo", {y.size(), 1, y}}, {"", {}}},
                                 log ? Scale::diverging : Scale::sequential});
    }
  plots.emplace_back(LinePlot{});
  plots.emplace_back(Heatmap{});
  plots.emplace_back(Table{});
  plots.emplace_back(Gallery{});
  for (std::size_t p = 0; p < plots.size(); ++p) {
    EXPECT_THAT(svg(plots[p]), testing::EndsWith("</svg>\n"));
    for (int width = 20; width <= 200; width += p < samples().size() ? 1 : 45)
      for (const bool utf8 : {true, false}) {
        const std::string lines =
            text(plots[p], {.width = width, .utf8 = utf8, .colour = width % 2 == 0});
        for (const int columns : widths(lines))
          ASSERT_LE(columns, std::max(width, 24)) << p << "\n" << lines;
        for (const char c : lines)
          ASSERT_TRUE(utf8 || c == '\n' || c == '\x1b' || (c >= ' ' && c <= '~'));
      }
  }
}

TEST(Plot, NamesFromFilesDoNotSpeakToTheTerminal) {
  LinePlot plot{"\x1b[2Jtitle", {"\x1b[31mx"}, {"y\r"}, {{"\x1b]0;name\x07", {0, 1}, {0, 1}}}, {}};
  for (const char c : text(plot)) ASSERT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
  for (const char c : svg(plot)) ASSERT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
}
