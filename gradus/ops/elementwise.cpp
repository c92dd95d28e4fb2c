// Bringing operands to one dtype; see elementwise.h.
#include <gradus/ops/elementwise.h>

#include <algorithm>

namespace gradus {

const Tensor& Operand::resolve(const Operand& other, Tensor&& room) const {
  if (!is_number()) return *tensor_;
  const DType met = other.is_number() ? other.number_.dtype() : other.tensor_->dtype();
  const DType own = number_.dtype();
  // A number follows the tensor, unless it is of a higher kind (bool < integer < floating) or an
  // integer that the tensor's dtype cannot hold.
  const bool follows =
      is_floating(met) || (is_integer(met) && !is_floating(own) && number_.fits(met)) || own == met;
  return room = Tensor::scalar(number_, follows ? met : own);
}

namespace op {

Tensors prepare_elementwise(std::span<const Tensor> inputs, Domain domain) {
  DType common = DType::boolean;
  for (const Tensor& x : inputs) common = promote(common, x.dtype());
  if (domain == Domain::floating) common = to_floating(common);
  bool ready = true;
  for (const Tensor& x : inputs) ready &= x.dtype() == common;
  if (ready) return {};
  Tensors result;
  for (const Tensor& x : inputs) result.push_back(astype(x, common));
  return result;
}

void copy_elements(const In& x, void* to, const Shape& strides) {
  kernels::copy(x.data, x.strides().data(), to, strides.data(), dtype_size(x.dtype),
                x.shape().data(), x.shape().rank());
}

void apply_function(kernels::MathFunction f, const In& x, const Out& y) {
  dispatch_floating(x.dtype, [&]<class T>() {
    kernels::apply_function(f, x.as<T>(), x.strides().data(), y.as<T>(), y.strides().data(),
                            y.shape().data(), y.shape().rank());
  });
}

void check_domain(DType dtype, Domain domain) {
  if (domain == Domain::numbers && dtype == DType::boolean)
    throw DTypeError("takes numbers, not truth values",
                     "convert first, astype(x, DType::i64), or use the logical operations");
}

}  // namespace op
}  // namespace gradus
