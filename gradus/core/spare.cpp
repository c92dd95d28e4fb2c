// The list of spare blocks; see spare.h.
#include <gradus/core/spare.h>

#include <array>
#include <mutex>
#include <new>

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

}  // namespace

std::byte* take_block(std::size_t bytes) noexcept {
  if (is_kept(bytes))
    if (const std::unique_lock lock(list().mutex, std::try_to_lock); lock)
      for (std::size_t i = list().count; i-- > 0;)  // the latest is in the cache
        if (list().spares[i].bytes == bytes) return list().remove(i).block;
  return new (std::nothrow) std::byte[bytes];
}

void give_block(std::byte* block, std::size_t bytes) noexcept {
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
