// Guarded: an array whose first or last element touches a page that nobody may read or write, so
// that a kernel that strays past its operand dies at once.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <new>

namespace gradus::testing {

enum class Edge { front, back };

template <class T>
class Guarded {
 public:
  Guarded(std::int64_t count, Edge edge) {
    const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(T);
    const std::size_t room = (bytes + page - 1) / page * page;
    length_ = room + 2 * page;
    void* map = mmap(nullptr, length_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) throw std::bad_alloc();
    base_ = static_cast<char*>(map);
    if (room > 0 && mprotect(base_ + page, room, PROT_READ | PROT_WRITE) != 0)
      throw std::bad_alloc();
    data_ = reinterpret_cast<T*>(edge == Edge::front ? base_ + page : base_ + page + room - bytes);
  }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  ~Guarded() { munmap(base_, length_); }
  T* data() { return data_; }
  T& operator[](std::int64_t i) { return data_[i]; }

 private:
  char* base_ = nullptr;
  std::size_t length_ = 0;
  T* data_ = nullptr;
};

}  // namespace gradus::testing
