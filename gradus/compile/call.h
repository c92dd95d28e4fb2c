// A kernel of a plan with its pointers, ready to run. From here: plan.cpp.
#pragma once

#include <gradus/compile/kernel.h>
#include <gradus/kernels/gemm.h>

namespace gradus::compile {

struct Call {
  static constexpr std::size_t most_views = 6;  ///< of a kernel that goes by rows

  Kernel kernel;
  std::vector<In> in{};
  std::vector<Out> out{};
  kernels::GemmHints hints{};  ///< zeros to be passed over in this run

  /// The whole kernel, on as many threads as it likes.
  void run() const;
  /// Its part for the rows [begin, end) of the first axis, which has so many `rows`, on the
  /// caller's thread. Only for kernels that go by rows.
  void run_rows(std::int64_t begin, std::int64_t end, std::int64_t rows) const;
};

}  // namespace gradus::compile
