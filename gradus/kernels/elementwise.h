// Elementwise loops: y = f(x), y = f(a, b), y = f(a, b, c) over strided operands of one shape.
// The inner loops over unit and zero strides are written apart, so that the compiler vectorises
// them. An output may be one of the inputs when it has the same strides. Long runs are shared among
// threads, so f must be pure.
#pragma once

#include <gradus/kernels/strided.h>
#include <gradus/kernels/threads.h>

namespace gradus::kernels {

template <class F, class X, class Y>
void map1(F f, const X* x, const std::int64_t* x_strides, Y* y, const std::int64_t* y_strides,
          const std::int64_t* sizes, int rank) {
  const Walk<2> walk(sizes, rank, {x_strides, y_strides});
  const std::int64_t sx = walk.strides[0][walk.rank - 1], sy = walk.strides[1][walk.rank - 1];
  const auto part = [&](const X* px, Y* py, std::int64_t n) {
    if (sx == 1 && sy == 1) {
      for (std::int64_t i = 0; i < n; ++i) py[i] = f(px[i]);
    } else {
      for (std::int64_t i = 0; i < n; ++i) py[i * sy] = f(px[i * sx]);
    }
  };
  walk.for_each_run([&](const std::int64_t* at, std::int64_t n) {
    parallel_for(n, elements_per_task, [&](std::int64_t begin, std::int64_t end) {
      part(x + at[0] + begin * sx, y + at[1] + begin * sy, end - begin);
    });
  });
}

template <class F, class A, class B, class Y>
void map2(F f, const A* a, const std::int64_t* a_strides, const B* b, const std::int64_t* b_strides,
          Y* y, const std::int64_t* y_strides, const std::int64_t* sizes, int rank) {
  const Walk<3> walk(sizes, rank, {a_strides, b_strides, y_strides});
  const int inner = walk.rank - 1;
  const std::int64_t sa = walk.strides[0][inner], sb = walk.strides[1][inner],
                     sy = walk.strides[2][inner];
  const auto part = [&](const A* pa, const B* pb, Y* py, std::int64_t n) {
    if (sa == 1 && sb == 1 && sy == 1) {
      for (std::int64_t i = 0; i < n; ++i) py[i] = f(pa[i], pb[i]);
    } else if (sa == 1 && sb == 0 && sy == 1) {
      const B value = *pb;
      for (std::int64_t i = 0; i < n; ++i) py[i] = f(pa[i], value);
    } else if (sa == 0 && sb == 1 && sy == 1) {
      const A value = *pa;
      for (std::int64_t i = 0; i < n; ++i) py[i] = f(value, pb[i]);
    } else {
      for (std::int64_t i = 0; i < n; ++i) py[i * sy] = f(pa[i * sa], pb[i * sb]);
    }
  };
  walk.for_each_run([&](const std::int64_t* at, std::int64_t n) {
    parallel_for(n, elements_per_task, [&](std::int64_t begin, std::int64_t end) {
      part(a + at[0] + begin * sa, b + at[1] + begin * sb, y + at[2] + begin * sy, end - begin);
    });
  });
}

template <class F, class A, class B, class C, class Y>
void map3(F f, const A* a, const std::int64_t* a_strides, const B* b, const std::int64_t* b_strides,
          const C* c, const std::int64_t* c_strides, Y* y, const std::int64_t* y_strides,
          const std::int64_t* sizes, int rank) {
  const Walk<4> walk(sizes, rank, {a_strides, b_strides, c_strides, y_strides});
  const int inner = walk.rank - 1;
  const std::int64_t sa = walk.strides[0][inner], sb = walk.strides[1][inner],
                     sc = walk.strides[2][inner], sy = walk.strides[3][inner];
  walk.for_each_run([&](const std::int64_t* at, std::int64_t n) {
    parallel_for(n, elements_per_task, [&](std::int64_t begin, std::int64_t end) {
      const A* pa = a + at[0];
      const B* pb = b + at[1];
      const C* pc = c + at[2];
      Y* py = y + at[3];
      if (sa == 1 && sb == 1 && sc == 1 && sy == 1) {
        for (std::int64_t i = begin; i < end; ++i) py[i] = f(pa[i], pb[i], pc[i]);
      } else {
        for (std::int64_t i = begin; i < end; ++i)
          py[i * sy] = f(pa[i * sa], pb[i * sb], pc[i * sc]);
      }
    });
  });
}

}  // namespace gradus::kernels
