// x[...] as NumPy reads it: integers, slices, "...", new axes, index tensors and masks are taken
// apart into views and one take; writing goes through the positions that reading would give. Next:
// linear_algebra.cpp.
#include <algorithm>

#include <gradus/ops/elementwise.h>
#include <gradus/ops/indices.h>
#include <gradus/ops/registry.h>
#include <gradus/ops/samples.h>
#include <gradus/program/place_scope.h>

namespace gradus {
namespace {

/// Values for elements of this shape: axes of size 1 in front that it lacks are dropped, so that
/// x[{0, 0}] takes a value of shape [1], as in NumPy; then broadcast.
Tensor assignable(const Tensor& values, DType dtype, const Shape& shape) {
  Ints surplus;
  for (int axis = 0; axis < values.ndim() - shape.rank() && values.size(axis) == 1; ++axis)
    surplus.push_back(axis);
  const Tensor converted = astype(values, dtype);
  return broadcast_to(surplus.empty() ? converted : squeeze(converted, surplus), shape.to_vector());
}

}  // namespace

namespace op {

struct IndexPut {
  bool accumulate = false;
  static constexpr Card card{
      .name = "index_put",
      .also = "torch.index_put, torch.Tensor.put, numpy.put",
      .onnx = "",
      .formula = "y = x;\\ y_{k_i} = v_i",
      .doc =
          "A copy of x with values written (added where `accumulate`) at positions counted in "
          "row-major order; of repeated positions the last wins.",
      .shapes = "x, positions [i], values [i] -> x"};
  static constexpr auto attrs =
      std::tuple{attr("accumulate", &IndexPut::accumulate, "add instead of writing")};
  static constexpr Keep keep{.inputs = 2};
  Tensors prepare(const Tensor& x, const Tensor& positions, const Tensor& values) const {
    return {x, as_indices(positions), assignable(values, x.dtype(), positions.shape())};
  }
  Spec infer(const Spec& x, const Spec&, const Spec&) const { return x; }
  void forward(In x, In positions, In values, Out y) const {
    copy_elements(x, y.data, y.strides());
    dispatch(x.dtype, [&]<class T>() {
      const kernels::Walk<2> walk(positions.shape().data(), positions.shape().rank(),
                                  {positions.strides().data(), values.strides().data()});
      const int inner = walk.rank - 1;
      std::int64_t number = 0;
      walk.for_each_run([&](const std::int64_t* at, std::int64_t run) {
        for (std::int64_t i = 0; i < run; ++i, ++number) {
          T& target = y.as<T>()[checked_index(
              positions.as<std::int64_t>()[at[0] + i * walk.strides[0][inner]], x.shape().numel(),
              number)];
          const T value = values.as<T>()[at[1] + i * walk.strides[1][inner]];
          if constexpr (std::is_same_v<T, bool>)
            target = accumulate ? target || value : value;
          else
            target =
                accumulate ? wrapping(target, value, [](auto a, auto b) { return a + b; }) : value;
        }
      });
    });
  }
  Tensors vjp(const Call& c, const Tensor& g) const {
    const Tensor positions = c.input(1);
    const Tensor at_positions = take(reshape(g, {-1}), positions);
    if (accumulate) return {g, Tensor{}, at_positions};
    // Of values for one position the last one wins: the others were overwritten.
    const Tensor numbers = reshape(arange(positions.numel()), positions.shape().to_vector());
    const Tensor winners = apply(
        IndexPut{}, {zeros(c.input_spec(0).shape.to_vector(), DType::i64), positions, numbers});
    const Tensor is_last = equal(take(reshape(winners, {-1}), positions), numbers);
    return {apply(IndexPut{}, {g, positions, Tensor::scalar(0, g.dtype())}), Tensor{},
            where(is_last, at_positions, Tensor::scalar(0, g.dtype()))};
  }
  static Samples samples() {
    return {{IndexPut{}, {sample({3, 4}), tensor({1, 7, 4}), sample({3}, -2, 2, 1)}},
            {IndexPut{}, {sample({5}), tensor({1, 1, 4}), sample({3}, -2, 2, 1)}},
            {IndexPut{true}, {sample({5}), tensor({1, 1, 4}), sample({3}, -2, 2, 1)}}};
  }
};

}  // namespace op

namespace {

/// Positions of true elements, one index tensor for each axis of the mask. (numpy.nonzero)
Tensors nonzero(const Tensor& mask) {
  std::vector<Ints> found(mask.shape().size());
  const std::vector<std::uint8_t> values = mask.to_vector<std::uint8_t>();
  Ints index(mask.shape().size(), 0);
  for (std::uint8_t value : values) {
    for (std::size_t axis = 0; value && axis < index.size(); ++axis)
      found[axis].push_back(index[axis]);
    for (int axis = mask.ndim() - 1; axis >= 0; --axis) {
      if (++index[static_cast<std::size_t>(axis)] < mask.shape()[axis]) break;
      index[static_cast<std::size_t>(axis)] = 0;
    }
  }
  Tensors result;
  for (const Ints& positions : found)
    result.push_back(Tensor::of(positions, {static_cast<std::int64_t>(positions.size())}));
  return result;
}

/// How many axes of x an entry of an index uses up.
int axes_used(const Index& index) {
  if (std::holds_alternative<NewAxis>(index.entry()) ||
      std::holds_alternative<Ellipsis>(index.entry()))
    return 0;
  const Tensor* positions = std::get_if<Tensor>(&index.entry());
  return positions && positions->dtype() == DType::boolean ? positions->ndim() : 1;
}

/// How many axes an ellipsis stands for. Throws IndexError for more indices than axes.
int ellipsis_axes(const Spec& x, std::span<const Index> index) {
  int used = 0, ellipses = 0;
  for (const Index& entry : index) {
    used += axes_used(entry);
    ellipses += std::holds_alternative<Ellipsis>(entry.entry());
  }
  if (ellipses > 1)
    throw IndexError("more than one ellipsis", "one \"...\" can stand for any number of axes");
  if (used > x.rank())
    throw IndexError(std::to_string(used) + " indices for " + x.str() + " of " +
                         std::to_string(x.rank()) + " axes",
                     "give at most one index an axis");
  return x.rank() - used;
}

// The views of an index, of tensors (recorded) and of layouts alone.
const Layout& layout_of(const Tensor& x) { return x.layout(); }
const Layout& layout_of(const Layout& x) { return x; }
Tensor one_of(const Tensor& x, int axis, std::int64_t position) {
  x.layout().select(axis, position);  // throws out of range
  const std::int64_t p = position < 0 ? position + x.size(axis) : position;
  return squeeze(slice(x, axis, p, p + 1), {axis});
}
Layout one_of(const Layout& x, int axis, std::int64_t position) { return x.select(axis, position); }
Tensor part_of(const Tensor& x, int axis, const Slice& part) {
  return slice(x, axis, part.start, part.stop, part.step);
}
Layout part_of(const Layout& x, int axis, const Slice& part) {
  return x.slice(axis, part.start, part.stop, part.step);
}
Tensor with_axis(const Tensor& x, int axis) { return expand_dims(x, axis); }
Layout with_axis(const Layout& x, int axis) { return x.expand_dims(axis); }

/// An index taken apart: the view that its integers, slices and new axes give, and the index
/// tensors with the axes of the view that they walk along, all in step.
template <class View>
struct Parts {
  View view;
  Tensors walks{};
  std::vector<int> axes{};
  /// Whether integers and index tensors stand side by side: the axes of the walk then stay in
  /// place, else they come first. (NumPy, "Combining advanced and basic indexing")
  bool side_by_side = true;

