// Chapter 3. Rectified lines make any curve
//
// A **rectified** line is a line cut off at zero: $\mathrm{relu}(a x + b) = \max(0, a x + b)$. It
// has one bend. Added up, each rectified line bends the sum once more where you want it and as much
// as you want: with enough of them the sum follows any curve. This is all a neural network does,
// with more inputs.
#include <gradus/gradus.h>

#include <cmath>
#include <numbers>

#include "lesson.h"
#include "picture.h"

using namespace gradus;
using namespace lesson;

// A curve through its own values at K + 1 knots: the first line goes on for ever, and each knot
// adds a rectified line with the change of slope. Returns the values of all pieces at t, a row
// each.
static Tensor pieces(double (*curve)(double), double from, double to, int K, const Tensor& t) {
  const double h = (to - from) / K;
  Tensors rows{full({t.size(0)}, curve(from), DType::f64)};
  double slope = 0;
  for (int k = 0; k < K; ++k) {
    const double knot = from + k * h, next = (curve(knot + h) - curve(knot)) / h;
    rows.push_back((next - slope) * relu(t - knot));
    slope = next;
  }
  return stack(rows);
}

static Points points(const Tensor& x, const Tensor& y) {
  const std::vector<double> xs = x.to_vector<double>(), ys = y.to_vector<double>();
  Points list;
  for (std::size_t i = 0; i < xs.size(); ++i) list.emplace_back(xs[i], ys[i]);
  return list;
}

static double sine(double x) { return std::sin(x); }

static void one_dimension() {
  const double end = 2 * std::numbers::pi;
  const Tensor t = linspace(0, end, 2001, DType::f64);
  // Theory: with knots h apart the error is at most h^2/8 times the largest second derivative.
  for (int K : {4, 8, 16, 32, 64}) {
    const double h = end / K;
    const double error = max(abs(pieces(sine, 0, end, K, t).sum({0}) - sin(t))).item();
    std::cout << "K = " << K << ": largest error " << error << ", bound " << h * h / 8 << "\n";
    if (K == 64)
      row_band(6, "sin by 64 rectified lines: largest error", 0, .00121, error);
    else
      also_band(6, "by " + std::to_string(K) + ", below h^2/8", 0, h * h / 8, error);
  }
  const Tensor few = pieces(sine, 0, end, 8, t);
  std::cout << "sin (dense) and the sum of 8 rectified lines (thin):\n"
            << braille({points(t, sin(t)), points(t, few.sum({0}))}, 60, 12);
  // The picture draws the sum piece by piece in turning colours, so that every bend is seen.
  std::vector<Points> shown;
  for (std::int64_t k = 0; k < 8; ++k) {
    const Slice part{250 * k, 250 * k + 251};
    shown.push_back(points(t[part], few.sum({0})[part]));
  }
  figure("sin_by_rectified_lines",
         "sin x as the sum of 8 rectified lines, each piece in another colour",
         svg(shown, "sin x as the sum of 8 rectified lines"));
}

// ## Cutting, shifting, tilting
static void cutting() {
  const Tensor x = tensor({-1., 0., 2.});
  row_text(7, "clamp_min([-1, 0, 2], 0)", "[0., 0., 2.]", to_string(clamp_min(x, 0)));
  also_text(7, "clamp_max, below instead", "[-1.,  0.,  0.]", to_string(clamp_max(x, 0)));
  also_text(7, "relu is clamp_min(0)", "[0., 0., 2.]", to_string(relu(x)));
  also_text(7, "shifted and tilted: relu(3x + 1)", "[0., 1., 7.]", to_string(relu(3 * x + 1)));
}

// ## Two pixels: rectified planes
// With two inputs lines become planes. A sum of planes is a plane; a sum of rectified planes has
// creases, and enough creases make any surface. Here: a pyramid over the square, from four.
static void two_dimensions() {
  const Tensor u = linspace(-1, 1, 9, DType::f64), x = u[{newaxis, all}], y = u[{all, newaxis}];
  const auto bend = [](const Tensor& z) {  // mixed second difference: 0 for a plane
    return max(abs(z[{Slice{1, {}}, Slice{1, {}}}] - z[{Slice{1, {}}, Slice{0, -1}}] -
                   z[{Slice{0, -1}, Slice{1, {}}}] + z[{Slice{0, -1}, Slice{0, -1}}]))
        .item();
  };
  row(8, "a sum of two planes bends by", 0, bend((2 * x - y + 1) + (3 * y - x)), 1e-14);
  const Tensor pyramid = 1 - relu(x) - relu(-x) - relu(y) - relu(-y);
  also(8, "four rectified planes less 1 - |x| - |y|", 0,
       max(abs(pyramid - (1 - abs(x) - abs(y)))).item(), 1e-14);
  also_band(8, "a rectified plane across bends by more than", .1, 1, bend(relu(x + y)));
  std::cout << "1 - |x| - |y| from four rectified planes:\n";
  for (std::int64_t i = 0; i < 9; ++i) {
    for (std::int64_t j = 0; j < 9; ++j)
      std::cout << " .:-=+*#@%"[static_cast<int>((pyramid[{i, j}].item() + 1) * 4.4)] << ' ';
    std::cout << "\n";
  }
}

// ## Nobody needs to place the knots
// Random rectified lines, and gradient descent moves bends and slopes until the sum fits.
static void trained() {
  manual_seed(1);
  const Tensor t = linspace(0, 2 * std::numbers::pi, 256).reshape({-1, 1});
  nn::Sequential net{nn::Linear(1, 32), nn::ReLU(), nn::Linear(32, 1)};
  optim::Adam opt(net.parameters(), {.lr = .02});
  double first = 0;
  for (int step = 0; step < 4000; ++step) {
    const Tensor loss = square(net(t) - sin(t)).mean();
    if (step == 0) first = loss.item();
    loss.backward();
    opt.step();
    opt.zero_grad();
  }
  const Tensor fit = no_grad([&] { return net(t); });
  const double last = square(fit - sin(t)).mean().item();
  std::cout << "mean squared error " << first << " -> " << last << " with 32 trained lines\n";
  also_band(6, "mean squared error of 32 trained rectified lines", 0, .001, last);
  const Tensor flat = t.reshape({-1});
  figure("sin_trained", "sin x, and 32 rectified lines trained to follow it",
         svg({points(flat, sin(flat)), points(flat, fit.reshape({-1}))},
             "sin x, and 32 rectified lines trained to follow it"));
}

static void run() {
  one_dimension();
  cutting();
  two_dimensions();
  trained();
}

static const Chapter chapter{3, "Rectified lines make any curve", run};
