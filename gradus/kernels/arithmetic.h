// The arithmetic that training does most, on floats and doubles, compiled for every instruction set
// and chosen at run time. The bits are those of map2 and map1 (elementwise.h) with the same rule:
// one rounding an element.
#pragma once

#include <cstdint>

namespace gradus::kernels {

/// maximum and minimum give NaN where either is; of equal ones the second.
enum class Arithmetic { add, sub, mul, div, maximum, minimum };

/// y = a op b, element by element; y may be an operand of the same strides. T is float or double.
template <class T>
void apply_arithmetic(Arithmetic op, const T* a, const std::int64_t* a_strides, const T* b,
                      const std::int64_t* b_strides, T* y, const std::int64_t* y_strides,
                      const std::int64_t* sizes, int rank);

/// y = x < 0 ? 0 : x, so that NaN and -0 go through.
template <class T>
void apply_relu(const T* x, const std::int64_t* x_strides, T* y, const std::int64_t* y_strides,
                const std::int64_t* sizes, int rank);

}  // namespace gradus::kernels
