// Conversion of dtypes, copies, and the writes in place that are copies. Next: reduction.cpp.
#include <gradus/ops/elementwise.h>
#include <gradus/ops/registry.h>
#include <gradus/ops/samples.h>

namespace gradus {
namespace op {
namespace {

void convert_elements(In x, Out y) {
  const Layout wide = x.layout->broadcast_to(y.shape());
  dispatch(x.dtype, [&]<class From>() {
    dispatch(y.dtype, [&]<class To>() {
      kernels::map1([](From v) { return convert<To>(v); }, x.as<From>(), wide.strides.data(),
                    y.as<To>(), y.strides().data(), y.shape().data(), y.shape().rank());
    });
  });
}

}  // namespace

struct AsType {
  DType dtype = DType::f32;
  static constexpr Card card{.name = "astype",
                             .also = "torch.Tensor.to, numpy.ndarray.astype, cast",
                             .onnx = "Cast",
                             .formula = "y = x",
                             .doc =
                                 "Converts to `dtype`; floating to integer cuts towards zero, "
                                 "limits what does not fit, and turns NaN to 0.",
                             .shapes = "x -> x"};
  static constexpr auto attrs = std::tuple{attr("dtype", &AsType::dtype, "dtype of the result")};
  static constexpr Keep keep{.inputs = 0};
  static constexpr bool in_place_safe = true;
  Spec infer(const Spec& x) const { return {x.shape, dtype}; }
  void forward(In x, Out y) const { convert_elements(x, y); }
  Tensor vjp(const Call& c, const Tensor& g) const { return astype(g, c.input_spec(0).dtype); }
  static Samples samples() {
    return {{AsType{DType::f64}, {sample({3, 4})}},
            {AsType{DType::i32}, {sample_integers({4}, -3, 4)}}};
  }
};

struct Clone {
  static constexpr Card card{.name = "clone",
                             .also = "torch.clone, numpy.copy",
                             .onnx = "Identity",
                             .formula = "y = x",
                             .doc = "A copy, contiguous.",
                             .shapes = "x -> x"};
  static constexpr Keep keep{.inputs = 0};
  static constexpr bool in_place_safe = true;
  Spec infer(const Spec& x) const { return x; }
  void forward(In x, Out y) const { convert_elements(x, y); }
  Tensor vjp(const Call&, const Tensor& g) const { return g; }
  static Samples samples() { return {{Clone{}, {sample({3, 4})}}}; }
};

}  // namespace op

Tensor astype(const Tensor& x, DType dtype, Place at) {
  return x.dtype() == dtype ? x : apply(op::AsType{dtype}, {x}, at);
}
Tensor clone(const Tensor& x, Place at) { return apply(op::Clone{}, {x}, at); }
Tensor contiguous(const Tensor& x, Place at) { return x.is_contiguous() ? x : clone(x, at); }

Tensor& Tensor::copy_(const Tensor& source, Place at) {
  Tensor value = gradus::astype(source, dtype(), at);
  if (is_seen_otherwise(value, *this)) value = gradus::clone(value, at);
  if (value.shape() != shape()) value = broadcast_to(value, shape().to_vector(), at);
  apply_into(op::Clone{}, std::span(&value, 1), *this, "copy_", at);
  return *this;
}
Tensor& Tensor::fill_(Number value, Place at) { return copy_(scalar(value, dtype()), at); }
Tensor& Tensor::zero_(Place at) { return fill_(0, at); }

std::vector<Op> conversion_ops() { return {op::AsType{}, op::Clone{}}; }

}  // namespace gradus
