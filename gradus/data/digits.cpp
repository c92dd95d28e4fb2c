// The built-in digits. Each digit is a few pen strokes (chains of quadratic Bezier curves) in one
// of several styles; every image bends, slants, moves and thickens them anew and adds noise. Only +
// - * / and square roots are used, which IEEE 754 rounds exactly: equal seeds give equal bytes
// everywhere.
#include <algorithm>
#include <array>
#include <cmath>

#include <gradus/core/generator.h>
#include <gradus/data/image_data.h>

namespace gradus::data {
namespace {

constexpr int side = 28;

struct Point {
  double x, y;
};

/// start, bend, end, bend, end, ...: in a box 0..1 wide and high, y downwards.
using Stroke = std::vector<Point>;
using Glyph = std::vector<Stroke>;

const std::vector<std::vector<Glyph>>& glyphs() {
  static const Stroke ring = {{.5, 0},  {.95, .02}, {.92, .5}, {.9, 1}, {.5, 1},
                              {.08, 1}, {.08, .5},  {.08, .0}, {.5, 0}};
  static const std::vector<std::vector<Glyph>> all = {
      // 0: a ring, and one that leans
      {{ring},
       {{{.62, .02},
         {.98, .1},
         {.86, .58},
         {.74, 1.02},
         {.38, .98},
         {.02, .92},
         {.14, .44},
         {.26, -.05},
         {.62, .02}}}},
      // 1: a stroke, with a flag, with a flag and a foot
      {{{{.5, 0}, {.5, .5}, {.5, 1}}},
       {{{.25, .25}, {.42, .15}, {.55, 0}, {.54, .5}, {.52, 1}}},
       {{{.28, .22}, {.42, .14}, {.52, 0}, {.52, .5}, {.52, 1}}, {{.22, 1}, {.5, 1}, {.8, 1}}}},
      // 2: with a straight base, with a loop
      {{{{.1, .25},
         {.2, 0},
         {.5, 0},
         {.9, .02},
         {.82, .36},
         {.7, .62},
         {.1, 1},
         {.5, .98},
         {.92, 1}}},
       {{{.12, .2},
         {.3, -.04},
         {.6, .02},
         {.98, .12},
         {.7, .5},
         {.4, .86},
         {.2, .9},
         {.0, .88},
         {.14, .78},
         {.36, .7},
         {.6, .94},
         {.76, 1.04},
         {.95, .88}}}},
      // 3: two bows, a flat top
      {{{{.12, .14},
         {.3, 0},
         {.5, 0},
         {.9, .02},
         {.82, .26},
         {.74, .46},
         {.42, .47},
         {.92, .48},
         {.9, .74},
         {.86, 1},
         {.46, 1},
         {.22, .99},
         {.08, .84}}},
       {{{.14, .02},
         {.5, .02},
         {.86, .02},
         {.62, .2},
         {.42, .42},
         {.94, .42},
         {.9, .72},
         {.84, 1.02},
         {.44, 1},
         {.2, .98},
         {.08, .84}}}},
      // 4: open, closed
      {{{{.26, 0}, {.2, .3}, {.1, .56}, {.5, .56}, {.92, .54}}, {{.72, .12}, {.7, .5}, {.68, 1}}},
       {{{.68, 1}, {.68, .5}, {.68, 0}, {.3, .36}, {.06, .66}, {.5, .66}, {.95, .66}}}},
      // 5: in one stroke, with its hat apart
      {{{{.86, .02},
         {.5, .02},
         {.24, .02},
         {.2, .24},
         {.18, .44},
         {.9, .3},
         {.9, .66},
         {.88, 1},
         {.46, 1},
         {.2, 1},
         {.08, .86}}},
       {{{.3, .06},
         {.26, .26},
         {.22, .46},
         {.84, .36},
         {.84, .7},
         {.8, 1},
         {.44, .98},
         {.2, .97},
         {.1, .86}},
        {{.3, .04}, {.6, .02}, {.92, .0}}}},
      // 6: round, straight back
      {{{{.74, .02},
         {.3, .16},
         {.16, .6},
         {.12, 1},
         {.5, 1},
         {.88, 1},
         {.86, .72},
         {.82, .46},
         {.5, .5},
         {.22, .54},
         {.16, .72}}},
       {{{.5, 0},
         {.2, .4},
         {.14, .7},
         {.14, 1},
         {.48, 1},
         {.84, .98},
         {.8, .72},
         {.74, .5},
         {.46, .56},
         {.26, .6},
         {.16, .74}}}},
      // 7: plain, with a bar
      {{{{.08, .04}, {.5, .04}, {.92, .02}, {.6, .4}, {.4, 1}}},
       {{{.1, .08}, {.5, .04}, {.9, .04}, {.62, .44}, {.44, 1}}, {{.3, .52}, {.5, .5}, {.78, .5}}}},
      // 8: two rings in one stroke, an S closed
      {{{{.5, .47},
         {.14, .42},
         {.18, .2},
         {.22, 0},
         {.5, 0},
         {.8, 0},
         {.82, .22},
         {.82, .42},
         {.5, .47},
         {.1, .52},
         {.1, .76},
         {.12, 1},
         {.5, 1},
         {.9, 1},
         {.9, .76},
         {.88, .52},
         {.5, .47}}},
       {{{.82, .16},
         {.6, -.06},
         {.36, .06},
         {.06, .26},
         {.44, .46},
         {.96, .66},
         {.74, .9},
         {.5, 1.08},
         {.26, .92},
         {.04, .7},
         {.44, .5},
         {.8, .3},
         {.82, .16}}}},
      // 9: round, straight back
      {{{{.84, .26},
         {.8, .52},
         {.46, .52},
         {.12, .5},
         {.14, .24},
         {.2, 0},
         {.52, 0},
         {.86, .02},
         {.84, .3},
         {.82, .7},
         {.5, 1}}},
       {{{.8, .2},
         {.66, .52},
         {.4, .5},
         {.12, .46},
         {.2, .2},
         {.3, 0},
         {.56, .02},
         {.8, .06},
         {.8, .2},
         {.78, .6},
         {.74, 1}}}},
  };
  return all;
}

/// Random numbers for drawing, between limits.
class Hand {
 public:
  explicit Hand(std::uint64_t seed) : generator_(seed) {}
  double between(double low, double high) {
    return low + (high - low) * static_cast<double>(generator_.uniform_f32());
  }
  /// Symmetric around 0 and mostly small: the mean of three.
  double around(double reach) {
    return (between(-reach, reach) + between(-reach, reach) + between(-reach, reach)) / 1.5;
  }
  std::size_t below(std::size_t n) { return generator_.random32() % n; }

