// One walk over a matrix finds the bits of its rows and of its columns; see nonzeros.h.
#include <gradus/kernels/nonzeros.h>

#include <gradus/kernels/highway.h>
#include <gradus/kernels/threads.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/kernels/nonzeros.cpp"
#include <hwy/foreach_target.h>
// After it, once for each instruction set:
#include <hwy/highway.h>

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Index = std::int64_t;
constexpr hn::ScalableTag<float> d;
constexpr hn::RebindToUnsigned<decltype(d)> d_bits;
inline constexpr Index lanes = static_cast<Index>(HWY_LANES(float));

HWY_INLINE std::uint64_t bits_of(hn::Mask<decltype(d)> mask) {
  std::uint8_t bytes[8] = {};
  hn::StoreMaskBits(d, mask, bytes);
  return bytes[0] | static_cast<std::uint64_t>(bytes[1]) << 8;
}

/// `rows` <= 32 rows of so many vectors: each row's bits join those of by_row[i] below `place`, the
/// bits of each column become one number.
template <int vectors>
HWY_INLINE void find_in_tile(const float* x, Index step, Index rows, Index place,
                             std::uint64_t* by_row, std::uint32_t* by_column) {
  hn::Vec<decltype(d_bits)> found[vectors];
  for (auto& bits : found) bits = hn::Zero(d_bits);
  for (Index i = 0; i < rows; ++i) {
    const auto bit = hn::Set(d_bits, std::uint32_t{1} << i);
    std::uint64_t bits = 0;
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) {
      // Not "is other than 0", which a NaN is not.
      const auto is_number = hn::Not(hn::Eq(hn::LoadU(d, x + i * step + v * lanes), hn::Zero(d)));
      found[v] = hn::Or(found[v], hn::IfThenElseZero(hn::RebindMask(d_bits, is_number), bit));
      bits |= bits_of(is_number) << (v * lanes);
    }
    by_row[i] = place == 0 ? bits : by_row[i] | bits << place;
  }
  for (int v = 0; v < vectors; ++v) hn::StoreU(found[v], d_bits, by_column + v * lanes);
}

}  // namespace

/// The words of columns [begin, end); begin is a multiple of 64.
void find_in_columns(const float* x, Index rows, Index columns, Index step, Index begin, Index end,
                     std::uint64_t* by_row, std::uint64_t* by_column) {
  constexpr int vectors = std::min<int>(4, 64 / static_cast<int>(lanes));
  constexpr Index width = vectors * lanes;
  for (Index j0 = begin; j0 < end; j0 += 64) {
    std::uint64_t* words = by_row + j0 / 64 * rows;
    const Index stop = std::min(j0 + 64, end);
    for (Index i0 = 0; i0 < rows; i0 += 64) {
      std::uint64_t* out = by_column + i0 / 64 * columns;
      std::uint32_t found[2][64];
      for (Index half = 0; half < 2 && i0 + 32 * half < rows; ++half) {
        const Index top = i0 + 32 * half, height = std::min<Index>(32, rows - top);
        Index j = j0;
        for (; j + width <= stop; j += width)
          find_in_tile<vectors>(x + top * step + j, step, height, j - j0, words + top,
                                found[half] + j - j0);
        for (; j + lanes <= stop; j += lanes)
          find_in_tile<1>(x + top * step + j, step, height, j - j0, words + top,
                          found[half] + j - j0);
        for (; j < stop; ++j) {
          found[half][j - j0] = 0;
          for (Index i = 0; i < height; ++i) {
            const bool is_number = x[(top + i) * step + j] != 0;
            found[half][j - j0] |= static_cast<std::uint32_t>(is_number) << i;
            const std::uint64_t bit = static_cast<std::uint64_t>(is_number) << (j - j0);
            words[top + i] = j == j0 ? bit : words[top + i] | bit;
          }
        }
      }
      const bool is_high = i0 + 32 < rows;
      for (Index j = j0; j < stop; ++j)
        out[j] =
            found[0][j - j0] | (is_high ? static_cast<std::uint64_t>(found[1][j - j0]) << 32 : 0);
    }
  }
}

}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::kernels {

HWY_EXPORT(find_in_columns);

void find_nonzeros(const float* x, std::int64_t rows, std::int64_t columns, std::int64_t step,
                   std::uint64_t* by_row, std::uint64_t* by_column) {
  constexpr std::int64_t numbers_per_task = 1 << 14;
  const std::int64_t words = numbers_per_task / (64 * std::max<std::int64_t>(rows, 1)) + 1;
  const std::int64_t share = words_of((columns + num_threads() - 1) / num_threads());
  parallel_for(columns, 64 * std::max(words, share), [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(find_in_columns)(x, rows, columns, step, begin, end, by_row, by_column);
  });
}

}  // namespace gradus::kernels
#endif
