// How a recorder knows a tensor again. It cannot go by handles: gradient rules get kept values as
// new tensors over the same storage.
#pragma once

#include <functional>

#include <gradus/core/tensor.h>

namespace gradus::see {

/// The bytes of a tensor and how they are seen. Bytes that nobody computed yet are known by their
/// recipe.
struct Identity {
  const void* base;
  DType dtype;
  Layout layout;

  friend bool operator<(const Identity& a, const Identity& b) {
    return a.base != b.base ? std::less<>()(a.base, b.base) : is_before(a, b);
  }

 private:
  /// Of two with the same base.
  static bool is_before(const Identity& a, const Identity& b);
};

Identity identity_of(const Tensor& x);

/// The same elements as they lie in memory: the axis with the smallest step last, axes without a
/// gap between them as one, none of one element.
Layout in_memory_order(const Layout& layout);

/// Whether two views of one storage show the same elements, in whatever order.
inline bool same_elements(const Layout& a, const Layout& b) {
  return a.offset == b.offset && a.numel() == b.numel() &&
         (a.numel() == 0 || in_memory_order(a) == in_memory_order(b));
}

}  // namespace gradus::see
