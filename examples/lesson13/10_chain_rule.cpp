// Chapter 10. The chain rule, with wheels
//
// Two wheels in mesh: the second turns twice for each turn of the first, a third twice for each of
// the second. Then the third turns $2 \cdot 2 = 4$ times: speeds **multiply** along a chain. That
// is the whole chain rule, $\frac{dy}{dx} = \frac{dy}{du}\,\frac{du}{dx}$. A net is a longer chain,
// $loss(lin_2(relu(lin_1(x))))$, and its slopes are multiplied from the loss backwards.
#include <gradus/gradus.h>

#include <cmath>

#include "lesson.h"
#include "mse_net.h"
#include "wheels.h"

using namespace gradus;
using namespace lesson;

// ## Two wheels
// $y = 3(x^2) + 9$ as two wheels, $u = x^2$ and $y = 3u + 9$. Wheels of wood have one ratio for
// ever; the wheels of a function that is not a line grow and shrink while they turn. (Two wheels
// that touch turn against each other. Where a factor is positive a small one runs between them.)
//
// -> wheels.h
static void two_wheels() {
  const double du = slope_at("x^2", "x", 5), dy = slope_at("3*u + 9", "u", 25);
  const see::Gears at_5 = train("dy/dx = 30 at x = 5", {{"dy/du", dy}, {"du/dx", du}}),
                   wood = train("Two times two", {{"du/dx", 2}, {"dy/du", 2}});
  std::cout << see::gears_text(at_5, {});
  figure("two", "three wheels, each turns twice as fast as the one before", see::gears_svg(wood));
  row(35, "u = x^2 at 5: du/dx", 10, du, 0);
  also(35, "y = 3*u + 9: dy/du", 3, dy, 0);
  also(35, "dy/dx, the product", 30, at_5.product(), 0);
  also(35, "dy/dx, on paper", 30, slope_at("3*x^2 + 9", "x", 5), 0);
  row(36, "2 * 2, two wheels in a row", 4, wood.product(), 0);
  row(39, "the wheel u = x^2 at 1", 2, slope_at("x^2", "x", 1), 0);
  also(39, "the same wheel at 3", 6, slope_at("x^2", "x", 3), 0);
}

// ## Used twice
// An input that is used twice sits on two chains, and their slopes **add**.
static void shared_input() {
  const Tensor x = full({}, 3., DType::f64).set_requires_grad();
  std::cout << "y = x*x + x at 3 has the slope " << grad(x * x + x, {x})[0].item() << "\n";
  row(37, "y = x*x + x at 3", 7, grad(x * x + x, {x})[0].item(), 0);
}

// ## From numbers to matrices
// With several outputs of several inputs the slopes form a table, the Jacobian: here, as in the
// paper, one **row for each output**, one column for each input. So the Jacobian of $xW$ is $W^T$;
// who writes rows for inputs has $W$. A loss must be one number, sum or mean, so that it has one
// slope for each weight; otherwise say which mixture of the outputs is meant, with a seed.
static void jacobians() {
  const Tensor w = tensor({1., 2., 3., 4., 5., 6.}).reshape({3, 2}), x = tensor({1., -1., 2.});
  const Tensor table = jacobian([&](const Tensor& v) { return matmul(v, w); }, x);
  std::cout << "Jacobian of xW =\n" << table << "\n";
  row_text(30, "Jacobian of xW, x [3], W [3,2]", "[2,3]", table.shape().str());
  also(30, "greatest difference from the transpose of W", 0, max(abs(table - w.t())).item(), 0);
  const Tensor p = tensor({1., 2.}).set_requires_grad();
  row_text(31, "backward from two numbers", "GradError: needs one number",
           error_of([&] { square(p).backward(); }, {"needs one number"}));
  const Tensor y = square(p), seed = tensor({1., 10.});
  also(31, "with a seed (1, 10): slope of p[1]", 40,
       grad(std::span(&y, 1), std::span(&p, 1), std::span(&seed, 1))[0][1].item(), 0);
}

