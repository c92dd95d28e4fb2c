// Chapter 12. Stopping inside backward
//
// The lesson stops in `lin_grad` with a debugger and looks around. Here a breakpoint is a line of
// the program: `GRADUS_BREAKPOINT(inp, w, b, out)`. It costs nothing until an **Inspector** is
// made, which reads commands from a stream, the keyboard or, as below, a text. [Stopping
// inside a program](../debugging.md) has more.
#include <gradus/gradus.h>

#include <sstream>

#include "lesson.h"
#include "mse_net.h"

using namespace gradus;
using namespace lesson;

// ## A breakpoint is a line
// The functions of chapter 11 again, with one line more, and a name for where we are.
static void lin_grad(const Tensor& inp, const Tensor& out, const Tensor& w, const Tensor& b) {
  Scope here("lin_grad");  // a name for `w`, where
  GRADUS_BREAKPOINT(inp, w, b, out);
  const Tensor g = out.grad();
  inp.set_grad(matmul(g, w.t()));
  w.set_grad(sum(mul(expand_dims(inp, -1), expand_dims(g, 1)), {0}));
  b.set_grad(sum(g, {0}));
}

static void forward_and_backward(const MseNet& net, const Tensor& inp, const Tensor& targ) {
  Scope here("forward_and_backward");
  const Tensor l1 = lin(inp, net.w1, net.b1), l2 = relu(l1), out = lin(l2, net.w2, net.b2);
  const Tensor diff = squeeze(out, {-1}) - targ;
  out.set_grad(2. * expand_dims(diff, -1) / inp.size(0));
  lin_grad(l2, out, net.w2, net.b2);
  l1.set_grad(astype(l1 > 0, l1.dtype()) * l2.grad());
  lin_grad(inp, l1, net.w1, net.b1);
}

// Runs `body` under an inspector that gets these commands, and gives back the session.
static std::string session(const std::string& commands, const std::vector<std::string>& filters,
                           const std::function<void()>& body, int& stops) {
  std::istringstream in(commands);
  std::ostringstream out;
  see::Inspector inspector(in, out, {.echo = true});
  for (const std::string& filter : filters) inspector.stop_at(filter);
  body();
  stops = inspector.stops();
  std::cout << out.str() << "\n";
  return out.str();
}

// The answer to the first command `p EXPR` at or after stop number `stop`.
static std::string answer(const std::string& session, int stop, const std::string& expression) {
  std::size_t at = session.find("stop " + std::to_string(stop) + ":");
  at = session.find("p " + expression + "\n", at);
  if (at == session.npos) return "not asked";
  at = session.find('\n', at) + 1;
  return session.substr(at, session.find('\n', at) - at);
}

static void run() {
  const Tensor x = lesson::data().x_train, targ = astype(lesson::data().y_train, DType::f32);
  const MseNet net = mse_net();
  int stops = 0;

  // ## h, p, w, c, n
  // `h` lists the commands, `p` prints an expression, `w` says where we are, `c` goes on to the
  // next stop, `n` to the next call of an operation. Two layers, so two stops; the output's layer
  // comes first, for backward goes backwards.
  const std::string by_hand = session(
      "h\np inp.shape\np out.g.shape\np out.g[:3, 0]\np inp.unsqueeze(-1).shape\nw\nc\n"
      "p inp.shape\np out.g.shape\np (out.g != 0).astype(f32).mean()\nn\nw\nq\n",
      {}, [&] { forward_and_backward(net, x, targ); }, stops);
  row_text(46, "at a stop: shape, stride, dtype", "inp  f32[50000,50] strides [50,1]",
           by_hand.substr(by_hand.find("inp  "), 33), mnist_only);
  // Then its first values, and how all of them are spread.
  const std::string line = by_hand.substr(by_hand.find("inp  "));
  const auto after = [&](const std::string& word) {
    return std::stod(line.substr(line.find(word) + word.size()));
  };
  const Tensor l2 = relu(lin(x, net.w1, net.b1));
  also(46, "its first value", l2[{0, 0}].item(), after(": "), 1e-3);
  also(46, "min", min(l2).item(), after("min "), 1e-3);
  also(46, "max", max(l2).item(), after("max "), 1e-3);
  also(46, "mean", l2.mean().item(), after("mean "), 1e-3);
  also(46, "std", stddev(l2).item(), after("std "), 1e-3);
  row_text(47, "first stop, p inp.shape", "[50000,50]", answer(by_hand, 1, "inp.shape"),
           mnist_only);
  also_text(47, "first stop, p out.g.shape", "[50000,1]", answer(by_hand, 1, "out.g.shape"),
            mnist_only);
  row_text(50, "second stop, p inp.shape", "[50000,784]", answer(by_hand, 2, "inp.shape"),
           mnist_only);
  also_text(50, "second stop, p out.g.shape", "[50000,50]", answer(by_hand, 2, "out.g.shape"),
            mnist_only);
  also_text(50, "w names the scopes", "true",
            by_hand.find("in the scope forward_and_backward.lin_grad") != by_hand.npos ? "true"
                                                                                       : "false");
  session(
      "c\nc\nc\n", {}, [&] { forward_and_backward(net, x, targ); }, stops);
  also(50, "lin_grad is met", 2, stops, 0);
  x.zero_grad();

  // ## Inside the library
  // No line of the program is needed there: every operation passes one door, and a filter picks the
  // calls to stop at. `*.backward` stops once for each call that autograd differentiates.
  struct Net : nn::Module {
    nn::Linear lin1{784, 50}, lin2{50, 10};
    GRADUS_FIELDS(lin1, lin2)
    Tensor forward(const Tensor& images) override { return lin2(relu(lin1(images))); }
  } model;
  const Tensor few = x[Slice{0, 64}], labels = lesson::data().y_train[Slice{0, 64}];
  const auto step = [&] { cross_entropy(model(few), labels).backward(); };
  session("p x0.shape\nw\nc\n", {"lin2"}, step, stops);
  row(51, "stops at the filter lin2", 1, stops, 0);
  session("w\nc\nc\nc\n", {"relu.backward"}, step, stops);
  also(51, "stops at the filter relu.backward", 1, stops, 0);
}

static const Chapter chapter{12, "Stopping inside backward", run};
