// A solution of exercise 3. Only the last axis is dropped in Mse: squeeze() without an axis would
// drop the batch as well when it has one row.
#include <exercises/checks.h>

using namespace gradus;

namespace {

struct Relu {
  Tensor inp, out;
  Tensor operator()(const Tensor& x) {
    inp = x;
    out = clamp_min(x, 0);
    return out;
  }
  void backward() { inp.set_grad((inp > 0).astype(inp.dtype()) * out.grad()); }
};

struct Mse {
  Tensor inp, targ, out;
  Tensor operator()(const Tensor& x, const Tensor& target) {
    inp = x;
    targ = target;
    out = square(x.squeeze({-1}) - target).mean();
    return out;
  }
  void backward() {
    const Tensor diff = inp.squeeze({-1}) - targ;
    inp.set_grad(2 * diff[{all, newaxis}] / targ.size(0));
  }
};

}  // namespace

static const exercises::Exercise exercise{
    3, "Layers as classes", [](exercises::Check& check) {
      Relu relu;
      exercises::check_relu(check, {[&](const Tensor& x, const Tensor&) { return relu(x); },
                                    [&] { relu.backward(); }});
      Mse mse;
      exercises::check_mse(check, {[&](const Tensor& x, const Tensor& y) { return mse(x, y); },
                                   [&] { mse.backward(); }});
    }};
