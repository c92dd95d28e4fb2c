// Tensor: a value (shared storage and a layout) and its history (the call that made it, or none).
// Copying a Tensor shares both, as in PyTorch; clone() copies the elements.
// Everything that computes is declared in ops/ops.h; the methods here that compute are one-line
// forwards to it. Printing is in core/print.h.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include <gradus/core/counted.h>
#include <gradus/core/layout.h>
#include <gradus/core/number.h>
#include <gradus/core/storage.h>

namespace gradus {

class Node;    // program/node.h: one executed call
class Tensor;  // below

/// Learns of the values that the program itself reads, by item() and to_vector(): a trace cannot
/// follow what is decided by them. Watches this thread while it lives; the latest one is told.
class ReadWatch {
 public:
  ReadWatch();
  virtual ~ReadWatch();
  ReadWatch(const ReadWatch&) = delete;
  ReadWatch& operator=(const ReadWatch&) = delete;
  virtual void read(const Tensor& x, std::string_view how, Place at) = 0;

 private:
  ReadWatch* before_;
};

using Tensors = std::vector<Tensor>;

/// The call that made a tensor: its node and which output of it.
struct History {
  std::shared_ptr<Node> node;
  std::uint32_t output = 0;
  explicit operator bool() const { return node != nullptr; }
};

/// One entry of an index: an integer, a slice, newaxis, ellipsis, or a tensor (integers gather,
/// booleans select), with NumPy's meaning.
struct Slice {
  std::optional<std::int64_t> start, stop;
  std::int64_t step = 1;
};
struct NewAxis {};
struct Ellipsis {};
inline constexpr NewAxis newaxis{};
inline constexpr Ellipsis ellipsis{};
/// All of an axis, Python's `:`.
inline constexpr Slice all{};
class Index;

/// A function that sees a gradient during backward and may replace it (return an empty Tensor to
/// keep it). (torch.Tensor.register_hook)
using GradientHook = std::function<Tensor(const Tensor&)>;
using HookList = std::vector<std::shared_ptr<GradientHook>>;

/// Takes a hook away again: hook = x.register_hook(...); ... hook.remove(). The hook stays when the
/// handle goes. (torch.utils.hooks.RemovableHandle)
class HookHandle {
 public:
  HookHandle() = default;
  HookHandle(std::weak_ptr<HookList> list, std::weak_ptr<GradientHook> hook)
      : list_(std::move(list)), hook_(std::move(hook)) {}
  /// Does nothing the second time, or when the tensor is gone.
  void remove();

 private:
  std::weak_ptr<HookList> list_;
  std::weak_ptr<GradientHook> hook_;
};

template <class>
inline constexpr bool always_false = false;

/// An n-dimensional array with a history. A default-constructed Tensor is empty: no value at all.
class Tensor {
 public:
  Tensor() = default;
  Tensor(const Tensor&) = default;
  Tensor(Tensor&&) = default;
  ~Tensor() = default;
  /// A Tensor is a handle: assigning to a variable makes it another name of the same value.
  Tensor& operator=(const Tensor&) & = default;
  Tensor& operator=(Tensor&&) & = default;
  /// x[{0, 1}] = v would change a handle that nobody has, and leave x as it was: it does not
  /// compile.
  template <class Other>
  void operator=(Other&&) && {
    static_assert(always_false<Other>,
                  "x[...] = v would leave x as it was: write index_put_(x, {...}, v)");
  }
  /// A value in given storage. `layout` must lie inside it (ShapeError otherwise).
  Tensor(Storage storage, const Layout& layout, DType dtype);

