// Reductions: for every position of the kept axes, a fold over the reduced axes.
// The order of a fold depends on the logical index alone, never on strides or threads: element k
// goes to lane k mod 16 of its block of 1024; lanes meet in a fixed tree, blocks in a pairwise
// tree. So sums of a tensor and of its transposed copy have equal bits, and the error grows with
// log(n).
#pragma once

#include <algorithm>
#include <vector>

#include <gradus/kernels/strided.h>
#include <gradus/kernels/threads.h>

namespace gradus::kernels {

inline constexpr std::int64_t reduce_lanes = 16;
inline constexpr std::int64_t reduce_block = 1024;

/// Combines block results pairwise like a binary counter, without keeping them all.
template <class Acc, class Combine>
class PairwiseTree {
 public:
  explicit PairwiseTree(Combine combine) : combine_(combine) {}
  void push(Acc value) {
    std::uint64_t filled = count_++;
    int level = 0;
    for (; filled & 1; filled >>= 1, ++level) value = combine_(levels_[level], value);
    levels_[level] = value;
  }
  /// `identity` when nothing was pushed.
  Acc finish(Acc identity) const {
    if (count_ == 0) return identity;
    bool any = false;
    Acc result = identity;
    for (int level = 0; (count_ >> level) != 0; ++level) {
      if (!((count_ >> level) & 1)) continue;
      result = any ? combine_(levels_[level], result) : levels_[level];
      any = true;
    }
    return result;
  }

 private:
  Combine combine_;
  Acc levels_[64];
  std::uint64_t count_ = 0;
};

template <class Acc, class Combine>
Acc join_lanes(Acc (&lanes)[reduce_lanes], Combine combine) {
  for (std::int64_t width = reduce_lanes / 2; width > 0; width /= 2)
    for (std::int64_t l = 0; l < width; ++l) lanes[l] = combine(lanes[l], lanes[l + width]);
  return lanes[0];
}

/// Folds n values read(0), read(1), ... in the order described above.
template <class Acc, class Read, class Combine>
Acc fold(std::int64_t n, Acc identity, Read read, Combine combine) {
  PairwiseTree<Acc, Combine> tree(combine);
  for (std::int64_t begin = 0; begin < n; begin += reduce_block) {
    const std::int64_t length = std::min(reduce_block, n - begin);
    Acc lanes[reduce_lanes];
    for (Acc& lane : lanes) lane = identity;
    std::int64_t k = 0;
    for (; k + reduce_lanes <= length; k += reduce_lanes)
      for (std::int64_t l = 0; l < reduce_lanes; ++l)
        lanes[l] = combine(lanes[l], read(begin + k + l));
    for (std::int64_t l = 0; k + l < length; ++l) lanes[l] = combine(lanes[l], read(begin + k + l));
    tree.push(join_lanes(lanes, combine));
  }
  return tree.finish(identity);
}

/// y[kept] = finish(fold of prepare(x)) over the reduced axes. The reduced axes are given in
/// logical order; `y` is written row-major over the kept axes. Many outputs are shared among
/// threads, so the functions given must be pure.
template <class Acc, class X, class Y, class Prepare, class Combine, class Finish>
void reduce(const X* x, const std::int64_t* kept_sizes, const std::int64_t* kept_strides,
            int kept_rank, const std::int64_t* sizes, const std::int64_t* strides, int rank, Y* y,
            Acc identity, Prepare prepare, Combine combine, Finish finish) {
  const Walk<1> kept(kept_sizes, kept_rank, {kept_strides});
  const Walk<1> reduced(sizes, rank, {strides});
  const std::int64_t n = reduced.count;
  if (kept.count == 0) return;
  const std::int64_t stride = reduced.strides[0][0];
  const std::int64_t across = kept.strides[0][kept.rank - 1];
  const bool columns = reduced.rank == 1 && across == 1 && stride != 1 && n > 0;
  // Where the reduced axes do not lie in one run, their positions are listed once.
  std::vector<std::int64_t> positions;
  if (reduced.rank > 1) {
    positions.reserve(static_cast<std::size_t>(n));
    const std::int64_t inner = reduced.strides[0][reduced.rank - 1];
    reduced.for_each_run([&](const std::int64_t* at, std::int64_t run) {
      for (std::int64_t i = 0; i < run; ++i) positions.push_back(at[0] + i * inner);
    });
  }
  // Neighbouring outputs are folded side by side, each in the order of fold().
  constexpr std::int64_t width = 16;
  struct Side {
    Acc values[width];
  };
  const auto combine_side = [&combine](const Side& a, const Side& b) {
    Side result;
    for (std::int64_t w = 0; w < width; ++w) result.values[w] = combine(a.values[w], b.values[w]);
    return result;
  };
  Side identities;
  for (Acc& value : identities.values) value = identity;
  const auto fold_side = [&](const X* base) {
    PairwiseTree<Side, decltype(combine_side)> tree(combine_side);
    for (std::int64_t begin = 0; begin < n; begin += reduce_block) {
      const std::int64_t length = std::min(reduce_block, n - begin);
      Side lanes[reduce_lanes];
      for (Side& lane : lanes) lane = identities;
      for (std::int64_t k = 0; k < length; ++k) {
        Acc* lane = lanes[k % reduce_lanes].values;
        const X* row = base + (begin + k) * stride;
        for (std::int64_t w = 0; w < width; ++w) lane[w] = combine(lane[w], prepare(row[w]));
      }
      tree.push(join_lanes(lanes, combine_side));
    }
    return tree.finish(identities);
  };
  const auto fold_one = [&](const X* base) {
    if (reduced.rank > 1)
      return fold(
          n, identity,
          [&](std::int64_t k) { return prepare(base[positions[static_cast<std::size_t>(k)]]); },
          combine);
    if (stride == 1)
      return fold(
          n, identity, [&](std::int64_t k) { return prepare(base[k]); }, combine);
    return fold(
        n, identity, [&](std::int64_t k) { return prepare(base[k * stride]); }, combine);
  };
  const std::int64_t per_task = elements_per_task / std::max<std::int64_t>(n, 1) + 1;
  const std::int64_t grain = (per_task + width - 1) / width * width;
  kept.for_each_run([&](const std::int64_t* at, std::int64_t run) {
    const X* source = x + at[0];
    Y* target = y;
    parallel_for(run, grain, [&](std::int64_t i, std::int64_t end) {
      for (; columns && i + width <= end; i += width) {
        const Side total = fold_side(source + i);
        for (std::int64_t w = 0; w < width; ++w) target[i + w] = finish(total.values[w]);
      }
      for (; i < end; ++i) target[i] = finish(fold_one(source + i * across));
    });
    y += run;
  });
}

}  // namespace gradus::kernels
