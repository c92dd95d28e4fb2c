// Chapter 15. Autograd
//
// Only the forward part is written now. Every operation leaves a note of what it did to what, and
// `loss.backward()` walks the notes from the end to the beginning: chapter 11, done by the library.
#include <gradus/gradus.h>

#include "judges.h"
#include "lesson.h"

using namespace gradus;
using namespace lesson;

// ## Layers of one's own: only forward
// `set_requires_grad` makes a tensor a parameter: what is computed from it is noted.
// `GRADUS_FIELDS` lists what belongs to a module, so that its parameters are found.
struct OwnLinear : nn::Module {
  OwnLinear(std::int64_t in, std::int64_t out)
      : w(randn({in, out}).set_requires_grad()), b(zeros({out}).set_requires_grad()) {}
  Tensor w, b;
  GRADUS_FIELDS(w, b)
  Tensor forward(const Tensor& x) override { return matmul(x, w) + b; }
};

struct Model : nn::Module {
  OwnLinear l0{784, 50};
  nn::ReLU relu;
  OwnLinear l2{50, 1};
  GRADUS_FIELDS(l0, relu, l2)
  Tensor forward(const Tensor& x) override { return l2(relu(l0(x))); }
};

static void run() {
  const Tensor x = lesson::data().x_train, y = lesson::data().y_train;
  (void)mse_net();  // the notebook had drawn these before; the next draws of the stream follow
  Model model;

  // mse wants equal shapes: (n,1) with (n) would be a loss over n x n pairs (chapter 8), so it
  // throws, and the target gets its unit axis, targ[:,None].
  const Tensor targ = astype(y, DType::f32)[{all, newaxis}];
  also_text(77, "predictions (n,1) with targets (n)", "ShapeError: differ",
            error_of([&] { (void)mse(model(x), astype(y, DType::f32)); }, {"differ"}));
  const Tensor loss = mse(model(x), targ);
  std::cout << "loss " << loss.item() << "\n";
  row(77, "Model and mse(x, targ[:,None])", 1549.3655, loss.item(), .001, mnist_only);

  // A trap when you compare: the weights of chapters 7 to 15 are [in,out], as here; the library's
  // nn.Linear, and PyTorch's, keep [out,in] and multiply by the transpose.
  also_text(76, "l0.w, ours", "[784,50]", model.l0.w.shape().str());
  also_text(76, "nn::Linear(784, 50).weight", "[50,784]", nn::Linear(784, 50).weight.shape().str());

  // ## The gradients
  // They lie where the parameters are: `.grad()`. The notebook printed all 50 of the first bias.
  loss.backward();
  std::cout << "l0.b.grad[:5] = " << model.l0.b.grad()[Slice{0, 5}] << "\n";
  const std::vector<double> notebook = {
      -19.60, -2.40, -.12,   1.99,   12.78,  -15.32, -18.45, .35,    3.75,   14.67,
      10.81,  12.20, -2.95,  -28.33, .76,    69.15,  -21.86, 49.78,  -7.08,  1.45,
      25.20,  11.27, -18.15, -13.13, -17.69, -10.42, -.13,   -18.89, -34.81, -.84,
      40.89,  4.45,  62.35,  31.70,  55.15,  45.13,  3.25,   12.75,  12.45,  -1.41,
      4.55,   -6.02, -62.51, -1.89,  -1.41,  7.00,   .49,    18.72,  -4.84,  -6.52};
  row_text(76, "parameters of the model", "l0.w l0.b l2.w l2.b", [&] {
    std::string names;
    for (const auto& [name, tensor] : model.named_parameters())
      names += (names.empty() ? "" : " ") + name;
    return names;
  }());
  row(78, "l0.b.grad[15], the largest", 69.15, model.l0.b.grad()[15].item(), .01, mnist_only);
  also_each(78, "l0.b.grad", notebook, model.l0.b.grad(), .01, mnist_only);

  // ## Zero the gradients first
  // backward *adds*, so that a tensor used twice gets both its slopes. Hence also two passes.
  const Tensor once = model.l0.b.grad().clone();
  mse(model(x), targ).backward();
  std::cout << "l0.b.grad[:5] after a second pass " << model.l0.b.grad()[Slice{0, 5}] << "\n";
  row(53, "two passes: gradient / that of one", 2, (norm(model.l0.b.grad()) / norm(once)).item(),
      1e-6);
  model.zero_grad();
  mse(model(x), targ).backward();
  also(53, "after zero_grad, one pass again", 0, apart(model.l0.b.grad(), once), 0);

  // ## The in-place trap
  // The lesson once zeroed x_train itself instead of x_train.g: the data were gone, silently. A
  // value that backward still needs carries a version here, and a write in between is noticed. (On
  // a copy: the images belong to all chapters.)
  Tensor images = x[Slice{0, 64}].clone();
  const Tensor small = mse(model(images), targ[Slice{0, 64}]);
  images.zero_();
  row_text(55, "x.zero_() between forward and backward", "GradError: changed it in place",
           error_of([&] { small.backward(); }, {"changed it in place"}));
  // Better still is what the compiler forbids: the lesson's data are const, and cannot be zeroed.
  const auto can_be_zeroed = [](auto&& t) {
    return requires { t.zero_(); }
    ? "yes" : "no";
  };
  also_text(55, "can a copy of the images be zeroed", "yes", can_be_zeroed(images));
  also_text(55, "can x_train itself", "no", can_be_zeroed(lesson::data().x_train));

  // ## Recap
  // The same net as chapter 11, the same numbers, and nothing left to write by hand.
  const MseNet net = mse_net();
  row(79, "loss of chapter 11's net by autograd", 4308.76,
      mse_loss(net, x, astype(y, DType::f32)).item(), .01, mnist_only);
  also(79, "norm of w1's gradient", 3258.09,
       norm(reference_gradients(net, x, astype(y, DType::f32))[0]).item(), .01, mnist_only);
}

static const Chapter chapter{15, "Autograd", run};
