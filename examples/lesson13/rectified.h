// Sums of rectified lines or planes, and pictures of them in which the pieces can be told apart.
#pragma once

#include <gradus/gradus.h>
#include <gradus/see/plot.h>

#include <cmath>
#include <map>

#include "lesson.h"

namespace lesson {
using namespace gradus;

/// level + the sum over k of weight[k] * relu(p . tilt[:,k] + shift[k]): a rectified line for each
/// k when a point p has one coordinate, a rectified plane when it has two.
struct Rectified {
  Tensor tilt, shift, weight;  // [coordinates,K] [K] [K]
  double level = 0;
  /// Which of the K are above zero at each point: [points,K]. Where that changes the sum bends.
  Tensor open(const Tensor& p) const { return matmul(p, tilt) + shift > 0; }
  Tensor operator()(const Tensor& p) const {
    return matmul(relu(matmul(p, tilt) + shift), weight) + level;
  }
};

/// Marks K + 1 points of a curve at equal distances, the knots, and joins them: the level at the
/// first knot, and at each knot but the last a rectified line that changes the slope to what the
/// next knot needs.
inline Rectified follow(double (*curve)(double), double from, double to, int K) {
  const double h = (to - from) / K;
  std::vector<double> shifts, changes;
  double slope = 0;
  for (int k = 0; k < K; ++k) {
    const double knot = from + k * h, next = (curve(knot + h) - curve(knot)) / h;
    shifts.push_back(-knot);
    changes.push_back(next - slope);
    slope = next;
  }
  return {ones({1, K}, DType::f64), Tensor::of(shifts, {K}), Tensor::of(changes, {K}), curve(from)};
}

/// A grid of side x side points over -1..1 by -1..1, the first row at the top: [side*side,2].
inline Tensor square_grid(int side, DType dtype) {
  const Tensor u = linspace(-1, 1, side, dtype);
  const Tensor x = broadcast_to(u[{newaxis, all}], {side, side}),
               y = broadcast_to(-u[{all, newaxis}], {side, side});
  return stack({x.reshape({-1}), y.reshape({-1})}).t();
}

/// The pieces of a surface over square_grid(side) as letters, one for each set of open planes.
inline std::string pieces_as_letters(const Tensor& open, int side) {
  static constexpr std::string_view letters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  std::map<std::vector<int>, char> names;
  std::string text;
  for (int i = 0; i < side * side; ++i) {
    const auto name =
        names.emplace(open[i].to_vector<int>(), letters[names.size() % letters.size()]);
    text += std::string(2, name.first->second) + ((i + 1) % side ? "" : "\n");
  }
  return text;
}

/// A surface seen from above, the higher the darker, with its creases in grey.
inline std::string creases(const std::string& title, const Rectified& sum) {
  constexpr int side = 98;
  const Tensor points = square_grid(side, sum.shift.dtype());
  const Tensor gates = sum.open(points).reshape({side, side, -1});
  const Slice from_1{1, {}}, to_last{0, -1};
  const Tensor across = gates[{from_1, to_last}] != gates[{from_1, from_1}],
               down = gates[{from_1, to_last}] != gates[{to_last, to_last}];
  const Tensor bends = (across.astype(DType::i64) + down.astype(DType::i64)).sum({-1}) > 0;
  std::vector<double> heights =
      sum(points).reshape({side, side})[{from_1, to_last}].to_vector<double>();
  const std::vector<int> is_crease = bends.to_vector<int>();
  for (std::size_t i = 0; i < heights.size(); ++i)
    if (is_crease[i]) heights[i] = NAN;  // has no colour
  const auto n = static_cast<std::size_t>(side - 1);
  return see::svg(see::Heatmap{.title = title,
                               .x = {"x"},
                               .y = {"y"},
                               .grid = {n, n, heights},
                               .left = -1,
                               .right = 1,
                               .bottom = -1,
                               .top = 1,
                               .legend = "height",
                               .square = true});
}

/// A curve as a line of a plot.
inline see::Series curve(const std::string& name, const Tensor& x, const Tensor& y, int colour) {
  return {name, x.to_vector<double>(), y.to_vector<double>(), colour};
}

/// A curve over x and the pieces of a sum that follows it. On the page the sum lies over the curve,
/// with a dot at each knot; in the terminal below it, with a gap at each knot.
inline void draw_pieces(const std::string& name, const Tensor& x, const Tensor& y,
                        const Rectified& sum,
                        std::source_location at = std::source_location::current()) {
  const std::int64_t K = sum.shift.size(0);
  const std::vector<double> shift = sum.shift.to_vector<double>();
  see::LinePlot page{.title = name + " and " + std::to_string(K) + " rectified lines",
                     .x = {"x"},
                     .y = {name},
                     .series = {curve(name, x, y, 6)}},
      above{.title = name, .series = page.series},
      below{.title = "the pieces of the sum", .x = {"x"}};
  for (std::size_t k = 0; k < shift.size(); ++k) {
    const double from = -shift[k], to = k + 1 < shift.size() ? -shift[k + 1] : max(x).item();
    const Tensor ends = from + (to - from) * tensor({0., 1.}, DType::f64),
                 inside = from + (to - from) * tensor({.09, .91}, DType::f64);
    const std::string words = k + 1 < shift.size() ? "" : "the pieces";
    page.series.push_back(curve(words, ends, sum(ends[{all, newaxis}]), k % 2 ? 1 : 0));
    below.series.push_back(curve(words, inside, sum(inside[{all, newaxis}]), k % 2 ? 1 : 0));
  }
  std::cout << see::text(above, {.width = 72, .rows = 7})
            << see::text(below, {.width = 72, .rows = 7});
  figure("pieces", name + " and a sum of rectified lines: straight between the knots",
         see::svg(page), at);
}

}  // namespace lesson
