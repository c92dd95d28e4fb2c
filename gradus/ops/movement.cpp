// Movement: the same elements under another shape or order, as views where a layout can say it.
// Each view's gradient is another movement. Next: repetition.cpp.
#include <gradus/ops/elementwise.h>
#include <gradus/ops/registry.h>
#include <gradus/ops/samples.h>

namespace gradus {
namespace op {
namespace {

/// For views that always exist: the kernel is never called.
struct PureView {
  static constexpr Keep keep{.inputs = 0};
};

void copy_contiguous(In x, Out y) {
  copy_elements(x, y.data, Layout::contiguous(x.shape()).strides);
}

}  // namespace

struct Reshape : PureView {
  Ints shape;
  static constexpr Card card{.name = "reshape",
                             .also = "torch.reshape, numpy.reshape, view",
                             .onnx = "Reshape",
                             .formula = "y = x",
                             .doc =
                                 "The same elements in row-major order under another `shape`; one "
                                 "size may be -1. A view where possible.",
                             .shapes = "x -> `shape`"};
  static constexpr auto attrs = std::tuple{attr("shape", &Reshape::shape, "sizes of the result")};
  Spec infer(const Spec& x) const { return {resolve_reshape(x.shape, shape), x.dtype}; }
  std::optional<Layout> view(const Layout& x) const {
    return x.reshape(resolve_reshape(x.shape, shape));
  }
  void forward(In x, Out y) const { copy_contiguous(x, y); }
  Tensor vjp(const Call& c, const Tensor& g) const {
    return reshape(g, c.input_spec(0).shape.to_vector());
  }
  static Samples samples() {
    return {{Reshape{{}, {6, 2}}, {sample({3, 4})}},
            {Reshape{{}, {-1}}, {permute_dims(sample({3, 4}), {1, 0})}}};
  }
};

struct PermuteDims : PureView {
  Ints axes;
  static constexpr Card card{.name = "permute_dims",
                             .also = "torch.permute, numpy.transpose, jax.numpy.transpose",
                             .onnx = "Transpose",
                             .formula = R"(y_{i_{a_0} i_{a_1} \ldots} = x_{i_0 i_1 \ldots})",
                             .doc = "Axis k of the result is axis `axes`[k] of x. A view.",
                             .shapes = "x -> x with axes exchanged"};
  static constexpr auto attrs = std::tuple{attr("axes", &PermuteDims::axes, "order of the axes")};
  Spec infer(const Spec& x) const {
    return {Layout::contiguous(x.shape).permute(axes).shape, x.dtype};
  }
  std::optional<Layout> view(const Layout& x) const { return x.permute(axes); }
  Tensor vjp(const Call& c, const Tensor& g) const {
    Ints inverse(axes.size());
    for (std::size_t k = 0; k < axes.size(); ++k)
      inverse[static_cast<std::size_t>(normalize_axis(axes[k], c.input_spec(0).rank()))] =
          static_cast<std::int64_t>(k);
    return permute_dims(g, inverse);
  }
  static Samples samples() { return {{PermuteDims{{}, {2, 0, 1}}, {sample({2, 3, 4})}}}; }
};

struct ExpandDims : PureView {
  std::int64_t axis = 0;
  static constexpr Card card{.name = "expand_dims",
                             .also = "torch.unsqueeze, numpy.expand_dims",
                             .onnx = "Unsqueeze",
                             .formula = "y = x",
                             .doc = "A new axis of size 1 before `axis`. A view.",
                             .shapes = "x -> x with a 1"};
  static constexpr auto attrs =
      std::tuple{attr("axis", &ExpandDims::axis, "place of the new axis")};
  Spec infer(const Spec& x) const {
    return {Layout::contiguous(x.shape).expand_dims(axis).shape, x.dtype};
  }
  std::optional<Layout> view(const Layout& x) const { return x.expand_dims(axis); }
  Tensor vjp(const Call& c, const Tensor& g) const {
    return reshape(g, c.input_spec(0).shape.to_vector());
  }
  static Samples samples() { return {{ExpandDims{{}, -1}, {sample({3, 4})}}}; }
};

struct Squeeze : PureView {
  Ints axis;
  static constexpr Card card{.name = "squeeze",
                             .also = "torch.squeeze, numpy.squeeze",
                             .onnx = "Squeeze",
                             .formula = "y = x",
                             .doc =
                                 "Without the named axes, which must have size 1; without all of "
                                 "size 1 when none is named. A view.",
                             .shapes = "x -> x without 1s"};
  static constexpr auto attrs =
      std::tuple{attr("axis", &Squeeze::axis, "axes of size 1, all when empty")};
  Spec infer(const Spec& x) const {
    return {Layout::contiguous(x.shape).squeeze(axis).shape, x.dtype};
  }
  std::optional<Layout> view(const Layout& x) const { return x.squeeze(axis); }
  Tensor vjp(const Call& c, const Tensor& g) const {
    return reshape(g, c.input_spec(0).shape.to_vector());
  }
  static Samples samples() {
    return {{Squeeze{}, {sample({1, 3, 1})}}, {Squeeze{{}, {0}}, {sample({1, 3, 1})}}};
  }
};

struct BroadcastTo : PureView {
  Ints shape;
  static constexpr Card card{
      .name = "broadcast_to",
      .also = "torch.broadcast_to, torch.Tensor.expand, numpy.broadcast_to",
      .onnx = "Expand",
      .formula = "y = x",
      .doc = "Stretched to `shape` without copying: stretched axes have stride 0.",
      .shapes = "x -> `shape`"};
  static constexpr auto attrs =
      std::tuple{attr("shape", &BroadcastTo::shape, "sizes of the result")};
  Spec infer(const Spec& x) const {
    return {Layout::contiguous(x.shape).broadcast_to(shape).shape, x.dtype};
  }
  std::optional<Layout> view(const Layout& x) const { return x.broadcast_to(shape); }
  Tensor vjp(const Call& c, const Tensor& g) const { return sum_to(g, c.input_spec(0).shape); }
  static Samples samples() { return {{BroadcastTo{{}, {2, 3, 4}}, {sample({3, 1})}}}; }
};

struct Flip : PureView {
  Ints axis;
  static constexpr Card card{.name = "flip",
                             .also = "torch.flip, numpy.flip",
                             .onnx = "",
                             .formula = "y_i = x_{n-1-i}",
                             .doc = "Reversed along `axis`. A view with negative strides.",
                             .shapes = "x -> x"};
  static constexpr auto attrs =
      std::tuple{attr("axis", &Flip::axis, "axes to reverse, all when empty")};
  Spec infer(const Spec& x) const {
    return {Layout::contiguous(x.shape).flip(axis).shape, x.dtype};
  }
  std::optional<Layout> view(const Layout& x) const { return x.flip(axis); }
  Tensor vjp(const Call&, const Tensor& g) const { return flip(g, axis); }
  static Samples samples() { return {{Flip{{}, {1}}, {sample({3, 4})}}}; }
};

struct SliceAxis : PureView {
  std::int64_t axis = 0;
  std::optional<std::int64_t> start, stop;
  std::int64_t step = 1;
  static constexpr Card card{.name = "slice",
                             .also = "torch.narrow, numpy basic slicing, jax.lax.slice_in_dim",
                             .onnx = "Slice",
                             .formula = "y_i = x_{start + i step}",
                             .doc =
                                 "Elements `start`, `start` + `step`, ... before `stop` along "
                                 "`axis`, by Python's slice rules. A view.",
                             .shapes = "x -> x with a shorter `axis`"};
  static constexpr auto attrs =
      std::tuple{attr("axis", &SliceAxis::axis, "axis to cut"),
                 attr("start", &SliceAxis::start, "first position"),
                 attr("stop", &SliceAxis::stop, "position after the last"),
                 attr("step", &SliceAxis::step, "distance, may be negative")};
  Spec infer(const Spec& x) const {
    return {Layout::contiguous(x.shape).slice(axis, start, stop, step).shape, x.dtype};
  }
  std::optional<Layout> view(const Layout& x) const { return x.slice(axis, start, stop, step); }
  Tensor vjp(const Call& c, const Tensor& g) const;
  static Samples samples() {
    return {{SliceAxis{{}, 1, 1, {}, 2}, {sample({3, 5})}},
            {SliceAxis{{}, 0, -1, {}, -2}, {sample({5})}}};
  }
};

/// The transpose of a slice: zeros with the slice filled in.
struct Unslice {
  Ints shape;
  std::int64_t axis = 0;
  std::optional<std::int64_t> start, stop;
  std::int64_t step = 1;
  static constexpr Card card{
      .name = "unslice",
      .also = "torch.slice_scatter of zeros",
      .onnx = "",
      .formula = "y_{start + i step} = x_i",
      .doc = "Zeros of `shape` with x written into the slice: the gradient of slice.",
      .shapes = "x -> `shape`"};
  static constexpr auto attrs =
      std::tuple{attr("shape", &Unslice::shape, "sizes of the result"),
                 attr("axis", &Unslice::axis, "axis that was cut"),
                 attr("start", &Unslice::start, "first position"),
                 attr("stop", &Unslice::stop, "position after the last"),
                 attr("step", &Unslice::step, "distance, may be negative")};
  static constexpr Keep keep{.inputs = 0};
  Spec infer(const Spec& x) const {
    const Shape part = Layout::contiguous(shape).slice(axis, start, stop, step).shape;
    if (part != x.shape)
      throw ShapeError("the slice has shape " + part.str() + ", x has " + x.shape.str(),
                       "they must be equal");
    return {shape, x.dtype};
  }
  void forward(In x, Out y) const {
    const Layout part = y.layout->slice(axis, start, stop, step);
    dispatch(x.dtype, [&]<class T>() {
      std::fill(y.as<T>(), y.as<T>() + y.shape().numel(), T(0));
      copy_elements(x, y.as<T>() + part.offset - y.layout->offset, part.strides);
    });
  }
  Tensor vjp(const Call&, const Tensor& g) const { return slice(g, axis, start, stop, step); }
  static Samples samples() { return {{Unslice{{3, 5}, 1, 1, {}, 2}, {sample({3, 2})}}}; }
};

Tensor SliceAxis::vjp(const Call& c, const Tensor& g) const {
  return apply(Unslice{c.input_spec(0).shape.to_vector(), axis, start, stop, step}, {g});
}

struct Transpose {
  std::int64_t axis0 = -2, axis1 = -1;
  static constexpr Card card{.name = "transpose",
                             .also = "torch.transpose, torch.Tensor.T, numpy.swapaxes, swapaxes",
                             .onnx = "",
                             .formula = R"(y = x^\top)",
                             .doc = "Two axes exchanged, the last two by default. A view.",
                             .shapes = "x -> x"};
  static constexpr auto attrs = std::tuple{attr("axis0", &Transpose::axis0, "one axis"),
                                           attr("axis1", &Transpose::axis1, "the other")};
  Tensor compose(const Tensor& x) const {
    Ints axes;
    for (int k = 0; k < x.ndim(); ++k) axes.push_back(k);
    std::swap(axes[static_cast<std::size_t>(normalize_axis(axis0, x.ndim()))],
              axes[static_cast<std::size_t>(normalize_axis(axis1, x.ndim()))]);
    return permute_dims(x, axes);
  }
  static Samples samples() {
    return {{Transpose{}, {sample({2, 3, 4})}}, {Transpose{0, 2}, {sample({2, 3, 4})}}};
  }
};

struct Flatten {
  std::int64_t first = 0, last = -1;
  static constexpr Card card{.name = "flatten",
                             .also = "torch.flatten, numpy.ravel",
                             .onnx = "Flatten",
                             .formula = "y = x",
                             .doc = "Axes `first` to `last` become one.",
                             .shapes = "x -> x with fewer axes"};
  static constexpr auto attrs = std::tuple{attr("first", &Flatten::first, "first axis"),
                                           attr("last", &Flatten::last, "last axis")};
  Tensor compose(const Tensor& x) const {
    if (x.ndim() == 0) return reshape(x, {1});
    const int a = normalize_axis(first, x.ndim()), b = normalize_axis(last, x.ndim());
    if (a > b)
      throw ShapeError(
          "first axis " + std::to_string(a) + " lies after last axis " + std::to_string(b),
          "exchange them");
    Ints shape;
    std::int64_t product = 1;
    for (int k = 0; k < x.ndim(); ++k) {
      if (k < a || k > b)
        shape.push_back(x.shape()[k]);
      else
        product *= x.shape()[k];
      if (k == b) shape.push_back(product);
    }
    return reshape(x, shape);
  }
  static Samples samples() {
    return {{Flatten{}, {sample({2, 3})}}, {Flatten{1, 2}, {sample({2, 3, 2})}}};
  }
};

struct SumTo {
  Ints shape;
  static constexpr Card card{.name = "sum_to",
                             .also = "torch.Tensor.sum_to_size",
                             .onnx = "",
                             .formula = R"(y = \sum x)",
                             .doc =
                                 "x summed over the axes that broadcasting `shape` would stretch: "
                                 "the gradient of broadcast_to.",
                             .shapes = "x -> `shape`"};
  static constexpr auto attrs = std::tuple{attr("shape", &SumTo::shape, "sizes of the result")};
  Tensor compose(const Tensor& x) const {
    const Shape target(shape);
    Layout::contiguous(target).broadcast_to(
        x.shape());  // throws where it could not have been stretched
    if (target == x.shape()) return x;
    const int added = x.ndim() - target.rank();
    Ints axes;
    for (int k = 0; k < x.ndim(); ++k)
      if (k < added || target[k - added] != x.shape()[k]) axes.push_back(k);
    return reshape(axes.empty() ? x : sum(x, axes, true), shape);
  }
  static Samples samples() { return {{SumTo{{3, 1}}, {sample({2, 3, 4})}}}; }
};

}  // namespace op

Tensor reshape(const Tensor& x, Ints shape, Place at) {
  return apply(op::Reshape{{}, std::move(shape)}, {x}, at);
}
Tensor permute_dims(const Tensor& x, const Ints& axes, Place at) {
  return apply(op::PermuteDims{{}, axes}, {x}, at);
}
Tensor transpose(const Tensor& x, std::int64_t axis0, std::int64_t axis1, Place at) {
  return apply(op::Transpose{axis0, axis1}, {x}, at);
}
Tensor expand_dims(const Tensor& x, std::int64_t axis, Place at) {
  return apply(op::ExpandDims{{}, axis}, {x}, at);
}
Tensor squeeze(const Tensor& x, const Ints& axis, Place at) {
  return apply(op::Squeeze{{}, axis}, {x}, at);
}
Tensor flatten(const Tensor& x, std::int64_t first, std::int64_t last, Place at) {
  return apply(op::Flatten{first, last}, {x}, at);
}
Tensor broadcast_to(const Tensor& x, const Ints& shape, Place at) {
  return apply(op::BroadcastTo{{}, shape}, {x}, at);
}
Tensor flip(const Tensor& x, const Ints& axis, Place at) {
  return apply(op::Flip{{}, axis}, {x}, at);
}
Tensor slice(const Tensor& x, std::int64_t axis, std::optional<std::int64_t> start,
             std::optional<std::int64_t> stop, std::int64_t step, Place at) {
  return apply(op::SliceAxis{{}, axis, start, stop, step}, {x}, at);
}
Tensor sum_to(const Tensor& x, const Shape& shape, Place at) {
  return x.shape() == shape ? x : apply(op::SumTo{shape.to_vector()}, {x}, at);
}

std::vector<Op> movement_ops() {
  using namespace op;
  return {Reshape{},     PermuteDims{}, Transpose{}, ExpandDims{}, Squeeze{}, Flatten{},
          BroadcastTo{}, Flip{},        SliceAxis{}, Unslice{},    SumTo{}};
}

}  // namespace gradus
