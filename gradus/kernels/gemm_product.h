// What gemm.cpp hands to the loops of gemm_inl.h, once its thread's part is cut out.
#pragma once

#include <gradus/kernels/gemm.h>

namespace gradus::kernels {

/// A product for one thread.
template <class T>
struct Product {
  std::int64_t m, n, k;
  Matrix<const T> a, b;
  Matrix<T> c;
  bool accumulate;
  Epilogue<T> epilogue;
  Zeros zeros = Zeros::few;
  NonZeros nonzeros{};
};

/// These choose the best instruction set at run time.
void multiply(const Product<float>& product);
void multiply(const Product<double>& product);

}  // namespace gradus::kernels
