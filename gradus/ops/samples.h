// Inputs for the samples of definitions: fixed pseudo-random tensors in f64, so that gradient
// checks have digits to compare. Not for statistics.
#pragma once

#include <gradus/program/op.h>

namespace gradus {

/// Values spread over [low, high), at least 1e-3 apart from each other within one tensor of up to
/// a few hundred elements, so that maxima and sorts have no ties. Different `seed`s differ.
Tensor sample(const Ints& shape, double low = -2, double high = 2, int seed = 0);
/// Integers in [low, high).
Tensor sample_integers(const Ints& shape, std::int64_t low, std::int64_t high, int seed = 0);
/// For an operation of one number: a matrix and a single number, within [low, high).
Samples unary_samples(const Op& op, double low = -2, double high = 2);

}  // namespace gradus
