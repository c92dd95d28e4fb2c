// The value part of Tensor. The methods that compute are defined in ops/methods.cpp, backward and
// hooks in autograd/: core knows neither.
#include <gradus/core/tensor.h>

namespace gradus {

namespace {
thread_local ReadWatch* watch = nullptr;
}

ReadWatch::ReadWatch() : before_(watch) { watch = this; }
ReadWatch::~ReadWatch() { watch = before_; }

void Tensor::note_read(std::string_view how, Place at) const {
  if (watch) watch->read(*this, how, at);
}

Tensor::Tensor(Storage storage, const Layout& layout, DType dtype) {
  const auto [low, high] = layout.extent();
  const auto available = static_cast<std::int64_t>(storage.bytes() / dtype_size(dtype));
  if (low < 0 || high > available)
    throw ShapeError("a layout of shape " + layout.shape.str() + " reaches elements " +
                         std::to_string(low) + ".." + std::to_string(high) + " of a storage of " +
                         std::to_string(available),
                     "offset and strides must stay inside the storage");
  state_ = Counted<State>::make(std::move(storage), layout, dtype);
}

Tensor Tensor::empty(const Shape& shape, DType dtype) {
  std::int64_t bytes = 0;
  if (__builtin_mul_overflow(shape.numel(), static_cast<std::int64_t>(dtype_size(dtype)), &bytes))
    throw ShapeError("shape " + shape.str() + " has more bytes than 63 bits can count",
                     "check the sizes");
  return Tensor(
      Counted<State>::make(Storage::allocate(static_cast<std::size_t>(bytes)), shape, dtype));
}

Tensor Tensor::empty_alike(DType dtype, std::int64_t numel) const {
  // As many bytes as those of a tensor that is there, or fewer: they can be counted.
  Tensor result(Counted<State>::make(
      Storage::allocate(static_cast<std::size_t>(numel) * dtype_size(dtype)), layout(), dtype));
  result.state_->layout.offset = 0;
  return result;
}

Tensor Tensor::scalar(Number value, DType dtype) {
  Tensor tensor = empty({}, dtype);
  dispatch(dtype, [&]<class Value>() { *tensor.data<Value>() = value.to<Value>(); });
  return tensor;
}

void Tensor::throw_empty() {
  throw ValueError("the tensor is empty: it holds no value",
                   "assign it first, or test it with defined()");
}

void Tensor::check_dtype(DType wanted) const {
  if (wanted != dtype())
    throw DTypeError("elements read as " + std::string(dtype_name(wanted)) +
                         ", but the tensor is " + spec().str(),
                     "read with the tensor's own type, or convert first with astype");
  note_read("data", Place{});  // data() does not know who calls it
}

std::variant<double, std::int64_t> Tensor::item_as_variant(Place at) const {
  if (numel() != 1) {
    ShapeError error(
        "needs exactly one element, " + spec().str() + " has " + std::to_string(numel()),
        "reduce it first, for example with mean, or pick one with x[{...}]");
    error.add_context("item", spec().str(), at);
    throw error;
  }
  note_read("item", at);
  return dispatch(dtype(), [&]<class Value>() -> std::variant<double, std::int64_t> {
    const Value value = *data<Value>();
    if constexpr (std::is_floating_point_v<Value>)
      return static_cast<double>(value);
    else
      return static_cast<std::int64_t>(value);
  });
}

Tensor Tensor::with_layout(const Layout& layout) const {
  storage().mark_viewed();
  return Tensor(storage(), layout, dtype());
}

Tensor& Tensor::set_requires_grad(bool requires_grad, Place at) {
  if (requires_grad && !is_floating(dtype())) {
    DTypeError error("only floating tensors can require a gradient, this one is " + spec().str(),
                     "convert it first: astype(x, DType::f32)");
    error.add_context("set_requires_grad", spec().str(), at);
    throw error;
  }
  if (!is_leaf()) {
    GradError error("this tensor was computed from others, so it follows them",
                    "set it on the leaves, or on x.detach()");
    error.add_context("set_requires_grad", spec().str(), at);
    throw error;
  }
  state().requires_grad = requires_grad;
  note_made_at(at);
  return *this;
}

void Tensor::set_history(History history) const {
  State& mine = state();
  mine.history = std::move(history);
  if (mine.retains_grad) mine.grad = std::make_shared<Tensor>(*mine.grad);  // the hook's is gone
  mine.retains_grad = false;
}

void Tensor::set_grad(const Tensor& grad) const {
  if (state().grad)
    *state().grad = grad;
  else if (grad)
    state().grad = std::allocate_shared<Tensor>(Pooled<Tensor>(), grad);
}

void HookHandle::remove() {
  const std::shared_ptr<HookList> list = list_.lock();
  const std::shared_ptr<GradientHook> hook = hook_.lock();
  if (list && hook) std::erase(*list, hook);
}

Tensor& Tensor::set_name(std::string name) {
  state().name = std::move(name);
  return *this;
}

Tensor Tensor::detach(Place at) const {
  Tensor result = with_layout(layout());
  result.state_->name = name();
  result.note_made_at(requires_grad() ? at : made_at());
  if (requires_grad())
    result.set_cut(std::make_shared<const std::string>("detach() at " + short_place(at)));
  else
    result.set_cut(cut());
  return result;
}

}  // namespace gradus
