// Layout: where each element of a tensor lies in its storage; shape, strides and offset as one
// value. All view algebra is here, pure and tested alone: no memory is read or moved. From here:
// storage.h, then tensor.h.
#pragma once

#include <optional>

#include <gradus/core/shape.h>

namespace gradus {

/// Element (i0, i1, ...) lies at offset + sum(i_k * strides[k]), counted in elements.
struct Layout {
  Shape shape;
  Shape strides;
  std::int64_t offset = 0;

  /// Row-major (the last axis is fastest), offset 0.
  static Layout contiguous(const Shape& shape);

  int rank() const { return shape.rank(); }
  std::int64_t numel() const { return shape.numel(); }
  /// Row-major without gaps; axes of size 1 may have any stride, an empty tensor is contiguous.
  bool is_contiguous() const;
  /// Whether this is contiguous(shape), but for the offset; no for an empty one.
  bool is_in_order() const {
    std::int64_t expected = 1;
    for (int axis = rank() - 1; axis >= 0; --axis) {
      if (strides[axis] != expected || shape[axis] == 0) return false;
      expected *= shape[axis];
    }
    return true;
  }
  /// Position of the element at `index` (rank entries in range; unchecked).
  std::int64_t at(std::span<const std::int64_t> index) const;
  /// First and one-past-last position touched, {0, 0} when empty.
  std::pair<std::int64_t, std::int64_t> extent() const;
  /// Whether two elements lie at one position, as after broadcasting: such a layout can be read,
  /// not written.
  bool overlaps_itself() const;

  /// Axis k of the result is axis axes[k] of this. (numpy.transpose)
  Layout permute(const Ints& axes) const;
  /// The elements start, start + step, ... before stop along `axis`, Python's slice rules: negative
  /// positions count from the end, positions beyond the ends are cut, missing ends are the natural
  /// ones for the sign of step. A step of 0 throws ValueError. (numpy basic slicing)
  Layout slice(std::int64_t axis, std::optional<std::int64_t> start,
               std::optional<std::int64_t> stop, std::int64_t step = 1) const;
  /// The one position `index` along `axis`, which goes. Throws IndexError out of range.
  Layout select(std::int64_t axis, std::int64_t index) const;
  /// Stretches axes of size 1 (stride 0) and adds axes in front. (numpy.broadcast_to)
  Layout broadcast_to(const Shape& target) const { return {target, strides_over(target), offset}; }
  /// The strides of broadcast_to, for loops over a result of shape `target`.
  Shape strides_over(const Shape& target) const;
  /// The same elements in row-major order under another shape, where that needs no copy; nothing
  /// otherwise. `target` must hold as many elements (see resolve_reshape).
  std::optional<Layout> reshape(const Shape& target) const;
  /// A new axis of size 1 before `axis` (negative ones count from the back of the result).
  Layout expand_dims(std::int64_t axis) const;
  /// Without the named axes, which must have size 1; without all of size 1 when none is named.
  Layout squeeze(const Ints& axes) const;
  /// Reversed along the named axes; along all when none is named. (numpy.flip)
  Layout flip(const Ints& axes) const;

  friend bool operator==(const Layout&, const Layout&) = default;
};

/// `target` with its one -1 replaced by what is left of `from`. Throws ShapeError, with both
/// counts, when the elements do not fit. (numpy.reshape)
Shape resolve_reshape(const Shape& from, const Ints& target);

/// Number of elements of a Python slice over an axis of size n, and its first position.
/// (slice.indices in Python)
struct SliceRange {
  std::int64_t start, count, step;
};
SliceRange resolve_slice(std::int64_t n, std::optional<std::int64_t> start,
                         std::optional<std::int64_t> stop, std::int64_t step);

}  // namespace gradus
