// A number as a program writes it, and its conversion to an element type.
// From here: tensor.h.
#pragma once

#include <cmath>
#include <limits>
#include <type_traits>

#include <gradus/core/dtype.h>

namespace gradus {

/// Never undefined: of a floating number, what an integer type cannot hold becomes its nearest
/// limit, and NaN becomes 0; an integer wraps around, as PyTorch's and NumPy's do.
template <class To, class From>
To convert(From x) {
  if constexpr (std::is_same_v<To, bool>) {
    return x != From(0);
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    if (std::isnan(x)) return 0;
    // The limits as doubles: the upper one is a power of two and itself out of range.
    constexpr double low = static_cast<double>(std::numeric_limits<To>::min());
    constexpr double high =
        2.0 * static_cast<double>(std::uint64_t{1} << (std::numeric_limits<To>::digits - 1));
    const double value = std::trunc(static_cast<double>(x));
    if (value < low) return std::numeric_limits<To>::min();
    if (value >= high) return std::numeric_limits<To>::max();
    return static_cast<To>(value);
  } else {
    return static_cast<To>(x);
  }
}

/// A number of a program's text. Integers keep all their bits; those that no int64 holds are
/// floating.
class Number {
 public:
  constexpr Number() = default;
  template <class T>
  requires std::is_arithmetic_v<T>
  constexpr Number(T number) {
    if constexpr (std::is_same_v<T, bool>) {
      dtype_ = DType::boolean;
      integer_ = number;
    } else if constexpr (std::is_floating_point_v<T>) {
      floating_ = static_cast<double>(number);
    } else if (std::is_unsigned_v<T> &&
               static_cast<std::uint64_t>(number) >
                   static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      floating_ = static_cast<double>(number);
    } else {
      dtype_ = DType::i64;
      integer_ = static_cast<std::int64_t>(number);
    }
  }

  /// bool, i64 or f32: the dtype of the number where nothing else decides.
  DType dtype() const { return dtype_; }
  double to_double() const {
    return is_floating(dtype_) ? floating_ : static_cast<double>(integer_);
  }
  /// The number as an element: the nearest that the type holds; a floating one is cut towards zero
  /// for an integer type, NaN becomes 0.
  template <class T>
  T to() const {
    if (is_floating(dtype_)) return convert<T>(floating_);
    if constexpr (std::is_same_v<T, std::uint8_t> || std::is_same_v<T, std::int32_t>) {
      using Limits = std::numeric_limits<T>;
      if (integer_ < std::int64_t{Limits::min()}) return Limits::min();
      if (integer_ > std::int64_t{Limits::max()}) return Limits::max();
    }
    return convert<T>(integer_);
  }
  /// Whether an element of the dtype is exactly this number; of a floating dtype, always.
  bool fits(DType dtype) const {
    if (is_floating(dtype)) return true;
    return dispatch(dtype, [&]<class T>() {
      const T element = to<T>();
      if (!is_floating(dtype_)) return static_cast<std::int64_t>(element) == integer_;
      // 2^63 is no int64, but its nearest one becomes 2^63 again as a double.
      return static_cast<double>(element) == floating_ && floating_ < 0x1p63;
    });
  }

 private:
  DType dtype_ = DType::f32;  // says which of the two it is; small, for every operand holds one
  union {
    double floating_ = 0;
    std::int64_t integer_;
  };
};

}  // namespace gradus
