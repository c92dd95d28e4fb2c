// x[...] as NumPy reads it: integers, slices, "...", new axes, index tensors and masks are taken
// apart into views and one take; writing goes through the positions that reading would give. Next:
// linear_algebra.cpp.
#include <algorithm>

#include <gradus/ops/elementwise.h>
#include <gradus/ops/indices.h>
#include <gradus/ops/registry.h>
#include <gradus/ops/samples.h>

namespace gradus {
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
    return {x, as_indices(positions),
            broadcast_to(astype(values, x.dtype()), positions.shape().to_vector())};
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
    return {apply(IndexPut{}, {g, positions, Tensor::scalar(0, g.dtype())}), Tensor{},
            at_positions};
  }
  static Samples samples() {
    return {{IndexPut{}, {sample({3, 4}), tensor({1, 7, 4}), sample({3}, -2, 2, 1)}},
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

Tensor index_tensor(const Tensor& x, std::span<const Index> index) {
  int used = 0, ellipses = 0;
  for (const Index& entry : index) {
    used += axes_used(entry);
    ellipses += std::holds_alternative<Ellipsis>(entry.entry());
  }
  if (ellipses > 1)
    throw IndexError("more than one ellipsis", "one \"...\" can stand for any number of axes");
  if (used > x.ndim())
    throw IndexError(std::to_string(used) + " indices for " + x.spec().str() + " of " +
                         std::to_string(x.ndim()) + " axes",
                     "give at most one index an axis");
  Tensor view = x;
  int axis = 0;  // of the view, where the next entry works
  Tensors gathers;
  std::vector<int> gather_axes;
  auto gather_here = [&](const Tensor& positions) {
    gathers.push_back(positions);
    gather_axes.push_back(axis++);
  };
  for (const Index& entry : index) {
    if (const auto* position = std::get_if<std::int64_t>(&entry.entry())) {
      view.layout().select(axis, *position);  // throws out of range
      const std::int64_t n = view.size(axis), p = *position < 0 ? *position + n : *position;
      view = squeeze(slice(view, axis, p, p + 1), {axis});
    } else if (const auto* part = std::get_if<Slice>(&entry.entry())) {
      if (part->start || part->stop || part->step != 1)
        view = slice(view, axis, part->start, part->stop, part->step);
      ++axis;
    } else if (std::holds_alternative<NewAxis>(entry.entry())) {
      view = expand_dims(view, axis++);
    } else if (std::holds_alternative<Ellipsis>(entry.entry())) {
      axis += x.ndim() - used;
    } else {
      const Tensor& positions = std::get<Tensor>(entry.entry());
      if (positions.dtype() != DType::boolean) {
        gather_here(positions);
        continue;
      }
      for (int k = 0; k < positions.ndim(); ++k)
        if (positions.shape()[k] != view.shape()[axis + k])
          throw IndexError("the mask " + positions.spec().str() + " does not fit " +
                               x.spec().str() + " at axis " + std::to_string(axis + k),
                           "a mask has the sizes of the axes it selects from");
      for (const Tensor& found : nonzero(positions)) gather_here(found);
    }
  }
  if (gathers.empty()) return view;
  if (gathers.size() == 1) return take(view, gathers[0], gather_axes[0]);
  // Several index tensors walk together: their axes move to the front and become one.
  Shape common = gathers[0].shape();
  for (const Tensor& g : gathers) common = broadcast_shapes(common, g.shape());
  Ints order, rest;
  Tensor linear = zeros(common.to_vector(), DType::i64);
  std::int64_t joined = 1;
  for (int k : gather_axes) {
    order.push_back(k);
    joined *= view.shape()[k];
  }
  for (std::size_t i = 0; i < gathers.size(); ++i) {
    const std::int64_t n = view.shape()[gather_axes[i]];
    const Tensor& g = gathers[i];
    for (std::int64_t p : g.to_vector<std::int64_t>())
      if (p < -n || p >= n)
        throw IndexError("index " + std::to_string(p) + " is out of range for an axis of size " +
                             std::to_string(n),
                         "valid indices are " + std::to_string(-n) + ".." + std::to_string(n - 1));
    linear = linear * n + where(g < 0, g + n, g);
  }
  for (int k = 0; k < view.ndim(); ++k)
    if (std::find(gather_axes.begin(), gather_axes.end(), k) == gather_axes.end()) {
      order.push_back(k);
      rest.push_back(view.shape()[k]);
    }
  Ints flat = rest;
  flat.insert(flat.begin(), joined);
  Tensor result = take(reshape(permute_dims(view, order), flat), linear, 0);
  // NumPy: where the index tensors stand side by side their axes stay in place, else they come
  // first.
  const bool adjacent =
      gather_axes.back() - gather_axes.front() + 1 == static_cast<int>(gather_axes.size());
  const int before = adjacent ? gather_axes.front() : 0;
  if (before == 0) return result;
  Ints back;
  for (int k = 0; k < before; ++k) back.push_back(common.rank() + k);
  for (int k = 0; k < common.rank(); ++k) back.push_back(k);
  for (int k = common.rank() + before; k < result.ndim(); ++k) back.push_back(k);
  return permute_dims(result, back);
}

Tensor positions_of(const Tensor& x, std::span<const Index> index) {
  return index_tensor(reshape(arange(x.numel()), x.shape().to_vector()), index);
}

template <class Body>
auto named(std::string_view name, const Tensor& x, Place at, Body&& body) {
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
  x.copy_(index_put(x, index, values, accumulate, at), at);
}

Tensor Tensor::operator[](const Index& index) const { return getitem(*this, std::span(&index, 1)); }
Tensor Tensor::operator[](std::initializer_list<Index> index) const {
  return getitem(*this, std::span(index.begin(), index.size()));
}

std::vector<Op> subscript_ops() { return {op::IndexPut{}}; }

}  // namespace gradus
