// Plain loops, which the compiler vectorises for each instruction set; see arithmetic.h.
#include <gradus/kernels/arithmetic.h>

#include <gradus/kernels/elementwise.h>
#include <gradus/kernels/highway.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/kernels/arithmetic.cpp"
#include <hwy/foreach_target.h>
// After it, once for each instruction set:
#include <hwy/highway.h>

#include <cmath>

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {
namespace {

using Index = std::int64_t;

template <Arithmetic op, class T>
HWY_INLINE T value(T a, T b) {
  if constexpr (op == Arithmetic::add) return a + b;
  if constexpr (op == Arithmetic::sub) return a - b;
  if constexpr (op == Arithmetic::mul) return a * b;
  if constexpr (op == Arithmetic::div) return a / b;
  if constexpr (op == Arithmetic::maximum) return a > b || std::isnan(a) ? a : b;
  if constexpr (op == Arithmetic::minimum) return a < b || std::isnan(a) ? a : b;
}

/// One run of for_each_run. One operand is often a number for all, or the result itself.
template <Arithmetic op, class T>
void binary_run(const void*, void* const* first, const Index* steps, Index n) {
  const T* a = static_cast<const T*>(first[0]);
  const T* b = static_cast<const T*>(first[1]);
  T* y = static_cast<T*>(first[2]);
  const Index sa = steps[0], sb = steps[1], sy = steps[2];
  if (sa == 1 && sb == 1 && sy == 1) {
    for (Index i = 0; i < n; ++i) y[i] = value<op>(a[i], b[i]);
  } else if (sa == 1 && sb == 0 && sy == 1) {
    const T number = *b;
    for (Index i = 0; i < n; ++i) y[i] = value<op>(a[i], number);
  } else if (sa == 0 && sb == 1 && sy == 1) {
    const T number = *a;
    for (Index i = 0; i < n; ++i) y[i] = value<op>(number, b[i]);
  } else {
    for (Index i = 0; i < n; ++i) y[i * sy] = value<op>(a[i * sa], b[i * sb]);
  }
}

template <class T>
void relu_run(const void*, void* const* first, const Index* steps, Index n) {
  const T* x = static_cast<const T*>(first[0]);
  T* y = static_cast<T*>(first[1]);
  if (steps[0] == 1 && steps[1] == 1)
    for (Index i = 0; i < n; ++i) y[i] = x[i] < T(0) ? T(0) : x[i];
  else
    for (Index i = 0; i < n; ++i) y[i * steps[1]] = x[i * steps[0]] < T(0) ? T(0) : x[i * steps[0]];
}

template <class T>
detail::Run run_of(Arithmetic op) {
  switch (op) {
    case Arithmetic::add:
      return binary_run<Arithmetic::add, T>;
    case Arithmetic::sub:
      return binary_run<Arithmetic::sub, T>;
    case Arithmetic::mul:
      return binary_run<Arithmetic::mul, T>;
    case Arithmetic::div:
      return binary_run<Arithmetic::div, T>;
    case Arithmetic::maximum:
      return binary_run<Arithmetic::maximum, T>;
    default:
      return binary_run<Arithmetic::minimum, T>;
  }
}

}  // namespace

detail::Run arithmetic_run(Arithmetic op, bool is_double) {
  return is_double ? run_of<double>(op) : run_of<float>(op);
}
detail::Run relu_of(bool is_double) { return is_double ? relu_run<double> : relu_run<float>; }

}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::kernels {

HWY_EXPORT(arithmetic_run);
HWY_EXPORT(relu_of);

template <class T>
void apply_arithmetic(Arithmetic op, const T* a, const std::int64_t* a_strides, const T* b,
                      const std::int64_t* b_strides, T* y, const std::int64_t* y_strides,
                      const std::int64_t* sizes, int rank) {
  detail::for_each_run<3>({{const_cast<T*>(a), const_cast<T*>(b), y},
                           {a_strides, b_strides, y_strides},
                           {sizeof(T), sizeof(T), sizeof(T)}},
                          sizes, rank, HWY_DYNAMIC_DISPATCH(arithmetic_run)(op, sizeof(T) == 8),
                          nullptr);
}
template <class T>
void apply_relu(const T* x, const std::int64_t* x_strides, T* y, const std::int64_t* y_strides,
                const std::int64_t* sizes, int rank) {
  detail::for_each_run<2>({{const_cast<T*>(x), y}, {x_strides, y_strides}, {sizeof(T), sizeof(T)}},
                          sizes, rank, HWY_DYNAMIC_DISPATCH(relu_of)(sizeof(T) == 8), nullptr);
}

#define GRADUS_INSTANTIATE(T)                                                         \
  template void apply_arithmetic(Arithmetic, const T*, const std::int64_t*, const T*, \
                                 const std::int64_t*, T*, const std::int64_t*,        \
                                 const std::int64_t*, int);                           \
  template void apply_relu(const T*, const std::int64_t*, T*, const std::int64_t*,    \
                           const std::int64_t*, int);
GRADUS_INSTANTIATE(float)
GRADUS_INSTANTIATE(double)
#undef GRADUS_INSTANTIATE

}  // namespace gradus::kernels
#endif
