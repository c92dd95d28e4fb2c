// Plots through a real renderer, rsvg-convert: ink in the boxes where the numbers say, and none
// where nothing belongs.
#include <gradus/io/image.h>
#include <gradus/see/plot_run.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "tests/see/plot_samples.h"

using namespace gradus;
using namespace gradus::see;
using namespace gradus::test;

namespace {

class PlotInk : public FolderTest {
 protected:
  void SetUp() override {
    FolderTest::SetUp();
    if (std::system("rsvg-convert --version >/dev/null 2>&1") != 0)
      GTEST_SKIP() << "rsvg-convert (librsvg2-bin) is not installed";
  }
  /// The plot as it is drawn, u8 [height, width].
  Tensor rendered(const Plot& plot) const {
    std::ofstream(folder_ + "/plot.svg") << svg(plot);
    EXPECT_EQ(exit_code("cd '" + folder_ + "' && rsvg-convert plot.svg -o plot.png"), 0);
    return io::read_image(folder_ + "/plot.png");
  }
};

int ink_at(const Tensor& image, std::int64_t x, std::int64_t y) {
  return 255 - image.data<std::uint8_t>()[y * image.size(1) + x];
}

/// Mean darkness 0..255 of a box of pixels.
double ink(const Tensor& image, std::int64_t left, std::int64_t top, std::int64_t right,
           std::int64_t bottom) {
  double sum = 0;
  for (std::int64_t y = top; y < bottom; ++y)
    for (std::int64_t x = left; x < right; ++x) sum += ink_at(image, x, y);
  return sum / static_cast<double>((right - left) * (bottom - top));
}

/// The darkest pixel of a box.
int darkest(const Tensor& image, std::int64_t left, std::int64_t top, std::int64_t right,
            std::int64_t bottom) {
  int most = 0;
  for (std::int64_t y = top; y < bottom; ++y)
    for (std::int64_t x = left; x < right; ++x) most = std::max(most, ink_at(image, x, y));
  return most;
}

/// Where a value lies by the numbers that stand at an axis, as a reader finds it: between the first
/// and the last of them. `mark` is what a number's element looks like, with place and number.
class ByItsMarks {
 public:
  ByItsMarks(const std::string& svg, const std::string& mark, double beside) {
    const std::regex pattern(mark);
    for (std::sregex_iterator i(svg.begin(), svg.end(), pattern), end; i != end; ++i)
      places_[std::stod((*i)[2])] = std::stod((*i)[1]) - beside;
  }
  double operator()(double value) const {
    const auto [low, from] = *places_.begin();
    const auto [high, to] = *places_.rbegin();
    return from + (value - low) / (high - low) * (to - from);
  }
  std::size_t size() const { return places_.size(); }

 private:
  std::map<double, double> places_;
};

}  // namespace

