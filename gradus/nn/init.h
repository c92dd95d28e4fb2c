// Initialisers: they fill x in place from the default generator, with PyTorch's draws. Weights are
// [out, in] or [out, in, ...]; fan in = in * ..., fan out = out * ... (torch.nn.init)
#pragma once

#include <gradus/ops/ops.h>

namespace gradus::nn {

/// U(low, high).
void uniform_(Tensor& x, double low = 0, double high = 1, Place at = Place::current());
/// N(mean, std^2).
void normal_(Tensor& x, double mean = 0, double std = 1, Place at = Place::current());
void constant_(Tensor& x, double value, Place at = Place::current());

/// How much a nonlinearity shrinks a signal, to be undone by the weights: 1 for "linear" and
/// "sigmoid", 5/3 for "tanh", sqrt(2) for "relu", sqrt(2 / (1 + slope^2)) for "leaky_relu", 3/4 for
/// "selu". Throws NameError for others. (torch.nn.init.calculate_gain)
double gain_of(std::string_view nonlinearity, double slope = 0.01, Place at = Place::current());

/// U(-a, a) with a = gain * sqrt(6 / (fan in + fan out)); N with std = gain * sqrt(2 / (fan in +
/// fan out)). Throw ShapeError below two axes, as all below. (Glorot and Bengio 2010)
void xavier_uniform_(Tensor& x, double gain = 1, Place at = Place::current());
void xavier_normal_(Tensor& x, double gain = 1, Place at = Place::current());

enum class Fan { in, out };
inline constexpr double relu_gain = 1.4142135623730951;  ///< sqrt(2)
/// U(-a, a) with a = gain * sqrt(3 / fan); N with std = gain / sqrt(fan). Fan::in keeps the scale
/// of the values forward, Fan::out that of the gradients backward. (He et al. 2015)
void kaiming_uniform_(Tensor& x, double gain = relu_gain, Fan fan = Fan::in,
                      Place at = Place::current());
void kaiming_normal_(Tensor& x, double gain = relu_gain, Fan fan = Fan::in,
                     Place at = Place::current());

}  // namespace gradus::nn
