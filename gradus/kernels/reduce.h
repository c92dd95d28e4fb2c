// Reductions: for every position of the kept axes, a fold over the reduced axes.
// The order of a fold depends on the logical index alone, never on strides or threads: element k
// goes to lane k mod 16 of its block of 1024; lanes meet in a fixed tree, blocks in a pairwise
// tree. So sums of a tensor and of its transposed copy have equal bits, and the error grows with
// log(n). Only the loops over one fold know functions and types; which outputs there are is found
// in reduce.cpp, compiled once.
#pragma once

#include <algorithm>
#include <cstdint>

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

/// Folds one block of n values read(0), read(1), ...
template <class Acc, class Read, class Combine>
Acc fold_block(std::int64_t n, Acc identity, Read read, Combine combine) {
  Acc lanes[reduce_lanes];
  for (Acc& lane : lanes) lane = identity;
  std::int64_t k = 0;
  for (; k + reduce_lanes <= n; k += reduce_lanes)
    for (std::int64_t l = 0; l < reduce_lanes; ++l) lanes[l] = combine(lanes[l], read(k + l));
  for (std::int64_t l = 0; k + l < n; ++l) lanes[l] = combine(lanes[l], read(k + l));
  return join_lanes(lanes, combine);
}

/// Folds n values read(0), read(1), ... in the order described above.
template <class Acc, class Read, class Combine>
Acc fold(std::int64_t n, Acc identity, Read read, Combine combine) {
  PairwiseTree<Acc, Combine> tree(combine);
  for (std::int64_t begin = 0; begin < n; begin += reduce_block)
    tree.push(fold_block(
        std::min(reduce_block, n - begin), identity,
        [&read, begin](std::int64_t k) { return read(begin + k); }, combine));
  return tree.finish(identity);
}

namespace detail {

/// The elements that one output is folded from: n of them, `stride` apart, or at `positions`.
struct Fold {
  std::int64_t n;
  std::int64_t stride;
  const std::int64_t* positions;  // nullptr: in steps of `stride`
};

/// How many neighbouring outputs are folded side by side where the reduced axis lies across them.
inline constexpr std::int64_t side_by_side = 16;

/// Folds what begins at x into the output y, or `side_by_side` neighbours into as many outputs.
using FoldOutputs = void (*)(const void* functions, const void* x, const Fold& fold, void* y);

/// Where a reduction's operands lie, and the two loops that know its types and functions.
struct Reduction {
  const void* x;
  std::int64_t x_size;  // bytes of an element
  void* y;
  std::int64_t y_size;
  FoldOutputs one;
  FoldOutputs columns;
  const void* functions;
};

void reduce(const Reduction& reduction, const std::int64_t* kept_sizes,
            const std::int64_t* kept_strides, int kept_rank, const std::int64_t* sizes,
            const std::int64_t* strides, int rank);

template <class X, class Y, class Acc, class Prepare, class Combine, class Finish>
struct ReduceFunctions {
  Acc identity;
  Prepare prepare;
  Combine combine;
  Finish finish;

  static void one(const void* functions, const void* x, const Fold& f, void* y) {
    const ReduceFunctions own = *static_cast<const ReduceFunctions*>(functions);
    const X* base = static_cast<const X*>(x);
    PairwiseTree<Acc, Combine> tree(own.combine);
    X gathered[reduce_block];  // what does not lie in a row is brought together first
    for (std::int64_t begin = 0; begin < f.n; begin += reduce_block) {
      const std::int64_t length = std::min(reduce_block, f.n - begin);
      const X* block = base + begin;
      if (f.positions) {
        for (std::int64_t k = 0; k < length; ++k) gathered[k] = base[f.positions[begin + k]];
        block = gathered;
      } else if (f.stride != 1) {
        for (std::int64_t k = 0; k < length; ++k) gathered[k] = base[(begin + k) * f.stride];
        block = gathered;
      }
      tree.push(fold_block(
          length, own.identity, [&own, block](std::int64_t k) { return own.prepare(block[k]); },
          own.combine));
    }
    *static_cast<Y*>(y) = own.finish(tree.finish(own.identity));
  }

  static void columns(const void* functions, const void* x, const Fold& f, void* y) {
    struct Side {
      Acc values[side_by_side];
    };
    const ReduceFunctions own = *static_cast<const ReduceFunctions*>(functions);
    const auto combine_sides = [&own](const Side& a, const Side& b) {
      Side result;
      for (std::int64_t w = 0; w < side_by_side; ++w)
        result.values[w] = own.combine(a.values[w], b.values[w]);
      return result;
    };
    Side identities;
    for (Acc& value : identities.values) value = own.identity;
    PairwiseTree<Side, decltype(combine_sides)> tree(combine_sides);
    for (std::int64_t begin = 0; begin < f.n; begin += reduce_block) {
      const std::int64_t length = std::min(reduce_block, f.n - begin);
      Side lanes[reduce_lanes];
      for (Side& lane : lanes) lane = identities;
      for (std::int64_t k = 0; k < length; ++k) {
        Acc* lane = lanes[k % reduce_lanes].values;
        const X* row = static_cast<const X*>(x) + (begin + k) * f.stride;
        for (std::int64_t w = 0; w < side_by_side; ++w)
          lane[w] = own.combine(lane[w], own.prepare(row[w]));
      }
      tree.push(join_lanes(lanes, combine_sides));
    }
    const Side total = tree.finish(identities);
    for (std::int64_t w = 0; w < side_by_side; ++w)
      static_cast<Y*>(y)[w] = own.finish(total.values[w]);
  }
};

}  // namespace detail

/// y[kept] = finish(fold of prepare(x)) over the reduced axes. The reduced axes are given in
/// logical order; `y` is written row-major over the kept axes. Many outputs are shared among
/// threads, so the functions given must be pure.
template <class Acc, class X, class Y, class Prepare, class Combine, class Finish>
void reduce(const X* x, const std::int64_t* kept_sizes, const std::int64_t* kept_strides,
            int kept_rank, const std::int64_t* sizes, const std::int64_t* strides, int rank, Y* y,
            Acc identity, Prepare prepare, Combine combine, Finish finish) {
  using Functions = detail::ReduceFunctions<X, Y, Acc, Prepare, Combine, Finish>;
  const Functions functions{identity, prepare, combine, finish};
  detail::reduce({x, sizeof(X), y, sizeof(Y), Functions::one, Functions::columns, &functions},
                 kept_sizes, kept_strides, kept_rank, sizes, strides, rank);
}

}  // namespace gradus::kernels
