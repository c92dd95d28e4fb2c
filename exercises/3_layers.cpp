// Exercise 3. Layers as classes
//
// Relu and Mse remember what they were called with and what came out, so that `backward` can give
// the gradient of the input: from `out.grad()` in Relu; Mse is the end of the net, its own gradient
// is 1. A gradient is kept on its tensor: `inp.set_grad(...)`. (Lesson: chapter 13.)
#include <exercises/checks.h>

using namespace gradus;

struct Relu {
  Tensor inp, out;
  /// Keeps x and the result. What is the gradient at exactly 0?
  Tensor operator()([[maybe_unused]] const Tensor& x) { exercises::fill_in(); }
  void backward() { exercises::fill_in(); }
};

struct Mse {
  Tensor inp, targ, out;
  /// inp [n,1], targ [n] -> one number, the mean of the squared differences. Mind the trap of
  /// chapter 8, and a batch of one row.
  Tensor operator()([[maybe_unused]] const Tensor& x, [[maybe_unused]] const Tensor& target) {
    exercises::fill_in();
  }
  void backward() { exercises::fill_in(); }
};

static const exercises::Exercise exercise{
    3, "Layers as classes", [](exercises::Check& check) {
      Relu relu;
      exercises::check_relu(check, {[&](const Tensor& x, const Tensor&) { return relu(x); },
                                    [&] { relu.backward(); }});
      Mse mse;
      exercises::check_mse(check, {[&](const Tensor& x, const Tensor& y) { return mse(x, y); },
                                   [&] { mse.backward(); }});
    }};
