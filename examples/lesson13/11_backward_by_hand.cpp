// Chapter 11. Backward by hand
//
// The loss hangs on the parameters through a chain of four functions: lin, relu, lin, mse. Its
// slope is therefore a product of four slopes, and **backward** is nothing but multiplying them,
// from the loss to the input. Each tensor keeps the slope of the loss with respect to itself:
// `t.grad()`. Here gradients are *assigned*, one pass, one value; autograd (chapter 15) *adds*
// them.
#include <gradus/gradus.h>

#include <cmath>

#include "judges.h"
#include "lesson.h"
#include "mse_net.h"
#include "training.h"

using namespace gradus;
using namespace lesson;

// ## One layer
// $out = inp\,W + b$. A weight $W_{ij}$ touches output $j$ of every image by $inp_i$, so its slope
// is $\sum_n inp_{ni}\,g_{nj}$: an outer product for each image, added up over the batch.
static void lin_grad(const Tensor& inp, const Tensor& out, const Tensor& w, const Tensor& b) {
  const Tensor g = out.grad();
  inp.set_grad(matmul(g, w.t()));
  // For the first layer this product has 50000 x 784 x 50 numbers, 7.84 GB. It is never written
  // out: the library sees that it is summed at once, and makes a matrix product of it.
  w.set_grad(sum(mul(expand_dims(inp, -1), expand_dims(g, 1)), {0}));
  b.set_grad(sum(g, {0}));
}

// ## Forward, then the same steps in reverse
// The forward part remembers what backward will need. Backward starts at the loss: of
// $\frac1n\sum_i (out_i - y_i)^2$ the slope along $out_i$ is $2\,(out_i - y_i)/n$. Then it goes
// through the layers in reverse; the relu lets a slope pass where its input was above 0.
struct Pass {
  Tensor l1, l2, out;
  double loss;
};

static Pass forward_and_backward(const MseNet& net, const Tensor& inp, const Tensor& targ) {
  // forward
  const Tensor l1 = lin(inp, net.w1, net.b1), l2 = relu(l1), out = lin(l2, net.w2, net.b2);
  // The live fix of the lesson: the loss is the mean of diff^2, not of out^2. Only the unit axis
  // goes, squeeze({-1}): plain squeeze() would also take the batch away when it is one image.
  const Tensor diff = squeeze(out, {-1}) - targ, loss = square(diff).mean();
  // backward: the same steps in reverse
  out.set_grad(2. * expand_dims(diff, -1) / inp.size(0));
  lin_grad(l2, out, net.w2, net.b2);
  l1.set_grad(astype(l1 > 0, l1.dtype()) * l2.grad());  // slope 1 where it was above 0, else 0
  lin_grad(inp, l1, net.w1, net.b1);
  return {l1, l2, out, loss.item()};
}

// ## The lecture's gradients
// Held against the lecture's by their lengths (norms), sums and single elements.
static const char* const names[] = {"w1.g", "b1.g", "w2.g", "b2.g", "x_train.g"};

static Tensors gradients_of(const MseNet& net, const Tensor& x) {
  return {net.w1.grad(), net.b1.grad(), net.w2.grad(), net.b2.grad(), x.grad()};
}

static void lesson_numbers(const MseNet& net, const Tensor& x) {
  const Tensors gradients = gradients_of(net, x);
  for (std::size_t i = 0; i < 5; ++i)
    std::cout << text("%-10s %-12s norm %.3f\n", names[i], gradients[i].shape().str().c_str(),
                      norm(gradients[i]).item());
  const double norms[] = {3258.09, 489.262, 4572.87, 94.721077, 94.0924};
  row(43, "norm of w1.g", norms[0], norm(gradients[0]).item(), .01, mnist_only);
  for (std::size_t i = 1; i < 4; ++i)
    also(43, std::string("norm of ") + names[i], norms[i], norm(gradients[i]).item(),
         norms[i] * 3e-6, mnist_only);
  also(43, "b2.g", -94.721077, gradients[3].item(), 1e-3, mnist_only);
  also(43, "sum of w1.g", 54156.6, gradients[0].sum().item(), .2, mnist_only);
  also(43, "sum of w2.g", -24131.6, gradients[2].sum().item(), .1, mnist_only);
  also(43, "sum of b1.g", 480.467, gradients[1].sum().item(), .005, mnist_only);
  const auto elements = [](const std::string& what, const Tensor& g, std::vector<double> lesson) {
    for (std::size_t i = 0; i < lesson.size(); ++i)
      also(43, what + " " + std::to_string(i), lesson[i], g[static_cast<int>(i)].item(), 2e-3,
           mnist_only);
  };
  elements("w2.g", gradients[2], {-869.78762, -622.49434, -165.30478, -468.33727});
  elements("b1.g", gradients[1], {70.78559, -37.61888, -32.37204, 1.94425, 137.51230, 156.76770});
  elements("w1.g[406]", gradients[0][406], {29.15118, -16.76278, -11.77799});
  also(43, "largest of w1.g, at [237,39]", 151.951492, gradients[0][{237, 39}].item(), 1e-3,
       mnist_only);
  also(43, "nothing in w1.g is larger", 0, (max(gradients[0]) - gradients[0][{237, 39}]).item(), 0,
       mnist_only);
  // Inputs have gradients like weights: which pixel would change the loss, and how much.
  row(52, "norm of x_train.g", norms[4], norm(x.grad()).item(), 1e-3, mnist_only);
  also_text(52, "shape of x_train.g is that of x_train", x.shape().str(), x.grad().shape().str());
}

