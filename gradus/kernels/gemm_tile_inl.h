// The micro-kernel of gemm_inl.h: a tile of C stays in registers while it walks the k's of a block.
#if defined(GRADUS_KERNELS_GEMM_TILE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_KERNELS_GEMM_TILE_INL_H
#undef GRADUS_KERNELS_GEMM_TILE_INL_H
#else
#define GRADUS_KERNELS_GEMM_TILE_INL_H
#endif

#include <gradus/kernels/gemm_pack_inl.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {
namespace {

// Most rows of a tile so many vectors wide; 0: there is no such tile. Sums, a row of B and one
// number of A must fit into the registers, of which AVX-512 has 32 and the others 16. Narrow tiles
// have no fewer rows than wide ones: the last strip may be narrower than the one the rows were
// chosen for. The widest are for products of few rows, whose chains would wait for each other in
// narrow ones.
#if HWY_TARGET <= HWY_AVX3
inline constexpr int most_rows[] = {0, 12, 12, 8, 6, 0, 4, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1};
#elif HWY_TARGET <= HWY_AVX2
inline constexpr int most_rows[] = {0, 6, 6, 0, 3, 0, 2, 0, 0, 0, 0, 0, 1};
#elif HWY_TARGET == HWY_SCALAR
inline constexpr int most_rows[] = {0, 4, 4};
#else
inline constexpr int most_rows[] = {0, 4, 4, 0, 2, 0, 0, 0, 1};
#endif
inline constexpr int wide_tile = HWY_TARGET <= HWY_AVX3 ? 6 : 99;  // these can go on
inline constexpr Index most_vectors = static_cast<Index>(std::size(most_rows)) - 1;

#if HWY_NATIVE_FMA
/// a * b + c rounded once, on every machine.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V fused(D, V a, V b, V c) {
  return hn::MulAdd(a, b, c);
}
#else
template <class D, class V = hn::Vec<D>>
HWY_NOINLINE V fused(D d, V a, V b, V c) {
  constexpr std::size_t n = hn::MaxLanes(D());
  HWY_ALIGN hn::TFromD<D> x[n], y[n], z[n];
  hn::Store(a, d, x);
  hn::Store(b, d, y);
  hn::Store(c, d, z);
  for (std::size_t i = 0; i < n; ++i) z[i] = std::fma(x[i], y[i], z[i]);
  return hn::Load(d, z);
}
#endif

// So many k's give C time to come.
inline constexpr Index depth_to_fetch = HWY_TARGET <= HWY_AVX3 ? 64 : 4;

/// What becomes of a tile's sums: C = sums, C += sums, or C -= rate * sums.
enum class Store { set, add, update };

/// What a kernel does: tiles one below the other, and side by side in each of their rows.
template <class T>
struct TileRun {
  Index depth;
  const T* a;
  Index a_row, a_column, a_tile;  // from a tile's first row to the next one's
  const T* b;
  Index b_row, b_strip;  // from a strip of B to the next
  T* out;
  Index out_row;
  Index tiles;    // one below the other
  Index columns;  // whole strips and, where there are parts, the first lanes of one vector less
  Store how;
  T rate;
  bool goes_on = false;  // with the chains whose sums so far are in C; wide tiles alone
};
template <class T>
using TileKernel = void (*)(const TileRun<T>& run);

// Checked by a sanitizer the tiles would take most of the tests' time; guard pages watch their
// bounds there, and multiply_product tells what they read and write. A lambda would not inherit
// this from the function around it. Scalar tiles are checked: the arguments of Highway's scalar
// functions, inlined here, would leave marks on the stack that later calls are blamed for.
#undef GRADUS_UNCHECKED
#if defined(__GNUC__) && HWY_TARGET != HWY_SCALAR
#define GRADUS_UNCHECKED __attribute__((no_sanitize("address", "thread", "undefined")))
#else
#define GRADUS_UNCHECKED
#endif

/// What `how` says, for the whole tile.
template <Store how, class D, class Last, class T, int rows, int vectors>
GRADUS_UNCHECKED HWY_INLINE void store_tile(D d, const hn::Vec<D> (&sums)[rows][vectors], T* out,
                                            Index out_row, const Last& last, T rate) {
  const auto store = [&](const auto& lanes_of, auto sum, T* at) GRADUS_UNCHECKED HWY_ATTR {
    sum = hn::Add(sum, hn::Zero(d));  // no sum is -0
    if constexpr (how == Store::add) sum = hn::Add(lanes_of.load(at), sum);
    if constexpr (how == Store::update)
      sum = hn::Sub(lanes_of.load(at), hn::Mul(hn::Set(d, rate), sum));
    lanes_of.store(sum, at);
  };
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 32
    for (int v = 0; v < vectors - 1; ++v)
      store(Whole<D>{d}, sums[i][v], out + i * out_row + v * lanes<T>);
    store(last, sums[i][vectors - 1], out + i * out_row + (vectors - 1) * lanes<T>);
  }
}