TEST_F(PlotInk, LinesMapsAndMarksLieWhereTheNumbersSay) {
  // A line from corner to corner: ink along the diagonal, none off it.
  LinePlot plot{"diagonal", {"x"}, {"y"}, {{"up", {0, 1}, {0, 1}}}, {}};
  const Tensor line = rendered(plot);
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

TEST_F(PlotInk, EachCellOfATableIsAsDarkAsItsCount) {
  const Table sample = table();  // three names: cells of 40 pixels, the last one of them a gap
  const Tensor image = rendered(sample);
  ASSERT_EQ(image.shape(), Shape({72 + 3 * 40 + 30, 70 + 3 * 40 + 40}));
  std::vector<std::pair<double, double>> shades;  // of the cells, by count
  for (std::int64_t row = 0; row < 3; ++row)
    for (std::int64_t column = 0; column < 3; ++column) {
      const std::int64_t x = 70 + 40 * column, y = 72 + 40 * row;
      const double count =
          sample.counts[static_cast<std::size_t>(row)][static_cast<std::size_t>(column)];
      const double corner = ink(image, x + 1, y + 1, x + 38, y + 12);
      shades.emplace_back(count, corner);
      EXPECT_NEAR(ink(image, x + 1, y + 28, x + 38, y + 38), corner, 1) << "one colour a cell";
      const double words = std::abs(ink(image, x + 8, y + 13, x + 32, y + 26) - corner);
      if (count > 0)
        EXPECT_GT(words, 2) << count;
      else
        EXPECT_LT(words, 0.5) << "a zero is not written";
      EXPECT_LT(ink(image, x, y + 39, x + 40, y + 40), 1) << "the gap below";
      EXPECT_LT(ink(image, x + 39, y, x + 40, y + 40), 1) << "the gap at the right";
    }
  std::sort(shades.begin(), shades.end());
  EXPECT_LT(shades.front().second, 1) << "a zero is white";
  EXPECT_GT(shades.back().second, 200);
  for (std::size_t i = 1; i < shades.size(); ++i) {
    const double step = shades[i].second - shades[i - 1].second;
    if (shades[i].first == shades[i - 1].first) {
      EXPECT_EQ(step, 0) << shades[i].first;
    } else {
      EXPECT_GT(step, shades[i].first < 1.2 * shades[i - 1].first ? 1 : 5) << shades[i].first;
    }
  }
  for (std::int64_t i = 0; i < 3; ++i) {
    EXPECT_GT(ink(image, 52, 72 + 40 * i + 12, 64, 72 + 40 * i + 28), 4) << "name of a row";
    EXPECT_GT(ink(image, 70 + 40 * i + 14, 52, 70 + 40 * i + 26, 66), 4) << "name of a column";
  }
  EXPECT_LT(darkest(image, 190, 70, image.size(1), image.size(0)), 1) << "nothing at the right";
  EXPECT_LT(darkest(image, 30, 193, image.size(1), image.size(0)), 1) << "nor below";
}

TEST_F(PlotInk, EachImageOfAGalleryHasABoxAndNothingStandsBetween) {
  // Tiles of 60 pixels, ten in a row of 70 each; 14 for the caption and 12 between rows. What tile
  // i shows is (i + 1) times the column modulo 7: of i = 6 nothing but zeros, which are white.
  const Tensor image = rendered(gallery());
  ASSERT_EQ(image.shape(), Shape({46 + 2 * 86 + 34, 760}));
  for (std::int64_t i = 0; i < 20; ++i) {
    const std::int64_t x = 16 + 70 * (i % 10), y = 42 + 86 * (i / 10);
    const double upper = ink(image, x, y, x + 60, y + 30),
                 lower = ink(image, x, y + 30, x + 60, y + 60);
    if (i < 12 && i != 6) {
      EXPECT_GT(upper, 40) << i;
      EXPECT_GT(lower, upper) << i << ": blue is darker than orange";
      EXPECT_LT(ink(image, x, y, x + 1, y + 60), 10) << i << ": column 0 holds zeros";
    } else {
      EXPECT_EQ(darkest(image, x, y, x + 60, y + 60), 0) << i;
    }
    if (i < 12)
      EXPECT_GT(ink(image, x, y + 64, x + 36, y + 75), 4) << i << ": caption";
    else
      EXPECT_EQ(darkest(image, x, y, x + 60, y + 86), 0) << i << ": no twentieth tile";
    EXPECT_EQ(darkest(image, x + 61, y, x + 69, y + 86), 0) << i << ": beside it";
    EXPECT_EQ(darkest(image, x, y + 79, x + 60, y + 85), 0) << i << ": below it";
  }
  EXPECT_GT(ink(image, 66, 220, 80, 232), 100) << "the key's one end";
  EXPECT_LT(ink(image, 164, 220, 168, 232), 30) << "its middle";
  EXPECT_GT(ink(image, 252, 220, 266, 232), 100) << "its other end";
}

TEST_F(PlotInk, TheLossOfARunBeginsAndEndsAtItsNumbers) {
  const std::string log = whole_file(golden_path("run.jsonl"));
  const see::Run run = read_run(log, "run");
  const std::vector<NamedPlot> plots = plots_of({&run, 1});
  const auto loss = std::find_if(plots.begin(), plots.end(),
                                 [](const NamedPlot& plot) { return plot.name == "loss"; });
  ASSERT_NE(loss, plots.end());
  const std::string drawn = svg(loss->plot);
  const ByItsMarks across(drawn, R"re(<text x="([\d.]+)" y="310.0" text-anchor="middle">(\d+)<)re",
                          0),
      down(drawn, R"re(<text x="62.0" y="([\d.]+)" text-anchor="end">([\d.]+)<)re", 4);
  ASSERT_GE(across.size(), 2u);
  ASSERT_GE(down.size(), 2u);
  // The ends of both curves by the log itself; so few batches are drawn without a mean.
  std::vector<std::pair<double, double>> batches, epochs;  // step, loss
  std::istringstream lines(log);
  for (std::string text; std::getline(lines, text);) {
    const auto line = nlohmann::json::parse(text);
    if (line.at("event") == "batch") batches.emplace_back(line.at("step"), line.at("loss"));
    if (line.at("event") == "epoch")
      epochs.emplace_back(batches.back().first, line.at("valid_loss"));
  }
  const std::vector<std::pair<double, double>> points{batches.front(), batches.back(),
                                                      epochs.front(), epochs.back()};
  ASSERT_EQ(batches.front().first, 1);
  ASSERT_EQ(batches.back().first, 12);
  const Tensor image = rendered(loss->plot);
  const auto pixel = [](double place) { return static_cast<std::int64_t>(std::lround(place)); };
  for (const auto& [step, value] : points) {
    const std::int64_t x = pixel(across(step)), y = pixel(down(value));
    EXPECT_GE(x, 70);
    EXPECT_GE(y, 42);
    EXPECT_LE(y, 292);
    // Beside the vertical axis, which is as dark as a curve.
    EXPECT_GT(darkest(image, x + (x < 72), y - 2, x + 3, y + 3), 120) << step << " " << value;
  }
  // In the columns where the curves begin and end nothing else is as dark.
  for (const double step : {1., 12.}) {
    const std::int64_t x = pixel(across(step)) + (step == 1 ? 1 : -1);
    for (std::int64_t y = 43; y < 290; ++y) {
      const bool is_curve = std::any_of(points.begin(), points.end(), [&](const auto& point) {
        return point.first == step && std::abs(static_cast<double>(y) - down(point.second)) <= 8;
      });
      if (!is_curve) {
        EXPECT_LE(darkest(image, x, y, x + 1, y + 1), 120) << step << " at " << y;
      }
    }
  }
}
