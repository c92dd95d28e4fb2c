// What a plan is made of while it is built: buffers, views of them, and kernels on views.
#pragma once

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

/// A call of an operation's own kernel, or a product that took its neighbours in.
struct Kernel {
  Op op;
  Place place;
  std::string what;         ///< "matmul + add + relu"
  std::vector<View> views;  ///< inputs, then outputs
  std::size_t input_count = 0;
  bool writes_in_place = false;
  std::optional<Product> product{};
  std::string note{};  ///< why a product did not take its neighbour in
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

}  // namespace gradus::compile
