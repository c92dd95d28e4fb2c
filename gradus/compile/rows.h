// Rows: in most steps the middle of the work, small layers and the loss, belongs to one sample
// each. Threads then take some rows of the batch each and do all of those kernels one after the
// other, without waiting for each other in between.
#pragma once

#include <gradus/compile/kernel.h>

namespace gradus::compile {

/// A thread's part is a multiple of so many rows: the lanes of a vector.
inline constexpr std::int64_t rows_together = 16;

/// The kernels of a plan by number, in the order in which they run: first what depends on none of
/// those that go by rows, then these, then the rest.
struct Turns {
  std::vector<std::size_t> before{}, by_rows{}, after{};
};

/// Finds the kernels whose result's row i depends on row i of the others' results alone, where the
/// first axis has so many `rows`, and says in Kernel::by_rows which of their views are cut. None go
/// by rows where all together are too little work for two threads, or too few rows, unless
/// `always`.
Turns find_rows(std::vector<Kernel>& kernels, const std::vector<Buffer>& buffers, std::int64_t rows,
                bool always);

}  // namespace gradus::compile
