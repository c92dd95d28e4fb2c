// What chapters 11 to 15 share: the net of the first notebook, 784 - 50 - 1 with weights from
// N(0,1), its functions, and how far two gradients are apart.
#pragma once

#include <gradus/gradus.h>

#include "lesson.h"

namespace lesson {

struct MseNet {
  gradus::Tensor w1, b1, w2, b2;
};
/// The notebook's draws: seed 42, w1, then w2.
inline MseNet mse_net(gradus::DType dtype = gradus::DType::f32) {
  using namespace gradus;
  manual_seed(42);
  const Tensor w1 = randn({784, 50}), w2 = randn({50, 1});
  return {astype(w1, dtype), zeros({50}, dtype), astype(w2, dtype), zeros({1}, dtype)};
}

inline gradus::Tensor lin(const gradus::Tensor& x, const gradus::Tensor& w,
                          const gradus::Tensor& b) {
  return gradus::matmul(x, w) + b;
}
/// Mean squared error of the whole net.
inline gradus::Tensor mse_loss(const MseNet& net, const gradus::Tensor& x,
                               const gradus::Tensor& targ) {
  const gradus::Tensor out = lin(relu(lin(x, net.w1, net.b1)), net.w2, net.b2);
  return gradus::mse(squeeze(out, {-1}), targ);
}

/// |a - b| / |b|, Euclidean.
inline double apart(const gradus::Tensor& a, const gradus::Tensor& b) {
  return (gradus::norm(a - b) / gradus::norm(b)).item();
}

/// The reference of chapters 13 to 15: gradients of w1, b1, w2, b2 and x by autograd.
inline gradus::Tensors reference_gradients(const MseNet& net, const gradus::Tensor& x,
                                           const gradus::Tensor& targ) {
  gradus::Tensors leaves;
  for (const gradus::Tensor& t : {net.w1, net.b1, net.w2, net.b2, x})
    leaves.push_back(t.detach().set_requires_grad());
  mse_loss({leaves[0], leaves[1], leaves[2], leaves[3]}, leaves[4], targ).backward();
  gradus::Tensors gradients;
  for (const gradus::Tensor& leaf : leaves) gradients.push_back(leaf.grad());
  return gradients;
}

}  // namespace lesson
