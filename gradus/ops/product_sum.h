// The sum over a broadcast product is a contraction: sum_n a[n,i,1] b[n,1,j] is a^T b. Written out,
// the product of the lesson's (50000,784,1) and (50000,1,50) has 7.84 GB; its sum has 157 kB.
#pragma once

#include <gradus/ops/ops.h>

namespace gradus::op {

/// sum(x, axis, keepdims) where x is a deferred product (program/deferred.h), through matmul and
/// without the product's elements; an empty tensor where x is anything else. Without history.
Tensor sum_of_product(const Tensor& x, const Ints& axis, bool keepdims);

}  // namespace gradus::op
