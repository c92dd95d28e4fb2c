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
std::int64_t strip_f64() { return strip_lanes<double>(); }
void pack_f64(std::int64_t k, std::int64_t n, Matrix<const double> b, double* packed) {
  pack_all_strips<double>(k, n, b, packed);
}
}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::kernels {
HWY_EXPORT(multiply_f64);
HWY_EXPORT(strip_f64);
HWY_EXPORT(pack_f64);
void multiply(const Product<double>& product) { HWY_DYNAMIC_DISPATCH(multiply_f64)(product); }
std::int64_t strip_width(double) { return HWY_DYNAMIC_DISPATCH(strip_f64)(); }
void pack_strips(std::int64_t k, std::int64_t n, Matrix<const double> b, double* packed) {
  HWY_DYNAMIC_DISPATCH(pack_f64)(k, n, b, packed);
}
}  // namespace gradus::kernels
#endif
