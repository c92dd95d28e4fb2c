// Chapter 13. Layers as classes
//
// The functions of chapter 11 carry four weights and three intermediate results around by hand. A
// **class per function** keeps what belongs together: a layer that is called like a function,
// remembers what it was given and what it answered, and has a `backward` that puts gradients onto
// the tensors they belong to.
#include <gradus/gradus.h>

#include <functional>

#include "lesson.h"
#include "mse_net.h"

using namespace gradus;
using namespace lesson;

// ## An object that is called
// In C++ a value with an `operator()` can be called: what Python writes as `__call__`.
struct Greeter {
  std::string operator()(const std::string& to = "") const { return "hello" + to; }
};

// ## The three layers
// Each keeps its input and output. By hand, gradients are assigned: a tensor's slot holds one.
struct Relu {
  Tensor inp, out;
  Tensor operator()(const Tensor& x) { return out = relu(inp = x); }
  void backward() { inp.set_grad(astype(inp > 0, inp.dtype()) * out.grad()); }
};

struct Lin {
  Tensor w, b, inp, out;
  Tensor operator()(const Tensor& x) { return out = matmul(inp = x, w) + b; }
  void backward() {
    inp.set_grad(matmul(out.grad(), w.t()));
    w.set_grad(matmul(inp.t(), out.grad()));
    b.set_grad(sum(out.grad(), {0}));
  }
};

// Two inputs. Only the last axis is squeezed: a plain squeeze() would take the batch axis away too
// when the batch is one image, and then there is nothing left to take the mean over by rows.
struct Mse {
  Tensor inp, targ, out;
  Tensor operator()(const Tensor& x, const Tensor& y) {
    inp = x, targ = y;
    return out = mean(square(squeeze(inp, {-1}) - targ));
  }
  void backward() { inp.set_grad(2. * expand_dims(squeeze(inp, {-1}) - targ, -1) / targ.size(0)); }
};

// ## The model: a list of layers and a loss
// The layers have different types; what the model needs of them are two functions. Calling the
// model gives the loss; the predictions are kept for whoever asks.
struct Model {
  struct Layer {
    std::function<Tensor(const Tensor&)> forward;
    std::function<void()> backward;
  };
  std::vector<Layer> layers;
  Mse loss;
  Tensor preds;

  template <class L>
  void add(L& layer) {
    layers.push_back({std::ref(layer), [&layer] { layer.backward(); }});
  }
  Tensor operator()(const Tensor& x, const Tensor& targ) {
    preds = x;
    for (Layer& layer : layers) preds = layer.forward(preds);
    return loss(preds, targ);
  }
  void backward() {  // the loss first, then the layers from the last to the first
    loss.backward();
    for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) layer->backward();
  }
};

static void small_steps() {
  const Greeter greeter;
  std::cout << greeter() << ", " << greeter(" world") << "\n";
  row_text(60, "an object that is called", "hello", greeter());
  also_text(60, "with an argument", "hello world", greeter(" world"));

  const Tensor x = tensor({{-1., 2.}, {3., -4.}});
  Relu act;
  const Tensor y = act(x);
  row_text(61, "Relu keeps its input", to_string(x), to_string(act.inp));
  also_text(61, "and its output", to_string(y), to_string(act.out));
  Lin lin{tensor({{1., 2.}, {3., 4.}}), tensor({10., 20.}), {}, {}};
  row_text(62, "Lin has state: x @ w + b", to_string(tensor({{15., 26.}, {1., 10.}})),
           to_string(lin(x)));
  // A layer is a small value: a copy shares the weights and has its own memory of the last call.
  Lin copy = lin;
  copy(2 * x);
  row(59, "a class per function: a copy of Lin shares w", 1,
      copy.w.storage() == lin.w.storage() ? 1 : 0, 0);
  also(59, "and keeps its own input", 2, copy.inp[{0, 1}].item() / lin.inp[{0, 1}].item(), 0);
  row(63, "t() less T()", 0, max(abs(lin.w.t() - lin.w.T())).item(), 0);
  also(63, "both are views of the same memory", 1,
       lin.w.t().storage() == lin.w.storage() && lin.w.T().storage() == lin.w.storage(), 0);
  Mse mse;
  row(64, "Mse of a batch of one: (3 - 1)^2", 4, mse(full({1, 1}, 3.), tensor({1.})).item(), 0);
  mse.backward();
  also(64, "its gradient 2 (3 - 1)", 4, mse.inp.grad().item(), 0);
}

