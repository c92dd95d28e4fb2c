// apply: the one door that runs operations. It checks and prepares inputs, infers the outputs'
// specs, runs view, kernel, function or composite, records the call for backward, and tells
// observers. No operation does any of this itself.
#pragma once

#include <gradus/program/grad_mode.h>
#include <gradus/program/observer.h>

namespace gradus {

/// All outputs of `op` on `inputs`. Errors leave with the operation, the specs of the inputs and
/// `at` added.
Tensors apply_all(const Op& op, std::span<const Tensor> inputs, Place at = Place::current());

/// The one output of `op`.
Tensor apply(const Op& op, std::span<const Tensor> inputs, Place at = Place::current());
inline Tensor apply(const Op& op, std::initializer_list<Lent> inputs, Place at = Place::current()) {
  return apply(op, as_tensors(inputs), at);
}

/// Writes the one output of `op`, which must be in_place_safe and give the target's shape and
/// dtype, into `target`, usually one of the inputs, as in x.add_(y). `name` is what the user called
/// ("add_"). Throws ValueError for a target that overlaps itself (a broadcast view) and for an
/// input that is_seen_otherwise: pass a clone; GradError when, while recording, a parameter or a
/// storage that other tensors see would be overwritten.
void apply_into(const Op& op, std::span<const Tensor> inputs, Tensor& target, std::string_view name,
                Place at = Place::current());

inline void apply_into(const Op& op, std::initializer_list<Lent> inputs, Tensor& target,
                       std::string_view name, Place at = Place::current()) {
  apply_into(op, as_tensors(inputs), target, name, at);
}

/// Whether x has the target's storage under another layout, x.T() beside x: written in place, its
/// elements would be read after they were written.
bool is_seen_otherwise(const Tensor& x, const Tensor& target);

}  // namespace gradus
