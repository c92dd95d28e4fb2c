// Chapter 13. Layers as classes
//
// The functions of chapter 11 carry four weights and three intermediate results around by hand. A
// **class per function** keeps what belongs together: a layer that is called like a function,
// remembers what it was given and what it answered, and has a `backward` that puts gradients onto
// the tensors they belong to.
#include <gradus/gradus.h>

#include "judges.h"
#include "layers.h"
#include "lesson.h"
#include "model.h"

using namespace gradus;
using namespace lesson;
using namespace lesson::layers;

// ## An object that is called
// In C++ a value with an `operator()` can be called: what Python writes as `__call__`.
struct Greeter {
  std::string operator()(const std::string& to = "") const { return "hello" + to; }
};

// ## The three layers
//
// -> layers.h
//
// ## Small steps
// What the classes keep, one fact at a time.
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
  Lin lin{tensor({{1., 2.}, {3., 4.}}), tensor({10., 20.})};
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

// ## The model
//
// -> model.h
//
// ## A bigger net from the same parts
// Three layers with weights, and the judge is rise over run: every weight and every bias is moved a
// little up and a little down.
static void bigger() {
  manual_seed(7);
  const auto make = [](std::int64_t in, std::int64_t out) {
    return Lin{randn({in, out}, DType::f64) / 3, randn({out}, DType::f64) / 3};
  };
  Lin a = make(6, 5), b = make(5, 4), c = make(4, 1);
  Relu act_a, act_b;
  Model model;
  model.add(a), model.add(act_a), model.add(b), model.add(act_b), model.add(c);
  const Tensor x = randn({8, 6}, DType::f64), targ = randn({8}, DType::f64);
  model(x, targ);
  model.backward();
  double worst = 0;
  std::int64_t moved = 0;
  for (Tensor p : {a.w, a.b, b.w, b.b, c.w, c.b})
    for (std::int64_t i = 0; i < p.numel(); ++i, ++moved) {
      double& element = p.data<double>()[i];
      const double before = element, h = 1e-6;
      element = before + h;
      const double up = model(x, targ).loss.item();
      element = before - h;
      const double down = model(x, targ).loss.item();
      element = before;
      worst = std::max(worst, std::abs((up - down) / (2 * h) - p.grad().data<double>()[i]));
    }
  row(69, "three layers: gradients less rise over run", 0, worst, 1e-8);
  also(69, "weights and biases that were moved", 64, static_cast<double>(moved), 0);
}

// ## The lecture's net
static void run() {
  small_steps();
  // detach(): the same numbers, as a tensor of its own whose gradient is its own.
  const Tensor x = lesson::data().x_train.detach(),
               targ = astype(lesson::data().y_train, DType::f32);
  const MseNet net = mse_net();
  Lin l1{net.w1, net.b1}, l2{net.w2, net.b2};
  Relu act;
  Model model;
  model.add(l1), model.add(act), model.add(l2);
  const double outside = Mse{}(l2(act(l1(x))), targ).item();  // layers alone, the loss apart
  const auto [loss, preds] = model(x, targ);
  std::cout << "loss " << loss.item() << ", predictions " << preds[{Slice{0, 5}, 0}] << "\n";
  row(65, "Model of layers and loss", 4308.76, loss.item(), .01, mnist_only);
  row(66, "loss outside the model less loss inside", 0, outside - loss.item(), 0);
  row(68, "the answer has the predictions: preds[0]", -30.97088, preds[{0, 0}].item(), 5e-5,
      mnist_only);
  also_each(68, "preds", {-30.97088, -99.38207, 8.72384, -.92589, .83327}, preds[{Slice{0, 5}, 0}],
            5e-5, mnist_only);
  also_text(68, "and the model keeps them", "the same",
            model.last.preds.storage() == preds.storage() ? "the same" : "others");
  model.backward();
  const Tensors wanted = reference_gradients(net, x, targ), got = gradients_of(net, x);
  row(67, "backward, last layer first: w1.g against autograd", 0, apart(got[0], wanted[0]), 1e-4);
  for (std::size_t i = 1; i < 5; ++i)
    also(67, std::string(gradient_names[i]) + " against autograd", 0, apart(got[i], wanted[i]),
         1e-4);
  bigger();
}

static const Chapter chapter{13, "Layers as classes", run};
