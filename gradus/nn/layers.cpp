// Layers with weights; see layers.h.
#include <gradus/nn/layers.h>

#include <cmath>

namespace gradus::nn {

Linear::Linear(std::int64_t in, std::int64_t out, bool with_bias, Place at) {
  if (in < 1 || out < 1)
    throw ShapeError("Linear(" + std::to_string(in) + ", " + std::to_string(out) + ")",
                     "both sizes count: 1 or more", at);
  const double bound = 1 / std::sqrt(static_cast<double>(in));
  weight = Tensor::empty({out, in});
  uniform_(weight, -bound, bound, at);
  weight.set_requires_grad(true, at);
  if (!with_bias) return;
  bias = Tensor::empty({out});
  uniform_(bias, -bound, bound, at);
  bias.set_requires_grad(true, at);
}

Tensor Linear::forward(const Tensor& x) {
  const Place at = called_at();
  const Tensor y = matmul(x, weight.T(at), at);
  return bias ? add(y, bias, at) : y;
}

std::string Linear::describe() const {
  return "Linear(" + std::to_string(weight.size(1)) + ", " + std::to_string(weight.size(0)) +
         (bias ? ")" : ", no bias)");
}

Embedding::Embedding(std::int64_t count, std::int64_t dim, Place at) {
  if (count < 1 || dim < 1)
    throw ShapeError("Embedding(" + std::to_string(count) + ", " + std::to_string(dim) + ")",
                     "both sizes count: 1 or more", at);
  weight = Tensor::empty({count, dim});
  normal_(weight, 0, 1, at);
  weight.set_requires_grad(true, at);
}

std::string Embedding::describe() const {
  return "Embedding(" + std::to_string(weight.size(0)) + ", " + std::to_string(weight.size(1)) +
         ")";
}

}  // namespace gradus::nn
