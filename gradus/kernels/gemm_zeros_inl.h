// The loops of gemm that pass over zeros of A: the k's of each row whose number is not zero are
// listed, block by block, and the row's sums walk its list. B is packed a strip at a time. A
// product whose zeros are in B is computed as C^T = B^T A^T. The bits are those of gemm_inl.h,
// which comes first: fma(0, b, acc) is acc, except that a -0 may become 0, which every block's sum
// does at its end (gemm.h), and that b may be no finite number; a block of B with such numbers
// skips nothing.
#if defined(GRADUS_KERNELS_GEMM_ZEROS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_KERNELS_GEMM_ZEROS_INL_H
#undef GRADUS_KERNELS_GEMM_ZEROS_INL_H
#else
#define GRADUS_KERNELS_GEMM_ZEROS_INL_H
#endif

#include <gradus/kernels/gemm_inl.h>

#include <array>
#include <bit>
#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {
namespace {

inline constexpr int skip_vectors = 8;  // widest strip, in vectors
inline constexpr Index skip_rows = 64;  // rows whose sums are made at a time
static_assert(gemm_block_depth == 256, "a place within a block is a byte");

/// For each byte the places of its set bits, ascending.
inline constexpr std::array<std::array<std::uint8_t, 8>, 256> places_of_bits = [] {
  std::array<std::array<std::uint8_t, 8>, 256> all{};
  for (unsigned bits = 0; bits < 256; ++bits)
    for (unsigned bit = 0, n = 0; bit < 8; ++bit)
      if (bits >> bit & 1) all[bits][n++] = static_cast<std::uint8_t>(bit);
  return all;
}();

/// Where the numbers that are not zero lie: for each row and block of A the places of its k's.
struct Lists {
  std::uint8_t* places;
  std::int32_t* counts;
  Index blocks, room;  // room of one list: 8 places more than a block has
  std::uint8_t* list(Index row, Index block) const {
    return places + (row * blocks + block) * room;
  }
  std::int32_t& count(Index row, Index block) const { return counts[row * blocks + block]; }
};

/// Bit i: x[i] is not 0; i < 8.
template <class T>
HWY_INLINE unsigned bits_of_eight(const T* x) {
  const hn::CappedTag<T, 8> d;
  constexpr int n = static_cast<int>(hn::MaxLanes(hn::CappedTag<T, 8>()));
  unsigned bits = 0;
  for (int i = 0; i < 8; i += n) {
    std::uint8_t some[8] = {};
    hn::StoreMaskBits(d, hn::Ne(hn::LoadU(d, x + i), hn::Zero(d)), some);
    bits |= static_cast<unsigned>(some[0]) << i;
  }
  return bits;
}

/// The same of fewer numbers, `step` apart.
template <class T>
unsigned bits_of(const T* x, Index step, Index count) {
  unsigned bits = 0;
  for (Index i = 0; i < count; ++i) bits |= static_cast<unsigned>(x[i * step] != 0) << i;
  return bits;
}

/// As many rows of bits as d has lanes, for the k's of [k0, k0 + 32): A's rows are neighbours
/// there.
template <class D, class T = hn::TFromD<D>>
void find_bits_across(D d, const T* a, Index a_column, std::uint8_t* bits, Index row) {
  const hn::RebindToUnsigned<D> d_bits;
  using Bits = hn::TFromD<decltype(d_bits)>;
  auto found = hn::Zero(d_bits);
  for (unsigned k = 0; k < 32; ++k) {
    const auto is_number =
        hn::RebindMask(d_bits, hn::Ne(hn::LoadU(d, a + k * a_column), hn::Zero(d)));
    found = hn::Or(found, hn::IfThenElseZero(is_number, hn::Set(d_bits, Bits{1} << k)));
  }
  constexpr Index n = static_cast<Index>(hn::MaxLanes(D()));
  Bits each[n];
  hn::StoreU(found, d_bits, each);
  for (Index i = 0; i < n; ++i) {
    const auto four = static_cast<std::uint32_t>(each[i]);
    std::memcpy(bits + i * row, &four, 4);
  }
}

/// bits[i * row + k / 8], bit k % 8: a(i, k) is not 0. A is read as it lies.
template <class T>
void find_bits(Index m, Index k, Matrix<const T> a, std::uint8_t* bits, Index row) {
  const bool lies_across = a.row == 1 && a.column != 1;
  const Index across = lies_across ? m / lanes<T> * lanes<T> : 0, deep = k / 32 * 32,
              whole = k / 8 * 8;
  for (Index i = 0; i < across; i += lanes<T>)
    for (Index k0 = 0; k0 < deep; k0 += 32)
      find_bits_across(Tag<T>(), a.data + i + k0 * a.column, a.column, bits + i * row + k0 / 8,
                       row);
  for (Index i = 0; i < m; ++i) {
    const T* x = a.data + i * a.row;
    std::uint8_t* out = bits + i * row;
    Index k0 = i < across ? deep : 0;
    if (a.column == 1)
      for (; k0 < whole; k0 += 8) out[k0 / 8] = static_cast<std::uint8_t>(bits_of_eight(x + k0));
    for (; k0 < k; k0 += 8)
      out[k0 / 8] = static_cast<std::uint8_t>(
          bits_of(x + k0 * a.column, a.column, std::min<Index>(8, k - k0)));
  }
}

/// Writes the places of the set bits, each with `base`, and 8 bytes in any case.
HWY_INLINE std::uint8_t* append(std::uint8_t* list, std::uint64_t bits, std::uint64_t base) {
  std::uint64_t places;
  std::memcpy(&places, places_of_bits[bits].data(), 8);
  places += base;
  std::memcpy(list, &places, 8);
  return list + std::popcount(bits);
}

/// Lists of all rows and blocks from their bits.
inline void list_bits(Index m, const std::uint8_t* bits, Index row, const Lists& lists) {
  constexpr std::uint64_t ones = 0x0101010101010101u;
  for (Index i = 0; i < m; ++i)
    for (Index block = 0; block < lists.blocks; ++block) {
      std::uint8_t *const begin = lists.list(i, block), *end = begin;
      const std::uint8_t* at = bits + i * row + block * (gemm_block_depth / 8);
      const Index bytes = std::min(gemm_block_depth / 8, row - block * (gemm_block_depth / 8));
      std::uint64_t base = 0;  // of the places, eight times; none reaches 256
      Index byte = 0;
      for (; byte + 8 <= bytes; byte += 8) {
#pragma GCC unroll 8
        for (int j = 0; j < 8; ++j, base += 8 * ones) end = append(end, at[byte + j], base);
      }
      for (; byte < bytes; ++byte, base += 8 * ones) end = append(end, at[byte], base);
      lists.count(i, block) = static_cast<std::int32_t>(end - begin);
    }
}

/// Sums of neighbouring rows, each over the places of its own list: out [rows, vectors * lanes]
/// (+)= rows of A times B. Two rows at a time keep twice as many chains going.
template <class T, int rows, int vectors>
void multiply_lists(const std::uint8_t* const* lists, const Index* counts, const T* HWY_RESTRICT a,
                    Index a_row, Index a_column, const T* HWY_RESTRICT b, T* HWY_RESTRICT out,
                    bool add) {
  const Tag<T> d;
  using V = hn::Vec<Tag<T>>;
  V sums[rows][vectors];
#pragma GCC unroll 2
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) sums[i][v] = hn::Zero(d);
  const auto take = [&](V* row, const T* x, Index k) HWY_ATTR {
    const V left = hn::Set(d, x[k * a_column]);
    const T* right = b + k * vectors * lanes<T>;
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v)
      row[v] = fused(d, left, hn::Load(d, right + v * lanes<T>), row[v]);
  };
  const std::uint8_t *first = lists[0], *const first_end = first + counts[0];
  if constexpr (rows == 2) {
    const std::uint8_t *second = lists[1], *const second_end = second + counts[1];
    for (Index n = std::min(counts[0], counts[1]); n > 0; --n) {
      take(sums[0], a, *first++);
      take(sums[1], a + a_row, *second++);
    }
    while (second != second_end) take(sums[1], a + a_row, *second++);
  }
  while (first != first_end) take(sums[0], a, *first++);
