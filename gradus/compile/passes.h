// Passes: programs to programs that give the same bits with fewer steps. Each keeps the order of
// the steps that stay. plan.h runs what comes out.
#pragma once

#include <gradus/program/program.h>

namespace gradus::compile {

/// For each value the value whose bytes it shares: itself, or the value that it is a view of or
/// was written into. A view that may have to copy counts as sharing.
std::vector<ValueId> storage_roots(const Program& program);

/// Without steps that nothing depends on. Writes in place to constants and inputs stay, and so do
/// random draws, which move the generator on.
Program remove_dead_steps(Program program);

/// Equal calls on equal values are made once, unless they draw or a write lies between.
Program merge_equal_steps(Program program);

/// A clone is its source where neither is written in place and the source is computed here.
Program elide_clones(Program program);

/// All of them, in the order that serves.
Program simplify(Program program);

}  // namespace gradus::compile
