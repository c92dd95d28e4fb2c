// Plots as values: dots against a naive rasteriser, pixels decoded again, SVG through a real
// renderer, bytes and screens against files. GRADUS_UPDATE_GOLDENS=1 rewrites those: look at them.
#include <gradus/core/generator.h>
#include <gradus/io/image.h>
#include <gradus/see/plot_axis.h>
#include <gradus/see/plot_png.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

using namespace gradus;
using namespace gradus::see;
using testing::HasSubstr;

namespace {

std::string read(const std::string& path) {
  std::ostringstream all;
  all << std::ifstream(path, std::ios::binary).rdbuf();
  return all.str();
}

void expect_golden(const std::string& name, const std::string& text) {
  const std::string path = std::string(GRADUS_SOURCE_DIR) + "/tests/see/plot_golden/" + name;
  if (std::getenv("GRADUS_UPDATE_GOLDENS")) std::ofstream(path, std::ios::binary) << text;
  EXPECT_TRUE(read(path) == text) << name << " changed; GRADUS_UPDATE_GOLDENS=1 shows how in git";
}

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

LinePlot line_plot() {
  LinePlot plot{
      "loss of <two> runs & a target", {"step"}, {"loss", true}, {}, {{0.1, "target 0.1"}}};
  Series raw{"", {}, {}, 0, false, true}, one{"train a"}, two{"train b", {}, {}, 1, true};
  for (int i = 0; i <= 40; ++i) {
    const double y = 2.5 / (1 + 0.2 * i);  // exact enough for one decimal of a pixel
    raw.x.push_back(i), raw.y.push_back(i % 2 ? y * 1.25 : y / 1.25);
    one.x.push_back(i), one.y.push_back(y);
    two.x.push_back(i), two.y.push_back(i == 20 ? NAN : 2 * y);
  }
  plot.series = {raw, one, two};
  return plot;
}

Heatmap heat_map() {
  Heatmap map{"activations of 1 ReLU", {"step"}, {"activation"}, {8, 12, {}}, 0, 600, -2, 2};
  map.legend = "log(1 + count)";
  for (int r = 0; r < 8; ++r)
    for (int c = 0; c < 12; ++c)
      map.grid.values.push_back(r == 7 && c == 0 ? double{NAN} : (r * 12 + c) % 16);
  return map;
}

/// A map whose axis has words of its own, as a tape's histogram has.
Heatmap sizes() {
  Heatmap map{"activations of relu1, by size", {"step"}, {"activation"}, {12, 8, {}}, 0, 7, 50, 62};
  map.y.marks = {{51, "0.0039"}, {53, "0.0625"}, {55, "1"}, {57, "16"}, {59, "256"}, {61, "4096"}};
  map.legend = "log(1 + count)";
  for (int r = 0; r < 12; ++r)
    for (int c = 0; c < 8; ++c) map.grid.values.push_back(std::max(0, 6 - std::abs(r + c - 9)));
  return map;
}

Table table() {
  return {"confusion",
          {"read as"},
          {"truth"},
          {"0", "1", "2"},
          {{98, 0, 2}, {1, 107, 3}, {0, 12, 1032}}};
}

Gallery gallery() {
  Gallery wall{"weights into each unit", {}, Scale::diverging};
  for (int i = 0; i < 12; ++i) {
    Gallery::Tile tile{"unit " + std::to_string(i), {16, 16, {}}};
    for (int k = 0; k < 256; ++k)
      tile.grid.values.push_back((k / 16 < 8 ? 0.5 : -0.5) * ((k % 16) * (i + 1) % 7));
    wall.tiles.push_back(tile);
  }
  return wall;
}

std::vector<std::pair<std::string, Plot>> samples() {
  return {{"line", line_plot()},
          {"heatmap", heat_map()},
          {"sizes", sizes()},
          {"table", table()},
          {"gallery", gallery()}};
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

namespace {

/// The plot as rsvg-convert draws it, u8 [height, width]; nothing where that is not installed.
Tensor rendered(const Plot& plot) {
  const std::string base = testing::TempDir() + "gradus_plot_" + std::to_string(::getpid());
  std::ofstream(base + ".svg") << svg(plot);
  const int status = std::system(
      ("rsvg-convert '" + base + ".svg' -o '" + base + ".png' 2>'" + base + ".err'").c_str());
  Tensor image;
  if (status == 0) image = io::read_image(base + ".png");
  for (const char* end : {".svg", ".png", ".err"}) std::filesystem::remove(base + end);
  return image;
}
bool has_renderer() { return std::system("rsvg-convert --version >/dev/null 2>&1") == 0; }

/// Mean darkness 0..255 of a box of pixels.
double ink(const Tensor& image, std::int64_t left, std::int64_t top, std::int64_t right,
           std::int64_t bottom) {
  double sum = 0;
  for (std::int64_t y = top; y < bottom; ++y)
    for (std::int64_t x = left; x < right; ++x)
      sum += 255 - image.data<std::uint8_t>()[y * image.size(1) + x];
  return sum / static_cast<double>((right - left) * (bottom - top));
}

}  // namespace

TEST(Plot, ARendererPutsInkWhereTheNumbersSay) {
  if (!has_renderer()) GTEST_SKIP() << "rsvg-convert (librsvg2-bin) is not installed";
  // A line from corner to corner: ink along the diagonal, none off it.
  LinePlot plot{"diagonal", {"x"}, {"y"}, {{"up", {0, 1}, {0, 1}}}, {}};
  const Tensor line = rendered(plot);
  ASSERT_TRUE(line);
  ASSERT_EQ(line.shape(), Shape({340, 760}));
  const double left = 70, right = 760 - 20 - 2 * 7.2, top = 42, bottom = 292,
               highest = 1.05 /* a twentieth of margin */;
  for (const double share : {0.15, 0.3, 0.5, 0.7, 0.9}) {
    const auto x = static_cast<std::int64_t>(left + share * (right - left)),
               y = static_cast<std::int64_t>(bottom - share / highest * (bottom - top));
    EXPECT_GT(ink(line, x - 3, y - 3, x + 3, y + 3), 40) << share;
    EXPECT_LT(ink(line, x - 6, std::max<std::int64_t>(y - 40, 0), x + 6, y - 12), 10) << share;
  }
  EXPECT_GT(ink(line, 16, 10, 90, 28), 20) << "title";
  EXPECT_GT(ink(line, 385, 318, 410, 336), 2) << "name of the x axis";
  EXPECT_GT(ink(line, 8, 150, 24, 185), 2) << "name of the y axis";
  // Four fields, two of them dark; outside of their centres, where a renderer that smooths pictures
  // (librsvg does) leaves the colours as they are.
  Heatmap map{"quarters", {"x"}, {"y"}, {2, 2, {1, 0, 0, 1}}};
  const Tensor heat = rendered(map);
  EXPECT_GT(ink(heat, 90, 50, 200, 100), 200);
  EXPECT_LT(ink(heat, 510, 50, 620, 100), 1);
  EXPECT_LT(ink(heat, 90, 235, 200, 285), 1);
  EXPECT_GT(ink(heat, 510, 235, 620, 285), 200);
  EXPECT_GT(ink(heat, 664, 44, 678, 60), 200) << "the dark end of the key is at the top";
  map.square = true;
  const Tensor square = rendered(map);
  EXPECT_EQ(square.shape(), Shape({520, 620}));
  EXPECT_GT(ink(square, 80, 52, 170, 142), 200);  // outside of the centres here too
  EXPECT_LT(ink(square, 400, 52, 490, 142), 1);
  EXPECT_LT(ink(square, 80, 372, 170, 462), 1);
  EXPECT_GT(ink(square, 400, 372, 490, 462), 200);
  // Words of an axis's own stand at their places: "1" at 55 of 50..62.
  const Tensor marked = rendered(sizes());
  const auto down = static_cast<std::int64_t>(292 - 250 * (55. - 50) / 12);
  EXPECT_GT(ink(marked, 66, down - 6, 78, down + 6), 4);
  EXPECT_LT(ink(marked, 66, down - 18, 78, down - 8), 1);
  for (const auto& [name, sample] : samples())
    EXPECT_GT(ink(rendered(sample), 0, 0, 100, 100), 1) << name;
}
