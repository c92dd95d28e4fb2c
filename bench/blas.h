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
  std::string name;  ///< "OpenBLAS"
  std::function<void(Index m, Index n, Index k, bool a_transposed, const float* a,
                     bool b_transposed, const float* b, float* c)>
      multiply;
};

/// The libraries that `choice` names: "auto" is what this machine has of OpenBLAS, BLIS and oneDNN;
/// "none" is none; else shared libraries with `cblas_sgemm` or `dnnl_sgemm`, separated by commas.
/// Each is held to one thread. Throws std::runtime_error for a file that cannot be loaded or has
/// neither.
std::vector<Blas> find_blas(const std::string& choice);

}  // namespace bench