  /// Where the axes of the walk are in the result.
  int front() const { return side_by_side ? axes.front() : 0; }
};

template <class View>
Parts<View> parts_of(const View& x, const Spec& spec, std::span<const Index> index) {
  const int open = ellipsis_axes(spec, index);
  Parts<View> parts{x};
  int axis = 0;  // of the view, where the next entry works
  const auto walk = [&](const Tensor& positions) {
    parts.walks.push_back(positions);
    parts.axes.push_back(axis++);
  };
  enum class Chooser { none_yet, here, before } chooser = Chooser::none_yet;
  for (const Index& entry : index) {
    const auto* position = std::get_if<std::int64_t>(&entry.entry());
    const auto* positions = std::get_if<Tensor>(&entry.entry());
    if (position || positions) {
      parts.side_by_side &= chooser != Chooser::before;
      chooser = Chooser::here;
    } else if (chooser == Chooser::here) {
      chooser = Chooser::before;
    }
    if (position) {
      parts.view = one_of(parts.view, axis, *position);
    } else if (const auto* part = std::get_if<Slice>(&entry.entry())) {
      if (part->start || part->stop || part->step != 1)
        parts.view = part_of(parts.view, axis, *part);
      ++axis;
    } else if (std::holds_alternative<NewAxis>(entry.entry())) {
      parts.view = with_axis(parts.view, axis++);
    } else if (std::holds_alternative<Ellipsis>(entry.entry())) {
      axis += open;
    } else if (positions->dtype() != DType::boolean) {
      walk(op::as_indices(*positions));
    } else if (positions->ndim() == 0) {  // a new axis, of one or none
      parts.view = with_axis(parts.view, axis);
      walk(zeros({positions->item<bool>() ? 1 : 0}, DType::i64));
    } else {
      const Shape& shape = layout_of(parts.view).shape;
      for (int k = 0; k < positions->ndim(); ++k)
        if (positions->shape()[k] != shape[axis + k])
          throw IndexError("the mask " + positions->spec().str() + " does not fit " + spec.str() +
                               " at axis " + std::to_string(axis + k),
                           "a mask has the sizes of the axes it selects from");
      for (const Tensor& found : nonzero(*positions)) walk(found);
    }
  }
  return parts;
}

/// One walk over several axes: the positions p_0 s_0 + p_1 s_1 + ..., p_k below sizes[k].
Tensor joined_walk(const Tensors& walks, const Ints& sizes, const Ints& steps) {
  Shape common;
  for (const Tensor& w : walks) common = broadcast_shapes(common, w.shape());
  Tensor positions = zeros(common.to_vector(), DType::i64);
  for (std::size_t i = 0; i < walks.size(); ++i) {
    const std::int64_t n = sizes[i];
    for (std::int64_t p : walks[i].to_vector<std::int64_t>())
      if (p < -n || p >= n)
        throw IndexError(
            "index " + std::to_string(p) + " is out of range for an axis of size " +
                std::to_string(n),
            n == 0 ? "the axis is empty"
                   : "valid indices are " + std::to_string(-n) + ".." + std::to_string(n - 1));
    positions = positions + where(walks[i] < 0, walks[i] + n, walks[i]) * steps[i];
  }
  return positions;
}

/// x with `count` axes that begin at `from` moved to begin at `to`.
Tensor moved_axes(const Tensor& x, int from, int to, int count) {
  if (from == to) return x;
  Ints order;
  for (int k = 0; k < x.ndim(); ++k)
    if (k < from || k >= from + count) order.push_back(k);
  for (int k = 0; k < count; ++k) order.insert(order.begin() + to + k, from + k);
  return permute_dims(x, order);
}

Tensor index_tensor(const Tensor& x, std::span<const Index> index) {
  const Parts<Tensor> parts = parts_of(x, x.spec(), index);
  const Tensor& view = parts.view;
  if (parts.walks.empty()) return view;
  if (parts.walks.size() == 1) {
    const int axis = parts.axes[0];
    return moved_axes(take(view, parts.walks[0], axis), axis, parts.front(), parts.walks[0].ndim());
  }
  // The axes that are walked along move to the front and become one.
  Ints order, sizes, steps(parts.axes.size(), 1), flat{1};
  for (int k : parts.axes) {
    order.push_back(k);
    sizes.push_back(view.shape()[k]);
    flat[0] *= view.shape()[k];
  }
  for (std::size_t k = steps.size() - 1; k > 0; --k) steps[k - 1] = steps[k] * sizes[k];
  for (int k = 0; k < view.ndim(); ++k)
    if (std::find(parts.axes.begin(), parts.axes.end(), k) == parts.axes.end()) {
      order.push_back(k);
      flat.push_back(view.shape()[k]);
    }
  const Tensor walk = joined_walk(parts.walks, sizes, steps);
  return moved_axes(take(reshape(permute_dims(view, order), flat), walk, 0), 0, parts.front(),
                    walk.ndim());
}

/// Where in x, counted in row-major order, each element of x[index] is.
Tensor positions_of(const Tensor& x, std::span<const Index> index) {
  const Parts<Layout> parts = parts_of(Layout::contiguous(x.shape()), x.spec(), index);
  const Layout& view = parts.view;
  Ints sizes, steps;
  for (int k : parts.axes) {
    sizes.push_back(view.shape[k]);
    steps.push_back(view.strides[k]);
  }
  const Tensor walk = joined_walk(parts.walks, sizes, steps);
  Ints rest;  // the axes that are not walked along
  for (int k = 0; k < view.rank(); ++k)
    if (std::find(parts.axes.begin(), parts.axes.end(), k) == parts.axes.end()) rest.push_back(k);
  // Each axis adds its step times its place; an axis of another has size 1 there.
  const int front = parts.walks.empty() ? 0 : parts.front();
  Ints shape(rest.size(), 1);
  shape.insert(shape.begin() + front, walk.shape().begin(), walk.shape().end());
  Tensor positions = reshape(walk, shape) + view.offset;
  for (std::size_t j = 0; j < rest.size(); ++j) {
    const int k = static_cast<int>(rest[j]), here = static_cast<int>(j);
    Ints along(shape.size(), 1);
    along[static_cast<std::size_t>(here < front ? here : here + walk.ndim())] = view.shape[k];
    positions = positions + reshape(arange(view.shape[k]) * view.strides[k], along);
  }
  return positions;
}

/// What `body` calls, and its errors, stand where the user wrote the index.
template <class Body>
auto named(std::string_view name, const Tensor& x, Place at, Body&& body) {
  const PlaceScope here(at);
  try {
    return body();
  } catch (Error& error) {
    error.add_context(name, x.spec().str(), at);
    throw;
  }
}

}  // namespace

Tensor getitem(const Tensor& x, std::span<const Index> index, Place at) {
  return named("index", x, at, [&] { return index_tensor(x, index); });
}
Tensor index_put(const Tensor& x, std::span<const Index> index, const Tensor& values,
                 bool accumulate, Place at) {
  return named("index_put", x, at, [&] {
    return apply(op::IndexPut{accumulate}, {x, positions_of(x, index), values});
  });
}
void index_put_(Tensor& x, std::span<const Index> index, const Tensor& values, bool accumulate,
                Place at) {
  const bool records = grad_enabled() && (x.requires_grad() || values.requires_grad());
  const bool is_view = std::none_of(index.begin(), index.end(), [](const Index& entry) {
    return std::holds_alternative<Tensor>(entry.entry());
  });
  if (records || !is_view || x.layout().overlaps_itself()) {
    x.copy_(index_put(x, index, values, accumulate, at), at);
    return;
  }
  // Only the elements that are named are touched.
  named("index_put_", x, at, [&] {
    Tensor part(x.storage(), parts_of(x.layout(), x.spec(), index).view, x.dtype());
    const Tensor source = assignable(values, x.dtype(), part.shape());
    if (accumulate)
      part.add_(source, at);
    else
      part.copy_(source, at);
  });
}

namespace {
/// The line of the first entry; an index without entries was written nowhere.
Place place_of(std::span<const Index> index) { return index.empty() ? Place() : index[0].place(); }
}  // namespace

Tensor Tensor::operator[](const Index& index) const {
  return getitem(*this, std::span(&index, 1), index.place());
}
Tensor Tensor::operator[](std::initializer_list<Index> index) const {
  const std::span entries(index.begin(), index.size());
  return getitem(*this, entries, place_of(entries));
}

std::vector<Op> subscript_ops() { return {op::IndexPut{}}; }

}  // namespace gradus
