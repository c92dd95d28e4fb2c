// Spare memory: blocks of middling size that tensors gave back are kept for the next tensor of the
// same size. A training step asks for the same sizes each time, and malloc returns such blocks to
// the system in between, which then has to clear the pages anew. Blocks that malloc would map for
// themselves anyway lie on huge pages: the first touch of 47 MB of images is 23 faults, not 11,500.
#pragma once

#include <cstddef>

namespace gradus::detail {

/// Sizes that are kept, and the most bytes of all kept blocks together.
inline constexpr std::size_t smallest_spare = 1 << 15, largest_spare = 1 << 23,
                             most_spare = 1 << 25;
/// Sizes that are mapped on huge pages, from here on. (glibc's DEFAULT_MMAP_THRESHOLD_MAX)
inline constexpr std::size_t smallest_mapped = 1 << 25;

/// A block of so many bytes, spare or from the system, aligned as for any type; null when there is
/// none. give_block takes it back. Thread-safe.
std::byte* take_block(std::size_t bytes) noexcept;
/// Keeps the block, or gives it and older ones back to the system. Thread-safe.
void give_block(std::byte* block, std::size_t bytes) noexcept;

}  // namespace gradus::detail
