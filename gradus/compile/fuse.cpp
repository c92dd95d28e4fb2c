// Products take their neighbours in; see kernel.h. A neighbour may be taken in when nobody else
// reads what lies between, and when the product may wait until the neighbour's turn.
#include <gradus/compile/kernel.h>

#include <algorithm>

namespace gradus::compile {
namespace {

/// How a view shows the elements of a product: as they are, or turned.
enum class Sight { same, turned, other };

class Fusion {
 public:
  Fusion(std::vector<Kernel>& kernels, std::vector<Buffer>& buffers)
      : kernels_(kernels), buffers_(buffers), is_gone_(kernels.size(), false) {}

  void run() {
    for (std::size_t i = 0; i < kernels_.size(); ++i)
      if (!is_gone_[i] && begin(i)) {
        std::size_t at = i;
        while (const std::optional<std::size_t> next = take_neighbour(at)) at = *next;
      }
    std::vector<Kernel> left;
    for (std::size_t i = 0; i < kernels_.size(); ++i)
      if (!is_gone_[i]) left.push_back(std::move(kernels_[i]));
    kernels_ = std::move(left);
  }

 private:
  static Product::Operand operand(const View& view, int input, bool is_turned) {
    const Shape& strides = view.layout.strides;
    return is_turned ? Product::Operand{input, strides[1], strides[0]}
                     : Product::Operand{input, strides[0], strides[1]};
  }

  /// Makes a product of a matmul of two matrices.
  bool begin(std::size_t i) {
    Kernel& kernel = kernels_[i];
    if (kernel.op.name() != "matmul" || kernel.product || kernel.writes_in_place) return false;
    const View &a = kernel.views[0], &b = kernel.views[1], &c = kernel.views[2];
    if (a.layout.rank() != 2 || b.layout.rank() != 2 || !is_floating(c.dtype)) {
      kernel.note =
          is_floating(c.dtype) ? "not a product of two matrices" : "a product of integers";
      return false;
    }
    Product product;
    product.m = a.layout.shape[0];
    product.k = a.layout.shape[1];
    product.n = b.layout.shape[1];
    if (product.m == 0 || product.n == 0 || product.k == 0) return false;
    product.a = operand(a, 0, false);
    product.b = operand(b, 1, false);
    product.c_row = c.layout.strides[0];
    product.c_column = c.layout.strides[1];
    kernel.product = product;
    is_turned_ = false;
    return true;
  }

  /// The kernels that read a buffer, except those that are gone.
  std::vector<std::size_t> readers(std::size_t buffer) const {
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < kernels_.size(); ++i) {
      if (is_gone_[i]) continue;
      for (const View& view : kernels_[i].inputs())
        if (view.buffer == buffer) {
          all.push_back(i);
          break;
        }
    }
    return all;
  }
  /// The one kernel that reads what kernel i computed, or nothing.
  std::optional<std::size_t> only_reader(std::size_t i) const {
    const std::size_t buffer = kernels_[i].outputs()[0].buffer;
    if (buffers_[buffer].holder != Holder::arena || buffers_[buffer].is_result) return {};
    for (std::size_t k = 0; k < kernels_.size(); ++k)
      if (k != i && !is_gone_[k])
        for (const View& view : kernels_[k].outputs())
          if (view.buffer == buffer) return {};  // somebody writes into it
    const std::vector<std::size_t> all = readers(buffer);
    if (all.size() != 1) return {};
    return all[0];
  }

  Sight sight(const View& view, const View& c) const {
    if (view.layout == c.layout) return Sight::same;
    if (view.layout.rank() == 2 && view.layout == c.layout.permute({1, 0})) return Sight::turned;
    return Sight::other;
  }

  /// Whether kernel i may run at the place of kernel `later`: nothing between writes what it reads.
  bool may_wait(std::size_t i, std::size_t later) const {
    for (std::size_t k = i + 1; k < later; ++k) {
      if (is_gone_[k] || !kernels_[k].writes_in_place) continue;
      for (const View& view : kernels_[i].inputs())
        if (view.buffer == kernels_[k].outputs()[0].buffer) return false;
    }
    return true;
  }

