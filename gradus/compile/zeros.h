// ZeroWatch: how many zeros an input of a plan holds, looked at now and then, so that products may
// pass over them where that is faster (kernels/gemm.h). The bits do not depend on what is found.
#pragma once

#include <gradus/compile/kernel.h>
#include <gradus/kernels/gemm.h>

namespace gradus::compile {

class ZeroWatch {
 public:
  /// Called before every run with the input's numbers, rows of `columns` each; looks at some rows
  /// of the first run and of every 16th after it.
  void look(const float* data, std::int64_t rows, std::int64_t columns);
  /// Share of numbers that are not zero, as last seen; -1 before the first run.
  double density() const { return density_; }
  /// Whether products pass over the zeros.
  bool skips() const;

  /// Finds them in the numbers of this run, if they are to be passed over, for all products that
  /// read the input.
  void find(const float* data, std::int64_t rows, std::int64_t columns);
  kernels::NonZeros nonzeros_of_rows() const { return {by_row_.data(), rows_}; }
  kernels::NonZeros nonzeros_of_columns() const { return {by_column_.data(), columns_}; }

 private:
  std::int64_t runs_ = 0;
  double density_ = -1;
  std::int64_t rows_ = 0, columns_ = 0;
  std::vector<std::uint64_t> by_row_, by_column_;
};

/// Which operand of a product, if any, may be an input whose zeros are passed over: a plan's input,
/// all of it, of two axes and f32, in a product wide enough to pay for looking.
kernels::Zeros watched_operand(const Kernel& kernel, const std::vector<Buffer>& buffers);

}  // namespace gradus::compile