// ## Three further spellings
// Three further ways to write the weight's gradient, each of them one product of matrices.
static void other_spellings(const Tensor& inp, const Tensor& g, const Tensor& by_hand) {
  row(54, "einsum('ij,ik->jk', inp, out.g) against w.g", 0,
      apart(einsum("ij,ik->jk", {inp, g}), by_hand), 1e-6);
  row(56, "einsum('ji,ik->jk', inp.t(), out.g)", 0,
      apart(einsum("ji,ik->jk", {inp.t(), g}), by_hand), 1e-6);
  also_text(56, "t() shares the storage", "true",
            inp.t().storage() == inp.storage() ? "true" : "false");
  row(57, "inp.t() @ out.g", 0, apart(matmul(inp.t(), g), by_hand), 1e-6);
  // Every image adds its share: eight outer products added up are the gradient of a batch of eight.
  Tensor one_by_one = zeros({inp.size(1), g.size(1)});
  for (int i = 0; i < 8; ++i) one_by_one = one_by_one + outer(inp[i], g[i]);
  const Tensor batch =
      sum(mul(expand_dims(inp[Slice{0, 8}], -1), expand_dims(g[Slice{0, 8}], 1)), {0});
  row(49, "8 images: the sum of single gradients", 0, apart(one_by_one, batch), 1e-6);
}

// ## Judges
// Trusted judges are the library's autograd (chapter 15), and rise over run: walking a distance h
// along the unit vector of the gradient must raise the loss by h times the gradient's norm.
// `slope_along` walks $10^{-5}$ forth and back, in f64.
static void judges(DType dtype) {
  const MseNet net = mse_net(dtype);
  const Tensor x = astype(lesson::data().x_train[Slice{0, 5000}], dtype).clone(),
               targ = astype(lesson::data().y_train[Slice{0, 5000}], dtype);
  forward_and_backward(net, x, targ);
  const Tensors autograd = reference_gradients(net, x, targ);
  const Tensors hand = gradients_of(net, x);
  for (std::size_t i = 0; i < 5; ++i) {
    const std::string name =
        std::string(names[i]) + ", 5000 images, " + std::string(dtype_name(dtype));
    also(58, name + ": by hand against autograd", 0, apart(hand[i], autograd[i]), 1e-4);
    const double slope = slope_along(hand[i], i, x, targ);
    also(58, name + ": rise over run / norm", 1, slope / norm(astype(hand[i], DType::f64)).item(),
         1e-4);
  }
}

// ## All of it on 50,000 images
static void run() {
  const Tensor x = lesson::data().x_train, targ = astype(lesson::data().y_train, DType::f32);
  const MseNet net = mse_net();
  reset_peak_memory();
  const Pass pass = forward_and_backward(net, x, targ);
  std::cout << "loss " << pass.loss << "\n";
  timing("memory " + std::to_string(memory_in_use() / 1000000) + " MB, at most " +
         std::to_string(peak_memory() / 1000000) + " MB");
  row(41, "loss of forward_and_backward", 4308.76, pass.loss, .01, mnist_only);
  row(42, "out.g[0] = 2*diff/n", -.00143884, pass.out.grad()[{0, 0}].item(), 1e-8, mnist_only);
  row(45, "share of l1 above 0 in percent", 54.918,
      100 * mean(astype(pass.l1 > 0, DType::f64)).item(), 1e-3, mnist_only);
  const Tensor inp = expand_dims(pass.l2, -1), out_g = expand_dims(pass.out.grad(), 1);
  std::cout << "inp.unsqueeze(-1) " << inp.shape() << " * out.g.unsqueeze(1) " << out_g.shape()
            << " -> " << mul(inp, out_g).shape() << ", summed over the batch "
            << sum(mul(inp, out_g), {0}).shape() << "\n";
  row_text(48, "shapes of inp.unsqueeze(-1), out.g.unsqueeze(1), their product, its sum",
           "[50000,50,1] [50000,1,1] [50000,50,1] [50,1]",
           inp.shape().str() + " " + out_g.shape().str() + " " + mul(inp, out_g).shape().str() +
               " " + sum(mul(inp, out_g), {0}).shape().str(),
           mnist_only);

  lesson_numbers(net, x);
  other_spellings(x, pass.l1.grad(), net.w1.grad());
  const Tensors autograd = reference_gradients(net, x, targ), gradients = gradients_of(net, x);
  row(58, "w1.g by hand against autograd, all images", 0, apart(gradients[0], autograd[0]), 1e-4);
  for (std::size_t i = 1; i < 5; ++i)
    also(58, std::string(names[i]) + " by hand against autograd, all images", 0,
         apart(gradients[i], autograd[i]), 1e-4);
  judges(DType::f32);
  judges(DType::f64);

  row_band(44, "peak memory of this chapter in MB", 0, 1000,
           static_cast<double>(peak_memory()) / 1e6, of_machine);
  x.zero_grad();  // the images belong to all chapters
}

static const Chapter chapter{11, "Backward by hand", run};
