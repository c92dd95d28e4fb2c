// Chapter 3. Rectified lines make any curve
//
// A **rectified** line is a line cut off at zero: $\mathrm{relu}(a x + b) = \max(0, a x + b)$. It
// has one bend. Added up, each rectified line bends the sum once more where you want it and as much
// as you want: with enough of them the sum follows any curve. This is all a neural network does,
// with more inputs.
#include <gradus/gradus.h>
#include <gradus/see/plot.h>

#include <cmath>
#include <numbers>

#include "lesson.h"
#include "rectified.h"

using namespace gradus;
using namespace lesson;

// ## Cutting, shifting, tilting
// `clamp_min(x, 0)` cuts off what is below 0, and `relu` is a name for it. Multiplied before the
// cut a line is tilted, with a number added it is shifted.
static void cutting() {
  const Tensor x = tensor({-1., 0., 2.});
  std::cout << "x " << x << ", relu(x) " << relu(x) << ", relu(3x + 1) " << relu(3 * x + 1) << "\n";
  row_text(7, "clamp_min([-1, 0, 2], 0)", "[0., 0., 2.]", to_string(clamp_min(x, 0)));
  also_text(7, "relu", "[0., 0., 2.]", to_string(relu(x)));
  also_text(7, "clamp_max, below instead", "[-1.,  0.,  0.]", to_string(clamp_max(x, 0)));
  also_text(7, "shifted and tilted: relu(3x + 1)", "[0., 1., 7.]", to_string(relu(3 * x + 1)));
}

// ## Sums of them
//
// -> rectified.h
//
// ## A sine from straight pieces
// How far is the sum from the curve? With knots $h$ apart by at most $h^2/8$ times the largest
// second derivative, which is 1 for a sine and 2 for the bell $e^{-x^2}$: twice as many lines, a
// quarter of the error.
static void follow_curves() {
  const auto sine = [](double x) { return std::sin(x); };
  const auto bell = [](double x) { return std::exp(-x * x); };
  const double end = 2 * std::numbers::pi;
  const Tensor t = linspace(0, end, 2001, DType::f64), b = linspace(-3, 3, 2001, DType::f64);
  for (int K : {4, 8, 16, 32, 64}) {
    const double h = end / K, h_bell = 6. / K;
    const double error = max(abs(follow(sine, 0, end, K)(t[{all, newaxis}]) - sin(t))).item(),
                 of_bell = max(abs(follow(bell, -3, 3, K)(b[{all, newaxis}]) - exp(-b * b))).item();
    std::cout << text(
        "K = %2d: largest error %.5f of the sine, bound %.5f; %.5f of the bell, %.5f\n", K, error,
        h * h / 8, of_bell, h_bell * h_bell / 4);
    (K < 64 ? also_band : row_band)(
        6, "sin by " + std::to_string(K) + " rectified lines: error below h^2/8", 0, h * h / 8,
        error, anything);
    also_band(6, "exp(-x^2) by " + std::to_string(K) + ": error below h^2/4", 0,
              h_bell * h_bell / 4, of_bell);
  }

  draw_pieces("sin x", t, sin(t), follow(sine, 0, end, 8));
}

