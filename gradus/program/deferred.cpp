// See deferred.h.
#include <gradus/program/deferred.h>

#include <gradus/core/subnormals.h>

namespace gradus {

DeferredCall::DeferredCall(Op op, Tensors inputs, Spec result)
    : op_(std::move(op)), inputs_(std::move(inputs)), result_(result) {}

void DeferredCall::compute(std::byte* into) const {
  std::vector<In> x;
  for (const Tensor& input : inputs_)
    x.push_back({input.raw_data(), &input.layout(), input.dtype()});
  const Layout layout = Layout::contiguous(result_.shape);
  const Out y{into, &layout, result_.dtype};
  const FlushSubnormals mode;
  op_.model().forward(x, std::span(&y, 1));
}

bool is_worth_deferring(std::span<const Tensor> inputs, const Spec& result) {
  constexpr std::int64_t least_bytes = std::int64_t{1} << 20, least_growth = 8;
  const std::int64_t elements = result.shape.numel();
  if (!is_floating(result.dtype) ||
      elements < least_bytes / static_cast<std::int64_t>(dtype_size(result.dtype)))
    return false;
  std::int64_t held = 0;
  for (const Tensor& x : inputs) {
    const auto [low, high] = x.layout().extent();
    held += high - low;
  }
  return elements / least_growth >= held;
}

Tensor defer_call(const Op& op, std::span<const Tensor> inputs, const Spec& result) {
  Tensors plain;
  std::vector<Storage> sources;
  for (const Tensor& x : inputs) {
    plain.emplace_back(x.storage(), x.layout(), x.dtype());
    sources.push_back(x.storage());
  }
  std::int64_t bytes = 0;
  if (__builtin_mul_overflow(result.shape.numel(),
                             static_cast<std::int64_t>(dtype_size(result.dtype)), &bytes))
    throw ShapeError("shape " + result.shape.str() + " has more bytes than 63 bits can count",
                     "check the sizes");
  return Tensor(
      Storage::defer(static_cast<std::size_t>(bytes),
                     std::make_shared<DeferredCall>(op, std::move(plain), result), sources),
      Layout::contiguous(result.shape), result.dtype);
}

std::shared_ptr<const DeferredCall> deferred_call(const Tensor& x) {
  auto call = std::dynamic_pointer_cast<const DeferredCall>(x.storage().recipe());
  return call && x.layout() == Layout::contiguous(x.shape()) &&
                 x.numel() * static_cast<std::int64_t>(dtype_size(x.dtype())) ==
                     static_cast<std::int64_t>(x.storage().bytes())
             ? call
             : nullptr;
}

}  // namespace gradus