// ## The wheels of a weight
// Image 0, pixel `i`, hidden unit `j`: four wheels between the weight and the loss. The ReLU is a
// clutch, 1 when the unit is active and 0 when not. Each image has such a chain, and the sum of all
// 50,000 products is the gradient `w1.g[i,j]`.
static void wheels_of_a_weight() {
  const Data& d = lesson::data();
  const MseNet net = mse_net();
  const int i = 237, j = 39;
  const double n = static_cast<double>(d.x_train.size(0));
  const Tensor l1 = lin(d.x_train, net.w1, net.b1);
  const Tensor out = lin(relu(l1), net.w2, net.b2)[{all, 0}];
  const Tensor to_out = 2 / n * (out - d.y_train), gate = l1[{all, j}] > 0,
               pixel = d.x_train[{all, i}];
  const double w2 = net.w2[{j, 0}].item();
  const see::Gears wheels = train("w1.g[237,39], the share of image 0",
                                  {{"dL/dout", to_out[0].item()},
                                   {"dout/dl2", w2},
                                   {"dl2/dl1", gate[0].item(), "the unit is active"},
                                   {"dl1/dw", pixel[0].item()}});
  std::cout << see::gears_text(wheels, {});
  figure("wheels", "four wheels between a weight and the loss", see::gears_svg(wheels));
  also(36, "dL/dout of image 0", -.00143884, wheels.wheels[0].value, 1e-8, mnist_only);
  // Rise over run in f64: the weight moves by h, and the unit by h times the pixel.
  const MseNet exact = mse_net(DType::f64);
  const Tensor x = d.x_train[Slice{0, 1}].astype(DType::f64),
               unit = one_hot(tensor({j}), 50, DType::f64);
  const auto share = [&](double h) {
    const Tensor moved = lin(x, exact.w1, exact.b1) + h * x[{0, i}] * unit;
    return square(lin(relu(moved), exact.w2, exact.b2) - d.y_train[0]).item() / n;
  };
  also(36, "product of the four less rise over run", 0,
       wheels.product() - (share(1e-4) - share(-1e-4)) / 2e-4, 1e-8);
  const Tensor products = to_out * w2 * gate * pixel;
  std::cout << "the products of all images add up to " << products.sum().item() << "\n";
  also(36, "sum over all images: w1.g[237,39]", 151.951492, products.sum().item(), 5e-4,
       mnist_only);
}

// ## Chain rule and memory
// Backpropagation is the chain rule plus **remembering**: the forward pass keeps what the slopes
// will need (here `x` for the first layer, `l2` for the second), and backward lets go of it.
static void memory() {
  const Data& d = lesson::data();
  const std::int64_t n = 2000, kept = n * 50 * 4;
  const Tensor x = d.x_train[Slice{0, n}], targ = astype(d.y_train[Slice{0, n}], DType::f32);
  MseNet net = mse_net();
  Tensor* parameters[] = {&net.w1, &net.b1, &net.w2, &net.b2};
  for (Tensor* p : parameters) p->set_requires_grad();
  const auto bytes = [] { return static_cast<double>(memory_in_use()); };
  const double before = bytes();
  reset_peak_memory();
  double after_forward = 0;
  {
    const Tensor loss = mse_loss(net, x, targ);
    after_forward = bytes();
    loss.backward();
  }
  const auto peak = static_cast<double>(peak_memory());
  const auto more = [&](double bytes_now) {
    return std::to_string(std::lround(bytes_now - before));
  };
  timing("bytes more than before: " + more(after_forward) + " after forward, " + more(peak) +
         " at the peak, " + more(bytes()) + " after backward");
  row_band(38, "bytes kept by forward, in layers of n x 50 f32", 1, 4,
           (after_forward - before) / static_cast<double>(kept), of_machine);
  also_band(38, "peak bytes of both passes, in the same unit", 2, 8,
            (peak - before) / static_cast<double>(kept), of_machine);
  // 39,301 slopes of 4 bytes; each tensor begins on a line of 64 bytes.
  also_band(38, "bytes left after backward: the gradients", 39301 * 4, 39301 * 4 + 4 * 64,
            bytes() - before, of_machine);
}

static void run() {
  two_wheels();
  shared_input();
  jacobians();
  wheels_of_a_weight();
  memory();
}
static const Chapter chapter{10, "The chain rule, with wheels", run};
