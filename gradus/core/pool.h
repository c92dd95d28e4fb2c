// Pooled: an allocator for the small objects that every operation makes and drops: the states of
// tensors, their storages, the nodes of a graph. What a thread gave back it hands out next, without
// a call of malloc. Used with std::allocate_shared.
#pragma once

#include <cstddef>
#include <new>

namespace gradus {
namespace detail {

/// Blocks of one size that a thread has at hand. Trivial, so that it may be used as long as the
/// thread lives, also by destructors that run at its very end.
struct FreeList {
  struct Block {
    Block* next;
  };
  Block* first = nullptr;
  int room = 0;  // how many more blocks it keeps
  bool is_known = false;

  /// A block from the system; the first call of a thread sees to it that the list is emptied when
  /// the thread ends.
  void* allocate(std::size_t bytes);
};

template <std::size_t bytes>
inline constinit thread_local FreeList free_list{};

}  // namespace detail

template <class T>
struct Pooled {
  using value_type = T;

  Pooled() = default;
  template <class U>
  Pooled(const Pooled<U>&) {}

  /// Room for one T.
  T* allocate(std::size_t) {
    static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
    detail::FreeList& list = detail::free_list<sizeof(T)>;
    detail::FreeList::Block* block = list.first;
    if (block == nullptr) return static_cast<T*>(list.allocate(sizeof(T)));
    list.first = block->next;
    ++list.room;
    return reinterpret_cast<T*>(block);
  }
  void deallocate(T* p, std::size_t) {
    detail::FreeList& list = detail::free_list<sizeof(T)>;
    if (list.room == 0) return ::operator delete(p);
    list.first = ::new (static_cast<void*>(p)) detail::FreeList::Block{list.first};
    --list.room;
  }
  friend bool operator==(Pooled, Pooled) { return true; }
};

}  // namespace gradus
