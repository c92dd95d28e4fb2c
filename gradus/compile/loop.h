// A loop of a plan: elementwise operations that run together, block by block, so that what one
// gives to the next stays in the first cache. Each operation's own kernel does its part, so the
// bits are those of running them one after the other.
#pragma once

#include <vector>

#include <gradus/program/op.h>

namespace gradus::compile {

/// Operations over `count` elements, in order.
struct Loop {
  /// Bytes of one value of a block, and how many values that nobody outside sees may live at once.
  static constexpr std::int64_t block_bytes = 8192;
  static constexpr std::size_t most_scratch = 8;

  /// Where a part reads or writes: a view of the kernel (first its inputs, then its outputs), or a
  /// block of scratch memory.
  struct Operand {
    bool is_scratch = false, is_one = false;  ///< one element for all
    std::size_t number = 0;
    DType dtype = DType::f32;
  };
  struct Part {
    Op op;
    std::vector<Operand> inputs;
    Operand output;
  };
  std::vector<Part> parts;
  std::int64_t count = 0;

  /// Elements of a block.
  std::int64_t block() const;
  /// `in` and `out` are the kernel's views.
  void run(std::span<const In> in, std::span<const Out> out) const;
  /// The elements [begin, end), on the caller's thread.
  void run_part(std::span<const In> in, std::span<const Out> out, std::int64_t begin,
                std::int64_t end) const;
};

}  // namespace gradus::compile
