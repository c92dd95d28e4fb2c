// Indexing: reading and writing at positions. The primitives gather and scatter along one axis;
// NumPy's general index is taken apart into views and one take. Next: linear_algebra.cpp.
#include <gradus/kernels/elementwise.h>
#include <gradus/ops/ops.h>
#include <gradus/ops/registry.h>
#include <gradus/ops/samples.h>

namespace gradus {
namespace op {
namespace {

Tensor as_indices(const Tensor& index) {
  if (is_integer(index.dtype())) return astype(index, DType::i64);
  throw DTypeError("indices must be integers, got " + index.spec().str(),
                   "convert them with astype(index, DType::i64)");
}

std::int64_t checked_index(std::int64_t index, std::int64_t n, std::int64_t position) {
  if (index < -n || index >= n)
    throw IndexError(
        "index " + std::to_string(index) + " (number " + std::to_string(position) +
            " of the indices) is out of range for an axis of size " + std::to_string(n),
        n == 0 ? "the axis is empty"
               : "valid indices are " + std::to_string(-n) + ".." + std::to_string(n - 1));
  return index < 0 ? index + n : index;
}

/// Calls f(position in y, position in x along `axis` not counted, index) for each element of
/// `index`.
template <class F>
void for_each_index(In index, const Shape& x_strides, const Shape& y_strides, int axis,
                    std::int64_t n, F&& f) {
  Shape other = x_strides;
  if (other.rank() > 0) other[axis] = 0;
  const kernels::Walk<3> walk(index.shape().data(), index.shape().rank(),
                              {index.strides().data(), other.data(), y_strides.data()});
  const int inner = walk.rank - 1;
  std::int64_t number = 0;
  const std::int64_t step = x_strides.rank() > 0 ? x_strides[axis] : 0;
  walk.for_each_run([&](const std::int64_t* at, std::int64_t run) {
    for (std::int64_t i = 0; i < run; ++i, ++number) {
      const std::int64_t chosen =
          checked_index(index.as<std::int64_t>()[at[0] + i * walk.strides[0][inner]], n, number);
      f(at[2] + i * walk.strides[2][inner], at[1] + i * walk.strides[1][inner] + chosen * step);
    }
  });
}

void check_gather_shapes(const Spec& x, const Spec& index, std::int64_t axis) {
  const int k = normalize_axis(axis, std::max(x.rank(), 1));
  bool fits = x.rank() == index.rank();
  for (int i = 0; fits && i < x.rank(); ++i) fits = i == k || index.shape[i] <= x.shape[i];
  if (!fits)
    throw ShapeError("index " + index.shape.str() + " does not fit x " + x.shape.str() +
                         " along axis " + std::to_string(axis),
                     "index needs as many axes as x, none but `axis` longer");
}

}  // namespace

struct Take {
  std::int64_t axis = 0;
  static constexpr Card card{.name = "take",
                             .also = "torch.index_select, numpy.take",
                             .onnx = "Gather",
                             .formula = "y_{ij} = x_{k_i j}",
                             .doc =
                                 "Slices of x along `axis` at integer indices of any shape; "
                                 "negative ones count from the end.",
                             .shapes = "x [a, n, b], indices [i] -> [a, i, b]"};
  static constexpr auto attrs = std::tuple{attr("axis", &Take::axis, "axis to take from")};
  static constexpr Keep keep{.inputs = 2};
  Tensors prepare(const Tensor& x, const Tensor& indices) const { return {x, as_indices(indices)}; }
  Spec infer(const Spec& x, const Spec& indices) const {
    const int k = normalize_axis(axis, x.rank());
    Shape shape;
    for (int i = 0; i < k; ++i) shape.push_back(x.shape[i]);
    for (std::int64_t n : indices.shape) shape.push_back(n);
    for (int i = k + 1; i < x.rank(); ++i) shape.push_back(x.shape[i]);
    return {shape, x.dtype};
  }
  void forward(In x, In indices, Out y) const {
    const int k = normalize_axis(axis, x.shape().rank());
    const Layout flat = Layout::contiguous({indices.shape().numel()});
    Shape rest = x.shape(), x_strides = x.strides();
    rest.erase(k);
    x_strides.erase(k);
    // y as [before, indices, after]: the axes of x around the indices.
    std::int64_t after = 1;
    for (int i = k + 1; i < x.shape().rank(); ++i) after *= x.shape()[i];
    const std::int64_t count = flat.numel();
    Shape y_strides = rest;
    std::int64_t stride = 1;
    for (int i = rest.rank() - 1; i >= 0; --i) {
      if (i == k - 1) stride = after * count;
      y_strides[i] = stride;
      stride *= rest[i];
    }
    dispatch(x.dtype, [&]<class T>() {
      std::int64_t number = 0;
      for_each_position({indices.shape(), indices.strides(), 0}, [&](std::int64_t at) {
        const std::int64_t chosen =
            checked_index(indices.as<std::int64_t>()[at], x.shape()[k], number);
        kernels::map1([](T v) { return v; }, x.as<T>() + chosen * x.strides()[k], x_strides.data(),
                      y.as<T>() + number * after, y_strides.data(), rest.data(), rest.rank());
        ++number;
      });
    });
  }
  Tensors vjp(const Call& c, const Tensor& g) const {
    const Shape& x = c.input_spec(0).shape;
    const int k = normalize_axis(axis, x.rank());
    const Tensor indices = reshape(c.input(1), {-1});
    Ints flat = x.to_vector(), column(x.size(), 1);
    flat[static_cast<std::size_t>(k)] = column[static_cast<std::size_t>(k)] = indices.numel();
    return {scatter_add(zeros(x.to_vector(), g.dtype()),
                        broadcast_to(reshape(indices, column), flat), reshape(g, flat), k),
            Tensor{}};
  }
  static Samples samples() {
    return {{Take{}, {sample({4, 3}), sample_integers({5}, -4, 4)}},
            {Take{1}, {sample({2, 3, 2}), sample_integers({2, 2}, 0, 3)}}};
  }
};

struct Gather {
  std::int64_t axis = 0;
  static constexpr Card card{.name = "gather",
                             .also = "torch.gather, torch.take_along_dim, numpy.take_along_axis",
                             .onnx = "GatherElements",
                             .formula = "y_{ij} = x_{k_{ij} j}",
                             .doc = "Picks along `axis` by an index of the result's shape.",
                             .shapes = "x [n, m], index [i, m] -> [i, m]"};
  static constexpr auto attrs = std::tuple{attr("axis", &Gather::axis, "axis to pick along")};
  static constexpr Keep keep{.inputs = 2};
  Tensors prepare(const Tensor& x, const Tensor& index) const { return {x, as_indices(index)}; }
  Spec infer(const Spec& x, const Spec& index) const {
    check_gather_shapes(x, index, axis);
    return {index.shape, x.dtype};
  }
  void forward(In x, In index, Out y) const {
    const int k = normalize_axis(axis, std::max(x.shape().rank(), 1));
    const std::int64_t n = x.shape().empty() ? 1 : x.shape()[k];
    dispatch(x.dtype, [&]<class T>() {
      for_each_index(index, x.strides(), y.strides(), k, n,
                     [&](std::int64_t to, std::int64_t from) { y.as<T>()[to] = x.as<T>()[from]; });
    });
  }
  Tensors vjp(const Call& c, const Tensor& g) const {
    return {scatter_add(zeros(c.input_spec(0).shape.to_vector(), g.dtype()), c.input(1), g, axis),
            Tensor{}};
  }
  static Samples samples() {
    return {{Gather{1}, {sample({3, 4}), sample_integers({3, 2}, 0, 4)}},
            {Gather{}, {sample({3, 4}), sample_integers({5, 4}, -3, 3)}}};
  }
};

struct ScatterAdd {
  std::int64_t axis = 0;
  static constexpr Card card{.name = "scatter_add",
                             .also = "torch.scatter_add",
                             .onnx = "ScatterElements",
                             .formula = "y = x;\\ y_{k_{ij} j} \\mathrel{+}= s_{ij}",
                             .doc =
                                 "A copy of x with a source added at indices along `axis`, in "
                                 "row-major order of the source.",
                             .shapes = "x [n, m], index [i, m], source [i, m] -> x"};
  static constexpr auto attrs =
      std::tuple{attr("axis", &ScatterAdd::axis, "axis to scatter along")};
  static constexpr Keep keep{.inputs = 2};
  Tensors prepare(const Tensor& x, const Tensor& index, const Tensor& source) const {
    return {x, as_indices(index), astype(source, x.dtype())};
  }
  Spec infer(const Spec& x, const Spec& index, const Spec& source) const {
    check_gather_shapes(x, index, axis);
    if (index.shape != source.shape)
      throw ShapeError(
          "index " + index.shape.str() + " and source " + source.shape.str() + " differ",
          "give one index for each source element");
    return x;
  }
  void forward(In x, In index, In source, Out y) const {
    const int k = normalize_axis(axis, std::max(x.shape().rank(), 1));
    const std::int64_t n = x.shape().empty() ? 1 : x.shape()[k];
    dispatch(x.dtype, [&]<class T>() {
      kernels::map1([](T v) { return v; }, x.as<T>(), x.strides().data(), y.as<T>(),
                    y.strides().data(), x.shape().data(), x.shape().rank());
      for_each_index(index, y.strides(), source.strides(), k, n,
                     [&](std::int64_t from, std::int64_t to) {
                       y.as<T>()[to] = static_cast<T>(y.as<T>()[to] + source.as<T>()[from]);
                     });
    });
  }
  Tensors vjp(const Call& c, const Tensor& g) const {
    return {g, Tensor{}, gather(g, c.input(1), axis)};
  }
  static Samples samples() {
    return {
        {ScatterAdd{1}, {sample({3, 4}), sample_integers({3, 2}, 0, 4), sample({3, 2}, -2, 2, 1)}}};
  }
};

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
    dispatch(x.dtype, [&]<class T>() {
      kernels::map1([](T v) { return v; }, x.as<T>(), x.strides().data(), y.as<T>(),
                    y.strides().data(), x.shape().data(), x.shape().rank());
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
          target = accumulate ? static_cast<T>(target + value) : value;
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

struct OneHot {
  std::int64_t num_classes = 0;
  DType dtype = DType::f32;
  static constexpr Card card{.name = "one_hot",
                             .also = "torch.nn.functional.one_hot, jax.nn.one_hot",
                             .onnx = "OneHot",
                             .formula = "y_{ij} = [x_i = j]",
                             .doc = "A row of `num_classes` zeros with a one at each label.",
                             .shapes = "labels [...] -> [..., num_classes]"};
  static constexpr auto attrs =
      std::tuple{attr("num_classes", &OneHot::num_classes, "length of a row"),
                 attr("dtype", &OneHot::dtype, "dtype of the result")};
  Tensor compose(const Tensor& labels) const {
    if (num_classes <= 0)
      throw ValueError(std::to_string(num_classes) + " classes", "num_classes counts: 1 or more");
    const Tensor index = as_indices(labels);
    for (std::int64_t label : index.to_vector<std::int64_t>())
      if (label < 0 || label >= num_classes)
        throw IndexError("label " + std::to_string(label) + " is out of range for " +
                             std::to_string(num_classes) + " classes",
                         "labels are 0.." + std::to_string(num_classes - 1));
    return astype(expand_dims(index, -1) == arange(num_classes), dtype);
  }
  static Samples samples() { return {{OneHot{4, DType::f32}, {sample_integers({2, 3}, 0, 4)}}}; }
};

}  // namespace op

Tensor take(const Tensor& x, const Tensor& indices, std::int64_t axis, Place at) {
  return apply(op::Take{axis}, {x, indices}, at);
}
Tensor gather(const Tensor& x, const Tensor& index, std::int64_t axis, Place at) {
  return apply(op::Gather{axis}, {x, index}, at);
}
Tensor scatter_add(const Tensor& x, const Tensor& index, const Tensor& source, std::int64_t axis,
                   Place at) {
  return apply(op::ScatterAdd{axis}, {x, index, source}, at);
}
Tensor one_hot(const Tensor& labels, std::int64_t num_classes, DType dtype, Place at) {
  return apply(op::OneHot{num_classes, dtype}, {labels}, at);
}

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

std::vector<Op> indexing_ops() {
  using namespace op;
  return {Take{}, Gather{}, ScatterAdd{}, IndexPut{}, OneHot{}};
}

}  // namespace gradus
