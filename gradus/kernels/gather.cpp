// Gather of image rows, compiled for every instruction set that Highway knows here and chosen at
// run time; see gather.h.
#include <gradus/kernels/gather.h>

#include <gradus/kernels/highway.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/kernels/gather.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h, which includes this file once for each instruction set.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

void gather_rows(const std::uint8_t* source, std::int64_t row_bytes, const std::int64_t* index,
                 std::int64_t count, float divisor, float* target) {
  const hn::ScalableTag<float> d;
  const hn::Rebind<std::int32_t, decltype(d)> d_int;
  const hn::Rebind<std::uint8_t, decltype(d)> d_byte;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto by = hn::Set(d, divisor);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint8_t* row = source + index[i] * row_bytes;
    float* out = target + i * row_bytes;
    std::int64_t j = 0;
    for (; j + lanes <= row_bytes; j += lanes)
      hn::StoreU(hn::Div(hn::ConvertTo(d, hn::PromoteTo(d_int, hn::LoadU(d_byte, row + j))), by), d,
                 out + j);
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
  HWY_DYNAMIC_DISPATCH(gather_rows)(source, row_bytes, index, count, divisor, target);
}

}  // namespace gradus::kernels
#endif