 private:
  Generator generator_;
};

/// Squared distance of every pixel to the nearest stroke, as far as ink reaches.
class Canvas {
 public:
  Canvas() { distance_.fill(1e9); }
  void line(Point a, Point b, double reach) {
    const int x0 = std::max(0, static_cast<int>(std::floor(std::min(a.x, b.x) - reach)));
    const int x1 = std::min(side - 1, static_cast<int>(std::ceil(std::max(a.x, b.x) + reach)));
    const int y0 = std::max(0, static_cast<int>(std::floor(std::min(a.y, b.y) - reach)));
    const int y1 = std::min(side - 1, static_cast<int>(std::ceil(std::max(a.y, b.y) + reach)));
    const double dx = b.x - a.x, dy = b.y - a.y, length = dx * dx + dy * dy;
    for (int y = y0; y <= y1; ++y)
      for (int x = x0; x <= x1; ++x) {
        const double px = x - a.x, py = y - a.y;
        const double t = length > 0 ? std::clamp((px * dx + py * dy) / length, 0.0, 1.0) : 0.0;
        const double ex = px - t * dx, ey = py - t * dy;
        double& nearest = distance_[static_cast<std::size_t>(y) * side + static_cast<std::size_t>(x)];
        nearest = std::min(nearest, ex * ex + ey * ey);
      }
  }
  double ink(std::size_t pixel, double radius) const {
    return std::clamp(radius + 0.6 - std::sqrt(distance_[pixel]), 0.0, 1.0);
  }

 private:
  std::array<double, side * side> distance_;
};

void draw(Hand& hand, std::size_t digit, std::uint8_t* pixels) {
  const std::vector<Glyph>& styles = glyphs()[digit];
  const Glyph& glyph = styles[hand.below(styles.size())];
  const double width = hand.between(10.5, 16.5), height = hand.between(16.5, 20.5);
  const double slant = hand.around(.3), turn = hand.around(.23);
  const double centre_x = 13.5 + hand.around(2.1), centre_y = 13.5 + hand.around(2.0);
  const double radius = hand.between(.6, 1.6), wobble = .05;
  auto place = [&](Point p) {
    const double u = (p.x - .5 + hand.around(wobble)) * width,
                 v = (p.y - .5 + hand.around(wobble)) * height;
    const double slanted = u - slant * v;
    return Point{centre_x + slanted - turn * v, centre_y + v + turn * slanted};
  };
  Canvas canvas;
  for (const Stroke& stroke : glyph) {
    Point start = place(stroke[0]);
    for (std::size_t i = 1; i + 1 < stroke.size(); i += 2) {
      const Point bend = place(stroke[i]), end = place(stroke[i + 1]);
      Point last = start;
      constexpr int pieces = 8;
      for (int k = 1; k <= pieces; ++k) {
        const double t = k / static_cast<double>(pieces), s = 1 - t;
        const Point next{s * s * start.x + 2 * s * t * bend.x + t * t * end.x,
                         s * s * start.y + 2 * s * t * bend.y + t * t * end.y};
        canvas.line(last, next, radius + 1);
        last = next;
      }
      start = end;
    }
  }
  const double pressure = hand.between(.75, 1), grain = hand.between(0, .06);
  for (std::size_t i = 0; i < side * side; ++i) {
    const double ink = canvas.ink(i, radius) * pressure;
    const double value = ink + grain * (ink > 0                    ? hand.between(-1, 1)
                                        : hand.between(-3, 1) > .9 ? hand.between(0, 2)
                                                                   : 0);
    pixels[i] = static_cast<std::uint8_t>(std::lround(std::clamp(value, 0.0, 1.0) * 255));
  }
}

ImageSet draw_set(std::int64_t n, std::uint64_t seed) {
  Hand hand(seed);
  ImageSet set{Tensor::empty({n, side, side}, DType::u8), Tensor::empty({n}, DType::i64)};
  for (std::int64_t i = 0; i < n; ++i) {
    const std::size_t digit = hand.below(10);
    set.labels.data<std::int64_t>()[i] = static_cast<std::int64_t>(digit);
    draw(hand, digit, set.images.data<std::uint8_t>() + i * side * side);
  }
  return set;
}

}  // namespace

ImageData digits(const DigitsOptions& options) {
  for (std::int64_t n : {options.train, options.valid, options.test})
    if (n < 1 || n > 10'000'000)
      throw ValueError("a part of " + std::to_string(n) + " digits",
                       "each part holds 1 to 10,000,000");
  // Parts have streams of their own: the size of one does not change another.
  const std::uint64_t s = options.seed * 3;
  return {"digits", draw_set(options.train, s), draw_set(options.valid, s + 1),
          draw_set(options.test, s + 2), 10};
}

}  // namespace gradus::data
