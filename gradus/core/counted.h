// Counted: a pointer to a pooled object that counts its pointers, in one word and without a control
// block. Unlike std::shared_ptr it can be lent: a lent one is not counted itself, its copies are.
// An addition of two numbers costs less than counting its operands up and down.
#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <gradus/core/pool.h>

namespace gradus {

/// T has a member `std::atomic<std::uint32_t> pointers{1}`.
template <class T>
class Counted {
 public:
  Counted() = default;
  /// A new T; its constructor does not throw.
  template <class... Arguments>
  static Counted make(Arguments&&... arguments) {
    static_assert(std::is_nothrow_constructible_v<T, Arguments...>);
    return Counted(::new (static_cast<void*>(Pooled<T>().allocate(1)))
                       T(std::forward<Arguments>(arguments)...));
  }
  Counted(const Counted& other) noexcept : object_(other.object_) {
    if (object_) object_->pointers.fetch_add(1, std::memory_order_relaxed);
  }
  Counted(Counted&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Counted& operator=(Counted other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Counted() {
    // The only pointer needs no locked instruction: nobody else can copy it.
    if (object_ && (object_->pointers.load(std::memory_order_acquire) == 1 ||
                    object_->pointers.fetch_sub(1, std::memory_order_acq_rel) == 1))
      drop(object_);
  }

  /// The same pointer uncounted: to be left without its destructor, before the counted one goes.
  Counted lend() const { return Counted(object_); }

  T* get() const { return object_; }
  T& operator*() const { return *object_; }
  T* operator->() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  explicit Counted(T* object) : object_(object) {}
  static void drop(T* object) noexcept {
    object->~T();
    Pooled<T>().deallocate(object, 1);
  }

  T* object_ = nullptr;
};

}  // namespace gradus
