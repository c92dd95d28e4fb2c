// The net of chapters 7 and 8 once more, for this chapter and the next six: 784 - 50 - 1, weights
// from N(0,1), and how far two gradients are apart.
#pragma once

#include <gradus/gradus.h>

namespace lesson {
using namespace gradus;

struct MseNet {
  Tensor w1, b1, w2, b2;  // [784,50] [50] [50,1] [1]
};
/// The notebook's draws: seed 42, w1, then w2. In f64 they are the same numbers.
inline MseNet mse_net(DType dtype = DType::f32) {
  manual_seed(42);
  const Tensor w1 = randn({784, 50}), w2 = randn({50, 1});
  return {astype(w1, dtype), zeros({50}, dtype), astype(w2, dtype), zeros({1}, dtype)};
}

inline Tensor lin(const Tensor& x, const Tensor& w, const Tensor& b) { return matmul(x, w) + b; }

/// The mean squared error of the whole net.
inline Tensor mse_loss(const MseNet& net, const Tensor& x, const Tensor& targ) {
  const Tensor out = lin(relu(lin(x, net.w1, net.b1)), net.w2, net.b2);
  return mse(squeeze(out, {-1}), targ);
}

/// |a - b| / |b| with Euclidean lengths: 1e-4 says that about four digits agree.
inline double apart(const Tensor& a, const Tensor& b) { return (norm(a - b) / norm(b)).item(); }

}  // namespace lesson
