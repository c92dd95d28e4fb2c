// Running one kernel of a plan, whole or by rows; see call.h.
#include <gradus/compile/call.h>

#include <array>

namespace gradus::compile {
namespace {

/// A product with what it took in, on operands whose pointers are in `in` and `out`: whole, or some
/// rows.
template <class T>
void run_product(const Product& p, std::span<const In> in, const Out& out,
                 const kernels::GemmHints& hints, const kernels::GemmPart* part) {
  const auto matrix = [&](const Product::Operand& operand) -> kernels::Matrix<const T> {
    if (operand.input < 0) return {nullptr, 0, 0};
    return {in[static_cast<std::size_t>(operand.input)].as<T>(), operand.row, operand.column};
  };
  kernels::Epilogue<T> epilogue;
  if (const auto bias = matrix(p.bias); bias.data)
    (bias.column == 1 ? epilogue.bias_of_column : epilogue.bias_of_row) = bias.data;
  epilogue.relu = p.relu;
  epilogue.mask = matrix(p.gate);
  if (p.rate >= 0) {
    epilogue.updates = true;
    epilogue.rate = *in[static_cast<std::size_t>(p.rate)].as<T>();
  }
  const kernels::Matrix<T> c{out.as<T>(), p.c_row, p.c_column};
  if (part)
    kernels::gemm_serial<T>(*part, p.k, matrix(p.a), matrix(p.b), c, false, epilogue, hints);
  else
    kernels::gemm<T>(p.m, p.n, p.k, matrix(p.a), matrix(p.b), c, false, epilogue, hints);
}

void run_product(const Call& call, const kernels::GemmPart* part) {
  const Product& p = *call.kernel.product;
  if (call.out[0].dtype == DType::f64)
    run_product<double>(p, call.in, call.out[0], call.hints, part);
  else
    run_product<float>(p, call.in, call.out[0], call.hints, part);
}

/// What lies so many rows behind the first one.
template <class Operand>
Operand rows_of(const Operand& x, std::int64_t begin, std::int64_t end, Layout& layout) {
  layout = *x.layout;
  layout.shape[0] = end - begin;
  const std::int64_t bytes =
      begin * layout.strides[0] * static_cast<std::int64_t>(dtype_size(x.dtype));
  Operand part = x;
  using Byte = std::conditional_t<std::is_same_v<Operand, In>, const std::byte, std::byte>;
  part.data = static_cast<Byte*>(x.data) + bytes;
  part.layout = &layout;
  return part;
}

}  // namespace

void Call::run() const {
  if (kernel.loop)
    kernel.loop->run(in, out);
  else if (kernel.product)
    run_product(*this, nullptr);
  else
    kernel.op.model().forward(in, out);
}

void Call::run_rows(std::int64_t begin, std::int64_t end, std::int64_t rows) const {
  if (kernel.loop) {
    const std::int64_t each = kernel.loop->count / rows;
    return kernel.loop->run_part(in, out, begin * each, end * each);
  }
  if (kernel.product) {
    const kernels::GemmPart part{begin, end, 0, kernel.product->n};
    return run_product(*this, &part);
  }
  std::array<Layout, most_views> layouts;
  std::array<In, most_views> inputs{};
  std::array<Out, most_views> outputs{};
  for (std::size_t i = 0; i < in.size(); ++i)
    inputs[i] = kernel.by_rows[i] ? rows_of(in[i], begin, end, layouts[i]) : in[i];
  for (std::size_t i = 0; i < out.size(); ++i)
    outputs[i] = rows_of(out[i], begin, end, layouts[in.size() + i]);
  kernel.op.model().forward(std::span(inputs).first(in.size()),
                            std::span(outputs).first(out.size()));
}

}  // namespace gradus::compile
