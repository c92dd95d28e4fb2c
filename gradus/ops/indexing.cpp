// Indexing: reading and writing at positions. The primitives gather and scatter along one axis;
// Next:
// subscript.cpp, NumPy's general index.
#include <gradus/core/diagnostic.h>
#include <gradus/ops/elementwise.h>
#include <gradus/ops/indices.h>
#include <gradus/ops/ops.h>
#include <gradus/ops/registry.h>
#include <gradus/ops/samples.h>

namespace gradus {
namespace op {
namespace {

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
        kernels::copy(x.as<T>() + chosen * x.strides()[k], x_strides.data(),
                      y.as<T>() + number * after, y_strides.data(), sizeof(T), rest.data(),
                      rest.rank());
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
    copy_elements(x, y.data, y.strides());
    dispatch(x.dtype, [&]<class T>() {
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

struct CheckLabels {
  std::int64_t classes = 1;
  std::optional<std::int64_t> ignore_index;
  static constexpr Card card{
      .name = "check_labels",
      .also = "",
      .onnx = "",
      .formula = "y_i = x_i",
      .doc =
          "The labels themselves; an error when one is neither in 0..`classes`-1 nor "
          "`ignore_index`.",
      .shapes = "labels i64 [...] -> labels"};
  static constexpr auto attrs =
      std::tuple{attr("classes", &CheckLabels::classes, "number of classes"),
                 attr("ignore_index", &CheckLabels::ignore_index, "label that is allowed too")};
  Spec infer(const Spec& labels) const {
    if (labels.dtype != DType::i64)
      throw DTypeError("labels must be i64, got " + labels.str(),
                       "convert them with astype(labels, DType::i64)");
    if (classes < 0)
      throw ValueError(std::to_string(classes) + " classes", "classes counts: 0 or more");
    return labels;
  }
  void forward(In x, Out y) const {
    std::int64_t wrong = 0, first = -1, first_value = 0, low = 0, high = 0, number = 0;
    std::int64_t* out = y.as<std::int64_t>();
    copy_elements(x, out, y.strides());
    for (const std::int64_t count = y.shape().numel(); number < count; ++number) {
      const std::int64_t t = out[number];
      if ((t < 0 || t >= classes) && t != ignore_index && wrong++ == 0) {
        first = number;
        first_value = t;
      }
      low = number == 0 ? t : std::min(low, t);
      high = number == 0 ? t : std::max(high, t);
    }
    if (wrong == 0) return;
    std::string place;  // row-major: [3,2]
    for (int axis = y.shape().rank() - 1; axis >= 0; --axis) {
      place = std::to_string(first % y.shape()[axis]) + (place.empty() ? "" : ",") + place;
      first /= y.shape()[axis];
    }
    const std::string problem = "target" + (place.empty() ? "" : "[" + place + "]") + " = " +
                                std::to_string(first_value) + ", but there are " +
                                std::to_string(classes) + " classes, 0.." +
                                std::to_string(classes - 1) + ". " + std::to_string(wrong) +
                                " of " + std::to_string(number) + " targets out of range, min " +
                                std::to_string(low) + ", max " + std::to_string(high);
    const std::string hint = low == 1 && high == classes ? "labels count from 1? subtract 1"
                             : ignore_index
                                 ? "check the labels, or mark those to leave out with ignore_index"
                                 : "labels are 0.." + std::to_string(classes - 1);
    throw Coded<IndexError>({"L1", problem + ": " + hint + "."}, problem, hint, true);
  }
  static Samples samples() { return {{CheckLabels{4, {}}, {sample_integers({2, 3}, 0, 4)}}}; }
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
  static constexpr bool differentiable = false;
  Tensor compose(const Tensor& labels) const {
    if (num_classes <= 0)
      throw ValueError(std::to_string(num_classes) + " classes", "num_classes counts: 1 or more");
    const Tensor checked = check_labels(as_indices(labels), num_classes);
    return astype(expand_dims(checked, -1) == arange(num_classes), dtype);
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
Tensor check_labels(const Tensor& labels, std::int64_t classes,
                    std::optional<std::int64_t> ignore_index, Place at) {
  return apply(op::CheckLabels{classes, ignore_index}, {astype(labels, DType::i64)}, at);
}
Tensor one_hot(const Tensor& labels, std::int64_t num_classes, DType dtype, Place at) {
  return apply(op::OneHot{num_classes, dtype}, {labels}, at);
}

std::vector<Op> indexing_ops() {
  using namespace op;
  return {Take{}, Gather{}, ScatterAdd{}, CheckLabels{}, OneHot{}};
}

}  // namespace gradus