  /// Uninitialised, contiguous.
  static Tensor empty(const Shape& shape, DType dtype = DType::f32);
  /// Uninitialised, of this tensor's shape. It must be contiguous: its layout is copied.
  Tensor empty_alike(DType dtype, std::int64_t numel) const;
  /// A copy of `values` in row-major order. Throws ShapeError when the counts differ.
  template <class Value>
  static Tensor of(std::span<const Value> values, const Shape& shape, Place at = Place::current());
  template <class Value>
  static Tensor of(const std::vector<Value>& values, const Shape& shape,
                   Place at = Place::current()) {
    return of(std::span<const Value>(values), shape, at);
  }
  /// A 0-dim tensor: of the elements of that dtype, the one nearest to `value` (as Number::to
  /// says).
  static Tensor scalar(Number value, DType dtype = DType::f32);

  // -- value ------------------------------------------------------------------------------------
  bool defined() const { return static_cast<bool>(state_); }
  explicit operator bool() const { return defined(); }
  const Shape& shape() const { return layout().shape; }
  const Shape& strides() const { return layout().strides; }
  int ndim() const { return layout().rank(); }
  std::int64_t numel() const { return shape().numel(); }
  /// Size of one axis; negative axes count from the end.
  std::int64_t size(std::int64_t axis) const { return shape()[normalize_axis(axis, ndim())]; }
  DType dtype() const { return state().dtype; }
  Spec spec() const { return {shape(), dtype()}; }
  const Layout& layout() const { return state().layout; }
  const Storage& storage() const { return state().storage; }
  bool is_contiguous() const { return layout().is_contiguous(); }

  /// Pointer to the first element. Throws DTypeError when Value is not the dtype. Elements lie as
  /// layout() says. Writing through it is not seen by the version check: for filling new tensors.
  template <class Value>
  Value* data() const {
    check_dtype(dtype_of<Value>);
    return reinterpret_cast<Value*>(storage().data()) + layout().offset;
  }
  void* raw_data() const {
    const State& mine = state();
    return mine.storage.data() +
           mine.layout.offset * static_cast<std::int64_t>(dtype_size(mine.dtype));
  }
  /// The one element as Value. Throws ShapeError unless numel() == 1. (torch.Tensor.item)
  template <class Value = double>
  Value item(Place at = Place::current()) const {
    return std::visit([](auto value) { return static_cast<Value>(value); }, item_as_variant(at));
  }
  /// All elements in row-major order, converted to Value.
  template <class Value>
  std::vector<Value> to_vector(Place at = Place::current()) const;

  /// The same storage seen through another layout, without history. For the library's own views;
  /// users slice with operator[].
  Tensor with_layout(const Layout& layout) const;

  // -- history ----------------------------------------------------------------------------------
  /// True for parameters and for everything computed from them while recording.
  bool requires_grad() const { return defined() && (state_->requires_grad || state_->history); }
  /// Marks a leaf as a parameter, made here unless it was said where. Throws DTypeError unless
  /// floating, GradError on a computed tensor.
  Tensor& set_requires_grad(bool requires_grad = true, Place at = Place::current());
  bool is_leaf() const { return !state().history; }
  const History& history() const { return state().history; }
  void set_history(History history) const;
  /// The gradient slot of this tensor; empty until something is stored. Every tensor has one,
  /// parameter or not: backward adds to it, set_grad assigns, for gradients worked out by hand.
  /// A slot takes any tensor; backward and optimizers throw GradError where it is not of this
  /// tensor's shape and dtype. (torch.Tensor.grad)
  Tensor grad() const { return state().grad ? *state().grad : Tensor(); }
  void set_grad(const Tensor& grad) const;
  /// The same value without history; the place is remembered for the message when backward finds
  /// no way. (torch.Tensor.detach)
  Tensor detach(Place at = Place::current()) const;
  /// What cut the path to parameters, "detach() at train.cpp:57"; empty when nothing did.
  const std::shared_ptr<const std::string>& cut() const { return state().cut; }
  void set_cut(std::shared_ptr<const std::string> cut) const { state().cut = std::move(cut); }
  /// Calls `hook` with each gradient of this tensor during backward; the result replaces it unless
  /// empty, and must have its shape and dtype (GradError in backward). Throws GradError where the
  /// tensor requires no gradient. (torch.Tensor.register_hook)
  HookHandle register_hook(GradientHook hook, Place at = Place::current()) const;
  /// Keeps the gradient of a computed tensor in grad() too; once is enough.
  /// (torch.Tensor.retain_grad)
  void retain_grad(Place at = Place::current()) const;
  /// Hooks of a leaf, for the backward pass; null where there are none.
  const std::shared_ptr<HookList>& hooks() const { return state().hooks; }
  /// Where the user made it, for messages: the call of the operation, of `of`, or of the layer
  /// whose parameter it is; line 0 where nobody said. A result with history has its node's place.
  Place made_at() const { return state().made_at; }
  /// Remembers the place unless one is known.
  void note_made_at(Place at) const {
    if (state().made_at.line() == 0) state().made_at = at;
  }
  /// A name for messages and pictures, "w1".
  const std::string& name() const { return state().name; }
  Tensor& set_name(std::string name);
  /// Identity: equal for copies of one handle, different for views and clones.
  const void* id() const { return state_.get(); }

