// Elementwise loops: y = f(x), y = f(a, b), y = f(a, b, c) over strided operands of one shape.
// Only the innermost loop knows f and the types; how the runs lie and who makes them is one walk,
// compiled once (elementwise.cpp). The inner loops over unit and zero strides are written apart, so
// that the compiler vectorises them. An output may be one of the inputs when it has the same
// strides. Long runs are shared among threads, so f must be pure.
#pragma once

#include <cstddef>

#include <gradus/kernels/strided.h>

namespace gradus::kernels {

namespace detail {

/// Where N operands lie: first elements, strides in elements, bytes of an element.
template <int N>
struct Operands {
  void* first[N];
  const std::int64_t* strides[N];
  std::int64_t item_size[N];
};

/// One run of n elements: operand k begins at first[k] and goes on in steps of steps[k] elements.
using Run = void (*)(const void* f, void* const* first, const std::int64_t* steps, std::int64_t n);

/// Calls run(f, ...) until every element was in one run, the runs maybe at the same time.
template <int N>
void walk_runs(const Operands<N>& operands, const std::int64_t* sizes, int rank, Run run,
               const void* f);

/// The same; one element needs no walk, which would be most of the time of a call on one number.
template <int N>
void for_each_run(const Operands<N>& operands, const std::int64_t* sizes, int rank, Run run,
                  const void* f) {
  static constexpr std::int64_t ones[] = {1, 1, 1, 1};
  for (int axis = 0; axis < rank; ++axis)
    if (sizes[axis] != 1) return walk_runs<N>(operands, sizes, rank, run, f);
  run(f, operands.first, ones, 1);
}

}  // namespace detail

/// y = x, elements of `item_size` bytes: 1, 4 or 8.
void copy(const void* x, const std::int64_t* x_strides, void* y, const std::int64_t* y_strides,
          std::size_t item_size, const std::int64_t* sizes, int rank);

template <class F, class X, class Y>
void map1(const F& f, const X* x, const std::int64_t* x_strides, Y* y,
          const std::int64_t* y_strides, const std::int64_t* sizes, int rank) {
  const auto run = [](const void* of, void* const* first, const std::int64_t* steps,
                      std::int64_t n) {
    const F g = *static_cast<const F*>(of);
    const X* px = static_cast<const X*>(first[0]);
    Y* py = static_cast<Y*>(first[1]);
    const std::int64_t sx = steps[0], sy = steps[1];
    if (sx == 1 && sy == 1) {
      for (std::int64_t i = 0; i < n; ++i) py[i] = g(px[i]);
    } else {
      for (std::int64_t i = 0; i < n; ++i) py[i * sy] = g(px[i * sx]);
    }
  };
  detail::for_each_run<2>({{const_cast<X*>(x), y}, {x_strides, y_strides}, {sizeof(X), sizeof(Y)}},
                          sizes, rank, run, &f);
}

template <class F, class A, class B, class Y>
void map2(const F& f, const A* a, const std::int64_t* a_strides, const B* b,
          const std::int64_t* b_strides, Y* y, const std::int64_t* y_strides,
          const std::int64_t* sizes, int rank) {
  const auto run = [](const void* of, void* const* first, const std::int64_t* steps,
                      std::int64_t n) {
    const F g = *static_cast<const F*>(of);
    const A* pa = static_cast<const A*>(first[0]);
    const B* pb = static_cast<const B*>(first[1]);
    Y* py = static_cast<Y*>(first[2]);
    const std::int64_t sa = steps[0], sb = steps[1], sy = steps[2];
    if (sa == 1 && sb == 1 && sy == 1) {
      for (std::int64_t i = 0; i < n; ++i) py[i] = g(pa[i], pb[i]);
    } else if (sa == 1 && sb == 0 && sy == 1) {
      const B value = *pb;
      for (std::int64_t i = 0; i < n; ++i) py[i] = g(pa[i], value);
    } else if (sa == 0 && sb == 1 && sy == 1) {
      const A value = *pa;
      for (std::int64_t i = 0; i < n; ++i) py[i] = g(value, pb[i]);
    } else {
      for (std::int64_t i = 0; i < n; ++i) py[i * sy] = g(pa[i * sa], pb[i * sb]);
    }
  };
  detail::for_each_run<3>({{const_cast<A*>(a), const_cast<B*>(b), y},
                           {a_strides, b_strides, y_strides},
                           {sizeof(A), sizeof(B), sizeof(Y)}},
                          sizes, rank, run, &f);
}

template <class F, class A, class B, class C, class Y>
void map3(const F& f, const A* a, const std::int64_t* a_strides, const B* b,
          const std::int64_t* b_strides, const C* c, const std::int64_t* c_strides, Y* y,
          const std::int64_t* y_strides, const std::int64_t* sizes, int rank) {
  const auto run = [](const void* of, void* const* first, const std::int64_t* steps,
                      std::int64_t n) {
    const F g = *static_cast<const F*>(of);
    const A* pa = static_cast<const A*>(first[0]);
    const B* pb = static_cast<const B*>(first[1]);
    const C* pc = static_cast<const C*>(first[2]);
    Y* py = static_cast<Y*>(first[3]);
    const std::int64_t sa = steps[0], sb = steps[1], sc = steps[2], sy = steps[3];
    if (sa == 1 && sb == 1 && sc == 1 && sy == 1) {
      for (std::int64_t i = 0; i < n; ++i) py[i] = g(pa[i], pb[i], pc[i]);
    } else {
      for (std::int64_t i = 0; i < n; ++i) py[i * sy] = g(pa[i * sa], pb[i * sb], pc[i * sc]);
    }
  };
  detail::for_each_run<4>({{const_cast<A*>(a), const_cast<B*>(b), const_cast<C*>(c), y},
                           {a_strides, b_strides, c_strides, y_strides},
                           {sizeof(A), sizeof(B), sizeof(C), sizeof(Y)}},
                          sizes, rank, run, &f);
}

}  // namespace gradus::kernels
