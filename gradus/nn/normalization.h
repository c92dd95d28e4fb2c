// Layers that shift and scale to mean 0 and variance 1: over the features of each sample
// (LayerNorm), or over the samples for each feature (BatchNorm1d).
#pragma once

#include <gradus/nn/module.h>

namespace gradus::nn {

/// (x - mean) / sqrt(var + eps) * weight + bias over the last axes, which must be `shape`; variance
/// with divisor n. weight starts at 1, bias at 0. (Ba et al. 2016; torch.nn.LayerNorm)
struct LayerNorm : Module {
  explicit LayerNorm(Ints shape, double epsilon = 1e-5, bool affine = true,
                     Place at = Place::current());
  explicit LayerNorm(std::int64_t size, double epsilon = 1e-5, bool affine = true,
                     Place at = Place::current())
      : LayerNorm(Ints{size}, epsilon, affine, at) {}
  Ints shape;
  double eps;
  Tensor weight, bias;
  GRADUS_FIELDS(weight, bias)
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;
};

struct BatchNormOptions {
  double eps = 1e-5, momentum = 0.1;
  bool affine = true;
};
/// x [n,c] or [n,c,length]: each feature of c by its mean and variance over the rest, in training
/// mode those of the batch (divisor n), else the running ones. Training moves running_mean and
/// running_var (divisor n - 1) by `momentum` towards the batch's. Throws ShapeError for one value a
/// feature in training mode. (Ioffe and Szegedy 2015; torch.nn.BatchNorm1d)
struct BatchNorm1d : Module {
  explicit BatchNorm1d(std::int64_t features, const BatchNormOptions& options = {},
                       Place at = Place::current());
  std::int64_t features;
  BatchNormOptions options;
  Tensor weight, bias, running_mean, running_var, num_batches_tracked;
  GRADUS_FIELDS(weight, bias, running_mean, running_var, num_batches_tracked)
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;
};

}  // namespace gradus::nn
