// What a kernel costs, for people: arithmetic and bytes, by its operation and its operands.
#pragma once

#include <gradus/compile/kernel.h>

namespace gradus::compile {

/// Floating operations of one run: one for each addition, product, function value and choice of the
/// greater, also for those that a product took in; none for what moves, makes, converts or compares
/// values, or works on integers. 2 m n k for a product, inputs less outputs for a sum.
double flops_of(const Kernel& kernel);

/// Bytes that the operands hold, inputs and outputs; what is stretched counts once.
double bytes_of(const Kernel& kernel);

/// What a view shows, without the axes along which it is stretched.
Spec held_by(const View& view);

}  // namespace gradus::compile
