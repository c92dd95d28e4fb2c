// See identity.h.
#include <gradus/see/identity.h>

#include <algorithm>
#include <array>
#include <compare>
#include <tuple>
#include <utility>

namespace gradus::see {

bool Identity::is_before(const Identity& a, const Identity& b) {
  const auto rest = [](const Identity& x) {
    return std::tuple(x.dtype, x.layout.offset, x.layout.rank());
  };
  if (rest(a) != rest(b)) return rest(a) < rest(b);
  const auto order = std::lexicographical_compare_three_way(
      a.layout.shape.begin(), a.layout.shape.end(), b.layout.shape.begin(), b.layout.shape.end());
  if (order != 0) return order < 0;
  return std::ranges::lexicographical_compare(a.layout.strides, b.layout.strides);
}

Identity identity_of(const Tensor& x) {
  const auto recipe = x.storage().recipe();
  return {recipe ? static_cast<const void*>(recipe.get()) : x.storage().data(), x.dtype(),
          x.layout()};
}

Layout in_memory_order(const Layout& layout) {
  std::array<std::pair<std::int64_t, std::int64_t>, Shape::max_rank> axes;  // step and length
  std::size_t count = 0;
  for (int i = 0; i < layout.rank(); ++i)
    if (layout.shape[i] != 1) axes[count++] = {layout.strides[i], layout.shape[i]};
  std::sort(axes.begin(), axes.begin() + count);  // the finest first
  Layout same;
  same.offset = layout.offset;
  for (std::size_t i = 0; i < count; ++i) {
    const auto [step, length] = axes[i];
    if (same.rank() > 0 && same.strides[0] * same.shape[0] == step) {
      same.shape[0] *= length;
      continue;
    }
    same.shape.insert(0, length);
    same.strides.insert(0, step);
  }
  return same;
}

}  // namespace gradus::see
