// Layers without parameters; each calls the function of its name.
#pragma once

#include <gradus/nn/module.h>

namespace gradus::nn {

struct ReLU : Module {
  Tensor forward(const Tensor& x) override { return relu(x, called_at()); }
  std::string describe() const override { return "ReLU()"; }
};
struct LeakyReLU : Module {
  explicit LeakyReLU(double slope = 0.01) : negative_slope(slope) {}
  double negative_slope;
  Tensor forward(const Tensor& x) override { return leaky_relu(x, negative_slope, called_at()); }
  std::string describe() const override { return "LeakyReLU(" + to_text(negative_slope) + ")"; }
};
struct Tanh : Module {
  Tensor forward(const Tensor& x) override { return tanh(x, called_at()); }
  std::string describe() const override { return "Tanh()"; }
};
struct Sigmoid : Module {
  Tensor forward(const Tensor& x) override { return sigmoid(x, called_at()); }
  std::string describe() const override { return "Sigmoid()"; }
};
/// x * Phi(x), with "tanh" its approximation. (torch.nn.GELU)
struct GELU : Module {
  explicit GELU(std::string approximation = "none") : approximate(std::move(approximation)) {}
  std::string approximate;
  Tensor forward(const Tensor& x) override { return gelu(x, approximate, called_at()); }
  std::string describe() const override {
    return approximate == "none" ? "GELU()" : "GELU(" + approximate + ")";
  }
};
struct SiLU : Module {
  Tensor forward(const Tensor& x) override { return silu(x, called_at()); }
  std::string describe() const override { return "SiLU()"; }
};
struct Softplus : Module {
  explicit Softplus(double steepness = 1, double linear_from = 20)
      : beta(steepness), threshold(linear_from) {}
  double beta, threshold;
  Tensor forward(const Tensor& x) override { return softplus(x, beta, threshold, called_at()); }
  std::string describe() const override {
    return "Softplus(" + to_text(beta) + ", " + to_text(threshold) + ")";
  }
};
struct Softmax : Module {
  explicit Softmax(std::int64_t along = -1) : axis(along) {}
  std::int64_t axis;
  Tensor forward(const Tensor& x) override { return softmax(x, axis, called_at()); }
  std::string describe() const override { return "Softmax(" + to_text(axis) + ")"; }
};
struct LogSoftmax : Module {
  explicit LogSoftmax(std::int64_t along = -1) : axis(along) {}
  std::int64_t axis;
  Tensor forward(const Tensor& x) override { return log_softmax(x, axis, called_at()); }
  std::string describe() const override { return "LogSoftmax(" + to_text(axis) + ")"; }
};

}  // namespace gradus::nn