#pragma GCC unroll 2
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) {
      T* at = out + (i * vectors + v) * lanes<T>;
      const V sum = hn::Add(sums[i][v], hn::Zero(d));
      hn::StoreU(add ? hn::Add(hn::LoadU(d, at), sum) : sum, d, at);
    }
}

template <class T>
using ListsKernel = void (*)(const std::uint8_t* const*, const Index*, const T*, Index, Index,
                             const T*, T*, bool);

template <class T, int rows, int... v>
ListsKernel<T> lists_kernel(Index vectors, std::integer_sequence<int, v...>) {
  static constexpr ListsKernel<T> kernels[] = {&multiply_lists<T, rows, v + 1>...};
  return kernels[vectors - 1];
}

/// Whether all of x[0..count) are finite; count is a multiple of the lanes.
template <class T>
bool all_finite(const T* x, Index count) {
  const Tag<T> d;
  const auto zero = hn::Zero(d);
  auto even = zero, odd = zero;  // 0 times what is not finite is NaN, and stays
  Index i = 0;
  for (; i + 2 * lanes<T> <= count; i += 2 * lanes<T>) {
    even = hn::Add(even, hn::Mul(hn::LoadU(d, x + i), zero));
    odd = hn::Add(odd, hn::Mul(hn::LoadU(d, x + i + lanes<T>), zero));
  }
  if (i < count) even = hn::Add(even, hn::Mul(hn::LoadU(d, x + i), zero));
  return hn::AllTrue(d, hn::Eq(hn::Add(even, odd), zero));
}

