// Both factors lose the axes along which they were stretched; what is left is an einsum.
#include <gradus/ops/product_sum.h>

#include <algorithm>

#include <gradus/program/deferred.h>

namespace gradus::op {
namespace {

/// A factor without its stretched axes, and the letters of those it has left.
struct Factor {
  Tensor tensor;
  std::string letters;

  Factor(const Tensor& x, const Shape& product) {
    const Layout wide = x.layout().broadcast_to(product);
    Layout own{{}, {}, wide.offset};
    for (int k = 0; k < product.rank(); ++k) {
      if (wide.strides[k] == 0 || product[k] == 1) continue;
      own.shape.push_back(product[k]);
      own.strides.push_back(wide.strides[k]);
      letters += letter(k);
    }
    tensor = x.with_layout(own);
  }
  bool has(int axis) const { return letters.find(letter(axis)) != letters.npos; }
  static char letter(int axis) { return static_cast<char>('a' + axis); }
};

}  // namespace

Tensor sum_of_product(const Tensor& x, const Ints& axis, bool keepdims) {
  const auto call = deferred_call(x);
  if (!call || call->op().name() != "mul") return {};
  const Shape& product = x.shape();
  const Factor a(call->inputs()[0], product), b(call->inputs()[1], product);
  const std::vector<int> reduced = normalize_axes(axis, product.rank());
  std::string result;
  Ints present, whole;  // sizes of the axes that a factor has (1 for others), and all of them
  double times = 1;     // summing over an axis that no factor has
  for (int k = 0; k < product.rank(); ++k) {
    const bool is_present = a.has(k) || b.has(k);
    if (std::find(reduced.begin(), reduced.end(), k) != reduced.end()) {
      if (!is_present) times *= static_cast<double>(product[k]);
      if (!keepdims) continue;
      present.push_back(1);
      whole.push_back(1);
      continue;
    }
    if (is_present) result += Factor::letter(k);
    present.push_back(is_present ? product[k] : 1);
    whole.push_back(product[k]);
  }
  Tensor y = einsum(a.letters + "," + b.letters + "->" + result, {a.tensor, b.tensor});
  if (times != 1) y = y * times;
  y = reshape(y, present);
  return present == whole ? y : broadcast_to(y, whole).contiguous();
}

}  // namespace gradus::op
