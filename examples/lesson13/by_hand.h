// The backward pass of the lecture, written with the library's operations alone.
#pragma once

#include <gradus/gradus.h>

#include "mse_net.h"

namespace lesson {
using namespace gradus;

// One layer: $out = inp\,W + b$. A weight $W_{ij}$ touches output $j$ of every image by $inp_i$, so
// its slope is $\sum_n inp_{ni}\,g_{nj}$: an outer product for each image, added up over the batch.
inline void lin_grad(const Tensor& inp, const Tensor& out, const Tensor& w, const Tensor& b) {
  const Tensor g = out.grad();
  inp.set_grad(matmul(g, w.t()));
  // For the first layer this product has 50000 x 784 x 50 numbers, 7.84 GB. It is never written
  // out: the library sees that it is summed at once, and makes a matrix product of it.
  w.set_grad(sum(mul(expand_dims(inp, -1), expand_dims(g, 1)), {0}));
  b.set_grad(sum(g, {0}));
}

// Forward, then the same steps in reverse. The forward part remembers what backward will need.
// Backward starts at the loss: of $\frac1n\sum_i (out_i - y_i)^2$ the slope along $out_i$ is
// $2\,(out_i - y_i)/n$. Then it goes through the layers in reverse; the relu lets a slope pass
// where its input was above 0.
struct Pass {
  Tensor l1, l2, out;
  double loss;
};

inline Pass forward_and_backward(const MseNet& net, const Tensor& inp, const Tensor& targ) {
  // forward
  const Tensor l1 = lin(inp, net.w1, net.b1), l2 = relu(l1), out = lin(l2, net.w2, net.b2);
  // The live fix of the lesson: the loss is the mean of diff^2, not of out^2. Only the unit axis
  // goes, squeeze({-1}): plain squeeze() would also take the batch away when it is one image.
  const Tensor diff = squeeze(out, {-1}) - targ, loss = square(diff).mean();
  // backward: the same steps in reverse
  out.set_grad(2. * expand_dims(diff, -1) / inp.size(0));
  lin_grad(l2, out, net.w2, net.b2);
  l1.set_grad(astype(l1 > 0, l1.dtype()) * l2.grad());  // slope 1 where it was above 0, else 0
  lin_grad(inp, l1, net.w1, net.b1);
  return {l1, l2, out, loss.item()};
}

/// Where the five gradients are after it: on the tensors they belong to.
inline Tensors gradients_of(const MseNet& net, const Tensor& x) {
  return {net.w1.grad(), net.b1.grad(), net.w2.grad(), net.b2.grad(), x.grad()};
}
inline constexpr const char* gradient_names[] = {"w1.g", "b1.g", "w2.g", "b2.g", "x.g"};

}  // namespace lesson
