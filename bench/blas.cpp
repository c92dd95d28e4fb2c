#include "blas.h"

#include <dlfcn.h>

#include <cstdlib>
#include <sstream>
#include <stdexcept>

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
  constexpr int row_major = 101, plain = 111, transposed = 112;
  if (const auto sgemm = symbol<Cblas>(library, "cblas_sgemm"))
    return {std::move(name), [sgemm](auto m, auto n, auto k, bool a_t, const float* a, bool b_t,
                                     const float* b, float* c) {
              const auto narrow = [](Blas::Index v) { return static_cast<int>(v); };
              sgemm(row_major, a_t ? transposed : plain, b_t ? transposed : plain, narrow(m),
                    narrow(n), narrow(k), 1, a, narrow(a_t ? m : k), b, narrow(b_t ? k : n), 0, c,
                    narrow(n));
            }};
  if (const auto sgemm = symbol<Dnnl>(library, "dnnl_sgemm"))
    return {std::move(name), [sgemm](auto m, auto n, auto k, bool a_t, const float* a, bool b_t,
                                     const float* b, float* c) {
              sgemm(a_t ? 'T' : 'N', b_t ? 'T' : 'N', m, n, k, 1, a, a_t ? m : k, b, b_t ? k : n, 0,
                    c, n);
            }};
  return {};
}

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
        if (Blas one = wrap(library, name); one.multiply) found.push_back(std::move(one));
    return found;
  }
  std::istringstream files(choice);
  for (std::string file; std::getline(files, file, ',');) {
    void* library = load(file);
    if (library == nullptr) throw std::runtime_error(std::string("--blas: ") + dlerror());
    Blas one = wrap(library, file.substr(file.rfind('/') + 1));
    if (!one.multiply)
      throw std::runtime_error("--blas: " + file + " has neither cblas_sgemm nor dnnl_sgemm");
    found.push_back(std::move(one));
  }
  return found;
}

}  // namespace bench
