// The wheels of gears_svg as a machine: what touches moves at one speed along the rim, and every
// wheel turns as its number says.
#include <gmock/gmock.h>
#include <gradus/see/gears.h>
#include <gtest/gtest.h>

#include <cmath>
#include <regex>

using namespace gradus;
using namespace gradus::see;
using testing::HasSubstr;

namespace {

struct TurningWheel {
  double x, radius, turns;  // turns a second, clockwise above 0; 0 when it stands
};

std::vector<TurningWheel> wheels_of(const std::string& svg) {
  static const std::regex one(
      "translate\\(([0-9.]+) 100\\.0\\)\"><g><circle r=\"([0-9.]+)\".*?</g>",
      std::regex::ECMAScript);
  static const std::regex turning("to=\"(-?)360\" dur=\"([0-9.]+)s\"");
  std::vector<TurningWheel> wheels;
  for (std::sregex_iterator it(svg.begin(), svg.end(), one), end; it != end; ++it) {
    const std::string text = it->str();
    std::smatch turn;
    const bool turns = std::regex_search(text, turn, turning);
    wheels.push_back({std::stod((*it)[1]), std::stod((*it)[2]) + 3,
                      turns ? (turn[1].length() ? -1 : 1) / std::stod(turn[2]) : 0});
  }
  return wheels;
}

Gears train_of(std::vector<double> factors) {
  Gears gears;
  gears.title = "a < b";
  for (const double value : factors) gears.wheels.push_back({"d", value});
  return gears;
}

/// Neighbours touch, and their rims move at one speed in opposite senses.
void expect_mesh(const std::vector<TurningWheel>& wheels) {
  for (std::size_t i = 0; i + 1 < wheels.size(); ++i) {
    EXPECT_NEAR(wheels[i + 1].x - wheels[i].x, wheels[i].radius + wheels[i + 1].radius, .3) << i;
    const double rim = wheels[i].radius * wheels[i].turns;
    EXPECT_NEAR(-wheels[i + 1].radius * wheels[i + 1].turns / rim, 1, .03) << i;
  }
}

TEST(GearsSvg, TwoTimesTwoIsToScale) {
  const std::string svg = gears_svg(train_of({2, 2}));
  const std::vector<TurningWheel> wheels = wheels_of(svg);
  ASSERT_EQ(wheels.size(), 5U) << svg;  // with the two small ones between
  expect_mesh(wheels);
  EXPECT_NEAR(wheels[2].turns / wheels[0].turns, 2, .01);
  EXPECT_NEAR(wheels[4].turns / wheels[0].turns, 4, .02);
  EXPECT_THAT(svg, HasSubstr("Sizes and speeds are to scale."));
  EXPECT_THAT(svg, HasSubstr("a &lt; b"));
}

TEST(GearsSvg, ANegativeFactorTurnsTheSenseRound) {
  const std::vector<TurningWheel> wheels = wheels_of(gears_svg(train_of({-2, -.5})));
  ASSERT_EQ(wheels.size(), 3U);
  expect_mesh(wheels);
  EXPECT_NEAR(wheels[1].turns / wheels[0].turns, -2, .01);
  EXPECT_NEAR(wheels[2].turns / wheels[0].turns, 1, .01);
}

// Far apart, sizes and speeds keep their order; no two wheels with other numbers look alike.
TEST(GearsSvg, FarApartIsLogarithmicAndSaysSo) {
  const std::string svg = gears_svg(train_of({-.0014, -2.61, .5}));
  const std::vector<TurningWheel> wheels = wheels_of(svg);
  ASSERT_EQ(wheels.size(), 5U);
  expect_mesh(wheels);
  EXPECT_GT(wheels[0].turns, wheels[2].turns);
  EXPECT_LT(std::abs(wheels[1].turns), wheels[2].turns);
  EXPECT_GT(wheels[2].turns, wheels[4].turns * 1.05);
  EXPECT_THAT(svg, HasSubstr("on a logarithmic scale"));
  EXPECT_THAT(svg, HasSubstr("has turned 0.001827"));
}

TEST(GearsSvg, AClosedGateDoesNotMesh) {
  const std::string svg = gears_svg(train_of({2, 0, 3}));
  const std::vector<TurningWheel> wheels = wheels_of(svg);
  ASSERT_EQ(wheels.size(), 6U);
  EXPECT_GT(wheels[3].x - wheels[2].x, wheels[2].radius + wheels[3].radius + 20);
  for (const std::size_t still : {3U, 4U, 5U}) EXPECT_EQ(wheels[still].turns, 0);
  EXPECT_THAT(svg, HasSubstr("it stands still"));
  EXPECT_THAT(gears_svg(train_of({})), HasSubstr("turns once"));
  EXPECT_THAT(gears_svg(train_of({NAN, 1e300, 1e300})), HasSubstr("</svg>"));
}

}  // namespace