// ## A bigger net from the same parts
static void bigger() {
  manual_seed(7);
  const auto make = [](std::int64_t in, std::int64_t out) {
    return Lin{randn({in, out}, DType::f64) / 3, zeros({out}, DType::f64), {}, {}};
  };
  Lin a = make(6, 5), b = make(5, 4), c = make(4, 1);
  Relu act_a, act_b;
  Model model;
  model.add(a), model.add(act_a), model.add(b), model.add(act_b), model.add(c);
  const Tensor x = randn({8, 6}, DType::f64), targ = randn({8}, DType::f64);
  model(x, targ);
  model.backward();
  // Rise over run for every weight of the first layer: the slope of the loss between two close
  // points.
  double worst = 0;
  const Tensor gradient = a.w.grad().clone(), w = a.w;
  for (std::int64_t i = 0; i < 6; ++i)
    for (std::int64_t j = 0; j < 5; ++j) {
      Tensor step = zeros({6, 5}, DType::f64);
      *(step.data<double>() + 5 * i + j) = 1e-6;
      a.w = w + step;
      const double up = model(x, targ).item();
      a.w = w - step;
      const double down = model(x, targ).item();
      worst = std::max(worst, std::abs((up - down) / 2e-6 - gradient[{i, j}].item()));
    }
  row(69, "three layers: gradients less rise over run", 0, worst, 1e-7);
}

static void run() {
  small_steps();
  const Tensor x = lesson::data().x_train.with_layout(lesson::data().x_train.layout());
  const Tensor targ = astype(lesson::data().y_train, DType::f32);
  const MseNet net = mse_net();
  Lin l1{net.w1, net.b1, {}, {}}, l2{net.w2, net.b2, {}, {}};
  Relu act;
  Model model;
  model.add(l1), model.add(act), model.add(l2);
  const double outside = Mse{}(l2(act(l1(x))), targ).item();  // layers alone, the loss apart
  const Tensor loss = model(x, targ);
  std::cout << "loss " << loss.item() << "\n";
  row(65, "Model of layers and loss", 4308.76, loss.item(), .01, mnist_only);
  row(66, "loss outside the model less loss inside", 0, outside - loss.item(), 0);
  model.backward();
  const Tensors wanted = reference_gradients(net, x, targ);
  const Tensor got[] = {net.w1.grad(), net.b1.grad(), net.w2.grad(), net.b2.grad(), x.grad()};
  const char* names[] = {"w1.g", "b1.g", "w2.g", "b2.g", "x.g"};
  row(67, "backward, last layer first: w1.g against autograd", 0, apart(got[0], wanted[0]), 1e-4);
  for (std::size_t i = 1; i < 5; ++i)
    also(67, std::string(names[i]) + " against autograd", 0, apart(got[i], wanted[i]), 1e-4);
  const double preds[] = {-30.97088, -99.38207, 8.72384, -.92589, .83327};
  row(68, "the model keeps its predictions: preds[0]", preds[0], model.preds[{0, 0}].item(), 5e-5,
      mnist_only);
  for (int i : {1, 2, 3, 4})
    also(68, "preds[" + std::to_string(i) + "]", preds[i], model.preds[{i, 0}].item(), 5e-5,
         mnist_only);
  bigger();
}

static const Chapter chapter{13, "Layers as classes", run};
