// Initialisers; see init.h. The bounds are computed in PyTorch's order, so that they have its bits.
#include <gradus/nn/init.h>

#include <cmath>

namespace gradus::nn {
namespace {

template <class Draw>
void fill(Tensor& x, Place at, Draw&& draw) {
  NoGrad guard;
  Tensor values = Tensor::empty(x.shape(), x.dtype());
  dispatch_floating(x.dtype(), [&]<class T>() { draw(values.data<T>(), values.numel()); });
  x.copy_(values, at);
}

double fan_of(const Tensor& x, Fan fan, Place at) {
  if (x.ndim() < 2)
    throw ShapeError("the fan of " + x.spec().str() + " is not defined",
                     "initialise weights [out, in]", at);
  const std::int64_t count = x.numel() / std::max<std::int64_t>(x.size(fan == Fan::in ? 0 : 1), 1);
  return static_cast<double>(count);
}

double xavier_std(const Tensor& x, double gain, Place at) {
  return gain * std::sqrt(2.0 / (fan_of(x, Fan::in, at) + fan_of(x, Fan::out, at)));
}

}  // namespace

void uniform_(Tensor& x, double low, double high, Place at) {
  fill(x, at, [&](auto* values, std::int64_t n) {
    default_generator().fill_uniform(values, n, low, high);
  });
}

void normal_(Tensor& x, double mean, double std, Place at) {
  fill(x, at, [&](auto* values, std::int64_t n) {
    default_generator().fill_normal(values, n, mean, std);
  });
}

void constant_(Tensor& x, double value, Place at) {
  NoGrad guard;
  x.fill_(value, at);
}

double gain_of(std::string_view nonlinearity, double slope, Place at) {
  if (nonlinearity == "linear" || nonlinearity == "sigmoid") return 1;
  if (nonlinearity == "tanh") return 5.0 / 3;
  if (nonlinearity == "relu") return std::sqrt(2.0);
  if (nonlinearity == "leaky_relu") return std::sqrt(2.0 / (1 + slope * slope));
  if (nonlinearity == "selu") return 3.0 / 4;
  throw NameError("no gain is known for '" + std::string(nonlinearity) + "'",
                  "known are linear, sigmoid, tanh, relu, leaky_relu, selu", at);
}

void xavier_uniform_(Tensor& x, double gain, Place at) {
  const double bound = std::sqrt(3.0) * xavier_std(x, gain, at);
  uniform_(x, -bound, bound, at);
}

void xavier_normal_(Tensor& x, double gain, Place at) {
  normal_(x, 0, xavier_std(x, gain, at), at);
}

void kaiming_uniform_(Tensor& x, double gain, Fan fan, Place at) {
  const double bound = std::sqrt(3.0) * (gain / std::sqrt(fan_of(x, fan, at)));
  uniform_(x, -bound, bound, at);
}

void kaiming_normal_(Tensor& x, double gain, Fan fan, Place at) {
  normal_(x, 0, gain / std::sqrt(fan_of(x, fan, at)), at);
}

}  // namespace gradus::nn
