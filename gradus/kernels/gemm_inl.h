// The loops of gemm for one instruction set: a micro-kernel that holds a tile of C in registers
// while it walks k, packing, and the blocking around them (Goto and van de Geijn, "Anatomy of
// high-performance matrix multiplication", 2008). Included once for each instruction set (Highway's
// foreach_target.h), so the guard is Highway's. Lanes always run along columns of C; a product that
// fits better the other way round is computed as C^T = B^T A^T.
#if defined(GRADUS_KERNELS_GEMM_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_KERNELS_GEMM_INL_H
#undef GRADUS_KERNELS_GEMM_INL_H
#else
#define GRADUS_KERNELS_GEMM_INL_H
#endif

#include <gradus/kernels/gemm_pack_inl.h>
#include <gradus/kernels/gemm_product.h>
#include <gradus/kernels/touch.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <memory>
#include <new>
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
inline constexpr int most_rows[] = {0, 12, 12, 8, 6, 0, 4, 0, 0, 0, 0, 0, 2,
                                    0, 0,  0,  0, 0, 0, 0, 0, 0, 0, 0, 1};
#elif HWY_TARGET <= HWY_AVX2
inline constexpr int most_rows[] = {0, 6, 6, 0, 3, 0, 2, 0, 0, 0, 0, 0, 1};
#elif HWY_TARGET == HWY_SCALAR
inline constexpr int most_rows[] = {0, 4, 4};
#else
inline constexpr int most_rows[] = {0, 4, 4, 0, 2, 0, 0, 0, 1};
#endif
inline constexpr Index most_vectors = static_cast<Index>(std::size(most_rows)) - 1;
// Wider packed strips would leave the first cache.
inline constexpr Index most_vectors_packed = std::min<Index>(most_vectors, 4);
inline constexpr int strip_vectors = 2;  // width of packed strips, for products large both ways
inline constexpr Index columns_at_once = 1024;  // columns of B packed at a time
inline constexpr Index rows_at_once = 192;      // rows of A packed at a time
inline constexpr Index rows_that_pay = 128;     // so many rows pay for packing a B that lies well
inline constexpr Index columns_that_pay = 256;  // so many columns pay for packing A
inline constexpr Index side = 256;              // of a piece of C whose sums are kept apart

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

/// What becomes of a tile's sums: C = sums, C += sums, or C -= rate * sums.
enum class Store { set, add, update };

template <class T>
using TileKernel = void (*)(Index depth, const T* a, Index a_row, Index a_column, const T* b,
                            Index b_row, T* out, Index out_row, Store how, T rate);

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
template <Store how, class D, class T, int rows, int vectors>
GRADUS_UNCHECKED HWY_INLINE void store_tile(D d, const hn::Vec<D> (&sums)[rows][vectors], T* out,
                                            Index out_row, T rate) {
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 32
    for (int v = 0; v < vectors; ++v) {
      T* at = out + i * out_row + v * lanes<T>;
      const auto sum = hn::Add(sums[i][v], hn::Zero(d));  // no sum is -0
      if constexpr (how == Store::set)
        hn::StoreU(sum, d, at);
      else if constexpr (how == Store::add)
        hn::StoreU(hn::Add(hn::LoadU(d, at), sum), d, at);
      else
        hn::StoreU(hn::Sub(hn::LoadU(d, at), hn::Mul(hn::Set(d, rate), sum)), d, at);
    }
}

