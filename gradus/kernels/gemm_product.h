// What gemm.cpp hands to the loops of gemm_inl.h, once its thread's part is cut out.
#pragma once

#include <gradus/kernels/gemm.h>

namespace gradus::kernels {

/// A product for one thread. When packed_b is given it is the whole packed B of `packed_columns`
/// padded columns, of which those from `first_column` on are meant.
template <class T>
struct Product {
  std::int64_t m, n, k;
  Matrix<const T> a, b;
  Matrix<T> c;
  bool accumulate;
  Epilogue<T> epilogue;
  const T* packed_b;
  std::int64_t packed_columns, first_column;
};

/// These choose the best instruction set at run time.
void multiply(const Product<float>& product);
void multiply(const Product<double>& product);
std::int64_t strip_width(float);
std::int64_t strip_width(double);
void pack_strips(std::int64_t k, std::int64_t n, Matrix<const float> b, float* packed);
void pack_strips(std::int64_t k, std::int64_t n, Matrix<const double> b, double* packed);

}  // namespace gradus::kernels
