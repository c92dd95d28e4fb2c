// Which kernels go by rows; see rows.h. Read find_rows first.
#include <gradus/compile/rows.h>

#include <gradus/compile/call.h>
#include <gradus/compile/cost.h>

#include <algorithm>
#include <set>

namespace gradus::compile {
namespace {

using Flags = std::vector<bool>;

/// A small product only: of a large one every thread would read, and pack, all of B.
constexpr std::int64_t most_of_b = 1 << 16;
/// Bytes that the kernels read and write together: less takes no longer than a call to a thread.
constexpr double least_bytes = 1 << 15;

/// So few bytes a row are done before, where they may: what comes of labels alone mostly ends in a
/// number for all rows, which others wait for.
constexpr double few_bytes = 32;

class RowFinder {
 public:
  RowFinder(std::vector<Kernel>& kernels, const std::vector<Buffer>& buffers, std::int64_t rows)
      : kernels_(kernels), buffers_(buffers), rows_(rows) {}

  Turns run(bool always) {
    Known chosen(buffers_.size()), later(buffers_.size());
    written_.assign(buffers_.size(), false);
    whole_ = written_;
    Turns turns;
    double bytes = 0;
    for (std::size_t k = 0; k < kernels_.size(); ++k) {
      Kernel& kernel = kernels_[k];
      const bool may_be_first = !chosen.conflicts(kernel) && !later.conflicts(kernel);
      const Flags cut = cut_of(kernel);
      if (may_be_first &&
          (cut.empty() || bytes_of(kernel) <= few_bytes * static_cast<double>(rows_))) {
        turns.before.push_back(k);
      } else if (!cut.empty() && !later.conflicts(kernel) && fits(kernel, cut)) {
        kernel.by_rows = cut;
        chosen.add(kernel);
        for (std::size_t v = 0; v < cut.size(); ++v) {
          if (v >= kernel.input_count)
            written_[kernel.views[v].buffer] = true;
          else if (is_read_whole(kernel.views[v], cut[v]))
            whole_[kernel.views[v].buffer] = true;
        }
        bytes += bytes_of(kernel);
        turns.by_rows.push_back(k);
      } else if (may_be_first) {
        turns.before.push_back(k);
      } else {
        later.add(kernel);
        turns.after.push_back(k);
      }
    }
    return always || bytes >= least_bytes ? turns : one_by_one();
  }

  /// All kernels in their order, none by rows.
  Turns one_by_one() {
    Turns turns;
    for (std::size_t k = 0; k < kernels_.size(); ++k) {
      kernels_[k].by_rows.clear();
      turns.before.push_back(k);
    }
    return turns;
  }

 private:
  /// What some kernels read and write. The random stream is one more buffer.
  class Known {
   public:
    explicit Known(std::size_t buffers) : read_(buffers + 1), written_(buffers + 1) {}
    bool conflicts(const Kernel& kernel) const {
      return any(kernel, [&](std::size_t buffer, bool writes) {
        return written_[buffer] || (writes && read_[buffer]);
      });
    }
    void add(const Kernel& kernel) {
      any(kernel, [&](std::size_t buffer, bool writes) {
        (writes ? written_ : read_)[buffer] = true;
        return false;
      });
    }

   private:
    template <class F>
    bool any(const Kernel& kernel, F f) const {
      if (kernel.op.draws() && f(read_.size() - 1, true)) return true;
      for (std::size_t v = 0; v < kernel.views.size(); ++v)
        if (f(kernel.views[v].buffer, v >= kernel.input_count)) return true;
      return false;
    }
    Flags read_, written_;
  };

  /// Whether row i of the view lies in the i-th of `rows` equal parts of its buffer, so that all
  /// such views of a buffer have their rows in the same places.
  bool has_own_rows(const View& view) const {
    const Layout& layout = view.layout;
    const auto size = static_cast<std::int64_t>(dtype_size(view.dtype)),
               bytes = static_cast<std::int64_t>(buffers_[view.buffer].life.bytes);
    if (layout.rank() == 0 || layout.shape[0] != rows_ || bytes % rows_ != 0) return false;
    std::int64_t end = layout.offset + 1;
    for (int axis = 1; axis < layout.rank(); ++axis) {
      if (layout.strides[axis] < 0 || layout.shape[axis] == 0) return false;
      end += (layout.shape[axis] - 1) * layout.strides[axis];
    }
    return layout.strides[0] * size == bytes / rows_ && end * size <= bytes / rows_;
  }