/// out [rows, vectors * lanes] gets the A tile times the B tile over one block of k.
template <class T, int rows, int vectors>
GRADUS_UNCHECKED void multiply_tile(Index depth, const T* HWY_RESTRICT a, Index a_row,
                                    Index a_column, const T* HWY_RESTRICT b, Index b_row,
                                    T* HWY_RESTRICT out, Index out_row, Store how, T rate) {
  const Tag<T> d;
  using V = hn::Vec<Tag<T>>;
  // Three rows share a pointer: fewer registers, and steps that addressing can express.
  constexpr int groups = (rows + 2) / 3;
  const T* group[groups];
  for (int g = 0; g < groups; ++g) group[g] = a + 3 * g * a_row;
  V sums[rows][vectors];
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 32
    for (int v = 0; v < vectors; ++v) sums[i][v] = hn::Zero(d);
  for (Index i = 0; i < rows; ++i) {  // C comes while the sums are made
    const T* line = out + i * out_row;
    for (Index v = 0; v < vectors; ++v) __builtin_prefetch(line + v * lanes<T>, 1);
  }
  for (Index k = 0; k < depth; ++k) {
    // Of the few rows or the few vectors there is one register each, of the others one in turn.
    if constexpr (vectors > rows) {
      V left[rows];
#pragma GCC unroll 16
      for (int i = 0; i < rows; ++i) left[i] = hn::Set(d, group[i / 3][(i % 3) * a_row]);
#pragma GCC unroll 32
      for (int v = 0; v < vectors; ++v) {
        const V right = hn::LoadU(d, b + v * lanes<T>);
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i) sums[i][v] = fused(d, left[i], right, sums[i][v]);
      }
    } else {
      V right[vectors];
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) right[v] = hn::LoadU(d, b + v * lanes<T>);
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
  if (how == Store::set)
    store_tile<Store::set>(d, sums, out, out_row, rate);
  else if (how == Store::add)
    store_tile<Store::add>(d, sums, out, out_row, rate);
  else
    store_tile<Store::update>(d, sums, out, out_row, rate);
}

template <class T, int vectors, class Rows = std::make_integer_sequence<int, most_rows[vectors]>>
struct Tiles;
template <class T, int vectors, int... row>
struct Tiles<T, vectors, std::integer_sequence<int, row...>> {
  static constexpr TileKernel<T> of_rows[] = {&multiply_tile<T, row + 1, vectors>..., nullptr};
};

template <class T, int... vectors>
TileKernel<T> tile_kernel(Index rows, Index width, std::integer_sequence<int, vectors...>) {
  static constexpr const TileKernel<T>* of_width[] = {Tiles<T, vectors>::of_rows...};
  return of_width[width][rows - 1];
}
template <class T>
TileKernel<T> tile_kernel(Index rows, Index width) {
  return tile_kernel<T>(rows, width, std::make_integer_sequence<int, most_vectors + 1>());
}

/// The widest tile of at most so many vectors.
inline Index widest_tile(Index vectors) {
  Index v = std::min(vectors, most_vectors);
  while (most_rows[v] == 0) --v;
  return v;
}

/// What is done to finished sums: a weight's update alone, which is the most of a small net's step,
/// or whatever the epilogue says.
enum class Ending { update, any };

/// One vector (or one number) of finished sums goes to C.
template <Ending ending, class D, class T = hn::TFromD<D>>
HWY_INLINE void finish_lanes(D d, const T* sum, T* out, bool add, const Epilogue<T>& e, T row_bias,
                             const T* column_bias, const T* mask) {
  auto v = hn::LoadU(d, sum);
  if constexpr (ending == Ending::update) {
    v = hn::Sub(hn::LoadU(d, out), hn::Mul(hn::Set(d, e.rate), v));
  } else {
    const auto zero = hn::Zero(d);
    if (add) v = hn::Add(hn::LoadU(d, out), v);
    if (e.scales) v = hn::Mul(v, hn::Set(d, e.scale));
    if (e.bias_of_row && !e.column_first) v = hn::Add(v, hn::Set(d, row_bias));
    if (column_bias) v = hn::Add(v, hn::LoadU(d, column_bias));
    if (e.bias_of_row && e.column_first) v = hn::Add(v, hn::Set(d, row_bias));
    if (e.relu) v = hn::IfThenElse(hn::Lt(v, zero), zero, v);
    if (mask)
      v = hn::Mul(v, hn::IfThenElse(hn::Le(hn::LoadU(d, mask), zero), zero, hn::Set(d, T(1))));
    if (e.updates) v = hn::Sub(hn::LoadU(d, out), hn::Mul(hn::Set(d, e.rate), v));
  }
  hn::StoreU(v, d, out);
}

