// See zeros.h.
#include <gradus/compile/zeros.h>

#include <algorithm>

namespace gradus::compile {
namespace {

constexpr std::int64_t looks_every = 16;  // runs
constexpr std::int64_t numbers_looked_at = 8192;
constexpr double density_that_pays = 0.3;     // docs/design/0003
constexpr std::int64_t width_that_pays = 32;  // sums for each number of the input

}  // namespace

void ZeroWatch::look(const float* data, std::int64_t rows, std::int64_t columns) {
  if (runs_++ % looks_every != 0 || rows * columns == 0) return;
  const std::int64_t step = std::max<std::int64_t>(1, rows * columns / numbers_looked_at);
  std::int64_t seen = 0, nonzero = 0;
  for (std::int64_t row = 0; row < rows; row += step, seen += columns)
    for (std::int64_t k = 0; k < columns; ++k) nonzero += data[row * columns + k] != 0;
  density_ = static_cast<double>(nonzero) / static_cast<double>(seen);
}

bool ZeroWatch::skips() const { return density_ >= 0 && density_ < density_that_pays; }

void ZeroWatch::find(const float* data, std::int64_t rows, std::int64_t columns) {
  if (!skips()) return;
  rows_ = rows;
  columns_ = columns;
  by_row_.resize(static_cast<std::size_t>(kernels::words_of(columns) * rows));
  by_column_.resize(static_cast<std::size_t>(kernels::words_of(rows) * columns));
  kernels::find_nonzeros(data, rows, columns, columns, by_row_.data(), by_column_.data());
}

kernels::Zeros watched_operand(const Kernel& kernel, const std::vector<Buffer>& buffers) {
  if (!kernel.product) return kernels::Zeros::few;
  const Product& p = *kernel.product;
  const auto is_input = [&](const Product::Operand& operand) {
    const View& view = kernel.views[static_cast<std::size_t>(operand.input)];
    const Buffer& buffer = buffers[view.buffer];
    return buffer.holder == Holder::input && view.dtype == DType::f32 && view.layout.rank() == 2 &&
           view.offset_bytes() == 0 &&
           static_cast<std::size_t>(view.layout.numel()) * sizeof(float) == buffer.life.bytes;
  };
  if (p.n >= width_that_pays && is_input(p.a)) return kernels::Zeros::in_a;
  if (p.m >= width_that_pays && is_input(p.b)) return kernels::Zeros::in_b;
  return kernels::Zeros::few;
}

}  // namespace gradus::compile
