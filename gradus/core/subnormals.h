// Subnormal numbers: whether operations compute with them as IEEE 754 says, or take them for zero.
#pragma once

#include <atomic>
#include <cstdint>

namespace gradus {

/// Operations take numbers closer to 0 than the smallest normal one (2^-126 for f32, 2^-1022 for
/// f64) for zeros of their sign, as operands and as results. Off by default, or on by
/// GRADUS_FLUSH_SUBNORMALS=1: then gradients and moments that fade away cost no more than others,
/// where a processor takes a hundred cycles for each subnormal number. What is given up: x - y may
/// be 0 for x != y, and a subnormal number compares equal to 0 and has the logarithm -inf. NaN,
/// infinity and every other number are what they are without. Bits are still equal for any number
/// of threads, eager or compiled. For the whole process; to be set before operations run, and
/// without effect where the processor has no such mode (it has on x86-64 and AArch64).
/// (torch.set_flush_denormal; FTZ and DAZ in Intel's manual, FZ in Arm's)
void set_flush_subnormals(bool on);

namespace detail {
extern std::atomic<bool> flush_subnormals;
}
/// Whether they do.
inline bool flushes_subnormals() {
  return detail::flush_subnormals.load(std::memory_order_relaxed);
}

/// The mode of this thread while kernels run; the caller has its own again afterwards.
class FlushSubnormals {
 public:
  FlushSubnormals() {
    if (flushes_subnormals()) [[unlikely]]
      begin();
  }
  ~FlushSubnormals() {
    if (is_on_) [[unlikely]]
      end();
  }
  FlushSubnormals(const FlushSubnormals&) = delete;
  FlushSubnormals& operator=(const FlushSubnormals&) = delete;

 private:
  void begin();
  void end();
  bool is_on_ = false;
  std::uint64_t before_ = 0;
};

}  // namespace gradus