  /// Takes in what is done next to the product in kernel i; the place where it stands then.
  std::optional<std::size_t> take_neighbour(std::size_t i) {
    const std::optional<std::size_t> next = only_reader(i);
    if (!next) {
      const Product& p = *kernels_[i].product;
      if (!p.relu && p.gate.input < 0 && p.rate < 0)
        kernels_[i].note = "its result is given out, or not read exactly once";
      return {};
    }
    if (*next < i || !may_wait(i, *next)) {
      kernels_[i].note = "its operands are overwritten before its result is read";
      return {};
    }
    const std::string name(kernels_[*next].op.name());
    std::optional<std::size_t> taken;
    std::string why_not;
    if (name == "relu") {
      taken = take_relu(i, *next);
      why_not = ", which comes too late or sees other shapes";
    } else if (name == "add") {
      taken = take_bias(i, *next);
      why_not = ", of something that is no bias";
    } else if (name == "mul") {
      taken = take_gate(i, *next);
      if (!taken) taken = take_update(i, *next);
      why_not = ", by something that is neither relu's gate nor the rate of an update";
    }
    if (!taken && kernels_[i].note.empty()) kernels_[i].note = "followed by " + name + why_not;
    return taken;
  }

  /// Which input of the neighbour is the product; the other one is `other`.
  struct Pair {
    const View* product = nullptr;
    const View* other = nullptr;
  };
  Pair split(std::size_t i, const Kernel& neighbour) const {
    const std::size_t buffer = kernels_[i].outputs()[0].buffer;
    const bool first = neighbour.views[0].buffer == buffer;
    const bool second = neighbour.input_count == 2 && neighbour.views[1].buffer == buffer;
    if (first == second) return {};
    return {&neighbour.views[first ? 0 : 1],
            neighbour.input_count == 2 ? &neighbour.views[first ? 1 : 0] : nullptr};
  }

  /// Writes the product where the neighbour would have written, and lets it stand there.
  std::size_t move(std::size_t i, std::size_t next, const View& seen, const std::string& what) {
    Kernel& kernel = kernels_[i];
    Kernel& neighbour = kernels_[next];
    const View c = kernel.outputs()[0], out = neighbour.outputs()[0];
    is_turned_ = is_turned_ != (sight(seen, c) == Sight::turned);
    kernel.views.back() = out;
    kernel.product->c_row = out.layout.strides[is_turned_ ? 1 : 0];
    kernel.product->c_column = out.layout.strides[is_turned_ ? 0 : 1];
    kernel.what += " + " + what;
    kernel.writes_in_place = neighbour.writes_in_place;
    std::swap(kernels_[next], kernels_[i]);
    is_gone_[i] = true;
    return next;
  }

  int add_input(Kernel& kernel, const View& view) {
    kernel.views.insert(kernel.views.end() - 1, view);
    return static_cast<int>(kernel.input_count++);
  }

  std::optional<std::size_t> take_relu(std::size_t i, std::size_t next) {
    Kernel& kernel = kernels_[i];
    const View& seen = kernels_[next].views[0];
    Product& p = *kernel.product;
    if (kernels_[next].writes_in_place || sight(seen, kernel.outputs()[0]) == Sight::other ||
        p.relu || p.gate.input >= 0)
      return {};
    p.relu = true;
    return move(i, next, seen, "relu");
  }

  std::optional<std::size_t> take_bias(std::size_t i, std::size_t next) {
    Kernel& kernel = kernels_[i];
    const Kernel& neighbour = kernels_[next];
    const auto [seen, other] = split(i, neighbour);
    Product& p = *kernel.product;
    if (!seen || neighbour.writes_in_place || p.bias.input >= 0 || p.relu || p.gate.input >= 0)
      return {};
    const View& out = neighbour.outputs()[0];
    const Sight how = sight(*seen, kernel.outputs()[0]);
    if (how == Sight::other || !(seen->layout.shape == out.layout.shape)) return {};
    // The other side, stretched to the result; a row of biases has stride 0 down the rows.
    View bias = *other;
    if (bias.layout.rank() == 2 && bias.layout.shape == out.layout.shape) {
      kernel.note = "what is added is a matrix";
      return {};
    }
    bias.layout = bias.layout.broadcast_to(out.layout.shape);
    const bool turned = is_turned_ != (how == Sight::turned);
    const Product::Operand found = operand(bias, -1, turned);
    const bool is_row = found.row == 0 && found.column == 1;
    const bool is_column = found.row == 1 && found.column == 0;
    if (!is_row && !is_column) return {};
    p.bias = operand(bias, add_input(kernel, bias), turned);
    return move(i, next, *seen, "add");
  }

