// A loop over a row for each function, type and instruction set; see functions.h.
#include <gradus/kernels/functions.h>

#include <gradus/kernels/elementwise.h>
#include <gradus/kernels/highway.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/kernels/functions.cpp"
#include <hwy/foreach_target.h>
// After it, once for each instruction set:
#include <hwy/highway.h>

#include <algorithm>

#include <gradus/kernels/trigonometry_inl.h>

#ifndef GRADUS_KERNELS_FUNCTIONS_ROW
#define GRADUS_KERNELS_FUNCTIONS_ROW
namespace gradus::kernels::detail {

/// A whole number of vectors of every instruction set.
inline constexpr std::int64_t group = 16;
/// y[i] = f(x[i]) for i < n, a multiple of the group.
template <class T>
using Row = void (*)(const T* x, T* y, std::int64_t n);

}  // namespace gradus::kernels::detail
#endif

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {
namespace {

/// To be rounded to a T.
template <MathFunction f, class T, class D, class V>
HWY_INLINE V value(D d, V x) {
  if constexpr (f == MathFunction::exp) return exp(d, x);
  if constexpr (f == MathFunction::expm1) return expm1(d, x);
  if constexpr (f == MathFunction::log) return log(d, x);
  if constexpr (f == MathFunction::log1p) return log1p(d, x);
  if constexpr (f == MathFunction::log2) return log2(d, x);
  if constexpr (f == MathFunction::tanh) return tanh(d, x);
  if constexpr (f == MathFunction::sigmoid) return sigmoid(d, x);
  if constexpr (f == MathFunction::erf) return erf(d, x);
  if constexpr (f == MathFunction::sin) return sin<T>(d, x);
  if constexpr (f == MathFunction::cos) return cos<T>(d, x);
  if constexpr (f == MathFunction::tan) return tan<T>(d, x);
}

template <MathFunction f, class T>
void row(const T* x, T* y, std::int64_t n) {
  constexpr hn::ScalableTag<T> d;
  constexpr auto width = static_cast<std::int64_t>(HWY_LANES(T));
  static_assert(detail::group % width == 0);
  for (std::int64_t i = 0; i < n; i += width)
    hn::StoreU(value<f, T>(d, hn::LoadU(d, x + i)), d, y + i);
}

/// Floats as doubles, half a vector of them at a time.
template <MathFunction f>
void widened_row(const float* x, float* y, std::int64_t n) {
  constexpr hn::ScalableTag<double> wide;
  constexpr hn::Rebind<float, decltype(wide)> narrow;
  constexpr auto width = static_cast<std::int64_t>(HWY_LANES(double));
  static_assert(detail::group % width == 0);
  for (std::int64_t i = 0; i < n; i += width) {
    const auto values = value<f, float>(wide, hn::PromoteTo(wide, hn::LoadU(narrow, x + i)));
    hn::StoreU(hn::DemoteTo(narrow, values), narrow, y + i);
  }
}
template <MathFunction f, class T>
detail::Row<T> angle_row() {
  if constexpr (sizeof(T) == 4)
    return widened_row<f>;
  else
    return row<f, T>;
}

template <class T>
detail::Row<T> row_of(MathFunction f) {
  switch (f) {
    case MathFunction::exp:
      return row<MathFunction::exp, T>;
    case MathFunction::expm1:
      return row<MathFunction::expm1, T>;
    case MathFunction::log:
      return row<MathFunction::log, T>;
    case MathFunction::log1p:
      return row<MathFunction::log1p, T>;
    case MathFunction::log2:
      return row<MathFunction::log2, T>;
    case MathFunction::tanh:
      return row<MathFunction::tanh, T>;
    case MathFunction::sigmoid:
      return row<MathFunction::sigmoid, T>;
    case MathFunction::erf:
      return row<MathFunction::erf, T>;
    case MathFunction::sin:
      return angle_row<MathFunction::sin, T>();
    case MathFunction::cos:
      return angle_row<MathFunction::cos, T>();
    default:
      return angle_row<MathFunction::tan, T>();
  }
}

}  // namespace

detail::Row<float> row_of_floats(MathFunction f) { return row_of<float>(f); }
detail::Row<double> row_of_doubles(MathFunction f) { return row_of<double>(f); }

}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::kernels {

HWY_EXPORT(row_of_floats);
HWY_EXPORT(row_of_doubles);

namespace {

/// One run of for_each_run. What does not lie in a row, and the rest of a row, is brought together
/// piece by piece and filled up.
template <class T>
void function_run(const void* f, void* const* first, const std::int64_t* steps, std::int64_t n) {
  const auto row = *static_cast<const detail::Row<T>*>(f);
  const T* x = static_cast<const T*>(first[0]);
  T* y = static_cast<T*>(first[1]);
  const std::int64_t sx = steps[0], sy = steps[1];
  const std::int64_t in_a_row = sx == 1 && sy == 1 ? n / detail::group * detail::group : 0;
  row(x, y, in_a_row);
  constexpr std::int64_t most = 16 * detail::group;
  T piece[most];
  for (std::int64_t begin = in_a_row; begin < n; begin += most) {
    const std::int64_t length = std::min(most, n - begin);
    const std::int64_t full = (length + detail::group - 1) / detail::group * detail::group;
    for (std::int64_t i = 0; i < length; ++i) piece[i] = x[(begin + i) * sx];
    std::fill(piece + length, piece + full, T(0));
    row(piece, piece, full);
    for (std::int64_t i = 0; i < length; ++i) y[(begin + i) * sy] = piece[i];
  }
}

template <class T>
void run_rows(detail::Row<T> row, const T* x, const std::int64_t* x_strides, T* y,
              const std::int64_t* y_strides, const std::int64_t* sizes, int rank) {
  detail::for_each_run<2>({{const_cast<T*>(x), y}, {x_strides, y_strides}, {sizeof(T), sizeof(T)}},
                          sizes, rank, function_run<T>, &row);
}

}  // namespace

template <>
void apply_function(MathFunction f, const float* x, const std::int64_t* x_strides, float* y,
                    const std::int64_t* y_strides, const std::int64_t* sizes, int rank) {
  run_rows(HWY_DYNAMIC_DISPATCH(row_of_floats)(f), x, x_strides, y, y_strides, sizes, rank);
}
template <>
void apply_function(MathFunction f, const double* x, const std::int64_t* x_strides, double* y,
                    const std::int64_t* y_strides, const std::int64_t* sizes, int rank) {
  run_rows(HWY_DYNAMIC_DISPATCH(row_of_doubles)(f), x, x_strides, y, y_strides, sizes, rank);
}

}  // namespace gradus::kernels
#endif
