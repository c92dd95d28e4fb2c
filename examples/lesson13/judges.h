// Rise over run for whole tensors: how steep is the loss along a gradient? Chapter 11 holds its own
// gradients against it.
#pragma once

#include <gradus/gradus.h>

#include "mse_net.h"

namespace lesson {

/// The slope of the loss of mse_net() on x, targ when one of (w1, b1, w2, b2, x), number `which`,
/// walks along the unit vector of `gradient`; by central differences in f64, so that no digits are
/// lost. Where the gradient is right this is its norm.
inline double slope_along(const gradus::Tensor& gradient, std::size_t which,
                          const gradus::Tensor& x, const gradus::Tensor& targ) {
  using namespace gradus;
  const MseNet net = mse_net(DType::f64);
  const Tensors place = {net.w1, net.b1, net.w2, net.b2, astype(x, DType::f64)};
  const Tensor g = astype(gradient, DType::f64), unit = g / norm(g), y = astype(targ, DType::f64);
  const auto loss_at = [&](double step) {
    Tensors at = place;
    at[which] = at[which] + unit * step;
    return mse_loss({at[0], at[1], at[2], at[3]}, at[4], y).item();
  };
  const double h = 1e-5;
  return (loss_at(h) - loss_at(-h)) / (2 * h);
}

}  // namespace lesson
