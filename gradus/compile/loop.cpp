// Running elementwise operations block by block; see loop.h.
#include <gradus/compile/loop.h>

#include <algorithm>
#include <array>

#include <gradus/kernels/threads.h>

namespace gradus::compile {
namespace {

/// Inputs that an elementwise operation has at most.
constexpr std::size_t most_inputs = 3;

}  // namespace

std::int64_t Loop::block() const {
  std::size_t widest = 1;
  for (const Part& part : parts) {
    widest = std::max(widest, dtype_size(part.output.dtype));
    for (const Operand& x : part.inputs) widest = std::max(widest, dtype_size(x.dtype));
  }
  return block_bytes / static_cast<std::int64_t>(widest);
}

void Loop::run(std::span<const In> in, std::span<const Out> out) const {
  const std::int64_t step = block();
  // Work is cut by its size: one piece has as many operations as one of a plain loop.
  const std::int64_t blocks = kernels::elements_per_task / (step * std::ssize(parts));
  const std::int64_t grain = step * std::max<std::int64_t>(blocks, 1);
  kernels::parallel_for(
      count, grain, [&](std::int64_t begin, std::int64_t end) { run_part(in, out, begin, end); });
}

void Loop::run_part(std::span<const In> in, std::span<const Out> out, std::int64_t begin,
                    std::int64_t end) const {
  const std::int64_t step = block();
  alignas(64) std::array<std::byte, most_scratch * block_bytes> scratch;
  const Layout one;
  for (std::int64_t at = begin; at < end; at += step) {
    const Layout many = Layout::contiguous({std::min(step, end - at)});
    const auto place = [&](const Operand& x) -> const void* {
      if (x.is_scratch) return scratch.data() + x.number * block_bytes;
      const void* start = x.number < in.size() ? in[x.number].data : out[x.number - in.size()].data;
      const auto offset = x.is_one ? 0 : static_cast<std::size_t>(at) * dtype_size(x.dtype);
      return static_cast<const std::byte*>(start) + offset;
    };
    for (const Part& part : parts) {
      std::array<In, most_inputs> inputs{};
      for (std::size_t k = 0; k < part.inputs.size(); ++k) {
        const Operand& x = part.inputs[k];
        inputs[k] = {place(x), x.is_one ? &one : &many, x.dtype};
      }
      const Out output{const_cast<void*>(place(part.output)), &many, part.output.dtype};
      part.op.model().forward(std::span(inputs).first(part.inputs.size()), std::span(&output, 1));
    }
  }
}

}  // namespace gradus::compile
