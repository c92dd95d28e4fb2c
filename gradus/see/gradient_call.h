// What a gradient formula is made from: a call as its rule sees it. For gradient_formula*.cpp
// alone.
#pragma once

#include <gradus/core/error.h>
#include <gradus/see/gradient_formula.h>

namespace gradus::see {

struct GradientCall {
  explicit GradientCall(const Op& op_) : op(op_), attributes_(op_.attributes()) {}

  Op op;
  Terms x, y, g;  ///< leaves: inputs, outputs, gradients of the outputs

  const Shape& shape(std::size_t i = 0) const { return x[i].shape(); }
  int rank(std::size_t i = 0) const { return shape(i).rank(); }

  const AttributeValue& attribute(std::string_view name) const {
    for (const AttributeInfo& a : attributes_)
      if (a.name == name) return a.value;
    throw NameError(std::string(op.name()) + " has no attribute '" + std::string(name) + "'",
                    "gradus ops shows them");
  }
  /// The attribute, or `otherwise` where it is optional and not set.
  template <class T>
  T get(std::string_view name, T otherwise = {}) const {
    const T* value = std::get_if<T>(&attribute(name));
    return value ? *value : otherwise;
  }
  bool is_set(std::string_view name) const {
    return !std::holds_alternative<std::monostate>(attribute(name));
  }
  /// The attribute "axis" of input 0, counted from the front.
  int axis() const { return normalize_axis(get<std::int64_t>("axis"), std::max(rank(), 1)); }
  /// Axes that a reduction takes, sorted.
  Ints axes() const {
    const std::vector<int> list = normalize_axes(get<Ints>("axis"), rank());
    return Ints(list.begin(), list.end());
  }
  /// A reduced tensor with its reduced axes again, of size 1.
  Term kept(const Term& reduced, const Ints& axes) const {
    Shape wide = shape();
    for (const std::int64_t a : axes) wide[static_cast<int>(a)] = 1;
    return reshaped(reduced, wide);
  }

 private:
  std::vector<AttributeInfo> attributes_;
};

using GradientCallRef = const GradientCall&;
using GradientTable = std::map<std::string_view, Terms (*)(const GradientCall&)>;
/// Numbers to numbers, and reductions.
const GradientTable& elementwise_gradients();
/// Places: movement, joining, indexing.
const GradientTable& movement_gradients();
/// Products and losses.
const GradientTable& product_gradients();

inline double numel(const Shape& s) { return static_cast<double>(s.numel()); }
inline Term zero(const Shape& shape) { return stretch(Term(0), shape); }

}  // namespace gradus::see
