// Chapter 9. Derivatives
//
// A derivative is a **slope**: how far the output rises for one step of the input, rise over run.
// Training asks for nothing else: if the loss rises with a weight, make the weight smaller. There
// are three ways to a slope, and this chapter holds them against each other: take a small step
// (numeric), follow the rules of calculus on paper (symbolic), or let the library follow them on
// numbers (autograd, taken apart in the next chapters).
//
// Further reading: Parr and Howard, *The Matrix Calculus You Need For Deep Learning*,
// <https://arxiv.org/abs/1802.01528>, and Khan Academy's lessons on derivatives,
// <https://www.khanacademy.org/math/differential-calculus>.
#include <gradus/gradus.h>

#include <functional>

#include "lesson.h"
#include "mse_net.h"

using namespace gradus;
using namespace lesson;

// ## Rise over run
// Half a step to the left, half a step to the right: $f'(x) \approx (f(x+h) - f(x-h)) / 2h$.
static double slope(const std::function<double(double)>& f, double x, double h = 1e-4) {
  return (f(x + h) - f(x - h)) / (2 * h);
}

// ## On paper
// The rules: the power rule $d(x^b) = b\,x^{b-1}$, the constant rule $d(9) = 0$, the sum rule.
// `gradus diff "3*x^2+9" --steps` shows them at work.
static std::string on_paper(const std::string& f, const std::string& by = "x") {
  return symbolic::text(symbolic::derivative(symbolic::parse(f), by));
}

static void rules() {
  std::vector<symbolic::Step> steps;
  symbolic::derivative(symbolic::parse("3*x^2 + 9"), "x", &steps);
  for (const symbolic::Step& step : steps) std::cout << step.str() << "\n";
  row(25, "slope of x^2 at 3, by differences", 6, slope([](double x) { return x * x; }, 3), 1e-3);
  row_text(33, "d(x^2)/dx", "2*x", on_paper("x^2"));
  also_text(33, "d(3*x^2 + 9)/dx", "6*x", on_paper("3*x^2 + 9"));
  row_text(34, "power rule: d(x^b)/dx", "b*x^(b - 1)", on_paper("x^b"));
  also_text(34, "constant rule: d(9)/dx", "0", on_paper("9"));
  also_text(34, "sum rule: d(x^3 + x^2)/dx", "3*x^2 + 2*x", on_paper("x^3 + x^2"));
}

// ## Several inputs
// With several inputs there is a slope for each, the others held still: $\partial z/\partial x$.
// All of them in a row are the gradient, written with a nabla: $\nabla f$.
static void several_inputs() {
  const Tensor x = full({}, 3., DType::f64).set_requires_grad(),
               y = full({}, 5., DType::f64).set_requires_grad();
  const Tensors slopes = grad(x * y, {x, y});
  std::cout << "z = x*y at (3, 5): dz/dx = " << slopes[0].item() << ", dz/dy = " << slopes[1].item()
            << "\n";
  row(28, "z = x*y at (3, 5): dz/dx = y", 5, slopes[0].item(), 0);
  also(28, "dz/dy = x", 3, slopes[1].item(), 0);
  also_text(28, "on paper", "(y, x)", "(" + on_paper("x*y") + ", " + on_paper("x*y", "y") + ")");
  row_text(29, "nabla (2*x + y^8)", "[2, 8*y^7]",
           "[" + on_paper("2*x + y^8") + ", " + on_paper("2*x + y^8", "y") + "]");
  row_text(32, "the paper's example: nabla (3*x^2*y)", "[6*x*y, 3*x^2]",
           "[" + on_paper("3*x^2*y") + ", " + on_paper("3*x^2*y", "y") + "]");
}

// ## The loss as a function of one weight
//
// -> mse_net.h
//
// 39,301 parameters make the loss a function of 39,301 numbers. One of them moves a little here,
// in f64: in f32 the loss has seven digits, and the small difference of two losses none to spare.
static void one_weight() {
  const Tensor x = astype(lesson::data().x_train, DType::f64),
               targ = astype(lesson::data().y_train, DType::f64);
  const MseNet net = mse_net(DType::f64);
  const Tensor l1 = lin(x, net.w1, net.b1);
  const Tensor pixel = x[{all, 406}], unit = one_hot(tensor({0}), 50, DType::f64);
  // Moving w1[406,0] by h moves unit 0 of the hidden layer by h times the pixel 406.
  const auto loss = [&](double h) {
    const Tensor moved = l1 + h * expand_dims(pixel, 1) * unit;
    return mse(squeeze(lin(relu(moved), net.w2, net.b2), {-1}), targ).item();
  };
  std::cout << "slope of the loss along w1[406,0]: " << slope(loss, 0) << "\n";
  row(26, "w1.g[406,0] by differences", 29.15118, slope(loss, 0), 1e-5, mnist_only);
  // The library does this for whole tensors: `gradcheck` moves every element of its inputs in f64
  // and holds the slopes against its own. Here all biases, and the weights of the second layer, on
  // eight images.
  const Slice eight{0, 8};
  const Tensor inputs[] = {net.b1, net.w2, net.b2};
  const GradcheckReport report = gradcheck(
      [&](std::span<const Tensor> in) -> Tensors {
        return {mse_loss({net.w1, in[0], in[1], in[2]}, x[eight], targ[eight])};
      },
      inputs, {.second_order = false});
  std::cout << "gradcheck: " << report.str() << "\n";
  also_text(26, "gradcheck of b1, w2, b2", "ok, 101 derivatives", report.str());
}

// ## Against the slope
// `w -= lr * g` for each parameter: one step of gradient descent over all images.
static void one_step() {
  const Tensor x = lesson::data().x_train, targ = astype(lesson::data().y_train, DType::f32);
  const MseNet net = mse_net();
  Tensors p;
  for (const Tensor& t : {net.w1, net.b1, net.w2, net.b2})
    p.push_back(t.detach().set_requires_grad());
  const Tensor before = mse_loss({p[0], p[1], p[2], p[3]}, x, targ);
  const Tensors g = grad(std::span(&before, 1), p);
  const auto after = [&](double lr) {
    const NoGrad no_grad;
    return mse_loss({p[0] - lr * g[0], p[1] - lr * g[1], p[2] - lr * g[2], p[3] - lr * g[3]}, x,
                    targ)
        .item();
  };
  std::cout << "loss before " << before.item()
            << ", after a step with lr 1e-6, 1e-5, 1e-4: " << after(1e-6) << ", " << after(1e-5)
            << ", " << after(1e-4) << "\n";
  row(27, "loss after a step with lr 1e-5", 4000.1418, after(1e-5), 0.01, mnist_only);
  also(27, "loss before", 4308.7606, before.item(), 0.01, mnist_only);
  also(27, "lr 1e-6", 4277.0772, after(1e-6), 0.01, mnist_only);
  also(27, "lr 1e-4", 2025.2170, after(1e-4), 0.01, mnist_only);
}

static void run() {
  rules();
  several_inputs();
  one_weight();
  one_step();
}
static const Chapter chapter{9, "Derivatives", run};
