// Shape: the sizes of a tensor's axes, a small value without heap.
// Broadcasting is stated here once; layout.h adds strides.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include <gradus/core/dtype.h>

namespace gradus {

using Ints = std::vector<std::int64_t>;

/// Up to `max_rank` integers: a shape, or the strides that go with it. The empty one is a scalar's.
class Shape {
 public:
  static constexpr int max_rank = 16;

  Shape() {}
  Shape(const Shape& other) noexcept { *this = other; }
  /// Every operation copies shapes, and few have more than four axes: only those are copied.
  Shape& operator=(const Shape& other) noexcept {  // NOLINT(bugprone-unhandled-self-assignment)
    constexpr int few = 4;
    rank_ = other.rank_;
    if (rank_ <= few)
      std::memcpy(values_, other.values_, few * sizeof *values_);
    else
      std::memcpy(values_, other.values_, sizeof values_);
    return *this;
  }
  Shape(std::initializer_list<std::int64_t> sizes)
      : Shape(std::span(sizes.begin(), sizes.size())) {}
  /// Throws ShapeError above max_rank axes.
  Shape(std::span<const std::int64_t> sizes);
  Shape(const Ints& sizes) : Shape(std::span<const std::int64_t>(sizes)) {}

  int rank() const { return rank_; }
  bool empty() const { return rank_ == 0; }
  std::size_t size() const { return static_cast<std::size_t>(rank_); }
  std::int64_t operator[](int axis) const { return values_[axis]; }
  std::int64_t& operator[](int axis) { return values_[axis]; }
  std::int64_t back() const { return (*this)[rank_ - 1]; }
  const std::int64_t* data() const { return values_; }
  const std::int64_t* begin() const { return values_; }
  const std::int64_t* end() const { return values_ + rank_; }
  std::int64_t* begin() { return values_; }
  std::int64_t* end() { return values_ + rank_; }

  /// Throw ShapeError above max_rank axes; `axis` in 0..rank.
  void insert(int axis, std::int64_t value);
  void push_back(std::int64_t value) { insert(rank_, value); }
  void erase(int axis);

  /// Product of the sizes, 1 for a scalar. Throws ShapeError when it does not fit 63 bits.
  std::int64_t numel() const;
  Ints to_vector() const { return Ints(begin(), end()); }
  /// "[2,3]"
  std::string str() const;

  friend bool operator==(const Shape& a, const Shape& b) {
    if (a.rank_ != b.rank_) return false;
    for (int axis = 0; axis < a.rank_; ++axis)
      if (a[axis] != b[axis]) return false;
    return true;
  }

 private:
  int rank_ = 0;
  std::int64_t values_[max_rank];  // those from rank_ on are not initialised
};

/// NumPy's rule: align at the last axis; sizes must be equal or one of them 1.
/// Throws ShapeError that names both shapes and the axis.
Shape broadcast_shapes(const Shape& a, const Shape& b);

/// `axis` counted from the front; negative ones count from the back.
/// Throws ShapeError with the valid range.
int normalize_axis(std::int64_t axis, int rank);
/// The same for a list, sorted; a repeated axis throws. An empty list means all axes.
std::vector<int> normalize_axes(const Ints& axes, int rank);

/// Shape and dtype of a tensor: what shape rules compute with.
struct Spec {
  Shape shape;
  DType dtype = DType::f32;

  int rank() const { return shape.rank(); }
  /// "f32[2,3]"
  std::string str() const { return std::string(dtype_name(dtype)) + shape.str(); }
  friend bool operator==(const Spec&, const Spec&) = default;
};

}  // namespace gradus
