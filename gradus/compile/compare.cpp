// Comparing traces; see compare.h.
#include <gradus/compile/compare.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include <gradus/compile/passes.h>

namespace gradus::compile {
namespace {

bool same_tensor(const Tensor& a, const Tensor& b) {
  return a.storage() == b.storage() && a.layout() == b.layout() && a.dtype() == b.dtype();
}

bool equal_bits(const Tensor& a, const Tensor& b) {
  if (a.storage() == b.storage()) return same_tensor(a, b);
  if (a.spec() != b.spec() || !a.is_contiguous() || !b.is_contiguous()) return false;
  return a.numel() == 0 ||
         std::memcmp(a.raw_data(), b.raw_data(),
                     static_cast<std::size_t>(a.numel()) * dtype_size(a.dtype())) == 0;
}

/// Constants whose bytes a step writes, through views too.
std::set<ValueId> written_constants(const Program& program) {
  const std::vector<ValueId> roots = storage_roots(program);
  std::set<ValueId> written;
  for (const Step& step : program.steps)
    if (step.target && program.constants.contains(roots[*step.target]))
      written.insert(roots[*step.target]);
  return written;
}

/// Pairs (size in a, size in b) of the axes of inputs that differ, and what follows from them.
class Sizes {
 public:
  Sizes(const Program& a, const Program& b) {
    for (std::size_t i = 0; i < a.inputs.size(); ++i) {
      const Shape &x = a.values[a.inputs[i]].shape, &y = b.values[b.inputs[i]].shape;
      for (int axis = 0; axis < std::min(x.rank(), y.rank()); ++axis)
        if (x[axis] != y[axis]) pairs_.emplace_back(x[axis], y[axis]);
    }
  }
  /// Whether two sizes are equal, or in the ratio of a pair.
  bool agree(std::int64_t a, std::int64_t b) const {
    if (a == b) return true;
    return std::any_of(pairs_.begin(), pairs_.end(), [&](const auto& pair) {
      return static_cast<double>(a) * static_cast<double>(pair.second) ==
             static_cast<double>(b) * static_cast<double>(pair.first);
    });
  }
  bool agree(const Shape& a, const Shape& b) const {
    if (a.rank() != b.rank()) return false;
    for (int axis = 0; axis < a.rank(); ++axis)
      if (!agree(a[axis], b[axis])) return false;
    return true;
  }
  /// Numbers that are equal, or a size, or one over a size.
  bool agree(double a, double b) const {
    if (a == b) return true;
    const auto near = [](double x, double y) { return std::abs(x - y) <= 1e-6 * std::abs(x); };
    return std::any_of(pairs_.begin(), pairs_.end(), [&](const auto& pair) {
      const auto [x, y] = std::pair(double(pair.first), double(pair.second));
      return near(a * y, b * x) || near(a * x, b * y);
    });
  }
  bool agree(const AttributeValue& a, const AttributeValue& b) const {
    if (a.index() != b.index()) return false;
    if (const auto* x = std::get_if<std::int64_t>(&a)) return agree(*x, std::get<std::int64_t>(b));
    if (const auto* x = std::get_if<double>(&a)) return agree(*x, std::get<double>(b));
    if (const auto* x = std::get_if<Ints>(&a)) {
      const Ints& y = std::get<Ints>(b);
      return x->size() == y.size() &&
             std::equal(x->begin(), x->end(), y.begin(),
                        [&](std::int64_t m, std::int64_t n) { return agree(m, n); });
    }
    return to_text(a) == to_text(b);
  }
  bool agree(const Op& a, const Op& b) const {
    if (a.name() != b.name()) return false;
    const auto x = a.attributes(), y = b.attributes();
    return x.size() == y.size() && std::equal(x.begin(), x.end(), y.begin(),
                                              [&](const AttributeInfo& m, const AttributeInfo& n) {
                                                return m.name == n.name && agree(m.value, n.value);
                                              });
  }

 private:
  std::vector<std::pair<std::int64_t, std::int64_t>> pairs_;
};

}  // namespace

std::string difference(const Program& a, const Program& b, const std::set<ValueId>& lasting) {
  if (a.str() != b.str()) return "the function does not make the same calls every time";
  const std::set<ValueId> written = written_constants(a);
  for (const auto& [id, tensor] : a.constants) {
    const Tensor& other = b.constants.at(id);
    if (written.contains(id) && !same_tensor(tensor, other))
      return "a " + tensor.spec().str() + " that is written in place is another one in every call";
    if (lasting.contains(id) && !same_tensor(tensor, other))
      return "a " + tensor.spec().str() + " that the function uses was replaced by another tensor";
    if (!equal_bits(tensor, other))
      return "a " + tensor.spec().str() + " from outside the operations changes from call to call";
  }
  return {};
}

std::set<ValueId> lasting_constants(const Program& a, const Program& b) {
  std::set<ValueId> lasting;
  for (const auto& [id, tensor] : a.constants)
    if (const auto other = b.constants.find(id);
        other != b.constants.end() && same_tensor(tensor, other->second))
      lasting.insert(id);
  return lasting;
}

bool agree_but_for_sizes(const Program& a, const Program& b) {
  if (a.inputs != b.inputs || a.outputs != b.outputs || a.values.size() != b.values.size() ||
      a.steps.size() != b.steps.size() || a.constants.size() != b.constants.size())
    return false;
  const Sizes sizes(a, b);
  for (std::size_t id = 0; id < a.values.size(); ++id)
    if (a.values[id].dtype != b.values[id].dtype ||
        !sizes.agree(a.values[id].shape, b.values[id].shape))
      return false;
  for (std::size_t i = 0; i < a.steps.size(); ++i) {
    const Step &x = a.steps[i], &y = b.steps[i];
    if (x.inputs != y.inputs || x.outputs != y.outputs || x.target != y.target ||
        !sizes.agree(x.op, y.op))
      return false;
  }
  const std::set<ValueId> written = written_constants(a);
  for (const auto& [id, tensor] : a.constants) {
    const auto other = b.constants.find(id);
    if (other == b.constants.end()) return false;
    if (equal_bits(tensor, other->second) &&
        (!written.contains(id) || same_tensor(tensor, other->second)))
      continue;
    if (written.contains(id) || tensor.numel() != 1 || other->second.numel() != 1 ||
        !sizes.agree(tensor.item(), other->second.item()))
      return false;
  }
  return true;
}

}  // namespace gradus::compile
