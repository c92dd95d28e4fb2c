// Counting arithmetic; see cost.h.
#include <gradus/compile/cost.h>

#include <algorithm>
#include <array>

namespace gradus::compile {
namespace {

using Names = std::initializer_list<std::string_view>;

bool is_one_of(std::string_view name, Names names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

double elements(const View& view) { return static_cast<double>(view.layout.numel()); }

double flops_of_product(const Product& p) {
  const double c = static_cast<double>(p.m) * static_cast<double>(p.n);
  return 2 * c * static_cast<double>(p.k) + (p.bias.input >= 0 ? c : 0) + (p.relu ? c : 0) +
         (p.gate.input >= 0 ? c : 0) + (p.rate >= 0 ? 2 * c : 0);
}

}  // namespace

double flops_of(const Kernel& kernel) {
  const std::string_view name = kernel.op.name();
  const std::span<const View> inputs = kernel.inputs();
  if (kernel.outputs().empty()) return 0;
  if (kernel.loop) {
    double total = 0;
    for (const Kernel& part : kernel.parts) total += flops_of(part);
    return total;
  }
  const View& out = kernel.outputs()[0];
  if (!is_floating(out.dtype)) return 0;
  if (kernel.product) return flops_of_product(*kernel.product);
  if (name == "matmul")
    return 2 * elements(out) *
           static_cast<double>(inputs[0].layout.shape.empty() ? 1 : inputs[0].layout.shape.back());
  if (is_one_of(name, {"sum", "sum_to", "prod", "amax", "amin", "max", "min"}))
    return std::max(0.0, elements(inputs[0]) - elements(out));
  // The greatest, minus it, exp, the sum, and a division or a difference.
  if (is_one_of(name, {"softmax", "log_softmax"})) return 5 * elements(out);
  if (is_one_of(name, {"scatter_add", "index_put"})) return elements(inputs.back());
  const bool only_moves = is_one_of(
      name, {"where",       "astype",  "clone",  "full",         "arange",  "linspace",
             "eye",         "take",    "gather", "one_hot",      "concat",  "stack",
             "split",       "chunk",   "tril",   "triu",         "reshape", "permute_dims",
             "expand_dims", "squeeze", "flip",   "broadcast_to", "slice",   "unslice",
             "diagonal",    "rand",    "randn",  "dropout_mask", "roll",    "repeat",
             "tile",        "sort",    "topk",   "transpose",    "flatten", "check_labels"});
  return only_moves ? 0 : elements(out);
}

Spec held_by(const View& view) {
  Ints shape;
  for (int axis = 0; axis < view.layout.rank(); ++axis)
    if (view.layout.strides[axis] != 0 || view.layout.shape[axis] == 1)
      shape.push_back(view.layout.shape[axis]);
  return {Shape(shape), view.dtype};
}

double bytes_of(const Kernel& kernel) {
  double bytes = 0;
  for (const View& view : kernel.views)
    bytes += static_cast<double>(held_by(view).shape.numel()) *
             static_cast<double>(dtype_size(view.dtype));
  return bytes;
}

}  // namespace gradus::compile
