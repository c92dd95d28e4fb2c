// Gather of image rows, compiled for every instruction set that Highway knows here and chosen at
// run time; see gather.h.
#include <gradus/kernels/gather.h>

#include <gradus/kernels/highway.h>
#include <gradus/kernels/threads.h>

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/kernels/gather.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h, which includes this file once for each instruction set.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// byte / divisor, correctly rounded. Where products are fused, a product with the rounded
/// reciprocal and one correction by its exact remainder give that too (P. Markstein, "Computation
/// of elementary functions on the IBM RISC System/6000 processor", 1990).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V quotient(D /*d*/, V byte, V divisor, V reciprocal) {
#if HWY_NATIVE_FMA
  const V estimate = hn::Mul(byte, reciprocal);
  return hn::MulAdd(hn::NegMulAdd(estimate, divisor, byte), reciprocal, estimate);
#else
  (void)reciprocal;
  return hn::Div(byte, divisor);
#endif
}

void gather_rows(const std::uint8_t* source, std::int64_t row_bytes, const std::int64_t* index,
                 std::int64_t count, float divisor, float* target) {
  const hn::ScalableTag<float> d;
  const hn::Rebind<std::int32_t, decltype(d)> d_int;
  const hn::Rebind<std::uint8_t, decltype(d)> d_byte;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto by = hn::Set(d, divisor), reciprocal = hn::Set(d, 1 / divisor);
  const bool moderate = divisor > 0x1p-60f && divisor < 0x1p60f;  // no estimate over- or underflows
  constexpr std::int64_t ahead = 2, line = 64;
  const std::int64_t begun = std::min<std::int64_t>(row_bytes, 32 * line);  // the rest is foreseen
  for (std::int64_t i = 0; i < count; ++i) {
    // A shuffled row lies where no processor expects it: it comes while two others are converted.
    if (i + ahead < count)
      for (std::int64_t at = 0; at < begun; at += line)
        __builtin_prefetch(source + index[i + ahead] * row_bytes + at, 0, 2);
    const std::uint8_t* row = source + index[i] * row_bytes;
    float* out = target + i * row_bytes;
    std::int64_t j = 0;
    for (; moderate && j + lanes <= row_bytes; j += lanes) {
      const auto byte = hn::ConvertTo(d, hn::PromoteTo(d_int, hn::LoadU(d_byte, row + j)));
      hn::StoreU(quotient(d, byte, by, reciprocal), d, out + j);
    }
    for (; j < row_bytes; ++j) out[j] = static_cast<float>(row[j]) / divisor;
  }
}

}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::kernels {

HWY_EXPORT(gather_rows);

void gather_rows_u8(const std::uint8_t* source, std::int64_t row_bytes, const std::int64_t* index,
                    std::int64_t count, float divisor, float* target) {
  constexpr std::int64_t bytes_per_task = 1 << 14;
  // One piece for each thread, as products cut the rows: so they find theirs in their own cache.
  const std::int64_t rows = bytes_per_task / std::max<std::int64_t>(row_bytes, 1) + 1,
                     threads = num_threads(), share = (count + threads - 1) / threads;
  parallel_for(count, std::max(rows, share), [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(gather_rows)
    (source, row_bytes, index + begin, end - begin, divisor, target + begin * row_bytes);
  });
}

}  // namespace gradus::kernels
#endif