  /// Gradients of this scalar with respect to every parameter, added to their grad().
  /// Without `seed` the tensor must hold one number. (torch.Tensor.backward; autograd/backward.h)
  void backward(const Tensor& seed = {}, bool keep_graph = false,
                Place at = Place::current()) const;
  void zero_grad() const {
    if (state().grad) *state().grad = Tensor();
  }

  // -- operations, forwards to ops/ops.h ----------------------------------------------------------
  Tensor operator[](const Index& index) const;
  Tensor operator[](std::initializer_list<Index> index) const;
  Tensor reshape(const Ints& target, Place at = Place::current()) const;
  Tensor permute_dims(const Ints& axes, Place at = Place::current()) const;
  /// The last two axes exchanged; `t()` is the same. (numpy.matrix_transpose)
  Tensor T(Place at = Place::current()) const;
  Tensor t(Place at = Place::current()) const { return T(at); }
  Tensor expand_dims(std::int64_t axis, Place at = Place::current()) const;
  Tensor squeeze(const Ints& axes = {}, Place at = Place::current()) const;
  Tensor sum(const Ints& axes = {}, bool keepdims = false, Place at = Place::current()) const;
  Tensor mean(const Ints& axes = {}, bool keepdims = false, Place at = Place::current()) const;
  Tensor argmax(std::optional<std::int64_t> axis = {}, bool keepdims = false,
                Place at = Place::current()) const;
  Tensor astype(DType dtype, Place at = Place::current()) const;
  Tensor clone(Place at = Place::current()) const;
  Tensor contiguous(Place at = Place::current()) const;

  // In place: the value changes for every tensor that shares the storage, and its version rises.
  // Throws DTypeError for a number that the dtype has not: 0.5 into integers.
  Tensor& add_(const Tensor& other, Place at = Place::current());
  Tensor& add_(Number other, Place at = Place::current());
  Tensor& sub_(const Tensor& other, Place at = Place::current());
  Tensor& mul_(const Tensor& other, Place at = Place::current());
  Tensor& mul_(Number other, Place at = Place::current());
  Tensor& zero_(Place at = Place::current());
  /// Every element becomes the one nearest to `value`, as in scalar().
  Tensor& fill_(Number value, Place at = Place::current());
  /// The elements of `source`, broadcast and converted.
  Tensor& copy_(const Tensor& source, Place at = Place::current());

 private:
  friend union Lent;
  struct State {
    State(Storage storage_, const Layout& layout_, DType dtype_) noexcept
        : dtype(dtype_), storage(std::move(storage_)), layout(layout_) {}
    State(Storage storage_, const Shape& shape, DType dtype_) noexcept
        : dtype(dtype_), storage(std::move(storage_)), layout(Layout::contiguous(shape)) {}

