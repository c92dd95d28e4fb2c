// Shape arithmetic with its errors; see shape.h.
#include <gradus/core/shape.h>

#include <algorithm>

namespace gradus {
namespace {

[[noreturn]] void throw_rank(std::size_t rank) {
  throw ShapeError(
      "a tensor of " + std::to_string(rank) + " axes",
      "at most " + std::to_string(Shape::max_rank) + " axes are possible; reshape first");
}

/// `axis` counts from the back.
[[noreturn]] void throw_misfit(const Shape& a, const Shape& b, int axis) {
  throw ShapeError("shapes " + a.str() + " and " + b.str() + " do not broadcast: sizes " +
                       std::to_string(a[a.rank() + axis]) + " and " +
                       std::to_string(b[b.rank() + axis]) + " at axis " + std::to_string(axis),
                   "aligned at the last axis, sizes must be equal or one of them 1");
}

/// Of a shape with a negative size, or with a product that overflows: 0 where a size is.
std::int64_t numel_of_odd(const Shape& shape) {
  if (std::any_of(shape.begin(), shape.end(), [](std::int64_t n) { return n < 0; }))
    throw ShapeError("shape " + shape.str() + " has a negative size",
                     "sizes count elements: 0 or more");
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  throw ShapeError("shape " + shape.str() + " has more elements than 63 bits can count",
                   "check the sizes");
}

}  // namespace

Shape::Shape(std::span<const std::int64_t> sizes) : rank_(static_cast<int>(sizes.size())) {
  if (sizes.size() > max_rank) throw_rank(sizes.size());
  std::copy(sizes.begin(), sizes.end(), begin());
}

void Shape::insert(int axis, std::int64_t value) {
  if (rank_ == max_rank) throw_rank(size() + 1);
  std::copy_backward(begin() + axis, begin() + rank_, begin() + rank_ + 1);
  ++rank_;
  (*this)[axis] = value;
}

void Shape::erase(int axis) {
  std::copy(begin() + axis + 1, end(), begin() + axis);
  --rank_;
}

std::int64_t Shape::numel() const {
  std::int64_t product = 1;
  bool overflow = false, negative = false;
  for (std::int64_t n : *this) {
    negative |= n < 0;
    overflow |= __builtin_mul_overflow(product, n, &product);
  }
  if (negative || overflow) [[unlikely]]
    return numel_of_odd(*this);
  return product;
}

std::string Shape::str() const {
  std::string text = "[";
  for (int axis = 0; axis < rank_; ++axis) {
    if (axis) text += ',';
    text += std::to_string((*this)[axis]);
  }
  return text + "]";
}

Shape broadcast_shapes(const Shape& a, const Shape& b) {
  if (a == b) return a;
  const Shape& longer = a.rank() >= b.rank() ? a : b;
  const Shape& shorter = a.rank() >= b.rank() ? b : a;
  const int shift = longer.rank() - shorter.rank();
  Shape result = longer;
  for (int axis = shift; axis < longer.rank(); ++axis) {
    const std::int64_t m = longer[axis], n = shorter[axis - shift];
    if (m == n || n == 1) continue;
    if (m != 1) throw_misfit(a, b, axis - longer.rank());
    result[axis] = n;
  }
  return result;
}

int normalize_axis(std::int64_t axis, int rank) {
  const std::int64_t front = axis < 0 ? axis + rank : axis;
  if (front < 0 || front >= rank)
    throw ShapeError(
        "axis " + std::to_string(axis) + " is out of range for " + std::to_string(rank) +
            (rank == 1 ? " axis" : " axes"),
        rank == 0 ? "a scalar has no axis"
                  : "valid axes are " + std::to_string(-rank) + ".." + std::to_string(rank - 1));
  return static_cast<int>(front);
}

std::vector<int> normalize_axes(const Ints& axes, int rank) {
  std::vector<int> result;
  if (axes.empty())
    for (int axis = 0; axis < rank; ++axis) result.push_back(axis);
  for (std::int64_t axis : axes) result.push_back(normalize_axis(axis, rank));
  std::sort(result.begin(), result.end());
  if (auto twice = std::adjacent_find(result.begin(), result.end()); twice != result.end())
    throw ShapeError("axis " + std::to_string(*twice) + " is named twice", "name each axis once");
  return result;
}

}  // namespace gradus
