// Elementwise neighbours become one loop; see loop.h. Neighbours stand next to each other in the
// plan and work on the same number of elements, element i of each on element i of the others.
#include <algorithm>
#include <map>
#include <set>

#include <gradus/compile/kernel.h>

namespace gradus::compile {
bool is_elementwise(const Op& op) {
  static const std::set<std::string_view> names{
      "abs",   "add",          "astype",      "clip",       "clone",       "cos",     "div",
      "equal", "erf",          "exp",         "expm1",      "gelu",        "greater", "isfinite",
      "isinf", "isnan",        "leaky_relu",  "less",       "less_equal",  "log",     "log1p",
      "log2",  "logical_and",  "logical_not", "logical_or", "logical_xor", "maximum", "minimum",
      "mul",   "neg",          "not_equal",   "relu",       "rsqrt",       "sigmoid", "sign",
      "silu",  "sin",          "softplus",    "sqrt",       "square",      "sub",     "tan",
      "tanh",  "greater_equal"};
  return op.facts().in_place_safe && names.contains(op.name());
}

namespace {

class LoopFusion {
 public:
  LoopFusion(std::vector<Kernel>& kernels, const std::vector<Buffer>& buffers)
      : kernels_(kernels), buffers_(buffers) {}

  void run() {
    std::vector<Kernel> result;
    for (std::size_t i = 0, end; i < kernels_.size(); i = end) {
      end = end_of_run(i);
      if (end > i + 1) {
        result.push_back(join(i, end));
      } else {
        end = i + 1;
        result.push_back(kernels_[i]);
      }
    }
    kernels_ = std::move(result);
  }

 private:
  static bool is_one(const View& view) { return view.layout.numel() == 1; }
  /// The same elements of the same bytes.
  static bool is_same(const View& a, const View& b) {
    return a.buffer == b.buffer && a.dtype == b.dtype && a.layout.offset == b.layout.offset &&
           is_one(a) == is_one(b);
  }
  static std::int64_t count(const Kernel& kernel) { return kernel.views.back().layout.numel(); }

  /// Whether a kernel walks its operands element by element, in the order of memory.
  static bool walks(const Kernel& kernel) {
    if (kernel.product || !is_elementwise(kernel.op) || kernel.outputs().size() != 1) return false;
    const std::int64_t n = count(kernel);
    if (n < 2 || !kernel.views.back().layout.is_contiguous()) return false;
    for (const View& x : kernel.inputs())
      if (!is_one(x) && (x.layout.numel() != n || !x.layout.is_contiguous())) return false;
    return true;
  }

  /// Whether kernel k may join the kernels [begin, k): what one of them writes is seen by the
  /// others in the same place, or not at all.
  bool joins(std::size_t begin, std::size_t k) const {
    if (count(kernels_[k]) != count(kernels_[begin])) return false;
    const View& written = kernels_[k].views.back();
    for (std::size_t i = begin; i < k; ++i) {
      const View& known = kernels_[i].views.back();
      for (const View& x : kernels_[k].views)
        if (x.buffer == known.buffer && !is_same(x, known)) return false;
      for (const View& x : kernels_[i].views)
        if (x.buffer == written.buffer && !is_same(x, written)) return false;
    }
    for (const View& x : kernels_[k].inputs())
      if (x.buffer == written.buffer && !is_same(x, written)) return false;
    return true;
  }

  std::size_t end_of_run(std::size_t begin) const {
    std::size_t end = begin;
    while (end < kernels_.size() && walks(kernels_[end]) && joins(begin, end)) ++end;
    return end;
  }

  /// Whether only the kernels [begin, end) know a buffer.
  bool is_private(std::size_t buffer, std::size_t begin, std::size_t end) const {
    if (buffers_[buffer].holder != Holder::arena || buffers_[buffer].is_result) return false;
    for (std::size_t k = 0; k < kernels_.size(); ++k)
      if (k < begin || k >= end)
        for (const View& view : kernels_[k].views)
          if (view.buffer == buffer) return false;
    return true;
  }

  /// Gives private buffers a piece of scratch memory each, as long as they live.
  std::map<std::size_t, std::size_t> place_scratch(std::size_t begin, std::size_t end) const {
    std::map<std::size_t, std::size_t> last, slots;
    for (std::size_t k = begin; k < end; ++k)
      for (const View& view : kernels_[k].views) last[view.buffer] = k;
    std::set<std::size_t> free;
    for (std::size_t s = 0; s < Loop::most_scratch; ++s) free.insert(s);
    for (std::size_t k = begin; k < end; ++k) {
      const std::size_t made = kernels_[k].views.back().buffer;
      if (!slots.contains(made) && !free.empty() && is_private(made, begin, end))
        slots[made] = free.extract(free.begin()).value();
      for (const auto& [buffer, slot] : slots)
        if (last[buffer] == k) free.insert(slot);
    }
    return slots;
  }

  Kernel join(std::size_t begin, std::size_t end) {
    const std::map<std::size_t, std::size_t> slots = place_scratch(begin, end);
    Kernel joined{kernels_[begin].op, kernels_[begin].place, {}, {}, 0};
    joined.scope = kernels_[begin].scope;
    joined.phase = kernels_[begin].phase;
    std::vector<View> inputs, outputs;
    const auto number_in = [](std::vector<View>& list, const View& view) {
      const auto known = std::find_if(list.begin(), list.end(),
                                      [&](const View& other) { return is_same(other, view); });
      if (known != list.end()) return static_cast<std::size_t>(known - list.begin());
      list.push_back(view);
      return list.size() - 1;
    };
    const auto operand = [&](std::vector<View>& list, const View& view) {
      Loop::Operand x{.is_one = is_one(view), .dtype = view.dtype};
      const auto slot = slots.find(view.buffer);
      x.is_scratch = slot != slots.end();
      x.number = x.is_scratch ? slot->second : number_in(list, view);
      return x;
    };
    Loop loop;
    loop.count = count(kernels_[begin]);
    for (std::size_t k = begin; k < end; ++k) {
      const Kernel& kernel = kernels_[k];
      Loop::Part part{kernel.op, {}, operand(outputs, kernel.views.back())};
      for (const View& x : kernel.inputs()) part.inputs.push_back(operand(inputs, x));
      loop.parts.push_back(std::move(part));
      joined.what += (k > begin ? " + " : "") + kernel.what;
    }
    for (Loop::Part& part : loop.parts)
      if (!part.output.is_scratch) part.output.number += inputs.size();
    joined.views = std::move(inputs);
    joined.input_count = joined.views.size();
    joined.views.insert(joined.views.end(), outputs.begin(), outputs.end());
    joined.loop = std::move(loop);
    joined.parts.assign(kernels_.begin() + std::ptrdiff_t(begin),
                        kernels_.begin() + std::ptrdiff_t(end));
    return joined;
  }

  std::vector<Kernel>& kernels_;
  const std::vector<Buffer>& buffers_;
};

}  // namespace

void fuse_elementwise(std::vector<Kernel>& kernels, const std::vector<Buffer>& buffers) {
  LoopFusion(kernels, buffers).run();
}

}  // namespace gradus::compile