    std::atomic<std::uint32_t> pointers{1};
    DType dtype;
    bool requires_grad = false;
    bool retains_grad = false;  // of the present history
    Storage storage;
    Layout layout;
    History history;
    std::shared_ptr<Tensor> grad;  // the slot, null until something was stored
    std::shared_ptr<const std::string> cut;
    std::shared_ptr<HookList> hooks;
    std::string name;
    Place made_at;
  };
  explicit Tensor(Counted<State> state) : state_(std::move(state)) {}
  /// Throws ValueError for an empty tensor.
  State& state() const {
    if (!state_) [[unlikely]]
      throw_empty();
    return *state_;
  }
  [[noreturn]] static void throw_empty();
  void check_dtype(DType wanted) const;
  void note_read(std::string_view how, Place at) const;
  std::variant<double, std::int64_t> item_as_variant(Place at) const;

  Counted<State> state_;
};

/// A handle that a caller lends for the time of a call, uncounted. Copies of it are handles like
/// others, so a list of them is a list of tensors to whoever reads it.
union Lent {
  Lent(const Tensor& x) : tensor(x.state_.lend()) {}
  ~Lent() {}
  Tensor tensor;
};
static_assert(sizeof(Lent) == sizeof(Tensor));
inline std::span<const Tensor> as_tensors(std::initializer_list<Lent> lent) {
  return {reinterpret_cast<const Tensor*>(lent.begin()), lent.size()};
}

/// See Slice above. It knows the line it was written on, for errors of operator[], which can take
/// no further argument.
class Index {
 public:
  Index(std::int64_t position, Place at = Place::current()) : entry_(position), place_(at) {}
  Index(int position, Place at = Place::current()) : Index(std::int64_t{position}, at) {}
  Index(Slice slice, Place at = Place::current()) : entry_(slice), place_(at) {}
  Index(NewAxis, Place at = Place::current()) : entry_(NewAxis{}), place_(at) {}
  Index(Ellipsis, Place at = Place::current()) : entry_(Ellipsis{}), place_(at) {}
  Index(const Tensor& positions, Place at = Place::current()) : entry_(positions), place_(at) {}

  const std::variant<std::int64_t, Slice, NewAxis, Ellipsis, Tensor>& entry() const {
    return entry_;
  }
  Place place() const { return place_; }

 private:
  std::variant<std::int64_t, Slice, NewAxis, Ellipsis, Tensor> entry_;
  Place place_;
};

template <class Value>
Tensor Tensor::of(std::span<const Value> values, const Shape& shape, Place at) {
  if (static_cast<std::int64_t>(values.size()) != shape.numel())
    throw ShapeError(std::to_string(values.size()) + " values for shape " + shape.str() + " of " +
                         std::to_string(shape.numel()) + " elements",
                     "give as many values as the shape holds", at);
  Tensor tensor = empty(shape, dtype_of<Value>);
  std::copy(values.begin(), values.end(), tensor.data<Value>());
  tensor.note_made_at(at);
  return tensor;
}

/// Calls f(position) for each element of `layout` in row-major order. For code that is not hot.
template <class F>
void for_each_position(const Layout& layout, F&& f) {
  const std::int64_t count = layout.numel();
  Shape index(Ints(layout.shape.size(), 0));
  std::int64_t position = layout.offset;
  for (std::int64_t n = 0; n < count; ++n) {
    f(position);
    for (int axis = layout.rank() - 1; axis >= 0; --axis) {
      position += layout.strides[axis];
      if (++index[axis] < layout.shape[axis]) break;
      position -= index[axis] * layout.strides[axis];
      index[axis] = 0;
    }
  }
}

template <class Value>
std::vector<Value> Tensor::to_vector(Place at) const {
  note_read("to_vector", at);
  std::vector<Value> values;
  values.reserve(static_cast<std::size_t>(numel()));
  dispatch(dtype(), [&]<class Stored>() {
    const Stored* base = reinterpret_cast<const Stored*>(storage().data());
    for_each_position(layout(),
                      [&](std::int64_t i) { values.push_back(static_cast<Value>(base[i])); });
  });
  return values;
}

}  // namespace gradus
