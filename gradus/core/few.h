// Few: a list that needs no heap while it has N elements or fewer. An operation has one to three
// inputs and mostly one output: asking malloc for a list of them costs as much as adding numbers.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <type_traits>
#include <utility>

namespace gradus {

/// The part of std::vector's interface that lists of inputs and outputs need.
template <class T, std::size_t N>
class Few {
 public:
  using value_type = T;

  Few() {}
  Few(std::initializer_list<T> values) : Few(values.begin(), values.end()) {}
  template <std::input_iterator It>
  Few(It first, It last) {
    for (; first != last; ++first) emplace_back(*first);
  }
  Few(const Few& other) : Few(other.begin(), other.end()) {}
  Few(Few&& other) noexcept { take(std::move(other)); }
  Few& operator=(Few other) noexcept {
    free_all();
    take(std::move(other));
    return *this;
  }
  ~Few() { free_all(); }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  T& operator[](std::size_t i) { return data_[i]; }
  const T& operator[](std::size_t i) const { return data_[i]; }

  /// For an empty list: `count` elements, make(0), make(1), ... Knows the room once for all.
  template <class Make>
  void fill(std::size_t count, Make&& make) {
    static_assert(std::is_trivially_destructible_v<T>);  // whatever `make` throws
    reserve(count);
    for (std::size_t i = 0; i < count; ++i) ::new (data_ + i) T(make(i));
    size_ = count;
  }
  void push_back(T value) { emplace_back(std::move(value)); }
  template <class... Arguments>
  T& emplace_back(Arguments&&... arguments) {
    if (size_ == capacity_) [[unlikely]]
      reserve(2 * capacity_);
    return *::new (data_ + size_++) T(std::forward<Arguments>(arguments)...);
  }
  void reserve(std::size_t capacity) {
    if (capacity <= capacity_) return;
    T* larger = std::allocator<T>().allocate(capacity);
    std::uninitialized_move_n(data_, size_, larger);
    const std::size_t size = size_;
    free_all();
    data_ = larger;
    size_ = size;
    capacity_ = capacity;
  }

 private:
  static_assert(std::is_nothrow_move_constructible_v<T>);
  T* inside() { return reinterpret_cast<T*>(inside_); }
  /// Leaves the list empty, with its own N places.
  void free_all() {
    std::destroy_n(data_, size_);
    if (capacity_ > N) std::allocator<T>().deallocate(data_, capacity_);
    data_ = inside();
    size_ = 0;
    capacity_ = N;
  }
  /// For an empty list.
  void take(Few&& other) noexcept {
    if (other.capacity_ > N) {
      data_ = std::exchange(other.data_, other.inside());
      capacity_ = std::exchange(other.capacity_, N);
    } else {
      std::uninitialized_move_n(other.data_, other.size_, data_);
      std::destroy_n(other.data_, other.size_);
    }
    size_ = std::exchange(other.size_, 0);
  }

  T* data_ = inside();
  std::size_t size_ = 0;
  std::size_t capacity_ = N;
  alignas(T) std::byte inside_[N * sizeof(T)];
};

}  // namespace gradus