template <class T>
void multiply_skipping(const Product<T>& given) {
  const Product<T> p = given.zeros == Zeros::in_b ? turned(given) : given;
  Lists lists{nullptr, nullptr, (p.k + gemm_block_depth - 1) / gemm_block_depth,
              (std::min(p.k, gemm_block_depth) + 15) / 8 * 8};
  lists.places = scratch<std::uint8_t, 0>(p.m * lists.blocks * lists.room);
  lists.counts = scratch<std::int32_t, 0>(p.m * lists.blocks);
  const Index bytes = (p.k + 7) / 8;
  std::uint8_t* bits = scratch<std::uint8_t, 1>(p.m * bytes);
  find_bits(p.m, p.k, p.a, bits, bytes);
  list_bits(p.m, bits, bytes, lists);
  std::uint8_t every[gemm_block_depth];
  for (Index k = 0; k < gemm_block_depth; ++k) every[k] = static_cast<std::uint8_t>(k);

  const Index all = (p.n + lanes<T> - 1) / lanes<T>,
              strips = (all + skip_vectors - 1) / skip_vectors,
              vectors = (all + strips - 1) / strips, strip = vectors * lanes<T>;
  constexpr auto widths = std::make_integer_sequence<int, skip_vectors>();
  const ListsKernel<T> pair = lists_kernel<T, 2>(vectors, widths),
                       one = lists_kernel<T, 1>(vectors, widths);
  // Several blocks are packed again for each piece of rows, so such pieces are larger.
  const Index piece = lists.blocks > 1 ? 4 * skip_rows : skip_rows;
  T* packed = scratch<T, 0>(std::min(p.k, gemm_block_depth) * strip);
  T* sums = scratch<T, 2>(piece * strip);
  for (Index j0 = 0; j0 < p.n; j0 += strip) {
    const Index width = std::min(strip, p.n - j0);
    bool skips = false;
    for (Index i0 = 0; i0 < p.m; i0 += piece) {
      const Index rows = std::min(piece, p.m - i0);
      begin_apart(p, sums, strip, rows, width, i0, j0);
      for (Index block = 0; block < lists.blocks; ++block) {
        const Index k0 = block * gemm_block_depth, depth = std::min(gemm_block_depth, p.k - k0);
        if (lists.blocks > 1 || i0 == 0) {
          pack(p.b.data + k0 * p.b.row + j0 * p.b.column, p.b.column, p.b.row, width, depth, packed,
               strip);
          skips = all_finite(packed, depth * strip);
        }
        for (Index i = 0; i < rows; i += 2) {
          const std::uint8_t* of[2];
          Index counts[2];
          for (Index r = 0; r < 2; ++r) {
            const Index row = std::min(i + r, rows - 1) + i0;
            of[r] = skips ? lists.list(row, block) : every;
            counts[r] = skips ? lists.count(row, block) : depth;
          }
          const T* left = p.a.data + (i0 + i) * p.a.row + k0 * p.a.column;
          (i + 1 < rows ? pair : one)(of, counts, left, p.a.row, p.a.column, packed,
                                      sums + i * strip, p.accumulate || block > 0);
        }
      }
      finish_apart(p, sums, strip, rows, width, i0, j0);
    }
  }
}

}  // namespace
}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
