// What a plan is made of while it is built: buffers, views of them, and kernels on views.
#pragma once

#include <gradus/compile/loop.h>
#include <gradus/compile/memory.h>
#include <gradus/program/program.h>

namespace gradus::compile {

/// Who holds the bytes of a value.
enum class Holder { arena, input, constant, output };

struct Buffer {
  Holder holder = Holder::arena;
  std::size_t number = 0;  ///< of the input, constant or output
  Lifetime life{};         ///< in kernels, by number
  bool is_used = false;
  bool is_result = false;  ///< the caller sees it
  bool is_zero = false;    ///< a constant that holds one zero
};

/// A value as a kernel sees it.
struct View {
  std::size_t buffer = 0;
  Layout layout{};
  DType dtype = DType::f32;
  std::size_t offset_bytes() const {
    return static_cast<std::size_t>(layout.offset) * dtype_size(dtype);
  }
  Spec spec() const { return {layout.shape, dtype}; }
};

/// A matrix product with an epilogue (kernels/gemm.h). The numbers are places among the inputs of
/// its kernel, -1 for none; strides are those of (row, column) of the product.
struct Product {
  struct Operand {
    int input = -1;
    std::int64_t row = 0, column = 0;
  };
  std::int64_t m = 0, n = 0, k = 0;
  Operand a{}, b{}, bias{}, gate{};
  bool relu = false;
  int rate = -1;
  std::int64_t c_row = 0, c_column = 0;
};

/// A call of an operation's own kernel, a product that took its neighbours in, or a loop of
/// elementwise operations.
struct Kernel {
  Op op;
  Place place;
  std::string what;         ///< "matmul + add + relu"
  std::vector<View> views;  ///< inputs, then outputs
  std::size_t input_count = 0;
  bool writes_in_place = false;
  std::optional<Product> product{};
  std::optional<Loop> loop{};
  std::vector<Kernel> parts{};  ///< what a loop is made of
  std::vector<bool> by_rows{};  ///< which views threads cut by rows (rows.h); empty: none
  std::string note{};           ///< why it was not fused with its neighbour
  std::string scope{};
  Phase phase = Phase::forward;

  std::span<View> inputs() { return std::span(views).first(input_count); }
  std::span<View> outputs() { return std::span(views).subspan(input_count); }
  std::span<const View> inputs() const { return std::span(views).first(input_count); }
  std::span<const View> outputs() const { return std::span(views).subspan(input_count); }
};

/// Lets products of matrices take in what is done to their elements next: a bias, relu, the gate of
/// relu's gradient, and the update of a weight. Each rounding stays, so the bits do.
void fuse_products(std::vector<Kernel>& kernels, std::vector<Buffer>& buffers);

/// Whether element i of the result depends on element i of the operands alone. By name: an
/// operation of a user may be safe in place and still look at its neighbours.
bool is_elementwise(const Op& op);

/// Makes one loop of elementwise operations that stand next to each other; what only they know
/// takes no place in the arena any more.
void fuse_elementwise(std::vector<Kernel>& kernels, const std::vector<Buffer>& buffers);

/// Lets elementwise kernels write over an operand of the arena that nobody reads after them.
void reuse_operands(std::vector<Kernel>& kernels, const std::vector<Buffer>& buffers);

}  // namespace gradus::compile