  /// The attribute `axis` says that the first axis is left alone.
  static bool spares_rows(const Kernel& kernel) {
    const int rank = kernel.views[0].layout.rank();
    for (const AttributeInfo& attribute : kernel.op.attributes()) {
      if (attribute.name != "axis") continue;
      Ints axes;
      if (const auto* one = std::get_if<std::int64_t>(&attribute.value))
        axes = {*one};
      else if (const auto* many = std::get_if<Ints>(&attribute.value))
        axes = *many;
      return !axes.empty() && std::ranges::all_of(axes, [&](std::int64_t axis) {
        return normalize_axis(axis, rank) != 0;
      });
    }
    return false;
  }

  /// Which views would be cut; empty where the kernel has no rows of its own.
  Flags cut_of(const Kernel& kernel) const {
    if (kernel.views.size() > Call::most_views) return {};
    if (kernel.product) return cut_of_product(kernel);
    static const std::set<std::string_view> along{
        "gather", "log_softmax", "logsumexp",   "max",     "mean",
        "min",    "prod",        "scatter_add", "softmax", "sum"};
    const Layout& result = kernel.views.back().layout;
    const std::string_view name = kernel.op.name();
    Flags cut(kernel.views.size(), true);
    if (kernel.loop) {
      for (std::size_t v = 0; v < cut.size(); ++v) cut[v] = kernel.views[v].layout.numel() != 1;
    } else if (is_elementwise(kernel.op) || name == "where" || name == "full") {
      for (std::size_t v = 0; v < kernel.input_count; ++v) {
        const Layout& x = kernel.views[v].layout;
        cut[v] = x.rank() == result.rank() && x.rank() > 0 && x.shape[0] == rows_;
      }
    } else if (!along.contains(name) || !spares_rows(kernel)) {
      return {};
    }
    for (std::size_t v = 0; v < cut.size(); ++v)
      if (cut[v] && !is_stretched(kernel.views[v]) && !has_own_rows(kernel.views[v])) return {};
    return cut;
  }

  /// One row that stands for all.
  static bool is_stretched(const View& view) {
    return view.layout.rank() > 0 && view.layout.strides[0] == 0;
  }
  static bool is_read_whole(const View& view, bool is_cut) { return !is_cut || is_stretched(view); }

  Flags cut_of_product(const Kernel& kernel) const {
    const Product& p = *kernel.product;
    const View& result = kernel.views.back();
    const auto row =
        static_cast<std::int64_t>(buffers_[result.buffer].life.bytes / dtype_size(result.dtype)) /
        rows_;
    if (p.m != rows_ || p.n * p.k > most_of_b || p.rate >= 0 || p.c_row != row ||
        !has_own_rows(result))
      return {};
    Flags cut(kernel.views.size(), false);
    cut.back() = true;
    for (const Product::Operand* x : {&p.a, &p.gate, &p.bias})
      if (x->input >= 0 && x->row != 0) {
        const auto number = static_cast<std::size_t>(x->input);
        const View& view = kernel.views[number];
        if (!has_own_rows(view) || view.layout.strides[0] != x->row) return {};
        cut[number] = true;
      }
    if (cut[static_cast<std::size_t>(p.b.input)]) return {};  // x times x^T
    return cut;
  }

  /// Whether threads that are some kernels apart stay out of each other's way: what one of them
  /// reads as a whole, none writes.
  bool fits(const Kernel& kernel, const Flags& cut) const {
    for (std::size_t v = 0; v < cut.size(); ++v) {
      const std::size_t buffer = kernel.views[v].buffer;
      if (v < kernel.input_count) {
        if (is_read_whole(kernel.views[v], cut[v]) && (written_[buffer] || writes(kernel, buffer)))
          return false;
      } else if (whole_[buffer]) {
        return false;
      }
    }
    return true;
  }
  static bool writes(const Kernel& kernel, std::size_t buffer) {
    return std::ranges::any_of(kernel.outputs(),
                               [&](const View& view) { return view.buffer == buffer; });
  }

  std::vector<Kernel>& kernels_;
  const std::vector<Buffer>& buffers_;
  std::int64_t rows_;
  Flags whole_{}, written_{};  // buffers that a chosen kernel reads as a whole, or writes
};

}  // namespace

Turns find_rows(std::vector<Kernel>& kernels, const std::vector<Buffer>& buffers, std::int64_t rows,
                bool always) {
  RowFinder finder(kernels, buffers, rows);
  return rows > (always ? 1 : rows_together) ? finder.run(always) : finder.one_by_one();
}

}  // namespace gradus::compile
