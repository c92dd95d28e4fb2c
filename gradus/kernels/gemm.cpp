// Matrix product: cuts C into parts for the threads (bits do not depend on where, see gemm.h) and
// sends each to the loops of gemm_inl.h, which gemm_f32.cpp and gemm_f64.cpp compile for every
// instruction set.
#include <gradus/kernels/gemm_product.h>
#include <gradus/kernels/highway.h>
#include <gradus/kernels/threads.h>

#include <hwy/targets.h>

#include <algorithm>
#include <stdexcept>
#include <type_traits>

namespace gradus::kernels {
namespace {

using Index = std::int64_t;
constexpr double products_per_task = 2e5;  // below two tasks' worth no thread is called
constexpr Index whole_vectors = 16;        // pieces of this many columns cut no vector,
constexpr Index whole_strips = 64;         // of this many no strip
constexpr Index wide_enough = 256;         // narrower pieces read the other operand too often
constexpr Index high_enough = 64;          // rows of a piece that pay for another walk over B,
constexpr Index too_wide = 1024;           // unless a piece could have so many columns

Index round_up(Index n, Index unit) { return (n + unit - 1) / unit * unit; }

/// Whether each thread walks all numbers that are not zero, on its share of the other operand's
/// side: then shares are equal wherever the zeros lie, and a weight's share of the forward product
/// is that of its update, so that it stays with its thread.
bool is_whole_walked(Index m, Index n, Index threads, const GemmHints& hints) {
  return hints.nonzeros.words && (hints.zeros == Zeros::in_a ? n : m) >= threads * whole_vectors;
}

/// Whether a C that is no higher than wide is cut by rows all the same. Pieces side by side meet in
/// every row of C, where one core fetches ahead what the other is writing.
bool is_cut_by_rows(Index m, Index n, Index threads) {
  return m >= threads * high_enough && n < threads * too_wide;
}

template <class T>
Epilogue<T> cut(Epilogue<T> e, Index row, Index column) {
  if (e.bias_of_row) e.bias_of_row += row;
  if (e.bias_of_column) e.bias_of_column += column;
  if (e.mask.data) e.mask.data += row * e.mask.row + column * e.mask.column;
  return e;
}

template <class T>
void gemm_integer(Index m, Index n, Index k, Matrix<const T> a, Matrix<const T> b, Matrix<T> c,
                  bool accumulate) {
  using U = std::make_unsigned_t<T>;
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j < n; ++j) {
      T& target = c.data[i * c.row + j * c.column];
      std::uint64_t sum = accumulate ? static_cast<U>(target) : 0;
      for (Index p = 0; p < k; ++p)
        sum += static_cast<std::uint64_t>(static_cast<U>(a.data[i * a.row + p * a.column])) *
               static_cast<U>(b.data[p * b.row + j * b.column]);
      target = static_cast<T>(static_cast<U>(sum));
    }
}

template <class T>
void multiply_whole(const Product<T>& product) {
  if (product.accumulate && product.epilogue.updates)
    throw std::invalid_argument("gemm: C -= rate * v or C += v, not both");
  multiply(product);
}

}  // namespace

template <class T>
void gemm_serial(const GemmPart& part, Index k, Matrix<const T> a, Matrix<const T> b, Matrix<T> c,
                 bool accumulate, const Epilogue<T>& epilogue, const GemmHints& hints) {
  const Index i = part.row_begin, j = part.column_begin;
  if (part.row_end <= i || part.column_end <= j) return;
  NonZeros nonzeros = hints.nonzeros;
  if (nonzeros.words) nonzeros.words += hints.zeros == Zeros::in_a ? i : j;
  multiply_whole(Product<T>{part.row_end - i,
                            part.column_end - j,
                            k,
                            {a.data + i * a.row, a.row, a.column},
                            {b.data + j * b.column, b.row, b.column},
                            {c.data + i * c.row + j * c.column, c.row, c.column},
                            accumulate,
                            cut(epilogue, i, j),
                            hints.zeros,
                            nonzeros});
}

template <class T>
void gemm(Index m, Index n, Index k, Matrix<const T> a, Matrix<const T> b, Matrix<T> c,
          bool accumulate, const Epilogue<T>& epilogue, const GemmHints& hints) {
  if constexpr (!std::is_floating_point_v<T>) {
    gemm_integer(m, n, k, a, b, c, accumulate);
  } else {
    if (m <= 0 || n <= 0) return;
    // What is too little for a task is handed on at once.
    if (static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k) <=
        products_per_task)
      return multiply_whole(
          Product<T>{m, n, k, a, b, c, accumulate, epilogue, hints.zeros, hints.nonzeros});
    const Index threads = num_threads();
    const bool is_walked = is_whole_walked(m, n, threads, hints);
    const bool columns =
        is_walked ? hints.zeros == Zeros::in_a : n >= m && !is_cut_by_rows(m, n, threads);
    const Index length = columns ? n : m, across = columns ? m : n;
    const double products =
        static_cast<double>(across) * static_cast<double>(std::max<Index>(k, 1));
    const double wanted = std::min(static_cast<double>(length), products_per_task / products + 1);
    // One piece for one thread; for several one each, or two where they are wide enough and no
    // zeros have to be found for each.
    const Index share = (length + threads - 1) / threads;
    const Index piece = threads > 1 && share >= 2 * wide_enough && hints.zeros == Zeros::few
                            ? (share + 1) / 2
                            : share;
    const Index unit = is_walked ? 1 : share < 2 * wide_enough ? whole_vectors : whole_strips;
    const Index grain = round_up(std::max(static_cast<Index>(wanted), piece), unit);
    parallel_for(length, grain, [&](Index begin, Index end) {
      const GemmPart part = columns ? GemmPart{0, m, begin, end} : GemmPart{begin, end, 0, n};
      gemm_serial<T>(part, k, a, b, c, accumulate, epilogue, hints);
    });
  }
}

const char* instruction_set() {
  const std::int64_t found = hwy::SupportedTargets();
  if (found & (HWY_AVX3 | HWY_AVX3_DL)) return "AVX-512";
  if (found & HWY_AVX2) return "AVX2";
  if (found & HWY_SSE4) return "SSE4";
  return "scalar";
}

#define GRADUS_GEMM(T)                                                             \
  template void gemm<T>(std::int64_t, std::int64_t, std::int64_t, Matrix<const T>, \
                        Matrix<const T>, Matrix<T>, bool, const Epilogue<T>&, const GemmHints&);
GRADUS_GEMM(float)
GRADUS_GEMM(double)
GRADUS_GEMM(std::uint8_t)
GRADUS_GEMM(std::int32_t)
GRADUS_GEMM(std::int64_t)
#undef GRADUS_GEMM
#define GRADUS_GEMM_SERIAL(T)                                                                   \
  template void gemm_serial<T>(const GemmPart&, std::int64_t, Matrix<const T>, Matrix<const T>, \
                               Matrix<T>, bool, const Epilogue<T>&, const GemmHints&);
GRADUS_GEMM_SERIAL(float)
GRADUS_GEMM_SERIAL(double)
#undef GRADUS_GEMM_SERIAL

}  // namespace gradus::kernels
