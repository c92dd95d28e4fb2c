// Packing for gemm_inl.h: operands in the order in which its tiles read them.
#if defined(GRADUS_KERNELS_GEMM_PACK_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_KERNELS_GEMM_PACK_INL_H
#undef GRADUS_KERNELS_GEMM_PACK_INL_H
#else
#define GRADUS_KERNELS_GEMM_PACK_INL_H
#endif

#include <algorithm>
#include <cstdint>
#include <memory>

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Index = std::int64_t;

template <class T>
using Tag = hn::ScalableTag<T>;
template <class T>
inline constexpr Index lanes = static_cast<Index>(HWY_LANES(T));

/// Memory of this thread that grows and is kept, on a cache line.
template <class T, int which>
T* scratch(Index count) {
  thread_local std::unique_ptr<T[]> memory;
  thread_local Index size = 0;
  constexpr Index line = 64 / static_cast<Index>(sizeof(T));
  if (size < count) {
    size = 0;
    memory.reset(new T[static_cast<std::size_t>(count + line)]);
    size = count;
  }
  const auto address = reinterpret_cast<std::uintptr_t>(memory.get());
  return memory.get() + (64 - address % 64) % 64 / sizeof(T);
}

/// A vector in memory.
template <class D>
struct Whole {
  D d;
  HWY_INLINE hn::Vec<D> load(const hn::TFromD<D>* from) const { return hn::LoadU(d, from); }
  HWY_INLINE void store(hn::Vec<D> v, hn::TFromD<D>* to) const { hn::StoreU(v, d, to); }
};

#if HWY_TARGET <= HWY_AVX3
/// Its first lanes alone, the others are 0 and not touched: as fast as the whole, here.
template <class D>
struct Part {
  D d;
  hn::Mask<D> first;
  Part(D of, Index count) : d(of), first(hn::FirstN(of, static_cast<std::size_t>(count))) {}
  HWY_INLINE hn::Vec<D> load(const hn::TFromD<D>* from) const {
    return hn::MaskedLoad(first, d, from);
  }
  HWY_INLINE void store(hn::Vec<D> v, hn::TFromD<D>* to) const {
    hn::BlendedStore(v, first, d, to);
  }
};
inline constexpr bool has_parts = true;
#else
/// There are no parts: what is no whole vector is packed, or goes number by number.
template <class D>
struct Part : Whole<D> {
  Part(D of, Index) : Whole<D>{of} {}
};
inline constexpr bool has_parts = false;
#endif

#if HWY_TARGET != HWY_SCALAR
/// Rows apart by `step`, ...
struct AllRows {
  Index step;
  HWY_INLINE Index operator[](Index i) const { return i * step; }
};
/// ... of which those from `count` on are not there: the last one stands for them.
struct SomeRows {
  Index step, count;
  HWY_INLINE Index operator[](Index i) const { return std::min(i, count - 1) * step; }
};

/// A vector whose blocks of 128 bits come from every fourth (of double: second) row from row i on.
template <class D, class Block, class Rows, class T = hn::TFromD<D>>
HWY_INLINE hn::Vec<D> load_blocks(D d, const Block& block, const T* from, Rows rows, Index i) {
  constexpr Index n = static_cast<Index>(hn::MaxLanes(D()));
  if constexpr (n * sizeof(T) <= 16) {
    return block.load(from + rows[i]);
  } else {
    const hn::Half<D> half;
    return hn::Combine(d, load_blocks(half, block, from, rows, i + n / 2),
                       load_blocks(half, block, from, rows, i));
  }
}

/// to[k * tile + i] = from[rows[i] + k] for the lanes i of `stored` and the first `depth` of a
/// block's k's.
template <class D, class Stored, class Block, class Rows, class T = hn::TFromD<D>>
HWY_INLINE void transpose_block(D d, const Stored& stored, const Block& block, const T* from,
                                Rows rows, Index depth, T* to, Index tile) {
  const auto put = [&](hn::Vec<D> v, Index k) HWY_ATTR {
    if (k < depth) stored.store(v, to + k * tile);
  };
  const auto r0 = load_blocks(d, block, from, rows, 0), r1 = load_blocks(d, block, from, rows, 1);
  if constexpr (sizeof(T) == 8) {
    put(hn::InterleaveLower(d, r0, r1), 0);
    put(hn::InterleaveUpper(d, r0, r1), 1);
  } else {
    const hn::Repartition<double, D> pairs;
    const auto r2 = load_blocks(d, block, from, rows, 2), r3 = load_blocks(d, block, from, rows, 3);
    const auto a = hn::BitCast(pairs, hn::InterleaveLower(d, r0, r1)),
               b = hn::BitCast(pairs, hn::InterleaveUpper(d, r0, r1)),
               e = hn::BitCast(pairs, hn::InterleaveLower(d, r2, r3)),
               f = hn::BitCast(pairs, hn::InterleaveUpper(d, r2, r3));
    put(hn::BitCast(d, hn::InterleaveLower(pairs, a, e)), 0);
    put(hn::BitCast(d, hn::InterleaveUpper(pairs, a, e)), 1);
    put(hn::BitCast(d, hn::InterleaveLower(pairs, b, f)), 2);
    put(hn::BitCast(d, hn::InterleaveUpper(pairs, b, f)), 3);
  }
}

