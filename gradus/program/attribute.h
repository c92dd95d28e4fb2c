// Attributes: the typed settings of an operation (axis, keepdims, shape ...), named once.
// A definition lists its fields with attr(...); printing, parsing, storing and comparing follow
// from that list.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include <gradus/core/shape.h>

namespace gradus {

/// The value of one attribute; monostate is an optional one that is not set.
using AttributeValue =
    std::variant<std::monostate, bool, std::int64_t, double, std::string, Ints, DType>;

/// "none", "true", "-1", "0.5", "mean", "2,3", "f32". Doubles keep all their digits.
std::string to_text(const AttributeValue& value);

/// One attribute as seen from outside a definition.
struct AttributeInfo {
  std::string_view name;
  std::string_view doc;
  std::string_view type;  ///< "int", "float", "bool", "text", "ints", "dtype", with "?" if optional
  AttributeValue value;
};

/// Parses `text` as the type that `type` names. Throws ValueError with the expected form.
AttributeValue parse_attribute(std::string_view name, std::string_view type, std::string_view text);

/// A field of the definition D, with its name and one line of documentation.
template <class D, class T>
struct Attribute {
  std::string_view name;
  T D::*field;
  std::string_view doc;
};
template <class D, class T>
constexpr Attribute<D, T> attr(std::string_view name, T D::*field, std::string_view doc) {
  return {name, field, doc};
}

namespace detail {

template <class T>
struct optional_part {
  using type = T;
  static constexpr bool is_optional = false;
};
template <class T>
struct optional_part<std::optional<T>> {
  using type = T;
  static constexpr bool is_optional = true;
};

template <class T>
constexpr std::string_view attribute_type() {
  using V = typename optional_part<T>::type;
  constexpr bool o = optional_part<T>::is_optional;
  if constexpr (std::is_same_v<V, bool>)
    return o ? "bool?" : "bool";
  else if constexpr (std::is_same_v<V, std::int64_t>)
    return o ? "int?" : "int";
  else if constexpr (std::is_same_v<V, double>)
    return o ? "float?" : "float";
  else if constexpr (std::is_same_v<V, std::string>)
    return o ? "text?" : "text";
  else if constexpr (std::is_same_v<V, Ints>)
    return o ? "ints?" : "ints";
  else {
    static_assert(std::is_same_v<V, DType>,
                  "an attribute is a bool, int64_t, double, string, Ints or DType, or optional");
    return o ? "dtype?" : "dtype";
  }
}

template <class T>
AttributeValue to_value(const T& field) {
  if constexpr (optional_part<T>::is_optional)
    return field ? AttributeValue(*field) : AttributeValue();
  else
    return field;
}

template <class T>
void from_value(T& field, const AttributeValue& value) {
  using V = typename optional_part<T>::type;
  if (const V* v = std::get_if<V>(&value))
    field = *v;
  else if constexpr (optional_part<T>::is_optional)
    field.reset();
}

}  // namespace detail
}  // namespace gradus
