// Exponentials, logarithms, what follows from them, and trigonometry, on floats and doubles:
// compiled for every instruction set and chosen at run time, with the same bits on all, in a row or
// in steps. How each is computed: math_inl.h, trigonometry_inl.h; how far each may be off:
// docs/performance.md.
#pragma once

#include <cstdint>

namespace gradus::kernels {

/// sigmoid(x) = 1 / (1 + e^-x); the others are C's.
enum class MathFunction { exp, expm1, log, log1p, log2, tanh, sigmoid, erf, sin, cos, tan };

/// y = f(x), element by element; y may be x with the same strides. T is float or double.
template <class T>
void apply_function(MathFunction f, const T* x, const std::int64_t* x_strides, T* y,
                    const std::int64_t* y_strides, const std::int64_t* sizes, int rank);

}  // namespace gradus::kernels
