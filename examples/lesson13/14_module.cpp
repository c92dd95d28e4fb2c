// Chapter 14. Module
//
// The three classes of chapter 13 repeat themselves: each keeps what it was given and what it gave.
// That moves into one base, and what is left of a layer is its mathematics, two lines.
#include <gradus/gradus.h>

#include <algorithm>

#include "judges.h"
#include "lesson.h"
#include "module.h"

using namespace gradus;
using namespace lesson;

// ## The base
//
// -> module.h
//
// ## The layers
// `backward` gets the gradient of the output, then what forward got, and puts a gradient onto each.
struct Relu : Module<Relu> {
  Tensor forward(In x) { return relu(x); }
  void backward(In g, In x) { x.set_grad((x > 0) * g); }
};

struct Lin : Module<Lin> {
  Tensor w, b;
  Tensor forward(In x) { return matmul(x, w) + b; }
  void backward(In g, In x) { give({x, w, b}, {matmul(g, w.T()), matmul(x.T(), g), sum(g, {0})}); }
};

// Two inputs: the base takes any number of them. squeeze({-1}), because plain squeeze() takes the
// batch away too when it is one image. The last layer: the slope of the loss by itself is 1.
struct Mse : Module<Mse> {
  Tensor forward(In x, In y) { return mean(square(squeeze(x, {-1}) - y)); }
  void backward(In, In x, In y) { x.set_grad(2. * (x - y[{all, newaxis}]) / y.size(0)); }
};

// ## Memory against time
// Mse computes the difference twice. Keeping it costs one tensor and saves one subtraction.
struct KeepingMse : Module<KeepingMse> {
  Tensor diff;
  Tensor forward(In x, In y) { return mean(square(diff = squeeze(x, {-1}) - y)); }
  void backward(In, In x, In y) { x.set_grad(2. * expand_dims(diff, -1) / y.size(0)); }
};

// How short is a layer? The lines between its braces, counted in the text of this file, which the
// build puts here.
static int lines_of(const std::string& layer) {
  static const std::string_view text =
#include "14_module.inc"
      ;
  std::size_t at = text.find("struct " + layer + " : "), end = text.find("\n};", at);
  int lines = -1;  // the head
  for (; at < end && at != text.npos; at = text.find('\n', at + 1)) ++lines;
  return lines;
}

// The same trade for whole layers: autograd keeps what the forward pass computed until backward has
// used it; `checkpoint` keeps the inputs alone, and runs the layers a second time in backward.
struct Cost {
  double bytes, seconds;  // kept between forward and backward; both passes together
  Tensor gradient;        // of w1
};
static Cost cost_of(bool again, const MseNet& net, const Tensor& x, const Tensor& y) {
  Tensors in = {x, net.w1.detach(), net.b1, net.w2, net.b2};
  in[1].set_requires_grad();
  const TensorFunction layers = [](std::span<const Tensor> t) -> Tensors {
    return {lin(relu(lin(t[0], t[1], t[2])), t[3], t[4])};
  };
  const std::size_t before = memory_in_use();
  const Stopwatch watch;
  const Tensor pred = again ? checkpoint(layers, in)[0] : layers(in)[0];
  const auto bytes = static_cast<double>(memory_in_use() - before);
  mse(squeeze(pred, {-1}), y).backward();
  return {bytes, watch.seconds(), in[1].grad()};
}

static void memory_against_time(Mse& computing, const MseNet& net, const Tensor& x,
                                const Tensor& y) {
  const Tensor pred = computing.args[0], recomputed = pred.grad();
  KeepingMse keeping;
  const std::size_t before = memory_in_use();
  (void)keeping(pred, y);
  const double bytes = static_cast<double>(memory_in_use() - before), n = double(y.numel());
  row_band(74, "bytes that keeping diff costs, 4 an image", 4 * n, 4 * n + 1000, bytes);
  const auto seconds = [](auto& layer) {
    const Stopwatch watch;
    for (int i = 0; i < 20; ++i) layer.bwd();
    return watch.seconds() / 20;
  };
  const double with_diff = seconds(keeping);
  also(74, "the same gradient", 0, apart(pred.grad(), recomputed), 0);
  timing(text("backward of mse: %.3f ms with diff kept, %.3f ms with diff computed again\n",
              1e3 * with_diff, 1e3 * seconds(computing)));

  (void)cost_of(false, net, x, y);  // warms up
  const Cost kept = cost_of(false, net, x, y), again = cost_of(true, net, x, y);
  // The answer of relu, 50 numbers, and the prediction; with checkpoint the prediction alone.
  also_band(74, "bytes kept by autograd, an image", 4 * 51, 4 * 51 + 1, kept.bytes / n);
  also_band(74, "the same with checkpoint", 4, 5, again.bytes / n);
  also(74, "w1's gradient with checkpoint, the same", 0, apart(again.gradient, kept.gradient), 0);
  timing(text("forward and backward: %.1f ms and %.1f MB, with checkpoint %.1f ms and %.1f MB\n",
              1e3 * kept.seconds, kept.bytes / 1e6, 1e3 * again.seconds, again.bytes / 1e6));
}

static void run() {
  const Tensor x = lesson::data().x_train.detach(),
               targ = astype(lesson::data().y_train, DType::f32);
  const MseNet net = mse_net();
  Lin l1{{}, net.w1, net.b1}, l2{{}, net.w2, net.b2};
  Relu act;
  Mse loss_fn;
  const Tensor loss = loss_fn(l2(act(l1(x))), targ);
  std::cout << "loss " << loss.item() << "\n";
  loss_fn.bwd(), l2.bwd(), act.bwd(), l1.bwd();
  const Tensors wanted = reference_gradients(net, x, targ), got = gradients_of(net, x);
  row(70, "Module keeps args and output: loss", 4308.76, loss.item(), .01, mnist_only);
  for (std::size_t i = 0; i < 5; ++i)
    (i ? also : row)(75, gradient_names[i] + std::string(" against autograd"), 0,
                     apart(got[i], wanted[i]), 1e-4, anything);
  row(72, "arguments kept by Relu and Mse", 3, double(act.args.size() + loss_fn.args.size()), 0);
  row_band(73, "lines of Relu, the longest of the three", 1, 3,
           std::max({lines_of("Relu"), lines_of("Lin"), lines_of("Mse")}));
  // A layer that lacks one of the two does not compile when it is called: "this layer has no
  // forward: write `Tensor forward(In x)` ...". tests/lesson/missing.cpp holds the compiler to it.
  struct NoForward : Module<NoForward> {
    void backward(In, In) {}
  };
  struct NoBackward : Module<NoBackward> {
    Tensor forward(In in) { return in; }
  };
  row_text(71, "a layer without forward can be called", "no",
           HasForward<NoForward, Tensor> ? "yes" : "no");
  also_text(71, "a layer without backward", "no", HasBackward<NoBackward, Tensor> ? "yes" : "no");
  also_text(71, "Relu", "yes",
            HasForward<Relu, Tensor> && HasBackward<Relu, Tensor> ? "yes" : "no");
  memory_against_time(loss_fn, net, x, targ);
}

static const Chapter chapter{14, "Module", run};
