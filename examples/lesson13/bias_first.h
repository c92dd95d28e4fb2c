// The net of the second notebook with its sums in another order: for chapter 21, which shows that
// the order decides over digits.
#pragma once

#include "training.h"

namespace lesson {

/// A bias is the weight of a pixel that is always 1. Putting that pixel first changes no formula of
/// the first layer, only the order in which each sum is rounded: it starts from the bias, as
/// PyTorch's does.
struct BiasFirst : gradus::nn::Module {
  gradus::nn::Sequential net = lesson_net();
  GRADUS_FIELDS(net)
  gradus::Tensor forward(const gradus::Tensor& x) override {
    using namespace gradus;
    const Tensors p = net[0].parameters();
    const Tensor pixels = concat({ones({x.size(0), 1}), x}, 1),
                 weights = concat({p[1][{all, newaxis}], p[0]}, 1);
    return net[2](net[1](matmul(pixels, weights.T())));
  }
  std::string describe() const override { return "BiasFirst"; }
};

}  // namespace lesson
