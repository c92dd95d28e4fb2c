// Chapter 14. Module
//
// The three classes of chapter 13 repeat themselves: each keeps what it was given and what it gave.
// That moves into one base, and what is left of a layer is its mathematics, two lines.
#include <gradus/gradus.h>

#include "lesson.h"
#include "module.h"
#include "mse_net.h"
#include "training.h"

using namespace gradus;
using namespace lesson;

struct Relu : lesson::Module<Relu> {
  Tensor forward(const Tensor& x) { return relu(x); }
  void backward(const Tensor& out, const Tensor& x) {
    x.set_grad(astype(x > 0, x.dtype()) * out.grad());
  }
};

struct Lin : Module<Lin> {
  Lin(Tensor w_, Tensor b_) : w(std::move(w_)), b(std::move(b_)) {}
  Tensor w, b;
  Tensor forward(const Tensor& x) { return matmul(x, w) + b; }
  void backward(const Tensor& out, const Tensor& x) {
    x.set_grad(matmul(out.grad(), w.t()));
    w.set_grad(matmul(x.t(), out.grad()));
    b.set_grad(sum(out.grad(), {0}));
  }
};

// Two inputs: the base takes any number of them. squeeze({-1}), because plain squeeze() takes the
// batch away too when it is one image.
struct Mse : Module<Mse> {
  Tensor forward(const Tensor& x, const Tensor& targ) {
    return mean(square(squeeze(x, {-1}) - targ));
  }
  void backward(const Tensor&, const Tensor& x, const Tensor& targ) {
    x.set_grad(2. * (x - expand_dims(targ, -1)) / targ.size(0));
  }
};

// ## Memory against time
// Mse computes the difference twice. Keeping it costs one tensor and saves one subtraction.
struct KeepingMse : Module<KeepingMse> {
  Tensor diff;
  Tensor forward(const Tensor& x, const Tensor& targ) {
    return mean(square(diff = squeeze(x, {-1}) - targ));
  }
  void backward(const Tensor&, const Tensor& x, const Tensor& targ) {
    x.set_grad(2. * expand_dims(diff, -1) / targ.size(0));
  }
};

static void run() {
  const Tensor x = lesson::data().x_train, targ = astype(lesson::data().y_train, DType::f32);
  const MseNet net = mse_net();
  Lin l1(net.w1, net.b1), l2(net.w2, net.b2);
  Relu act;
  Mse loss_fn;
  KeepingMse keeping;
  const Tensor loss = loss_fn(l2(act(l1(x))), targ);
  loss_fn.bwd(), l2.bwd(), act.bwd(), l1.bwd();
  const Tensors wanted = reference_gradients(net, x, targ);
  const Tensor got[] = {net.w1.grad(), net.b1.grad(), net.w2.grad(), net.b2.grad(), x.grad()};
  row(70, "Module keeps args and output: loss", 4308.76, loss.item(), .01, mnist_only);
  for (std::size_t i = 0; i < 5; ++i)
    (i ? also : row)(75, "gradient " + std::to_string(i) + " against autograd", 0,
                     apart(got[i], wanted[i]), 1e-4, anything);
  row(72, "arguments kept by Relu and Mse", 3, double(act.args.size() + loss_fn.args.size()), 0);
  // A layer that lacks one of the two cannot be called: the compiler names what is missing.
  struct NoForward : Module<NoForward> {
    void backward(const Tensor&, const Tensor&) {}
  };
  struct NoBackward : Module<NoBackward> {
    Tensor forward(const Tensor& in) { return in; }
  };
  const auto callable = []<class Layer>(std::type_identity<Layer>) {
    return std::is_invocable_v<Layer&, const Tensor&> ? "compiles" : "does not compile";
  };
  row_text(71, "calling a layer without forward", "does not compile",
           callable(std::type_identity<NoForward>{}));
  also_text(71, "calling a layer without backward", "does not compile",
            callable(std::type_identity<NoBackward>{}));
  also_text(71, "calling Relu", "compiles", callable(std::type_identity<Relu>{}));

  const Tensor pred = loss_fn.args[0];
  const Tensor recomputed = pred.grad();
  const std::size_t before = memory_in_use();
  (void)keeping(pred, targ);
  const double kept = static_cast<double>(memory_in_use() - before), n = double(targ.numel());
  row_band(74, "bytes that keeping diff costs, 4 an image", 4 * n, 4 * n + 1000, kept);
  const auto seconds = [](auto& layer) {
    const Stopwatch watch;
    for (int i = 0; i < 20; ++i) layer.bwd();
    return watch.seconds() / 20;
  };
  const double with_diff = seconds(keeping);
  also(74, "the same gradient", 0, apart(pred.grad(), recomputed), 0);
  timing(text("backward of mse: %.3f ms with diff kept, %.3f ms with diff computed again\n",
              1e3 * with_diff, 1e3 * seconds(loss_fn)));
  x.zero_grad();
}

static const Chapter chapter{14, "Module", run};