template <Ending ending, class T>
void finish_rows(const T* sums, Index sums_row, Index height, Index width, Matrix<T> c, bool add,
                 const Epilogue<T>& given, Index i0, Index j0) {
  const Epilogue<T> e = given;  // a copy that writing to C cannot change
  const bool runs = c.column == 1 && (!e.mask.data || e.mask.column == 1);
  const T* column_bias = e.bias_of_column ? e.bias_of_column + j0 : nullptr;
  for (Index i = 0; i < height; ++i) {
    const T row_bias = e.bias_of_row ? e.bias_of_row[i0 + i] : T(0);
    const T* mask =
        e.mask.data ? e.mask.data + (i0 + i) * e.mask.row + j0 * e.mask.column : nullptr;
    const T* sum = sums + i * sums_row;
    T* out = c.data + i * c.row;
    Index j = 0;
    if (runs)
      for (; j + lanes<T> <= width; j += lanes<T>)
        finish_lanes<ending>(Tag<T>(), sum + j, out + j, add, e, row_bias,
                             column_bias ? column_bias + j : nullptr, mask ? mask + j : nullptr);
    for (; j < width; ++j)
      finish_lanes<ending>(hn::CappedTag<T, 1>(), sum + j, out + j * c.column, add, e, row_bias,
                           column_bias ? column_bias + j : nullptr,
                           mask ? mask + j * e.mask.column : nullptr);
  }
}

/// C (+)= sums, then the epilogue if there is one. (i0, j0) is where this piece lies in the whole.
template <class T>
bool update_alone(const Epilogue<T>& e) {
  return e.updates && !e.scales && !e.bias_of_row && !e.bias_of_column && !e.relu && !e.mask.data;
}

template <class T>
void finish(const T* sums, Index sums_row, Index height, Index width, Matrix<T> c, bool add,
            const Epilogue<T>* given, Index i0, Index j0) {
  const Epilogue<T> e = given ? *given : Epilogue<T>{};
  if (update_alone(e) && !add)
    finish_rows<Ending::update>(sums, sums_row, height, width, c, add, e, i0, j0);
  else
    finish_rows<Ending::any>(sums, sums_row, height, width, c, add, e, i0, j0);
}

template <class T>
Product<T> turned(const Product<T>& p) {
  Product<T> t = p;
  std::swap(t.m, t.n);
  t.zeros = p.zeros == Zeros::in_a ? Zeros::in_b : p.zeros == Zeros::in_b ? Zeros::in_a : p.zeros;
  t.a = {p.b.data, p.b.column, p.b.row};
  t.b = {p.a.data, p.a.column, p.a.row};
  std::swap(t.c.row, t.c.column);
  std::swap(t.epilogue.bias_of_row, t.epilogue.bias_of_column);
  t.epilogue.column_first = !p.epilogue.column_first;
  std::swap(t.epilogue.mask.row, t.epilogue.mask.column);
  return t;
}

/// Memory of this thread that grows and is kept, on a cache line.
template <class T, int which>
T* scratch(Index count) {
  thread_local std::unique_ptr<T[]> memory;
  thread_local Index size = 0;
  constexpr Index line = 64 / static_cast<Index>(sizeof(T));
  if (size < count) {
    size = 0;
    memory.reset(new T[static_cast<std::size_t>(count + line)]);
    size = count;
  }
  const auto address = reinterpret_cast<std::uintptr_t>(memory.get());
  return memory.get() + (64 - address % 64) % 64 / sizeof(T);
}

/// Cycles, roughly, of one tile for one k: two fused products or two loads a cycle, and at least
/// the latency of one.
inline double tile_cycles(Index rows, Index vectors) {
  return std::max(
      {0.5 * static_cast<double>(rows * vectors), 0.5 * static_cast<double>(rows + vectors), 4.0});
}

inline double cycles(Index m, Index all_vectors, Index vectors) {
  const Index most = most_rows[vectors], tiles = (m + most - 1) / most,
              rows = (m + tiles - 1) / tiles, whole = (m - 1) / rows, last = m - whole * rows;
  return static_cast<double>(all_vectors) / static_cast<double>(vectors) *
         (static_cast<double>(whole) * tile_cycles(rows, vectors) + tile_cycles(last, vectors));
}

/// The best width of a strip of at most `most` vectors, and its cycles for one k.
inline std::pair<Index, double> best_width(Index m, Index all_vectors, Index most) {
  std::pair<Index, double> best{1, cycles(m, all_vectors, 1)};
  for (Index v = 2; v <= std::min(most, all_vectors); ++v) {
    if (most_rows[v] == 0) continue;
    double cost = cycles(m, all_vectors / v * v, v);
    for (Index rest = all_vectors % v, w = 0; rest > 0; rest -= w) {
      w = widest_tile(rest);
      cost += cycles(m, w, w);
    }
    if (cost < 0.99 * best.second) best = {v, cost};
  }
  return best;
}

