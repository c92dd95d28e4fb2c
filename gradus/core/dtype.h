// Element types and the one table of promotion.
// The order of the enum is the order of promotion: the result of two dtypes is the later one.
// From here: shape.h, then layout.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <gradus/core/error.h>

namespace gradus {

/// Element type of a tensor. `boolean` takes one byte.
enum class DType : std::uint8_t { boolean, u8, i32, i64, f32, f64 };

inline constexpr DType all_dtypes[] = {DType::boolean, DType::u8,  DType::i32,
                                       DType::i64,     DType::f32, DType::f64};

/// "bool", "u8", "i32", "i64", "f32", "f64".
std::string_view dtype_name(DType dtype);
/// Inverse of dtype_name; also takes "boolean", "float32", "float64", "int32", "int64", "uint8".
/// Throws NameError that lists the names.
DType parse_dtype(std::string_view name);
namespace detail {
inline constexpr std::uint8_t dtype_sizes[] = {1, 1, 4, 8, 4, 8};
}
/// Bytes of one element.
constexpr std::size_t dtype_size(DType dtype) {
  return detail::dtype_sizes[static_cast<std::size_t>(dtype)];
}
constexpr bool is_floating(DType dtype) { return dtype >= DType::f32; }
constexpr bool is_integer(DType dtype) { return dtype > DType::boolean && dtype < DType::f32; }

/// Result dtype of an operation on a and b: the later in bool < u8 < i32 < i64 < f32 < f64.
/// An integer with a float gives that float (as in PyTorch and JAX), so i64 with f32 is f32, where
/// NumPy gives f64, and i32 with f32 too; all other pairs agree with NumPy for these six types.
/// A number in a program's text counts as bool, i64 or f32, and takes the tensor's dtype where that
/// is of its kind or a later kind (bool < integer < floating), but an integer that the tensor's
/// integer dtype cannot hold counts as i64.
constexpr DType promote(DType a, DType b) { return a < b ? b : a; }
/// `dtype` itself when floating, else f32: the dtype of exp, mean, division ... of integers.
constexpr DType to_floating(DType dtype) { return is_floating(dtype) ? dtype : DType::f32; }

/// The dtype of a C++ type.
template <class T>
struct dtype_of_t;
template <>
struct dtype_of_t<bool> {
  static constexpr DType value = DType::boolean;
};
template <>
struct dtype_of_t<std::uint8_t> {
  static constexpr DType value = DType::u8;
};
template <>
struct dtype_of_t<std::int32_t> {
  static constexpr DType value = DType::i32;
};
template <>
struct dtype_of_t<std::int64_t> {
  static constexpr DType value = DType::i64;
};
template <>
struct dtype_of_t<float> {
  static constexpr DType value = DType::f32;
};
template <>
struct dtype_of_t<double> {
  static constexpr DType value = DType::f64;
};
template <class T>
inline constexpr DType dtype_of = dtype_of_t<T>::value;

/// Calls `f.template operator()<T>()` with the C++ type of `dtype`: the one switch over dtypes.
template <class F>
decltype(auto) dispatch(DType dtype, F&& f) {
  switch (dtype) {
    case DType::boolean:
      return f.template operator()<bool>();
    case DType::u8:
      return f.template operator()<std::uint8_t>();
    case DType::i32:
      return f.template operator()<std::int32_t>();
    case DType::i64:
      return f.template operator()<std::int64_t>();
    case DType::f32:
      return f.template operator()<float>();
    case DType::f64:
      break;
  }
  return f.template operator()<double>();
}

/// The same for floating dtypes alone; others throw DTypeError.
template <class F>
decltype(auto) dispatch_floating(DType dtype, F&& f) {
  if (dtype == DType::f32) return f.template operator()<float>();
  if (dtype == DType::f64) return f.template operator()<double>();
  throw DTypeError("needs a floating dtype, got " + std::string(dtype_name(dtype)),
                   "convert first: astype(x, DType::f32)");
}

}  // namespace gradus
