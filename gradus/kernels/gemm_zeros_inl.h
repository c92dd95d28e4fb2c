// The loops of gemm that pass over zeros of A: a bit for each number tells whether it is not zero
// (nonzeros.h), and each row's sums walk its bits. B is packed a strip at a time. A product whose
// zeros are in B is computed as C^T = B^T A^T. The bits are those of gemm_inl.h, which comes first:
// fma(0, b, acc) is acc, except that a -0 may become 0, which every block's sum does at its end
// (gemm.h), and that b may be no finite number; a block of B with such numbers skips nothing.
#if defined(GRADUS_KERNELS_GEMM_ZEROS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_KERNELS_GEMM_ZEROS_INL_H
#undef GRADUS_KERNELS_GEMM_ZEROS_INL_H
#else
#define GRADUS_KERNELS_GEMM_ZEROS_INL_H
#endif

#include <gradus/kernels/gemm_inl.h>

#include <bit>

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {
namespace {

// Widest strip, in vectors; few where a call of std::fma for each number takes the time.
inline constexpr int skip_vectors = HWY_NATIVE_FMA ? 8 : 2;
inline constexpr Index skip_rows = 64;  // rows whose sums are made at a time
inline constexpr Index block_words = gemm_block_depth / 64;

/// Walks the set bits of a row's words, ascending.
class Places {
 public:
  Places(const std::uint64_t* words, Index step) : next_(words), step_(step) {}
  HWY_INLINE Index take() {
    while (bits_ == 0) {
      bits_ = *next_;
      next_ += step_;
      begin_ += 64;
    }
    const Index place = begin_ + std::countr_zero(bits_);
    bits_ &= bits_ - 1;
    return place;
  }

 private:
  const std::uint64_t* next_;
  Index step_, begin_ = -64;
  std::uint64_t bits_ = 0;
};

/// How many bits are set in so many words.
HWY_INLINE Index count_bits(const std::uint64_t* words, Index step, Index count) {
  Index bits = 0;
  for (Index w = 0; w < count; ++w) bits += std::popcount(words[w * step]);
  return bits;
}

/// The bits of A's rows, found now.
inline NonZeros find_nonzeros(const Product<float>& p) {
  std::uint64_t* by_row = scratch<std::uint64_t, 0>(words_of(p.k) * p.m);
  const auto other = [&] { return scratch<std::uint64_t, 1>(words_of(p.m) * p.k); };
  if (p.a.column == 1) {
    kernels::find_nonzeros(p.a.data, p.m, p.k, p.a.row, by_row, other());
  } else if (p.a.row == 1) {
    kernels::find_nonzeros(p.a.data, p.k, p.m, p.a.column, other(), by_row);
  } else {
    std::fill_n(by_row, words_of(p.k) * p.m, std::uint64_t{0});
    for (Index i = 0; i < p.m; ++i)
      for (Index k = 0; k < p.k; ++k)
        by_row[k / 64 * p.m + i] |=
            static_cast<std::uint64_t>(p.a.data[i * p.a.row + k * p.a.column] != 0) << k % 64;
  }
  return {by_row, p.m};
}

/// Whether half a vector takes half the time of a whole one.
#if HWY_TARGET <= HWY_AVX3
inline constexpr bool halves_pay = true;
#else
inline constexpr bool halves_pay = false;
#endif

/// A row's sums in registers: so many vectors, the last one, where `has_half`, half a vector.
template <class T, int vectors, bool has_half>
class RowSums {
 public:
  HWY_INLINE RowSums() {
#pragma GCC unroll 8
    for (int v = 0; v < whole; ++v) sums_[v] = hn::Zero(d);
    if constexpr (has_half) half_ = hn::Zero(last);
  }
  HWY_INLINE void take(T x, const T* right) {
    const V left = hn::Set(d, x);
#pragma GCC unroll 8
    for (int v = 0; v < whole; ++v)
      sums_[v] = fused(d, left, hn::Load(d, right + v * lanes<T>), sums_[v]);
    if constexpr (has_half)
      half_ =
          fused(last, hn::LowerHalf(last, left), hn::Load(last, right + whole * lanes<T>), half_);
  }
  HWY_INLINE void put(T* out, bool add) const {
#pragma GCC unroll 8
    for (int v = 0; v < whole; ++v) put_vector(d, sums_[v], out + v * lanes<T>, add);
    if constexpr (has_half) put_vector(last, half_, out + whole * lanes<T>, add);
  }

 private:
  using D = Tag<T>;
  using Last = std::conditional_t<has_half, hn::Half<D>, D>;
  using V = hn::Vec<D>;
  static constexpr D d{};
  static constexpr Last last{};
  static constexpr int whole = has_half ? vectors - 1 : vectors;

  template <class Any>
  static HWY_INLINE void put_vector(Any any, hn::Vec<Any> v, T* at, bool add) {
    const auto sum = hn::Add(v, hn::Zero(any));
    hn::StoreU(add ? hn::Add(hn::LoadU(any, at), sum) : sum, any, at);
  }

  V sums_[whole > 0 ? whole : 1];
  hn::Vec<Last> half_;
};

/// Sums of neighbouring rows, each over the set bits of its own words: out [rows, vectors * lanes]
/// (+)= rows of A times B. Two rows at a time keep twice as many chains going.
template <class T, int rows, int vectors, bool has_half>
void multiply_places(NonZeros nonzeros, Index words, const T* HWY_RESTRICT a, Index a_row,
                     Index a_column, const T* HWY_RESTRICT b, T* HWY_RESTRICT out, bool add) {
  constexpr Index strip = vectors * lanes<T>;
  RowSums<T, vectors, has_half> sums, others;
  Places places(nonzeros.words, nonzeros.step);
  Index count = count_bits(nonzeros.words, nonzeros.step, words);
  const auto take = [&](auto& row, const T* x, Index k)
                        HWY_ATTR { row.take(x[k * a_column], b + k * strip); };
  if constexpr (rows == 2) {
    Places others_places(nonzeros.words + 1, nonzeros.step);
    Index others_count = count_bits(nonzeros.words + 1, nonzeros.step, words);
    const Index both = std::min(count, others_count);
    count -= both, others_count -= both;
    for (Index n = both; n > 0; --n) {
      take(sums, a, places.take());
      take(others, a + a_row, others_places.take());
    }
    for (; others_count > 0; --others_count) take(others, a + a_row, others_places.take());
  }
  for (; count > 0; --count) take(sums, a, places.take());
  sums.put(out, add);
  if constexpr (rows == 2) others.put(out + strip, add);
}

template <class T>
using PlacesKernel = void (*)(NonZeros, Index, const T*, Index, Index, const T*, T*, bool);

template <class T, int rows, int... v>
PlacesKernel<T> places_kernel(Index vectors, bool has_half, std::integer_sequence<int, v...>) {
  static constexpr PlacesKernel<T> kernels[][2] = {
      {&multiply_places<T, rows, v + 1, false>, &multiply_places<T, rows, v + 1, halves_pay>}...};
  return kernels[vectors - 1][has_half];
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
  const NonZeros found = p.nonzeros.words ? p.nonzeros : find_nonzeros(p);
  const Index blocks = (p.k + gemm_block_depth - 1) / gemm_block_depth;

  const Index all = (p.n + lanes<T> - 1) / lanes<T>,
              strips = (all + skip_vectors - 1) / skip_vectors,
              vectors = (all + strips - 1) / strips, strip = vectors * lanes<T>;
  constexpr auto widths = std::make_integer_sequence<int, skip_vectors>();
  // Several blocks are packed again for each piece of rows, so such pieces are larger.
  const Index piece = blocks > 1 ? 4 * skip_rows : skip_rows;
  T* packed = scratch<T, 0>(std::min(p.k, gemm_block_depth) * strip);
  T* sums = scratch<T, 2>(piece * strip);
  for (Index j0 = 0; j0 < p.n; j0 += strip) {
    const Index width = std::min(strip, p.n - j0);
    const bool has_half = strip - width >= lanes<T> / 2;
    const PlacesKernel<T> pair = places_kernel<T, 2>(vectors, has_half, widths),
                          one = places_kernel<T, 1>(vectors, has_half, widths);
    bool skips = false;
    for (Index i0 = 0; i0 < p.m; i0 += piece) {
      const Index rows = std::min(piece, p.m - i0);
      begin_apart(p, sums, strip, rows, width, i0, j0);
      for (Index block = 0; block < blocks; ++block) {
        const Index k0 = block * gemm_block_depth, depth = std::min(gemm_block_depth, p.k - k0);
        if (blocks > 1 || i0 == 0) {
          pack(p.b.data + k0 * p.b.row + j0 * p.b.column, p.b.column, p.b.row, width, depth, packed,
               strip);
          skips = all_finite(packed, depth * strip);
        }
        const Index words = words_of(depth);
        std::uint64_t every[2 * block_words];  // of two rows of which nothing is passed over
        std::fill_n(every, 2 * words, ~std::uint64_t{0});
        every[2 * words - 2] = every[2 * words - 1] = ~std::uint64_t{0} >> (64 * words - depth);
        for (Index i = 0; i < rows; i += 2) {
          const T* left = p.a.data + (i0 + i) * p.a.row + k0 * p.a.column;
          const NonZeros of =
              skips ? NonZeros{found.words + block * block_words * found.step + i0 + i, found.step}
                    : NonZeros{every, 2};
          (i + 1 < rows ? pair : one)(of, words, left, p.a.row, p.a.column, packed,
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