/// Most vectors of a strip of B, which is packed where its columns are no neighbours.
template <class T>
Index widest_strip(const Product<T>& p) {
  return p.b.column == 1 ? most_vectors : most_vectors_packed;
}

template <class T>
double cost(const Product<T>& p) {
  const Index vectors = (p.n + lanes<T> - 1) / lanes<T>;
  const double padded = static_cast<double>(vectors * lanes<T>);
  return best_width(p.m, vectors, widest_strip(p)).second + (p.b.column == 1 ? 0 : 0.25 * padded) +
         (p.c.column == 1 ? 0 : 0.5 * static_cast<double>(p.m) * padded / static_cast<double>(p.k));
}

/// The sums of one product go to p.c, whose columns must be neighbours, k block by k block.
template <class T>
void multiply_blocks(const Product<T>& p) {
  const Index all = (p.n + lanes<T> - 1) / lanes<T>;
  const bool large = p.m >= rows_that_pay;
  const Index vectors = large && all >= strip_vectors ? Index(strip_vectors)
                                                      : best_width(p.m, all, widest_strip(p)).first;
  const Index strip = vectors * lanes<T>;
  const Index most = most_rows[vectors], tiles = (p.m + most - 1) / most,
              height_of_tile = (p.m + tiles - 1) / tiles;
  const Epilogue<T>* epilogue = p.epilogue.any() ? &p.epilogue : nullptr;
  HWY_ALIGN T apart[12 * 4 * HWY_LANES(T)];
  const Index rows_block = rows_at_once / height_of_tile * height_of_tile;
  for (Index j0 = 0; j0 < p.n; j0 += columns_at_once) {
    const Index columns = std::min(columns_at_once, p.n - j0);
    for (Index k0 = 0; k0 < p.k; k0 += gemm_block_depth) {
      const Index depth = std::min(gemm_block_depth, p.k - k0);
      const bool add = p.accumulate || k0 > 0, last = k0 + depth == p.k;
      const bool pack_b = p.b.column != 1 || large;
      T* strips =
          pack_b || p.n % lanes<T> != 0 ? scratch<T, 0>((columns + strip) * depth) : nullptr;
      const bool pack_a = columns >= columns_that_pay && p.m * depth >= (1 << 14);
      T* packed_a = pack_a ? scratch<T, 1>(rows_at_once * gemm_block_depth) : nullptr;
      const bool again = pack_a && p.m > rows_block;  // a packed strip is read more than once
      for (Index i0 = 0; i0 < p.m; i0 += pack_a ? rows_block : p.m) {
        const Index rows = pack_a ? std::min(rows_block, p.m - i0) : p.m;
        const T* left = p.a.data + i0 * p.a.row + k0 * p.a.column;
        if (pack_a)
          for (Index i = 0; i < rows; i += height_of_tile) {
            const Index height = std::min(height_of_tile, rows - i);
            pack(left + i * p.a.row, p.a.row, p.a.column, height, depth, packed_a + i * depth,
                 height);
          }
        for (Index j = 0, width = 0; j < columns; j += width) {
          const Index v = std::min(vectors, widest_tile((columns - j + lanes<T> - 1) / lanes<T>));
          width = std::min(v * lanes<T>, columns - j);
          const T* right;
          Index right_row = v * lanes<T>;
          if (pack_b || width < v * lanes<T>) {
            T* packed = strips + (pack_b && again ? j * depth : 0);
            if (i0 == 0)
              pack(p.b.data + k0 * p.b.row + (j0 + j) * p.b.column, p.b.column, p.b.row, width,
                   depth, packed, right_row);
            right = packed;
          } else {
            right = p.b.data + k0 * p.b.row + (j0 + j) * p.b.column;
            right_row = p.b.row;
          }
          const bool whole = width == v * lanes<T>;
          const bool straight = whole && !(last && epilogue && !(update_alone(*epilogue) && !add));
          const Store how = !straight          ? Store::set
                            : last && epilogue ? Store::update
                            : add              ? Store::add
                                               : Store::set;
          for (Index i = 0; i < rows; i += height_of_tile) {
            const Index height = std::min(height_of_tile, rows - i);
            const TileKernel<T> kernel = tile_kernel<T>(height, v);
            const Matrix<T> out{p.c.data + (i0 + i) * p.c.row + j0 + j, p.c.row, 1};
            if (!straight)  // C comes while the sums are made
              for (Index r = 0; r < height; ++r) {
                __builtin_prefetch(out.data + r * out.row, 1);
                __builtin_prefetch(out.data + r * out.row + width - 1, 1);
              }
            const T* a = pack_a ? packed_a + i * depth : left + i * p.a.row;
            kernel(depth, a, pack_a ? 1 : p.a.row, pack_a ? height : p.a.column, right, right_row,
                   straight ? out.data : apart, straight ? p.c.row : v * lanes<T>, how,
                   p.epilogue.rate);
            if (!straight)
              finish(apart, v * lanes<T>, height, width, out, add, last ? epilogue : nullptr,
                     i0 + i, j0 + j);
          }
        }
      }
    }
  }
}

