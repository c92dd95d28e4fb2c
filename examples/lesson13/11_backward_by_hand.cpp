// Chapter 11. Backward by hand
//
// The loss hangs on the parameters through a chain of four functions: lin, relu, lin, mse. Its
// slope is therefore a product of four slopes, and **backward** is nothing but multiplying them,
// from the loss to the input. Each tensor keeps the slope of the loss with respect to itself:
// `t.grad()`. Here gradients are *assigned*, one pass, one value; autograd (chapter 15) *adds*
// them.
#include <gradus/gradus.h>

#include <cmath>

#include "by_hand.h"
#include "judges.h"
#include "lesson.h"

using namespace gradus;
using namespace lesson;

// ## One layer, and the whole net
//
// -> by_hand.h
//
// The product in `lin_grad` has an axis for the image, one for the input and one for the output;
// the sum takes the first away. Inputs get gradients like weights: which pixel would change the
// loss, and how?
static void look_at(const Pass& pass, const MseNet& net, const Tensor& x) {
  const Tensor inp = expand_dims(pass.l2, -1), g = expand_dims(pass.out.grad(), 1);
  const Tensor product = mul(inp, g);
  const Tensors gradients = gradients_of(net, x);
  for (std::size_t i = 0; i < 5; ++i)
    std::cout << gradient_names[i] << " " << gradients[i].shape() << ", norm "
              << norm(gradients[i]).item() << "\n";
  row(41, "loss of forward_and_backward", 4308.76, pass.loss, .01, mnist_only);
  row(42, "out.g[0] = 2*diff/n", -.00143884, pass.out.grad()[{0, 0}].item(), 1e-8, mnist_only);
  row(45, "share of l1 above 0 in percent", 54.918,
      100 * mean(astype(pass.l1 > 0, DType::f64)).item(), 5e-4, mnist_only);
  // Exactly at 0 a rectified line has no slope; by agreement it is that of the closed side.
  const Tensor zero = zeros({}).set_requires_grad();
  also(45, "at exactly 0: by hand", 0, astype(zero.detach() > 0, DType::f32).item(), 0);
  also(45, "at exactly 0: the library", 0, grad(relu(zero), {zero})[0].item(), 0);
  row_text(48, "shapes of inp.unsqueeze(-1), out.g.unsqueeze(1), their product, its sum",
           "[50000,50,1] [50000,1,1] [50000,50,1] [50,1]",
           inp.shape().str() + " " + g.shape().str() + " " + product.shape().str() + " " +
               sum(product, {0}).shape().str(),
           mnist_only);
  also_text(52, "shape of x_train.g is that of x_train", x.shape().str(), x.grad().shape().str());

  // Lengths are sums of very many squares, and that is a trap: added one after the other in f32,
  // small squares vanish beside a large sum. PyTorch's own f32 norm printed 93.756 for x_train.g.
  // The library adds in blocks.
  const float* one = x.grad().data<float>();
  float running = 0;
  for (std::int64_t i = 0; i < x.numel(); ++i) running += one[i] * one[i];
  std::cout << "norm of x_train.g: " << norm(x.grad()).item() << ", by one running f32 sum "
            << std::sqrt(running) << "\n";
  row(52, "norm of x_train.g", 94.0924, norm(x.grad()).item(), 5e-5, mnist_only);
  also_band(52, "trap: by one running f32 sum, too small", 80, 94.05, std::sqrt(running),
            mnist_only);
}

