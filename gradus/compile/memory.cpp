// Placing buffers; see memory.h.
#include <gradus/compile/memory.h>

#include <algorithm>
#include <numeric>

namespace gradus::compile {

Placement place(const std::vector<Lifetime>& buffers) {
  constexpr std::size_t alignment = 64;
  std::vector<std::size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return buffers[a].bytes > buffers[b].bytes;
  });
  Placement result;
  result.offsets.resize(buffers.size());
  std::vector<std::size_t> placed;  // by rising offset
  for (std::size_t b : order) {
    const std::size_t bytes = (buffers[b].bytes + alignment - 1) / alignment * alignment;
    std::size_t at = 0;
    for (std::size_t other : placed) {
      const bool together =
          buffers[other].first <= buffers[b].last && buffers[b].first <= buffers[other].last;
      if (!together) continue;
      if (at + bytes <= result.offsets[other]) break;
      at = std::max(at, result.offsets[other] +
                            (buffers[other].bytes + alignment - 1) / alignment * alignment);
    }
    result.offsets[b] = at;
    result.bytes = std::max(result.bytes, at + bytes);
    placed.insert(std::upper_bound(placed.begin(), placed.end(), b,
                                   [&](std::size_t x, std::size_t y) {
                                     return result.offsets[x] < result.offsets[y];
                                   }),
                  b);
  }
  return result;
}

}  // namespace gradus::compile
