// Draws the built-in digits; see digits.h. Strokes are curves through a few points in a unit box
// (x to the right, y down). Draws come from Philox by (seed, part, image), so that image 17 is the
// same however many are drawn; arithmetic is + - * / and sqrt in f64 alone, which every IEEE
// machine rounds alike.
#include <gradus/data/digits.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include <gradus/core/generator.h>

namespace gradus::data {
namespace {

constexpr int side = 28;

struct Point {
  double x, y;
};
using Points = std::vector<Point>;

/// A line of the pen: straight from point to point, or a smooth curve through them.
struct Stroke {
  bool smooth;
  Points points;
};
using Style = std::vector<Stroke>;

Style straight(Points points) { return {{false, std::move(points)}}; }
Style smooth(Points points) { return {{true, std::move(points)}}; }
Style operator+(Style a, Style b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// The ways to write each digit.
std::vector<std::vector<Style>> all_styles() {
  return {
      // 0: a round; one that closes late
      {smooth({{.5, 0},
               {.2, .13},
               {.08, .5},
               {.2, .87},
               {.5, 1},
               {.8, .87},
               {.92, .5},
               {.8, .13},
               {.5, 0}}),
       smooth({{.62, .04},
               {.3, .06},
               {.1, .45},
               {.25, .9},
               {.55, 1},
               {.85, .75},
               {.85, .3},
               {.62, .04},
               {.42, .1}})},
      // 1: a bar; with a flag; with flag and foot
      {straight({{.5, 0}, {.5, 1}}), straight({{.3, .24}, {.55, 0}, {.55, 1}}),
       straight({{.32, .22}, {.52, 0}, {.52, 1}}) + straight({{.25, 1}, {.8, 1}})},
      // 2: with a corner; with a loop
      {smooth({{.14, .25}, {.3, .05}, {.6, 0}, {.85, .2}, {.72, .52}, {.4, .8}, {.12, 1}}) +
           straight({{.12, 1}, {.9, 1}}),
       smooth({{.15, .2},
               {.45, 0},
               {.8, .15},
               {.75, .48},
               {.38, .86},
               {.14, .97},
               {.18, .8},
               {.45, .86},
               {.7, .98},
               {.95, .92}})},
      // 3: round; with a flat top
      {smooth({{.15, .12}, {.5, 0}, {.82, .2}, {.7, .42}, {.4, .48}}) +
           smooth({{.4, .48}, {.75, .55}, {.88, .78}, {.55, 1}, {.12, .88}}),
       straight({{.15, .02}, {.85, 0}, {.45, .4}}) +
           smooth({{.45, .4}, {.8, .5}, {.9, .75}, {.6, 1}, {.12, .9}})},
      // 4: open; closed
      {straight({{.25, 0}, {.12, .55}, {.92, .55}}) + straight({{.72, .05}, {.66, 1}}),
       straight({{.66, 1}, {.66, 0}, {.08, .66}, {.94, .66}})},
      // 5: with corners; in one sweep
      {straight({{.85, 0}, {.25, 0}, {.2, .45}}) +
           smooth({{.2, .45}, {.55, .36}, {.88, .6}, {.75, .92}, {.4, 1}, {.1, .9}}),
       smooth({{.88, .04}, {.4, .05}, {.22, .38}, {.6, .44}, {.86, .68}, {.62, .97}, {.13, .93}})},
      // 6: curled; upright
      {smooth({{.75, .02},
               {.4, .2},
               {.14, .62},
               {.3, .96},
               {.65, .97},
               {.83, .74},
               {.6, .52},
               {.3, .6},
               {.17, .78}}),
       smooth({{.5, 0},
               {.25, .35},
               {.12, .72},
               {.38, 1},
               {.8, .87},
               {.76, .6},
               {.45, .54},
               {.16, .75}})},
      // 7: plain; with a bar; curved
      {straight({{.1, .02}, {.88, 0}, {.42, 1}}),
       straight({{.1, 0}, {.88, 0}, {.45, 1}}) + straight({{.3, .52}, {.85, .48}}),
       smooth({{.12, .16}, {.16, .03}, {.5, .06}, {.88, .02}}) +
           smooth({{.88, .02}, {.6, .45}, {.46, 1}})},
      // 8: one line that crosses itself; two rings
      {smooth({{.76, .12},
               {.45, 0},
               {.2, .2},
               {.45, .45},
               {.82, .72},
               {.6, 1},
               {.3, .97},
               {.17, .75},
               {.45, .5},
               {.76, .3},
               {.76, .12}}),
       smooth({{.5, 0}, {.25, .1}, {.25, .36}, {.5, .47}, {.75, .36}, {.75, .1}, {.5, 0}}) +
           smooth({{.5, .47}, {.18, .6}, {.18, .88}, {.5, 1}, {.82, .88}, {.82, .6}, {.5, .47}})},
      // 9: with a straight leg; with a hook
      {smooth({{.8, .22}, {.5, 0}, {.2, .2}, {.3, .47}, {.62, .46}, {.8, .22}}) +
           straight({{.8, .2}, {.7, 1}}),
       smooth({{.8, .15},
               {.5, 0},
               {.18, .2},
               {.35, .48},
               {.68, .4},
               {.82, .12},
               {.8, .6},
               {.62, .96},
               {.22, .93}})},
  };
}

/// Random numbers that belong to one image.
class Draws {
 public:
  Draws(std::uint64_t seed, std::uint32_t part, std::uint64_t image)
      : key_{low(seed), low(seed >> 32)}, counter_{0, part, low(image), low(image >> 32)} {}

  std::uint32_t word() {
    if (next_ == 4) {
      words_ = philox(counter_, key_);
      ++counter_[0];
      next_ = 0;
    }
    return words_[next_++];
  }
  /// Uniform over 0..n-1.
  std::size_t below(std::size_t n) {
    return static_cast<std::size_t>((std::uint64_t{word()} * n) >> 32);
  }
  /// U[least, most).
  double between(double least, double most) { return least + (most - least) * (word() * 0x1p-32); }
  /// U[-most, most).
  double around(double most) { return between(-most, most); }

 private:
  static std::uint32_t low(std::uint64_t x) { return static_cast<std::uint32_t>(x); }
  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 4> counter_, words_{};
  std::size_t next_ = 4;
};

// How far the hand may go. Chosen so that a linear classifier stays well below 93 % and a small
// network with one hidden layer reaches 96 to 99 % in three epochs.
constexpr double max_slip = .045;                     // of a point of a stroke, in boxes
constexpr double max_bend = .25;                      // sideways, of the ends against the middle
constexpr double min_width = 10, max_width = 16;      // of the box, in pixels
constexpr double min_height = 16, max_height = 21;    // likewise
constexpr double max_shear = .26;                     // sideways per downwards
constexpr double max_half_turn = .11;                 // tangent of half the angle of rotation
constexpr double max_shift = 3.1;                     // of the centre, in pixels
constexpr double min_radius = .95, max_radius = 1.8;  // of the pen, in pixels
constexpr double min_ink = 190, max_ink = 250;        // darkest value
constexpr double max_noise = 30;                      // added to or taken from each pixel

/// The random map from the unit box to pixels.
class Map {
 public:
  explicit Map(Draws& draws)
      : bend_(draws.around(max_bend)),
        width_(draws.between(min_width, max_width)),
        height_(draws.between(min_height, max_height)),
        shear_(draws.around(max_shear)),
        x_(side / 2. + draws.around(max_shift)),
        y_(side / 2. + draws.around(max_shift)) {
    // The rational form of (cos, sin) needs no library whose last bit may differ.
    const double t = draws.around(max_half_turn);
    cos_ = (1 - t * t) / (1 + t * t);
    sin_ = 2 * t / (1 + t * t);
  }
  Point operator()(Point p) const {
    const double down = p.y - .5;
    const double y = down * height_;
    const double x = (p.x - .5 + bend_ * (down * down - .08)) * width_ + shear_ * y;
    return {cos_ * x - sin_ * y + x_, sin_ * x + cos_ * y + y_};
  }

 private:
  double bend_, width_, height_, shear_, x_, y_, cos_, sin_;
};

/// The curve through the points (Catmull-Rom spline), as a line of short pieces.
Points flatten(const Stroke& stroke) {
  const Points& p = stroke.points;
  if (!stroke.smooth || p.size() < 3) return p;
  constexpr int pieces = 4;
  Points line{p.front()};
  for (std::size_t i = 0; i + 1 < p.size(); ++i) {
    const Point b = p[i], c = p[i + 1];
    const Point a = i > 0 ? p[i - 1] : b, d = i + 2 < p.size() ? p[i + 2] : c;
    for (int k = 1; k <= pieces; ++k) {
      const double t = double(k) / pieces;
      const auto blend = [t](double q, double r, double s, double u) {
        return .5 * (2 * r +
                     t * ((s - q) + t * ((2 * q - 5 * r + 4 * s - u) + t * (3 * (r - s) + u - q))));
      };
      line.push_back({blend(a.x, b.x, c.x, d.x), blend(a.y, b.y, c.y, d.y)});
    }
  }
  return line;
}

/// Squared distance of each pixel's centre to the nearest piece of the drawing, as far as it
/// matters.
class Canvas {
 public:
  explicit Canvas(double reach) : reach_(reach) { nearest_.fill(reach * reach); }

  void draw(Point a, Point b) {
    const double dx = b.x - a.x, dy = b.y - a.y, squared = dx * dx + dy * dy;
    const double scale = squared > 0 ? 1 / squared : 0;
    const int left = pixel(std::min(a.x, b.x) - reach_), right = pixel(std::max(a.x, b.x) + reach_);
    const int top = pixel(std::min(a.y, b.y) - reach_), bottom = pixel(std::max(a.y, b.y) + reach_);
    for (int row = top; row <= bottom; ++row)
      for (int column = left; column <= right; ++column) {
        const double px = column + .5 - a.x, py = row + .5 - a.y;
        const double along = std::clamp((px * dx + py * dy) * scale, 0., 1.);
        const double ex = px - along * dx, ey = py - along * dy;
        double& d =
            nearest_[static_cast<std::size_t>(row) * side + static_cast<std::size_t>(column)];
        d = std::min(d, ex * ex + ey * ey);
      }
  }
  /// How far the pen's edge lies beyond the centre of pixel i: soft edges one pixel wide.
  double cover(std::size_t i) const {
    return nearest_[i] < reach_ * reach_ ? std::min(reach_ - std::sqrt(nearest_[i]), 1.) : 0.;
  }

 private:
  static int pixel(double position) { return std::clamp(static_cast<int>(position), 0, side - 1); }
  double reach_;
  std::array<double, side * side> nearest_;
};

void draw_digit(const Style& style, Draws& draws, std::uint8_t* pixels) {
  const Map map(draws);
  const double radius = draws.between(min_radius, max_radius);
  const double ink = draws.between(min_ink, max_ink);
  Canvas canvas(radius + .5);
  for (const Stroke& stroke : style) {
    Stroke slipped = stroke;
    for (Point& p : slipped.points)
      p = {p.x + draws.around(max_slip), p.y + draws.around(max_slip)};
    const Points line = flatten(slipped);
    for (std::size_t i = 0; i + 1 < line.size(); ++i) canvas.draw(map(line[i]), map(line[i + 1]));
  }
  std::uint32_t noise = 0;
  for (std::size_t i = 0; i < std::size_t{side * side}; ++i) {
    if (i % 4 == 0) noise = draws.word();
    const double grain = (static_cast<double>(noise & 255) - 127.5) * (max_noise / 127.5);
    noise >>= 8;
    pixels[i] = static_cast<std::uint8_t>(
        std::floor(std::clamp(canvas.cover(i) * ink + grain, 0., 255.) + .5));
  }
}

ImageSet draw_part(const std::vector<std::vector<Style>>& styles, std::int64_t count,
                   std::uint64_t seed, std::uint32_t part) {
  ImageSet set{Tensor::empty({count, side, side}, DType::u8), Tensor::empty({count}, DType::i64)};
  std::uint8_t* pixels = set.images.data<std::uint8_t>();
  std::int64_t* labels = set.labels.data<std::int64_t>();
  for (std::int64_t i = 0; i < count; ++i, pixels += side * side) {
    Draws draws(seed, part, static_cast<std::uint64_t>(i));
    const std::size_t label = draws.below(10);
    const auto& ways = styles[label];
    labels[i] = static_cast<std::int64_t>(label);
    draw_digit(ways[draws.below(ways.size())], draws, pixels);
  }
  return set;
}

}  // namespace

ImageData digits(const DigitOptions& options) {
  for (const auto& [part, count] :
       {std::pair{"train", options.train}, {"valid", options.valid}, {"test", options.test}})
    if (count < 1 || count > 100'000'000)
      throw ValueError("digits: " + std::string(part) + " = " + std::to_string(count) +
                           " images cannot be drawn",
                       "give a count from 1 to 100000000");
  const auto styles = all_styles();
  ImageData data;
  data.name = "digits";
  data.train = draw_part(styles, options.train, options.seed, 0);
  data.valid = draw_part(styles, options.valid, options.seed, 1);
  data.test = draw_part(styles, options.test, options.seed, 2);
  return data;
}

}  // namespace gradus::data
