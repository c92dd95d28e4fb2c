// The rare part of the pool: the first block of a thread, and the end of a thread; see pool.h.
#include <gradus/core/pool.h>

#include <utility>
#include <vector>

namespace gradus::detail {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr int most_kept = 0;  // so that the sanitizer sees each use after the end
#else
constexpr int most_kept = 256;
#endif

/// The lists of a thread; empties them at its end.
struct Lists {
  std::vector<FreeList*> all;
  ~Lists() {
    for (FreeList* list : all) {
      list->room = 0;
      while (FreeList::Block* block = list->first) {
        list->first = block->next;
        ::operator delete(block);
      }
    }
  }
};

}  // namespace

void* FreeList::allocate(std::size_t bytes) {
  if (!std::exchange(is_known, true)) {
    thread_local Lists lists;
    lists.all.push_back(this);
    room = most_kept;
  }
  return ::operator new(bytes);
}

}  // namespace gradus::detail