/// Adds the A tile times the B tile over one block of k to `sums`; `last` reads the last vector of
/// a row of B.
template <class D, class Last, class T, int rows, int vectors>
GRADUS_UNCHECKED HWY_INLINE void add_products(D d, const Last& last, Index depth, const T* a,
                                              Index a_row, Index a_column, const T* b, Index b_row,
                                              hn::Vec<D> (&sums)[rows][vectors]) {
  using V = hn::Vec<D>;
  // Three rows share a pointer: fewer registers, and steps that addressing can express.
  constexpr int groups = (rows + 2) / 3;
  const T* group[groups];
  for (int g = 0; g < groups; ++g) group[g] = a + 3 * g * a_row;
  for (Index k = 0; k < depth; ++k) {
    // Of the few rows or the few vectors there is one register each, of the others one in turn.
    if constexpr (vectors > rows) {
      V left[rows];
#pragma GCC unroll 16
      for (int i = 0; i < rows; ++i) left[i] = hn::Set(d, group[i / 3][(i % 3) * a_row]);
#pragma GCC unroll 32
      for (int v = 0; v < vectors; ++v) {
        const T* at = b + v * lanes<T>;
        const V right = v + 1 < vectors ? hn::LoadU(d, at) : last.load(at);
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i) sums[i][v] = fused(d, left[i], right, sums[i][v]);
      }
    } else {
      V right[vectors];
#pragma GCC unroll 4
      for (int v = 0; v < vectors - 1; ++v) right[v] = hn::LoadU(d, b + v * lanes<T>);
      right[vectors - 1] = last.load(b + (vectors - 1) * lanes<T>);
#pragma GCC unroll 16
      for (int i = 0; i < rows; ++i) {
        const V left = hn::Set(d, group[i / 3][(i % 3) * a_row]);
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v) sums[i][v] = fused(d, left, right[v], sums[i][v]);
      }
    }
    b += b_row;
#pragma GCC unroll 4
    for (int g = 0; g < groups; ++g) group[g] += a_column;
  }
}

/// Each tile of C, [rows, vectors * lanes], gets its rows of A times its strip of B over one block
/// of k.
template <class D, int rows, int vectors, class T = hn::TFromD<D>>
GRADUS_UNCHECKED void multiply_tiles(const TileRun<T>& run) {
  const D d;
  constexpr Index n = static_cast<Index>(hn::MaxLanes(D())), strip = vectors * n;
  for (Index tile = 0; tile < run.tiles; ++tile) {
    const T* a = run.a + tile * run.a_tile;
    const T* HWY_RESTRICT b = run.b;
    T* HWY_RESTRICT out = run.out + tile * rows * run.out_row;
    for (Index columns = run.columns; columns > 0; columns -= strip) {
      const Index last = std::min(columns - (strip - n), n);
      const Part<D> part(d, last);
      hn::Vec<D> sums[rows][vectors];
#pragma GCC unroll 16
      for (int i = 0; i < rows; ++i)
#pragma GCC unroll 32
        for (int v = 0; v < vectors; ++v) sums[i][v] = hn::Zero(d);
      if constexpr (sizeof(T) == 4 && vectors >= wide_tile)
        if (run.goes_on)
#pragma GCC unroll 16
          for (int i = 0; i < rows; ++i) {
            const T* at = out + i * run.out_row;
#pragma GCC unroll 32
            for (int v = 0; v < vectors - 1; ++v) sums[i][v] = hn::LoadU(d, at + v * n);
            sums[i][vectors - 1] = part.load(at + (vectors - 1) * n);
          }
      if (run.depth >= depth_to_fetch)
        for (Index i = 0; i < rows; ++i) {  // C comes while the sums are made
          const T* line = out + i * run.out_row;
          for (Index v = 0; v < vectors; ++v) __builtin_prefetch(line + v * n, 1);
        }
      // Whole vectors are read without a mask, a hundredth faster. Double does without: 20 kB of a
      // small program.
      if constexpr (has_parts && (sizeof(T) == 8 || n < lanes<T>))
        add_products(d, part, run.depth, a, run.a_row, run.a_column, b, run.b_row, sums);
      else if (has_parts && last < n)
        add_products(d, part, run.depth, a, run.a_row, run.a_column, b, run.b_row, sums);
      else
        add_products(d, Whole<D>{d}, run.depth, a, run.a_row, run.a_column, b, run.b_row, sums);
      // So are they written, where there are few k's to hide it: a twelfth faster.
      if (has_parts && sizeof(T) == 4 && vectors >= 3 && vectors <= 6 && run.how == Store::set &&
          last == n)
        store_tile<Store::set>(d, sums, out, run.out_row, Whole<D>{d}, run.rate);
      else if (run.how == Store::set)
        store_tile<Store::set>(d, sums, out, run.out_row, part, run.rate);
      else if (run.how == Store::add)
        store_tile<Store::add>(d, sums, out, run.out_row, part, run.rate);
      else
        store_tile<Store::update>(d, sums, out, run.out_row, part, run.rate);
      b += run.b_strip;
      out += strip;
    }
  }
}

template <class D, int vectors, class Rows = std::make_integer_sequence<int, most_rows[vectors]>>
struct Tiles;
template <class D, int vectors, int... row>
struct Tiles<D, vectors, std::integer_sequence<int, row...>> {
  static constexpr TileKernel<hn::TFromD<D>> of_rows[] = {&multiply_tiles<D, row + 1, vectors>...,
                                                          nullptr};
};

template <class T, int... vectors>
TileKernel<T> tile_kernel(Index rows, Index width, std::integer_sequence<int, vectors...>) {
  static constexpr const TileKernel<T>* of_width[] = {Tiles<Tag<T>, vectors>::of_rows...};
  return of_width[width][rows - 1];
}
template <class T>
TileKernel<T> tile_kernel(Index rows, Index width) {
  return tile_kernel<T>(rows, width, std::make_integer_sequence<int, most_vectors + 1>());
}

/// Tiles half a vector wide, which take half the time of a whole one with AVX-512.
template <class T>
inline constexpr bool has_halves = has_parts && sizeof(T) == 4;
template <class T>
TileKernel<T> half_kernel(Index rows) {
  return Tiles<hn::Half<Tag<T>>, 1>::of_rows[rows - 1];
}

/// The widest tile of at most so many vectors.
inline Index widest_tile(Index vectors) {
  Index v = std::min(vectors, most_vectors);
  while (most_rows[v] == 0) --v;
  return v;
}

}  // namespace
}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
