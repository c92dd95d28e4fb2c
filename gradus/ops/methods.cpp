// The methods of Tensor that compute: each one line that forwards to the function of that name.
#include <gradus/ops/ops.h>

namespace gradus {

Tensor Tensor::reshape(const Ints& target, Place at) const {
  return gradus::reshape(*this, target, at);
}
Tensor Tensor::permute_dims(const Ints& axes, Place at) const {
  return gradus::permute_dims(*this, axes, at);
}
Tensor Tensor::T(Place at) const { return transpose(*this, -2, -1, at); }
Tensor Tensor::expand_dims(std::int64_t axis, Place at) const {
  return gradus::expand_dims(*this, axis, at);
}
Tensor Tensor::squeeze(const Ints& axes, Place at) const {
  return gradus::squeeze(*this, axes, at);
}
Tensor Tensor::sum(const Ints& axes, bool keepdims, Place at) const {
  return gradus::sum(*this, axes, keepdims, at);
}
Tensor Tensor::mean(const Ints& axes, bool keepdims, Place at) const {
  return gradus::mean(*this, axes, keepdims, at);
}
Tensor Tensor::argmax(std::optional<std::int64_t> axis, bool keepdims, Place at) const {
  return gradus::argmax(*this, axis, keepdims, at);
}
Tensor Tensor::astype(DType dtype, Place at) const { return gradus::astype(*this, dtype, at); }
Tensor Tensor::clone(Place at) const { return gradus::clone(*this, at); }
Tensor Tensor::contiguous(Place at) const { return gradus::contiguous(*this, at); }

}  // namespace gradus
