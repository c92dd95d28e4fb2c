// The usual layers. From here: activations.h (layers without parameters), normalization.h,
// containers.h (lists of layers), losses.h, init.h (what weights start as).
#pragma once

#include <gradus/nn/activations.h>
#include <gradus/nn/containers.h>
#include <gradus/nn/init.h>
#include <gradus/nn/losses.h>
#include <gradus/nn/module.h>
#include <gradus/nn/normalization.h>

namespace gradus::nn {

/// y = x W^T + b; weight [out, in], bias [out], both U(-1/sqrt(in), 1/sqrt(in)) drawn in this order
/// from the default generator. x [..., in] -> [..., out]. (torch.nn.Linear)
struct Linear : Module {
  Linear(std::int64_t in, std::int64_t out, bool with_bias = true, Place at = Place::current());
  Tensor weight, bias;
  GRADUS_FIELDS(weight, bias)
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;
};

/// Rows of a table: integers [...] -> [..., dim]; weight [count, dim], N(0, 1) from the default
/// generator. Throws IndexError for a number outside. (torch.nn.Embedding)
struct Embedding : Module {
  Embedding(std::int64_t count, std::int64_t dim, Place at = Place::current());
  Tensor weight;
  GRADUS_FIELDS(weight)
  Tensor forward(const Tensor& indices) override { return take(weight, indices, 0, called_at()); }
  std::string describe() const override;
};

/// x as it is. (torch.nn.Identity)
struct Identity : Module {
  Tensor forward(const Tensor& x) override { return x; }
  std::string describe() const override { return "Identity()"; }
};
/// All axes but the first become one. (torch.nn.Flatten)
struct Flatten : Module {
  Tensor forward(const Tensor& x) override { return flatten(x, 1, -1, called_at()); }
  std::string describe() const override { return "Flatten()"; }
};
/// Active in training mode alone. (torch.nn.Dropout)
struct Dropout : Module {
  explicit Dropout(double probability = 0.5) : p(probability) {}
  double p;
  Tensor forward(const Tensor& x) override { return dropout(x, p, is_training(), called_at()); }
  std::string describe() const override { return "Dropout(" + to_text(p) + ")"; }
};

/// "Linear(784, 50); ReLU(); Linear(50, 10)": the layers of a Sequential as text, and back.
std::string layer_list(const Sequential& net);
/// Parameters are drawn anew. Throws DataError for text that it does not know, and, before anything
/// is allocated, for layers that hold more than `most_elements` in all.
Sequential make_layers(std::string_view list, std::int64_t most_elements = std::int64_t{1} << 40,
                       Place at = Place::current());

}  // namespace gradus::nn
