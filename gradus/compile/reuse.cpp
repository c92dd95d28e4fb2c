// In place: what an elementwise kernel makes takes the bytes of an operand that nobody reads after
// it, so that a chain of them walks over one buffer.
#include <algorithm>

#include <gradus/compile/kernel.h>

namespace gradus::compile {
namespace {

class Reuse {
 public:
  Reuse(std::vector<Kernel>& kernels, const std::vector<Buffer>& buffers)
      : kernels_(kernels), buffers_(buffers) {}

  void run() {
    for (std::size_t k = 0; k < kernels_.size(); ++k) {
      const Kernel& kernel = kernels_[k];
      if (!kernel.loop && (kernel.product || !is_elementwise(kernel.op))) continue;
      for (std::size_t o = 0; o < kernel.outputs().size(); ++o)
        for (std::size_t i = 0; i < kernel.input_count; ++i)
          if (may_take(k, i, kernel.input_count + o)) {
            rename(kernel.views[kernel.input_count + o].buffer, kernel.views[i].buffer);
            break;
          }
    }
  }

 private:
  bool is_in_arena(std::size_t buffer) const {
    return buffers_[buffer].holder == Holder::arena && !buffers_[buffer].is_result;
  }
  bool fills_its_buffer(const View& view) const {
    return view.layout.is_contiguous() && view.layout.offset == 0 &&
           static_cast<std::size_t>(view.layout.numel()) * dtype_size(view.dtype) ==
               buffers_[view.buffer].life.bytes;
  }
  /// Whether a kernel of [from, to) knows a buffer.
  bool is_known(std::size_t buffer, std::size_t from, std::size_t to) const {
    for (std::size_t k = from; k < to; ++k)
      for (const View& view : kernels_[k].views)
        if (view.buffer == buffer) return true;
    return false;
  }

  bool may_take(std::size_t k, std::size_t input, std::size_t output) const {
    const Kernel& kernel = kernels_[k];
    const View &from = kernel.views[input], &to = kernel.views[output];
    if (from.buffer == to.buffer || from.dtype != to.dtype ||
        from.layout.numel() != to.layout.numel() || !is_in_arena(from.buffer) ||
        !is_in_arena(to.buffer) || !fills_its_buffer(from) || !fills_its_buffer(to))
      return false;
    for (std::size_t v = 0; v < kernel.views.size(); ++v)  // shown once, and not written besides
      if ((v != input && kernel.views[v].buffer == from.buffer) ||
          (v != output && kernel.views[v].buffer == to.buffer))
        return false;
    if (is_known(from.buffer, k + 1, kernels_.size()) || is_known(to.buffer, 0, k)) return false;
    return !kernel.loop || is_read_before_written(*kernel.loop, input, output);
  }

  /// In a block of a loop: no part reads the operand after the part that first writes the result.
  static bool is_read_before_written(const Loop& loop, std::size_t input, std::size_t output) {
    bool is_written = false;
    for (const Loop::Part& part : loop.parts) {
      for (const Loop::Operand& x : part.inputs)
        if (is_written && !x.is_scratch && x.number == input) return false;
      is_written = is_written || (!part.output.is_scratch && part.output.number == output);
    }
    return true;
  }

  void rename(std::size_t buffer, std::size_t by) {
    for (Kernel& kernel : kernels_)
      for (View& view : kernel.views)
        if (view.buffer == buffer) view.buffer = by;
  }

  std::vector<Kernel>& kernels_;
  const std::vector<Buffer>& buffers_;
};

}  // namespace

void reuse_operands(std::vector<Kernel>& kernels, const std::vector<Buffer>& buffers) {
  Reuse(kernels, buffers).run();
}

}  // namespace gradus::compile
