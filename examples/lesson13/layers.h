// Relu, Lin and Mse as classes. Each keeps its input and its output; by hand, gradients are
// assigned: a tensor's slot holds one.
#pragma once

#include <gradus/gradus.h>

namespace lesson::layers {
using namespace gradus;

struct Relu {
  Tensor inp, out;
  Tensor operator()(const Tensor& x) { return out = relu(inp = x); }
  void backward() { inp.set_grad(astype(inp > 0, inp.dtype()) * out.grad()); }
};

struct Lin {
  Tensor w, b, inp{}, out{};
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

}  // namespace lesson::layers
