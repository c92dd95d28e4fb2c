// Fixed sample values; see samples.h.
#include <gradus/ops/samples.h>

#include <cmath>

namespace gradus {
namespace {

/// The fractional parts of i * golden ratio fill [0,1) evenly and never meet.
double spread(std::int64_t i, int seed) {
  const double x = static_cast<double>(i + 1) * 0.6180339887498949 + seed * 0.2360679774997897;
  return x - std::floor(x);
}

}  // namespace

Tensor sample(const Ints& shape, double low, double high, int seed) {
  Tensor x = Tensor::empty(shape, DType::f64);
  for (std::int64_t i = 0; i < x.numel(); ++i)
    x.data<double>()[i] = low + (high - low) * spread(i, seed);
  return x;
}

Tensor sample_integers(const Ints& shape, std::int64_t low, std::int64_t high, int seed) {
  Tensor x = Tensor::empty(shape, DType::i64);
  for (std::int64_t i = 0; i < x.numel(); ++i)
    x.data<std::int64_t>()[i] =
        low + static_cast<std::int64_t>(static_cast<double>(high - low) * spread(i, seed));
  return x;
}

Samples unary_samples(const Op& op, double low, double high) {
  return {{op, {sample({3, 4}, low, high, 1)}}, {op, {sample({}, low, high, 2)}}};
}

}  // namespace gradus