  /// y * astype(not (h <= 0)): relu's gradient.
  std::optional<std::size_t> take_gate(std::size_t i, std::size_t next) {
    Kernel& kernel = kernels_[i];
    const Kernel& neighbour = kernels_[next];
    const auto [seen, other] = split(i, neighbour);
    Product& p = *kernel.product;
    if (!seen || neighbour.writes_in_place || p.gate.input >= 0) return {};
    const View& out = neighbour.outputs()[0];
    const Sight how = sight(*seen, kernel.outputs()[0]);
    if (how == Sight::other || !(seen->layout.shape == out.layout.shape) ||
        !(other->layout.shape == out.layout.shape))
      return {};
    std::vector<std::size_t> chain;
    std::size_t buffer = other->buffer;
    for (const std::string_view wanted : {"astype", "logical_not", "less_equal"}) {
      const auto maker = maker_of(buffer, next);
      if (!maker || kernels_[*maker].op.name() != wanted || readers(buffer).size() != 1 ||
          buffers_[buffer].is_result)
        return {};
      chain.push_back(*maker);
      buffer = kernels_[*maker].views[0].buffer;
    }
    const Kernel& compare = kernels_[chain.back()];
    const View &h = compare.views[0], &zero = compare.views[1];
    if (!is_zero(zero) || h.dtype != out.dtype || !(h.layout.shape == out.layout.shape)) return {};
    for (std::size_t k : chain) {
      const Layout& made = kernels_[k].outputs()[0].layout;
      if (!(made.shape == out.layout.shape)) return {};
    }
    // Nothing between may write h: it is read at the product's place now.
    for (std::size_t k = chain.back() + 1; k < next; ++k)
      if (!is_gone_[k] && kernels_[k].writes_in_place &&
          kernels_[k].outputs()[0].buffer == h.buffer)
        return {};
    const bool turned = is_turned_ != (how == Sight::turned);
    p.gate = operand(h, add_input(kernel, h), turned);
    for (std::size_t k : chain) is_gone_[k] = true;
    return move(i, next, *seen, "gate");
  }

  /// w -= rate * y.
  std::optional<std::size_t> take_update(std::size_t i, std::size_t next) {
    Kernel& kernel = kernels_[i];
    const Kernel& scaled = kernels_[next];
    const auto [seen, rate] = split(i, scaled);
    if (!seen || scaled.writes_in_place || rate->layout.numel() != 1) return {};
    const std::optional<std::size_t> last = only_reader(next);
    if (!last || *last < next) return {};
    const Kernel& update = kernels_[*last];
    if (update.op.name() != "sub" || !update.writes_in_place) return {};
    const View &out = update.outputs()[0], &old = update.views[0], &step = update.views[1];
    const Sight how = sight(*seen, kernel.outputs()[0]);
    if (how == Sight::other || old.buffer != out.buffer || !(old.layout == out.layout) ||
        step.buffer != scaled.outputs()[0].buffer || !(step.layout == scaled.outputs()[0].layout) ||
        !may_wait(i, *last) || !may_wait(next, *last))
      return {};
    Product& p = *kernel.product;
    for (const View& view : kernel.inputs())
      if (view.buffer == out.buffer) return {};
    p.rate = add_input(kernel, *rate);
    const View seen_view = *seen;
    is_gone_[next] = true;
    return move(i, *last, seen_view, "update");
  }

  std::optional<std::size_t> maker_of(std::size_t buffer, std::size_t before) const {
    for (std::size_t k = before; k-- > 0;)
      if (!is_gone_[k])
        for (const View& view : kernels_[k].outputs())
          if (view.buffer == buffer) return k;
    return {};
  }

  bool is_zero(const View& view) const {
    const Buffer& buffer = buffers_[view.buffer];
    return view.layout.numel() == 1 && buffer.holder == Holder::constant && buffer.is_zero;
  }

  std::vector<Kernel>& kernels_;
  std::vector<Buffer>& buffers_;
  std::vector<bool> is_gone_;
  bool is_turned_ = false;  // whether the present product's result shows it turned
};

}  // namespace

void fuse_products(std::vector<Kernel>& kernels, std::vector<Buffer>& buffers) {
  Fusion(kernels, buffers).run();
}

}  // namespace gradus::compile
