// Normalization, written in operations; see normalization.h.
#include <gradus/nn/normalization.h>

#include <numeric>

#include <gradus/program/place_scope.h>

namespace gradus::nn {
namespace {

void check_sizes(const std::string& layer, const Ints& sizes, double eps, Place at) {
  for (std::int64_t n : sizes)
    if (n < 1) throw ShapeError(layer + " of size " + std::to_string(n), "sizes are 1 or more", at);
  if (sizes.empty())
    throw ShapeError(layer + " over no axes", "give the sizes of the last axes", at);
  if (!(eps >= 0)) throw ValueError("eps is " + to_text(eps), "give 0 or more", at);
}

}  // namespace

LayerNorm::LayerNorm(Ints sizes, double epsilon, bool affine, Place at)
    : shape(std::move(sizes)), eps(epsilon) {
  check_sizes("LayerNorm", shape, eps, at);
  if (!affine) return;
  weight = ones(shape, DType::f32, at).set_requires_grad(true, at);
  bias = zeros(shape, DType::f32, at).set_requires_grad(true, at);
}

Tensor LayerNorm::forward(const Tensor& x) {
  const Place at = called_at();
  const auto axes = static_cast<std::int64_t>(shape.size());
  const Ints last = x.shape().to_vector();
  if (x.ndim() < axes || !std::equal(shape.begin(), shape.end(), last.end() - axes))
    throw ShapeError("LayerNorm over " + Shape(shape).str() + " was given " + x.spec().str(),
                     "the last axes must have these sizes", at);
  Ints over(shape.size());
  std::iota(over.begin(), over.end(), -axes);
  const Tensor centred = sub(x, mean(x, over, true, at), at);
  const Tensor variance = mean(square(centred, at), over, true, at);
  const Tensor y = mul(centred, rsqrt(add(variance, eps, at), at), at);
  return weight ? add(mul(y, weight, at), bias, at) : y;
}

std::string LayerNorm::describe() const {
  std::string text = "LayerNorm(";
  for (std::int64_t n : shape) text += std::to_string(n) + ", ";
  return text + "eps=" + to_text(eps) + (weight ? ")" : ", affine=false)");
}

BatchNorm1d::BatchNorm1d(std::int64_t count, const BatchNormOptions& given, Place at)
    : features(count), options(given) {
  check_sizes("BatchNorm1d", {features}, options.eps, at);
  if (!(options.momentum >= 0 && options.momentum <= 1))
    throw ValueError("momentum is " + to_text(options.momentum), "give 0 to 1", at);
  running_mean = zeros({features}, DType::f32, at);
  running_var = ones({features}, DType::f32, at);
  num_batches_tracked = zeros({}, DType::i64, at);
  if (!options.affine) return;
  weight = ones({features}, DType::f32, at).set_requires_grad(true, at);
  bias = zeros({features}, DType::f32, at).set_requires_grad(true, at);
}

Tensor BatchNorm1d::forward(const Tensor& x) {
  const Place at = called_at();
  if (x.ndim() < 2 || x.ndim() > 3 || x.size(1) != features)
    throw ShapeError(
        "BatchNorm1d of " + std::to_string(features) + " features was given " + x.spec().str(),
        "give [n," + std::to_string(features) + "] or [n," + std::to_string(features) + ",length]",
        at);
  const Ints over = x.ndim() == 2 ? Ints{0} : Ints{0, 2};
  // One number a feature, in the place of its axis.
  const auto placed = [&](const Tensor& t) {
    return x.ndim() == 2 ? t : reshape(t, {features, 1}, at);
  };
  Tensor centre, variance;
  if (is_training()) {
    const double n = static_cast<double>(x.numel()) / static_cast<double>(features);
    if (n < 2)
      throw ShapeError("BatchNorm1d was given " + x.spec().str() + ": one value a feature",
                       "train on 2 samples or more, or call eval()", at);
    centre = mean(x, over, false, at);
    variance = mean(square(sub(x, placed(centre), at), at), over, false, at);
    const NoGrad guard;
    const PlaceScope here(at);
    const double m = options.momentum;
    running_mean.copy_((1 - m) * running_mean + m * centre.detach());
    running_var.copy_((1 - m) * running_var + m * (n / (n - 1)) * variance.detach());
    num_batches_tracked.add_(1.0);
  } else {
    centre = running_mean;
    variance = running_var;
  }
  const Tensor scale = placed(rsqrt(add(variance, options.eps, at), at));
  const Tensor y = mul(sub(x, placed(centre), at), scale, at);
  return weight ? add(mul(y, placed(weight), at), placed(bias), at) : y;
}

std::string BatchNorm1d::describe() const {
  return "BatchNorm1d(" + std::to_string(features) + ", eps=" + to_text(options.eps) +
         ", momentum=" + to_text(options.momentum) + (weight ? ")" : ", affine=false)");
}

}  // namespace gradus::nn
