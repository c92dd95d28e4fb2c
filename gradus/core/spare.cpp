// The list of spare blocks, and large blocks on huge pages; see spare.h.
#include <gradus/core/spare.h>

#include <array>
#include <cstdint>
#include <mutex>
#include <new>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace gradus::detail {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool keeps = false;  // so that a sanitizer sees each use after the end
#else
constexpr bool keeps = true;
#endif

struct Spare {
  std::byte* block;
  std::size_t bytes;
};

/// The oldest first. A caller who finds it taken, also by a thread that a fork left behind, goes to
/// the system.
struct List {
  std::mutex mutex;
  std::array<Spare, 64> spares;
  std::size_t count = 0, bytes = 0;

  Spare remove(std::size_t at) {
    const Spare spare = spares[at];
    for (std::size_t i = at + 1; i < count; ++i) spares[i - 1] = spares[i];
    --count;
    bytes -= spare.bytes;
    return spare;
  }
};

List& list() {
  static List& instance = *new List;  // never destroyed: tensors may die at the very end
  return instance;
}

bool is_kept(std::size_t bytes) {
  return keeps && bytes >= smallest_spare && bytes <= largest_spare;
}

#ifdef __linux__
constexpr std::size_t huge_page = 1 << 21;

/// Rounded up to what is mapped.
std::size_t mapped(std::size_t bytes) { return (bytes + 4095) / 4096 * 4096; }

bool is_mapped(std::size_t bytes) { return keeps && bytes >= smallest_mapped; }

/// Memory of its own, from a huge page's beginning on; null when there is none.
std::byte* map_block(std::size_t bytes) noexcept {
  if (bytes > SIZE_MAX / 2) return nullptr;
  const std::size_t length = mapped(bytes);
  void* const whole = ::mmap(nullptr, length + huge_page, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (whole == MAP_FAILED) return nullptr;
  auto* const begin = static_cast<std::byte*>(whole);
  const std::size_t before = -reinterpret_cast<std::uintptr_t>(begin) & (huge_page - 1);
  if (before > 0) ::munmap(begin, before);
  if (before < huge_page) ::munmap(begin + before + length, huge_page - before);
  ::madvise(begin + before, length, MADV_HUGEPAGE);  // a wish: without, all goes on
  return begin + before;
}

void unmap_block(std::byte* block, std::size_t bytes) noexcept { ::munmap(block, mapped(bytes)); }
#else
bool is_mapped(std::size_t /*bytes*/) { return false; }
std::byte* map_block(std::size_t /*bytes*/) noexcept { return nullptr; }
void unmap_block(std::byte* /*block*/, std::size_t /*bytes*/) noexcept {}
#endif

}  // namespace

std::byte* take_block(std::size_t bytes) noexcept {
  if (is_mapped(bytes)) return map_block(bytes);
  if (is_kept(bytes))
    if (const std::unique_lock lock(list().mutex, std::try_to_lock); lock)
      for (std::size_t i = list().count; i-- > 0;)  // the latest is in the cache
        if (list().spares[i].bytes == bytes) return list().remove(i).block;
  return new (std::nothrow) std::byte[bytes];
}

void give_block(std::byte* block, std::size_t bytes) noexcept {
  if (is_mapped(bytes)) return unmap_block(block, bytes);
  if (is_kept(bytes))
    if (const std::unique_lock lock(list().mutex, std::try_to_lock); lock) {
      while (list().count == list().spares.size() || list().bytes + bytes > most_spare)
        delete[] list().remove(0).block;
      list().spares[list().count++] = {block, bytes};
      list().bytes += bytes;
      return;
    }
  delete[] block;
}

}  // namespace gradus::detail
