#include "blas.h"

#include <dlfcn.h>

#include <cstdlib>
#include <sstream>
#include <stdexcept>

#ifdef GRADUS_LIBXSMM
#include <libxsmm.h>
#endif

namespace bench {
namespace {

using Cblas = void (*)(int order, int a, int b, int m, int n, int k, float alpha, const float* A,
                       int lda, const float* B, int ldb, float beta, float* C, int ldc);
using Dnnl = int (*)(char a, char b, std::int64_t m, std::int64_t n, std::int64_t k, float alpha,
                     const float* A, std::int64_t lda, const float* B, std::int64_t ldb, float beta,
                     float* C, std::int64_t ldc);

template <class Function>
Function symbol(void* library, const char* name) {
  return reinterpret_cast<Function>(dlsym(library, name));
}

/// Each library has its own word for how many threads it may use.
void hold_to_one_thread(void* library) {
  if (auto set = symbol<void (*)(int)>(library, "openblas_set_num_threads")) set(1);
  if (auto set = symbol<void (*)(long)>(library, "bli_thread_set_num_threads")) set(1);
  if (auto set = symbol<void (*)(int)>(library, "omp_set_num_threads")) set(1);
}

/// Empty without either function.
Blas wrap(void* library, std::string name) {
  using Index = Blas::Index;
  constexpr int row_major = 101, plain = 111, transposed = 112;
  if (const auto sgemm = symbol<Cblas>(library, "cblas_sgemm"))
    return {std::move(name),
            [sgemm](Index m, Index n, Index k, bool a_t, bool b_t) -> Blas::Multiply {
              const int rows = static_cast<int>(m), columns = static_cast<int>(n),
                        depth = static_cast<int>(k);
              return [=](const float* a, const float* b, float* c) {
                sgemm(row_major, a_t ? transposed : plain, b_t ? transposed : plain, rows, columns,
                      depth, 1, a, a_t ? rows : depth, b, b_t ? depth : columns, 0, c, columns);
              };
            }};
  if (const auto sgemm = symbol<Dnnl>(library, "dnnl_sgemm"))
    return {std::move(name),
            [sgemm](Index m, Index n, Index k, bool a_t, bool b_t) -> Blas::Multiply {
              return [=](const float* a, const float* b, float* c) {
                sgemm(a_t ? 'T' : 'N', b_t ? 'T' : 'N', m, n, k, 1, a, a_t ? m : k, b, b_t ? k : n,
                      0, c, n);
              };
            }};
  return {};
}

#ifdef GRADUS_LIBXSMM
/// It writes a program for the sizes, which is called here without a look-up; its column-major
/// C^T = B^T A^T is our C = A B. Its manual gives (m n k)^(1/3) <= 64 as its range.
Blas libxsmm() {
  using Index = Blas::Index;
  return {"libxsmm", [](Index m, Index n, Index k, bool a_t, bool b_t) -> Blas::Multiply {
            if (a_t || b_t || m * n * k > 64 * 64 * 64) return {};
            const float one = 1, zero = 0;
            const auto program = libxsmm_smmdispatch(
                static_cast<libxsmm_blasint>(n), static_cast<libxsmm_blasint>(m),
                static_cast<libxsmm_blasint>(k), nullptr, nullptr, nullptr, &one, &zero, nullptr,
                nullptr);
            if (program == nullptr) return {};
            return [program](const float* a, const float* b, float* c) { program(b, a, c); };
          }};
}
#endif

void* load(const std::string& file) {
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library != nullptr) hold_to_one_thread(library);
  return library;
}

}  // namespace

std::vector<Blas> find_blas(const std::string& choice) {
  std::vector<Blas> found;
  if (choice == "none") return found;
  setenv("OMP_NUM_THREADS", "1", 1);  // read once, when the library is loaded
  if (choice == "auto") {
    // The libraries themselves, not what the system's libblas points to.
    for (const auto& [name, file] : {std::pair{"OpenBLAS", "libopenblas.so.0"},
                                     {"BLIS", "libblis.so.4"},
                                     {"oneDNN", "libdnnl.so.2"}})
      if (void* library = load(file))
        if (Blas one = wrap(library, name); one.product) found.push_back(std::move(one));
#ifdef GRADUS_LIBXSMM
    found.push_back(libxsmm());
#endif
    return found;
  }
  std::istringstream files(choice);
  for (std::string file; std::getline(files, file, ',');) {
    void* library = load(file);
    if (library == nullptr) throw std::runtime_error(std::string("--blas: ") + dlerror());
    Blas one = wrap(library, file.substr(file.rfind('/') + 1));
    if (!one.product)
      throw std::runtime_error("--blas: " + file + " has neither cblas_sgemm nor dnnl_sgemm");
    found.push_back(std::move(one));
  }
  return found;
}

}  // namespace bench