// ## Two pixels: rectified planes
// With two inputs lines become planes. A sum of planes is a plane; a sum of rectified planes has
// creases, and enough creases make any surface. To tell a bent surface from a plane, `bend` takes
// the difference of neighbours along x, and of those differences the difference along y: on a plane
// it is 0 everywhere.
static void planes() {
  const Tensor u = linspace(-1, 1, 17, DType::f64), x = u[{newaxis, all}], y = u[{all, newaxis}];
  const auto bend = [](const Tensor& z) {
    const Tensor along_x = z[{all, Slice{1, {}}}] - z[{all, Slice{0, -1}}];
    return max(abs(along_x[Slice{1, {}}] - along_x[Slice{0, -1}])).item();
  };
  row(8, "a sum of two planes bends by", 0, bend((2 * x - y + 1) + (3 * y - x)), 1e-14);
  also_band(8, "a rectified plane across bends by", .05, 1, bend(relu(x + y)));
  also(8, "four rectified planes less 1 - |x| - |y|", 0,
       max(abs(1 - relu(x) - relu(-x) - relu(y) - relu(-y) - (1 - abs(x) - abs(y)))).item(), 1e-14);

  // A saddle, $xy = \frac14(x+y)^2 - \frac14(x-y)^2$: two curves, one along each diagonal, and each
  // of them is followed as the sine was. With K planes along each the knots are $h = 4/K$ apart,
  // and the error is at most $2 \cdot h^2/8 \cdot 1/2$.
  const auto quarter = [](double s) { return s * s / 4; };
  const Tensor grid = square_grid(65, DType::f64), saddle = grid[{all, 0}] * grid[{all, 1}];
  for (int K : {4, 8, 16}) {
    const Rectified curve = follow(quarter, -2, 2, K);
    const Tensor one = ones({K}, DType::f64);
    const Rectified sum{stack({concat({one, one}), concat({one, -one})}),
                        concat({curve.shift, curve.shift}), concat({curve.weight, -curve.weight}),
                        0};
    const double error = max(abs(sum(grid) - saddle)).item(), h = 4. / K;
    std::cout << text("%2d rectified planes: largest error %.5f, bound %.5f\n", 2 * K, error,
                      h * h / 8);
    also_band(8, "x*y by " + std::to_string(2 * K) + " rectified planes: error below h^2/8", 0,
              h * h / 8, error);
    if (K != 4) continue;
    std::cout << pieces_as_letters(sum.open(square_grid(16, DType::f64)), 16);
    figure("saddle", "a saddle from 8 rectified planes, seen from above",
           creases("x*y by 8 rectified planes", sum));
  }
}

// ## Nobody needs to place the knots
// Start with random rectified lines, measure how far their sum is from the curve, and move every
// number a little downhill; again, thousands of times. How "downhill" is found is the subject of
// chapters 9 to 15; here the library does it, and the bends wander to where they are needed. From
// half of the way on steps become shorter and shorter, so that the sum comes to rest. Lines for a
// sine, planes for a hill: `nn::Linear` holds their tilts and shifts, a second one the weights.
static double train(nn::Sequential& net, const Tensor& points, const Tensor& targets, int steps) {
  optim::Adam opt(net.parameters(), {.lr = .02});
  std::cout << "mean squared error " << mse(net(points), targets).item();
  for (int step = 0; step < steps; ++step) {
    if (2 * step > steps) opt.set_lr(.02 * 2 * (steps - step) / steps);
    mse(net(points), targets).backward();
    opt.step();
    opt.zero_grad();
  }
  const double last = mse(net(points), targets).item();
  std::cout << " -> " << last << "\n";
  return last;
}

static void trained() {
  manual_seed(1);
  const Tensor t = linspace(0, 2 * std::numbers::pi, 256).reshape({-1, 1});
  nn::Sequential lines{nn::Linear(1, 32), nn::ReLU(), nn::Linear(32, 1)};
  also_band(6, "mean squared error of 32 trained rectified lines", 0, .001,
            train(lines, t, sin(t), 4000));
  figure("trained", "sin x, and 32 rectified lines trained to follow it",
         see::svg(see::LinePlot{.title = "Trained to follow a sine",
                                .x = {"x"},
                                .y = {"sin x"},
                                .series = {curve("sin x", t, sin(t), 6),
                                           curve("32 lines", t, lines(t).detach(), 1)}}));

  const Tensor grid = square_grid(33, DType::f32), hill = exp(-2 * square(grid).sum({-1}, true));
  nn::Linear tilts(2, 24), weights(24, 1);
  nn::Sequential planes{tilts, nn::ReLU(), weights};
  also_band(8, "mean squared error of 24 trained rectified planes", 0, .001,
            train(planes, grid, hill, 5000));
  const Rectified sum{tilts.weight.detach().t(), tilts.bias.detach(), weights.weight.detach()[0],
                      weights.bias.item()};
  std::cout << "its pieces:\n" << pieces_as_letters(sum.open(square_grid(24, DType::f32)), 24);
  figure("hill", "24 rectified planes trained to make a hill, seen from above",
         creases("A hill of 24 trained planes", sum));
}

static void run() {
  cutting();
  follow_curves();
  planes();
  trained();
}

static const Chapter chapter{3, "Rectified lines make any curve", run};
