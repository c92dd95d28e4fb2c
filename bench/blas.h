// Libraries that multiply matrices, to compare gradus with: loaded while the bench runs, so that
// gradus itself depends on none of them. From here: products.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace bench {

/// One library's f32 product of row-major matrices on one thread: C [m,n] = A B, where A is [m,k],
/// or [k,m] if `a_transposed`, and B is [k,n], or [n,k] if `b_transposed`.
struct Blas {
  using Index = std::int64_t;
  using Multiply = std::function<void(const float* a, const float* b, float* c)>;
  std::string name;  ///< "OpenBLAS"
  /// The product of these sizes, made ready; empty where the library has none.
  std::function<Multiply(Index m, Index n, Index k, bool a_transposed, bool b_transposed)> product;
};

/// The libraries that `choice` names: "auto" is what this machine has of OpenBLAS, BLIS, oneDNN and
/// libxsmm (which has products of A and B as they lie, up to 64^3); "none" is none; else shared
/// libraries with `cblas_sgemm` or `dnnl_sgemm`, separated by commas. Each is held to one thread:
/// with more, the threads of one spin where those of the next would work. Throws
/// std::runtime_error for a file that cannot be loaded or has neither.
std::vector<Blas> find_blas(const std::string& choice);

}  // namespace bench
