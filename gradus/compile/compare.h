// Comparing what two traces of one function wrote down: whether running one program is as good as
// calling the function.
#pragma once

#include <set>
#include <string>

#include <gradus/program/program.h>

namespace gradus::compile {

/// What differs between two traces of one function; empty where running one is as good as the
/// other. Constants count by their bits, except that those in `lasting`, and those that are written
/// in place, must be the same tensors: a plan holds on to them.
std::string difference(const Program& a, const Program& b, const std::set<ValueId>& lasting = {});

/// The constants that are the same tensors in both traces: parameters, state.
std::set<ValueId> lasting_constants(const Program& a, const Program& b);

/// Whether b is what a's function does on inputs of other sizes: the same calls on the same
/// constants, where sizes, attributes and numbers differ as the sizes of the inputs do.
bool agree_but_for_sizes(const Program& a, const Program& b);

}  // namespace gradus::compile