/// to[k * tile + i] = from[rows[i] + k] for the lanes i of `stored` and k < depth.
template <class D, class Stored, class Rows, class T = hn::TFromD<D>>
void transpose_rows(D d, const Stored& stored, const T* from, Rows rows, Index depth, T* to,
                    Index tile) {
  constexpr Index n = static_cast<Index>(hn::MaxLanes(D())),
                  block = 16 / static_cast<Index>(sizeof(T));
  const hn::FixedTag<T, static_cast<std::size_t>(block)> d_block;
  using Block = decltype(d_block);
  Index k = 0;
  for (; k + block <= depth; k += block)
    transpose_block(d, stored, Whole<Block>{}, from + k, rows, block, to + k * tile, tile);
  if (has_parts && k < depth)
    transpose_block(d, stored, Part<Block>({}, depth - k), from + k, rows, depth - k, to + k * tile,
                    tile);
  else
    for (; k < depth; ++k)
      for (Index i = 0; i < n; ++i) to[k * tile + i] = from[rows[i] + k];
}
#endif

/// Copies whole vectors from i on, as long as there are some; where it stopped.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE Index copy_lanes(D d, const T* from, T* to, Index i, Index count) {
  constexpr Index n = static_cast<Index>(hn::MaxLanes(D()));
  for (; i + n <= count; i += n) hn::StoreU(hn::LoadU(d, from + i), d, to + i);
  return i;
}

/// Copies `count` neighbours; where there is `room` for whole vectors, 0 after them.
template <class T>
HWY_INLINE void copy_run(const T* from, T* to, Index count, bool room) {
  Index i = copy_lanes(Tag<T>(), from, to, 0, count);
  if (i == count) return;
  if constexpr (has_parts) {
    const Part<Tag<T>> part({}, count - i);
    if (room)
      hn::StoreU(part.load(from + i), part.d, to + i);
    else
      part.store(part.load(from + i), to + i);
  } else {
    i = copy_lanes(hn::CappedTag<T, 4>(), from, to, i, count);
    copy_lanes(hn::CappedTag<T, 1>(), from, to, i, count);
  }
}

/// packed[k * tile + i] = source[i * step + k * along] for i < count. In a tile of whole vectors
/// the rest is 0 or numbers of the source again.
template <class T>
void pack(const T* source, Index step, Index along, Index count, Index depth, T* packed,
          Index tile) {
  const bool room = tile % lanes<T> == 0;
  if (room && count < tile) {
    // Whole vectors: copying and turning fill up the one that is begun.
    const bool fills = has_parts && (step == 1 || along == 1);
    const Index begin = (fills ? count + lanes<T> - 1 : count) / lanes<T> * lanes<T>;
    for (Index k = 0; k < depth; ++k)
      for (Index i = begin; i < tile; i += lanes<T>)
        hn::StoreU(hn::Zero(Tag<T>()), Tag<T>(), packed + k * tile + i);
  }
  if (step == 1) {
    for (Index k = 0; k < depth; ++k) {
      if (k + 16 < depth)
        __builtin_prefetch(source + (k + 16) * along, 0, 2);  // rows lie far apart
      copy_run(source + k * along, packed + k * tile, count, room);
    }
    return;
  }
  Index i = 0;
#if HWY_TARGET != HWY_SCALAR
  if (along == 1) {
    const Tag<T> d;
    for (; i + lanes<T> <= count; i += lanes<T>)
      transpose_rows(d, Whole<Tag<T>>{}, source + i * step, AllRows{step}, depth, packed + i, tile);
    if (has_parts && i < count) {
      const T* from = source + i * step;
      const SomeRows rows{step, count - i};
      if (room)
        transpose_rows(d, Whole<Tag<T>>{}, from, rows, depth, packed + i, tile);
      else
        transpose_rows(d, Part<Tag<T>>(d, count - i), from, rows, depth, packed + i, tile);
      return;
    }
    const hn::FixedTag<T, 16 / sizeof(T)> few;
    constexpr Index n = static_cast<Index>(hn::MaxLanes(decltype(few)()));
    for (; i + n <= count; i += n)
      transpose_rows(few, Whole<decltype(few)>{}, source + i * step, AllRows{step}, depth,
                     packed + i, tile);
  }
#endif
  for (; i < count; ++i)
    for (Index k = 0; k < depth; ++k) packed[k * tile + i] = source[i * step + k * along];
}

/// Columns whose strips are packed together, so that rows of the source are read by whole lines.
inline Index columns_together(Index strip) { return strip * std::max<Index>(1, 64 / strip); }

/// Packs strips that lie side by side, one behind the other: strip j / strip at packed + j * depth.
template <class T>
void pack_strips(const T* source, Index step, Index along, Index columns, Index depth, T* packed,
                 Index strip) {
  Index j = 0;
  if (step == 1) {
    const Index whole = columns / strip * strip, some = columns_together(strip);
    for (; j < whole; j += some)
      for (Index k = 0; k < depth; ++k) {
        const T* from = source + k * along + j;
        if (k + 16 < depth)
          for (Index i = 0; i < some; i += lanes<T>)
            __builtin_prefetch(from + 16 * along + i, 0, 2);
        T* to = packed + j * depth + k * strip;
        for (Index i = 0; i < std::min(some, whole - j); i += strip)
          copy_run(from + i, to + i * depth, strip, false);
      }
    j = whole;
  }
  for (; j < columns; j += strip)
    pack(source + j * step, step, along, std::min(strip, columns - j), depth, packed + j * depth,
         strip);
}

}  // namespace
}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
