// See identity.h.
#include <gradus/see/identity.h>

#include <algorithm>
#include <compare>
#include <tuple>
#include <utility>
#include <vector>

namespace gradus::see {
namespace {

/// Step and length of each axis, the finest first; axes that lie within each other without a gap
/// are one.
std::vector<std::pair<std::int64_t, std::int64_t>> steps_of(const Layout& layout) {
  std::vector<std::pair<std::int64_t, std::int64_t>> list;
  for (int i = 0; i < layout.rank(); ++i)
    if (layout.shape[i] != 1) list.emplace_back(layout.strides[i], layout.shape[i]);
  std::sort(list.begin(), list.end());
  for (std::size_t i = 0; i + 1 < list.size();)
    if (list[i].first * list[i].second == list[i + 1].first) {
      list[i].second *= list[i + 1].second;
      list.erase(list.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    } else {
      ++i;
    }
  return list;
}

}  // namespace

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

bool same_elements(const Layout& a, const Layout& b) {
  return a.offset == b.offset && a.numel() == b.numel() && steps_of(a) == steps_of(b);
}

}  // namespace gradus::see
