// The loops of gemm_inl.h for float, compiled once for each instruction set.
#include <gradus/kernels/highway.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/kernels/gemm_f32.cpp"
#include <hwy/foreach_target.h>
// After it, once for each instruction set:
#include <hwy/highway.h>

#include <gradus/kernels/gemm_inl.h>
#include <gradus/kernels/gemm_zeros_inl.h>

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {
void multiply_f32(const Product<float>& product) {
  if (product.zeros == Zeros::few || product.k <= 0)
    multiply_product<float>(product);
  else
    multiply_skipping<float>(product);
}
}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::kernels {
HWY_EXPORT(multiply_f32);
void multiply(const Product<float>& product) { HWY_DYNAMIC_DISPATCH(multiply_f32)(product); }
}  // namespace gradus::kernels
#endif
