// Registry: all operations, found by name. Tests, documentation, `gradus ops` and `gradus apply`
// are loops over it. Each family names its definitions once, at the end of its file.
#pragma once

#include <gradus/program/op.h>

namespace gradus {

/// Every operation with default attributes, family by family.
const std::vector<Op>& all_ops();
/// The operation of that name, or of that name elsewhere ("unsqueeze" finds expand_dims).
/// Throws NameError with the nearest names.
const Op& find_op(std::string_view name);

// One list per family file.
std::vector<Op> creation_ops();
std::vector<Op> random_ops();
std::vector<Op> arithmetic_ops();
std::vector<Op> sign_and_rounding_ops();
std::vector<Op> exponential_ops();
std::vector<Op> activation_ops();
std::vector<Op> comparison_ops();
std::vector<Op> conversion_ops();
std::vector<Op> reduction_ops();
std::vector<Op> extremum_ops();
std::vector<Op> statistics_ops();
std::vector<Op> sorting_ops();
std::vector<Op> movement_ops();
std::vector<Op> repetition_ops();
std::vector<Op> joining_ops();
std::vector<Op> indexing_ops();
std::vector<Op> subscript_ops();
std::vector<Op> linear_algebra_ops();
std::vector<Op> einsum_ops();
std::vector<Op> loss_ops();

}  // namespace gradus
