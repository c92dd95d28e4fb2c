// The loops of gemm_inl.h for double, compiled once for each instruction set.
#include <gradus/kernels/highway.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/kernels/gemm_f64.cpp"
#include <hwy/foreach_target.h>
// After it, once for each instruction set:
#include <hwy/highway.h>

#include <gradus/kernels/gemm_inl.h>

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {
void multiply_f64(const Product<double>& product) { multiply_product<double>(product); }
}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::kernels {
HWY_EXPORT(multiply_f64);
void multiply(const Product<double>& product) { HWY_DYNAMIC_DISPATCH(multiply_f64)(product); }
}  // namespace gradus::kernels
#endif
