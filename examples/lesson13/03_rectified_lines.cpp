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

// ## Cutting, shifting, tilting
// `clamp_min(x, 0)` cuts off what is below 0, and `relu` is a name for it. Multiplied before the
// cut a line is tilted, with a number added it is shifted.
static void cutting() {
  const Tensor x = tensor({-1., 0., 2.});
  std::cout << "x " << x << ", relu(x) " << relu(x) << ", relu(3x + 1) " << relu(3 * x + 1) << "\n";
  row_text(7, "clamp_min([-1, 0, 2], 0)", "[0., 0., 2.]", to_string(clamp_min(x, 0)));
  also_text(7, "clamp_max, below instead", "[-1.,  0.,  0.]", to_string(clamp_max(x, 0)));
  also_text(7, "relu is clamp_min(0)", "[0., 0., 2.]", to_string(relu(x)));
  also_text(7, "shifted and tilted: relu(3x + 1)", "[0., 1., 7.]", to_string(relu(3 * x + 1)));
}

// ## A sine from straight pieces
// Mark K + 1 points of a curve, the knots, at equal distances, and join them. As a sum: start level
// at the first knot; there and at each further knot but the last add a rectified line that changes
// the slope to what the next knot needs. The result has a row for each summand.
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

// How far is the sum from the curve? With knots $h$ apart by at most $h^2/8$ times the largest
// second derivative, which is 1 for a sine: twice as many lines, a quarter of the error.
static void follow_a_sine() {
  const auto sine = [](double x) { return std::sin(x); };
  const double end = 2 * std::numbers::pi;
  const Tensor t = linspace(0, end, 2001, DType::f64);
  for (int K : {4, 8, 16, 32, 64}) {
    const double h = end / K;
    const double error = max(abs(pieces(sine, 0, end, K, t).sum({0}) - sin(t))).item();
    std::cout << "K = " << K << ": largest error " << error << ", bound " << h * h / 8 << "\n";
    (K < 64 ? also_band : row_band)(
        6, "sin by " + std::to_string(K) + " rectified lines: error below h^2/8", 0, h * h / 8,
        error, anything);
  }

  const Tensor few = pieces(sine, 0, end, 8, t).sum({0});
  std::cout << "sin (dense) and the sum of 8 rectified lines (thin):\n"
            << braille({points(t, sin(t)), points(t, few)}, 60, 12);
  Plot plot{"The sum of 8 rectified lines bends at each knot", "x", "sin x"};
  plot.names = {"sin x", "the sum, piece by piece"}, plot.colours = {"#999999"}, plot.ends = true;
  const Slice tenth{0, {}, 10};
  std::vector<Points> shown{points(t[tenth], sin(t[tenth]))};
  for (std::int64_t k = 0; k < 8; ++k) {  // piece by piece, so that every bend is seen
    const Slice ends{250 * k, 250 * k + 251, 250};
    shown.push_back(points(t[ends], few[ends]));
    plot.colours.push_back(k % 2 ? "#D55E00" : "#0072B2");
  }
  figure("sine", "sin x and the sum of 8 rectified lines: straight between the knots",
         svg(shown, plot));
}

// ## Two pixels: rectified planes
// With two inputs lines become planes. A sum of planes is a plane; a sum of rectified planes has
// creases, and enough creases make any surface. Here: a pyramid over a square, from four. To tell
// a bent surface from a plane, `bend` takes the difference of neighbours along x, and of those
// differences the difference along y: on a plane it is 0 everywhere.
static void two_dimensions() {
  const Tensor u = linspace(-1, 1, 17, DType::f64), x = u[{newaxis, all}], y = u[{all, newaxis}];
  const auto bend = [](const Tensor& z) {
    const Tensor along_x = z[{all, Slice{1, {}}}] - z[{all, Slice{0, -1}}];
    return max(abs(along_x[Slice{1, {}}] - along_x[Slice{0, -1}])).item();
  };
  const Tensor pyramid = 1 - relu(x) - relu(-x) - relu(y) - relu(-y);
  std::cout << "1 - |x| - |y| from four rectified planes:\n" << letters(pyramid, -1, 1);
  row(8, "a sum of two planes bends by", 0, bend((2 * x - y + 1) + (3 * y - x)), 1e-14);
  also(8, "four rectified planes less 1 - |x| - |y|", 0,
       max(abs(pyramid - (1 - abs(x) - abs(y)))).item(), 1e-14);
  also_band(8, "a rectified plane across bends by", .05, 1, bend(relu(x + y)));
  figure("pyramid", "a pyramid from four rectified planes, seen from above",
         svg_surface(pyramid, {"1 - relu(x) - relu(-x) - relu(y) - relu(-y)", "x", "y"}));
}

// ## Nobody needs to place the knots
// Start with 32 random rectified lines, measure how far their sum is from the sine, and move every
// number a little downhill; again, 4000 times. How "downhill" is found is the subject of chapters 9
// to 15; here the library does it, and the bends wander to where they are needed.
static void trained() {
  manual_seed(1);
  const Tensor t = linspace(0, 2 * std::numbers::pi, 256).reshape({-1, 1});
  nn::Sequential net{nn::Linear(1, 32), nn::ReLU(), nn::Linear(32, 1)};
  optim::Adam opt(net.parameters(), {.lr = .02});
  const auto error = [&] { return square(net(t) - sin(t)).mean(); };
  const double first = error().item();
  for (int step = 0; step < 4000; ++step) {
    error().backward();
    opt.step();
    opt.zero_grad();
  }
  const double last = error().item();
  std::cout << "mean squared error " << first << " -> " << last << " with 32 trained lines\n";
  also_band(6, "mean squared error of 32 trained rectified lines", 0, .001, last);
  const Tensor flat = t.reshape({-1}), fit = net(t).detach().reshape({-1});
  figure("trained", "sin x, and 32 rectified lines trained to follow it",
         svg({points(flat, sin(flat)), points(flat, fit)}, {"Trained to follow a sine",
                                                            "x",
                                                            "sin x",
                                                            {"sin x", "32 rectified lines"},
                                                            {"#999999", "#D55E00"}}));
}

static void run() {
  cutting();
  follow_a_sine();
  two_dimensions();
  trained();
}

static const Chapter chapter{3, "Rectified lines make any curve", run};
