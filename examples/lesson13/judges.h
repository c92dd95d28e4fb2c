// Two judges for gradients that somebody wrote by hand: the library's autograd, and rise over run.
#pragma once

#include <gradus/gradus.h>

#include <algorithm>
#include <cmath>

#include "by_hand.h"
#include "lesson.h"

namespace lesson {
using namespace gradus;

/// The gradients of w1, b1, w2, b2 and x by autograd, which chapter 15 is about.
inline Tensors reference_gradients(const MseNet& net, const Tensor& x, const Tensor& targ) {
  Tensors leaves;
  for (const Tensor& t : {net.w1, net.b1, net.w2, net.b2, x})
    leaves.push_back(t.detach().set_requires_grad());
  mse_loss({leaves[0], leaves[1], leaves[2], leaves[3]}, leaves[4], targ).backward();
  Tensors gradients;
  for (const Tensor& leaf : leaves) gradients.push_back(leaf.grad());
  return gradients;
}

/// Rise over run. Number `which` of (w1, b1, w2, b2, x) of mse_net() walks a little forth and back
/// in a random direction u of length 1, in f64; a right gradient g foretells the loss's slope along
/// u, the sum of all g * u. In a random direction every element of g has its say. The largest
/// difference among three directions, in units of |g| / sqrt(elements), the usual size of a slope.
inline double slope_error(const Tensor& gradient, std::size_t which, const Tensor& x,
                          const Tensor& targ) {
  const MseNet net = mse_net(DType::f64);
  const Tensors place = {net.w1, net.b1, net.w2, net.b2, astype(x, DType::f64)};
  const Tensor g = astype(gradient, DType::f64), y = astype(targ, DType::f64);
  const double h = 1e-6, usual = norm(g).item() / std::sqrt(static_cast<double>(g.numel()));
  double worst = 0;
  for (int direction = 0; direction < 3; ++direction) {
    const Tensor random = randn(g.shape().to_vector(), DType::f64), u = random / norm(random);
    const auto loss_at = [&](double step) {
      Tensors at = place;
      at[which] = at[which] + u * step;
      return mse_loss({at[0], at[1], at[2], at[3]}, at[4], y).item();
    };
    const double slope = (loss_at(h) - loss_at(-h)) / (2 * h);
    worst = std::max(worst, std::abs(slope - sum(g * u).item()) / usual);
  }
  return worst;
}

/// Both on 5,000 images. A judge must also be able to say no: struck out, half of a gradient is
/// found missing.
inline void ask_judges(DType dtype) {
  const MseNet net = mse_net(dtype);
  const Slice few{0, 5000};
  const Tensor x = astype(lesson::data().x_train[few], dtype).clone(),
               targ = astype(lesson::data().y_train[few], dtype);
  forward_and_backward(net, x, targ);
  const Tensors autograd = reference_gradients(net, x, targ), hand = gradients_of(net, x);
  const std::string with = ", 5000 images, " + std::string(dtype_name(dtype));
  for (std::size_t i = 0; i < 5; ++i) {
    also(58, gradient_names[i] + with + ": by hand against autograd", 0,
         apart(hand[i], autograd[i]), 1e-4);
    also(58, gradient_names[i] + with + ": against rise over run", 0,
         slope_error(hand[i], i, x, targ), 1e-4);
  }
  const Tensor half = concat({hand[0][Slice{0, 392}], zeros({392, 50}, dtype)});
  also_band(58, "half of w1.g struck out" + with, .1, 10, slope_error(half, 0, x, targ));
}

}  // namespace lesson
