// The processor's mode for subnormal numbers; see subnormals.h.
#include <gradus/core/subnormals.h>

#include <cstdlib>
#include <cstring>

namespace gradus {
namespace {

bool is_asked_for() {
  const char* text = std::getenv("GRADUS_FLUSH_SUBNORMALS");
  return text != nullptr && std::strcmp(text, "1") == 0;
}

#if defined(__x86_64__)
constexpr unsigned flush_bits = 0x8040;  // FTZ for results, DAZ for operands
std::uint64_t modes() { return __builtin_ia32_stmxcsr(); }
void set_modes(std::uint64_t m) { __builtin_ia32_ldmxcsr(static_cast<unsigned>(m)); }
#elif defined(__aarch64__)
constexpr std::uint64_t flush_bits = 1u << 24;  // FZ
std::uint64_t modes() {
  std::uint64_t m;
  asm volatile("mrs %0, fpcr" : "=r"(m));
  return m;
}
void set_modes(std::uint64_t m) { asm volatile("msr fpcr, %0" : : "r"(m)); }
#else
constexpr unsigned flush_bits = 0;
std::uint64_t modes() { return 0; }
void set_modes(std::uint64_t) {}
#endif

}  // namespace

std::atomic<bool> detail::flush_subnormals{is_asked_for()};

void set_flush_subnormals(bool on) {
  detail::flush_subnormals.store(on, std::memory_order_relaxed);
}

void FlushSubnormals::begin() {
  before_ = modes();
  set_modes(before_ | flush_bits);
  is_on_ = true;
}
// The flags of what happened meanwhile (std::fetestexcept) stay.
void FlushSubnormals::end() {
  set_modes((modes() & ~std::uint64_t{flush_bits}) | (before_ & flush_bits));
}

}  // namespace gradus
