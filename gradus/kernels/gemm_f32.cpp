// The loops of gemm_inl.h for float, compiled once for each instruction set.
#include <gradus/kernels/highway.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/kernels/gemm_f32.cpp"
#include <hwy/foreach_target.h>
// After it, once for each instruction set:
#include <hwy/highway.h>

#include <gradus/kernels/gemm_inl.h>

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {
void multiply_f32(const Product<float>& product) { multiply_product<float>(product); }
std::int64_t strip_f32() { return strip_lanes<float>(); }
void pack_f32(std::int64_t k, std::int64_t n, Matrix<const float> b, float* packed) {
  pack_all_strips<float>(k, n, b, packed);
}
}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::kernels {
HWY_EXPORT(multiply_f32);
HWY_EXPORT(strip_f32);
HWY_EXPORT(pack_f32);
void multiply(const Product<float>& product) { HWY_DYNAMIC_DISPATCH(multiply_f32)(product); }
std::int64_t strip_width(float) { return HWY_DYNAMIC_DISPATCH(strip_f32)(); }
void pack_strips(std::int64_t k, std::int64_t n, Matrix<const float> b, float* packed) {
  HWY_DYNAMIC_DISPATCH(pack_f32)(k, n, b, packed);
}
}  // namespace gradus::kernels
#endif