// ## The lecture's gradients, to the last digit
// The numbers to hold them against were computed in f64. That needs twice the memory, so a fifth of
// the images is taken at a time: the loss is a mean over images, and the mean of five equal parts'
// gradients is the gradient of all.
static void in_f64(const Data& d) {
  const MseNet net = mse_net(DType::f64);
  const std::int64_t fifth = d.x_train.size(0) / 5;
  double loss = 0, x_squares = 0;
  Tensors g = {zeros({784, 50}), zeros({50}), zeros({50, 1}), zeros({1})};
  for (int part = 0; part < 5; ++part) {
    const Slice rows{part * fifth, (part + 1) * fifth};
    const Tensor x = d.x_train[rows].astype(DType::f64), y = d.y_train[rows].astype(DType::f64);
    loss += forward_and_backward(net, x, y).loss / 5;
    for (std::size_t i = 0; i < 4; ++i) g[i] = g[i] + gradients_of(net, x)[i] / 5;
    x_squares += square(norm(x.grad()) / 5).item();
  }
  also(41, "loss in f64", 4308.7606, loss, 5e-5, mnist_only);
  row(43, "norm of w1.g", 3258.09, norm(g[0]).item(), .005, mnist_only);
  also(43, "norm of b1.g", 489.262, norm(g[1]).item(), 5e-4, mnist_only);
  also(43, "norm of w2.g", 4572.87, norm(g[2]).item(), .005, mnist_only);
  also(43, "b2.g, one number", -94.721077, g[3].item(), 5e-7, mnist_only);
  also(43, "sum of w1.g", 54156.6, sum(g[0]).item(), .05, mnist_only);
  also(43, "sum of b1.g", 480.467, sum(g[1]).item(), 5e-4, mnist_only);
  also(43, "sum of w2.g", -24131.6, sum(g[2]).item(), .05, mnist_only);
  also_each(43, "w2.g", {-869.78762, -622.49434, -165.30478, -468.33727}, g[2][{Slice{0, 4}, 0}],
            5e-6, mnist_only);
  also_each(43, "b1.g", {70.78559, -37.61888, -32.37204, 1.94425, 137.51230, 156.76770},
            g[1][Slice{0, 6}], 5e-6, mnist_only);
  also_each(43, "w1.g[406]", {29.15118, -16.76278, -11.77799}, g[0][{406, Slice{0, 3}}], 5e-6,
            mnist_only);
  also(43, "largest of w1.g, at [237,39]", 151.951492, g[0][{237, 39}].item(), 5e-7, mnist_only);
  also(43, "nothing in w1.g is larger", 0, (max(g[0]) - g[0][{237, 39}]).item(), 0, mnist_only);
  also(52, "norm of x_train.g in f64", 94.0924, std::sqrt(x_squares), 5e-5, mnist_only);
}

// ## Three further spellings
// Three further ways to write the weight's gradient, each of them one product of matrices: nothing
// of the size of images x inputs x outputs is ever in memory.
static void other_spellings(const Tensor& inp, const Tensor& g, const Tensor& by_hand) {
  const std::size_t before = memory_in_use();
  reset_peak_memory();
  const Tensor by_einsum = einsum("ij,ik->jk", {inp, g});
  const auto more = static_cast<double>(peak_memory() - before);
  row(54, "einsum('ij,ik->jk', inp, out.g) against w.g", 0, apart(by_einsum, by_hand), 1e-6);
  also_band(54, "bytes that einsum took, by those of w.g", 1, 2, more / (4. * 784 * 50));
  row(56, "einsum('ji,ik->jk', inp.t(), out.g)", 0,
      apart(einsum("ji,ik->jk", {inp.t(), g}), by_hand), 1e-6);
  also_text(56, "t() shares the storage", "true",
            inp.t().storage() == inp.storage() ? "true" : "false");
  row(57, "inp.t() @ out.g", 0, apart(matmul(inp.t(), g), by_hand), 1e-6);
  // Every image adds its share: eight outer products added up are the gradient of a batch of eight.
  Tensor one_by_one = zeros({inp.size(1), g.size(1)});
  for (int i = 0; i < 8; ++i) one_by_one = one_by_one + outer(inp[i], g[i]);
  const Slice eight{0, 8};
  const Tensor batch = sum(mul(expand_dims(inp[eight], -1), expand_dims(g[eight], 1)), {0});
  row(49, "8 images: the sum of single gradients", 0, apart(one_by_one, batch), 1e-6);
}

// ## Judges
// Who says that all of this is right? Two judges that know nothing of it.
//
// -> judges.h
// ## All of it on 50,000 images
// The pass itself holds the images, their gradient, 157 MB each, and a few tables of 50 columns. At
// the end autograd's gradients stand beside ours, to be compared: that is the chapter's peak.
static void run() {
  const Data& d = lesson::data();
  const Tensor x = d.x_train, targ = astype(d.y_train, DType::f32);
  const MseNet net = mse_net();
  const auto peak_mb = [] { return static_cast<double>(peak_memory()) / 1e6; };
  reset_peak_memory();
  const Pass pass = forward_and_backward(net, x, targ);
  double peak = peak_mb();
  std::cout << "loss " << pass.loss << "\n";
  timing(text("at most %.0f MB in use during the pass", peak));
  look_at(pass, net, x);
  in_f64(d);
  peak = std::max(peak, peak_mb());
  other_spellings(x, pass.l1.grad(), net.w1.grad());
  const Tensors autograd = reference_gradients(net, x, targ), hand = gradients_of(net, x);
  row(58, "w1.g by hand against autograd, all images", 0, apart(hand[0], autograd[0]), 1e-4);
  for (std::size_t i = 1; i < 5; ++i)
    also(58, std::string(gradient_names[i]) + ", all images", 0, apart(hand[i], autograd[i]), 1e-4);
  ask_judges(DType::f32);
  ask_judges(DType::f64);
  row_band(44, "peak memory of this chapter in MB", 0, 1000, std::max(peak, peak_mb()), of_machine);
  x.zero_grad();  // the images belong to all chapters
}

static const Chapter chapter{11, "Backward by hand", run};