/// The old C comes first in every chain of sums that are made apart.
template <class T>
void begin_apart(const Product<T>& p, T* sums, Index row, Index m, Index n, Index i0, Index j0) {
  if (!p.accumulate) return;
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j < n; ++j)
      sums[i * row + j] = p.c.data[(i0 + i) * p.c.row + (j0 + j) * p.c.column];
}

/// Sums that were made apart go to their place (i0, j0) in C, once.
template <class T>
void finish_apart(const Product<T>& p, const T* sums, Index row, Index m, Index n, Index i0,
                  Index j0) {
  const Matrix<T> c{p.c.data + i0 * p.c.row + j0 * p.c.column, p.c.row, p.c.column};
  if (c.row == 1 && c.column != 1) {
    T* across = scratch<T, 3>(m * n);
    pack(sums, row, Index(1), m, n, across, m);
    const Epilogue<T> e = turned(p).epilogue;
    finish(across, m, n, m, {c.data, c.column, 1}, false, e.any() ? &e : nullptr, j0, i0);
  } else {
    finish(sums, row, m, n, c, false, p.epilogue.any() ? &p.epilogue : nullptr, i0, j0);
  }
}

/// For a C whose columns are no neighbours, or that must be whole before an update: the sums are
/// made in memory of their own, piece by piece.
template <class T>
void multiply_apart(const Product<T>& p) {
  for (Index i0 = 0; i0 < p.m; i0 += side)
    for (Index j0 = 0; j0 < p.n; j0 += side) {
      Product<T> piece = p;
      piece.m = std::min(side, p.m - i0);
      piece.n = std::min(side, p.n - j0);
      piece.a.data += i0 * p.a.row;
      piece.b.data += j0 * p.b.column;
      const Index row = (piece.n + lanes<T> - 1) / lanes<T> * lanes<T>;
      T* sums = scratch<T, 2>(side * side);
      piece.c = {sums, row, 1};
      piece.epilogue = {};
      begin_apart(p, sums, row, piece.m, piece.n, i0, j0);
      multiply_blocks(piece);
      finish_apart(p, sums, row, piece.m, piece.n, i0, j0);
    }
}

template <class T>
void multiply_product(const Product<T>& given) {
  touch(given.a, given.m, given.k);
  touch(given.b, given.k, given.n);
  touch(given.c, given.m, given.n);
  if (given.k <= 0) {  // empty sums
    const T zero = 0;
    for (Index i = 0; i < given.m; ++i)
      for (Index j = 0; j < given.n; ++j)
        finish(&zero, 1, 1, 1,
               {given.c.data + i * given.c.row + j * given.c.column, given.c.row, given.c.column},
               given.accumulate, given.epilogue.any() ? &given.epilogue : nullptr, i, j);
    return;
  }
  const Product<T> other = turned(given);
  const Product<T>& p = cost(other) < cost(given) ? other : given;
  if (p.c.column == 1 && !(p.epilogue.updates && p.k > gemm_block_depth))
    multiply_blocks(p);
  else
    multiply_apart(p);
}

}  // namespace
}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
