// The view algebra; see layout.h.
#include <gradus/core/diagnostic.h>
#include <gradus/core/layout.h>

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace gradus {
namespace {

// What a function throws is built apart: the calls that go well need not save registers for it.
[[noreturn]] void throw_misfit(const Shape& shape, const Shape& target) {
  throw ShapeError("shape " + shape.str() + " does not broadcast to " + target.str(),
                   "aligned at the last axis, each size must be equal or 1");
}

}  // namespace

Layout Layout::contiguous(const Shape& shape) {
  // Assigned, not initialised: the compiler would clear all places of both lists first.
  Layout layout;
  layout.shape = layout.strides = shape;
  std::int64_t stride = 1;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    layout.strides[axis] = stride;
    // An empty tensor may have other sizes whose product does not fit: its strides are never
    // walked.
    if (__builtin_mul_overflow(stride, std::max<std::int64_t>(shape[axis], 1), &stride)) stride = 0;
  }
  return layout;
}

bool Layout::is_contiguous() const {
  // Asked first: the other sizes of an empty tensor may have a product that does not fit.
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return true;
  std::int64_t expected = 1;
  for (int axis = rank() - 1; axis >= 0; --axis) {
    if (shape[axis] != 1 && strides[axis] != expected) return false;
    expected *= shape[axis];
  }
  return true;
}

std::int64_t Layout::at(std::span<const std::int64_t> index) const {
  std::int64_t position = offset;
  for (int axis = 0; axis < rank(); ++axis)
    position += index[static_cast<std::size_t>(axis)] * strides[axis];
  return position;
}

std::pair<std::int64_t, std::int64_t> Layout::extent() const {
  std::int64_t low = offset, high = offset;
  for (int axis = 0; axis < rank(); ++axis) {
    if (shape[axis] == 0) return {0, 0};
    const std::int64_t reach = (shape[axis] - 1) * strides[axis];
    (reach < 0 ? low : high) += reach;
  }
  return {low, high + 1};
}

bool Layout::overlaps_itself() const {
  if (is_contiguous()) return false;
  const auto [low, high] = extent();
  if (numel() > high - low) return true;
  // Axes from the least stride up: where each steps over all that the ones before reach, no two
  // meet. That holds for whatever slicing, permuting and reshaping make.
  std::vector<std::pair<std::int64_t, std::int64_t>> axes;  // stride, size
  for (int axis = 0; axis < rank(); ++axis)
    if (shape[axis] > 1) axes.emplace_back(std::abs(strides[axis]), shape[axis]);
  std::sort(axes.begin(), axes.end());
  std::int64_t reach = 0;
  bool nested = true;
  for (const auto& [stride, size] : axes) {
    nested &= stride > reach;
    reach += stride * (size - 1);
  }
  if (nested || numel() == 0) return false;
  // Strides given by hand: every position is looked at.
  std::vector<bool> seen(static_cast<std::size_t>(high - low));
  Ints index(shape.size(), 0);
  for (std::int64_t n = numel(); n > 0; --n) {
    const auto position = static_cast<std::size_t>(at(index) - low);
    if (seen[position]) return true;
    seen[position] = true;
    for (int axis = rank() - 1; axis >= 0; --axis) {
      auto& i = index[static_cast<std::size_t>(axis)];
      if (++i < shape[axis]) break;
      i = 0;
    }
  }
  return false;
}

Layout Layout::permute(const Ints& axes) const {
  if (static_cast<int>(axes.size()) != rank())
    throw ShapeError(std::to_string(axes.size()) + " axes named for shape " + shape.str() + " of " +
                         std::to_string(rank()) + " axes",
                     "name each axis of the input once, in the order of the output");
  normalize_axes(axes, rank());  // throws on repeats
  Layout result = *this;
  for (int k = 0; k < rank(); ++k) {
    const int axis = normalize_axis(axes[static_cast<std::size_t>(k)], rank());
    result.shape[k] = shape[axis];
    result.strides[k] = strides[axis];
  }
  return result;
}

SliceRange resolve_slice(std::int64_t n, std::optional<std::int64_t> start,
                         std::optional<std::int64_t> stop, std::int64_t step) {
  if (step == 0)
    throw ValueError("a slice with step 0", "use a step of 1 to take all, -1 to reverse");
  // The smallest 64-bit integer cannot be negated, and no axis is that long.
  step = std::max(step, -std::numeric_limits<std::int64_t>::max());
  const std::int64_t low = step > 0 ? 0 : -1, high = step > 0 ? n : n - 1;
  auto resolve = [&](std::optional<std::int64_t> value, std::int64_t natural) {
    if (!value) return natural;
    return std::clamp(*value < 0 ? *value + n : *value, low, high);
  };
  const std::int64_t first = resolve(start, step > 0 ? low : high);
  const std::int64_t last = resolve(stop, step > 0 ? high : low);
  const std::int64_t distance = step > 0 ? last - first : first - last;
  const std::int64_t stride = step > 0 ? step : -step;
  return {first, distance <= 0 ? 0 : (distance - 1) / stride + 1, step};
}

Layout Layout::slice(std::int64_t axis, std::optional<std::int64_t> start,
                     std::optional<std::int64_t> stop, std::int64_t step) const {
  const int k = normalize_axis(axis, rank());
  const SliceRange range = resolve_slice(shape[k], start, stop, step);
  Layout result = *this;
  result.shape[k] = range.count;
  if (range.count > 0) result.offset += range.start * strides[k];
  // One element or none: the stride is never walked, so it must not overflow either.
  result.strides[k] = range.count > 1 ? strides[k] * range.step : strides[k];
  return result;
}

Layout Layout::select(std::int64_t axis, std::int64_t index) const {
  const int k = normalize_axis(axis, rank());
  const std::int64_t n = shape[k];
  if (index < -n || index >= n)
    throw IndexError(
        "index " + std::to_string(index) + " is out of range for axis " + std::to_string(axis) +
            " of size " + std::to_string(n),
        n == 0 ? "the axis is empty"
               : "valid indices are " + std::to_string(-n) + ".." + std::to_string(n - 1));
  Layout result = *this;
  result.offset += (index < 0 ? index + n : index) * strides[k];
  result.shape.erase(k);
  result.strides.erase(k);
  return result;
}

Shape Layout::strides_over(const Shape& target) const {
  if (shape == target) return strides;
  const int added = target.rank() - rank();
  bool fits = added >= 0;
  Shape result = target;
  for (int axis = 0; fits && axis < target.rank(); ++axis) {
    const std::int64_t size = axis < added ? 1 : shape[axis - added];
    fits = size == target[axis] || size == 1;
    result[axis] = size == 1 ? 0 : strides[axis - added];
    if (axis >= added && size == target[axis]) result[axis] = strides[axis - added];
  }
  if (!fits) throw_misfit(shape, target);
  return result;
}

std::optional<Layout> Layout::reshape(const Shape& target) const {
  Layout result = contiguous(target);
  result.offset = offset;
  if (numel() == 0) return result;
  // Walk runs of old axes that lie one behind the other in memory; each run must be cut by new
  // axes.
  int old_axis = rank() - 1;
  int new_axis = target.rank() - 1;
  while (old_axis >= 0) {
    if (shape[old_axis] == 1) {
      --old_axis;
      continue;
    }
    const std::int64_t unit = strides[old_axis];
    std::int64_t run = shape[old_axis];
    while (old_axis > 0 && (shape[old_axis - 1] == 1 || strides[old_axis - 1] == run * unit)) {
      --old_axis;
      run *= shape[old_axis];
    }
    --old_axis;
    std::int64_t covered = 1;
    while (new_axis >= 0 && (covered < run || target[new_axis] == 1)) {
      result.strides[new_axis] = covered * unit;
      covered *= target[new_axis];
      --new_axis;
    }
    if (covered != run) return std::nullopt;
  }
  return result;
}

Layout Layout::expand_dims(std::int64_t axis) const {
  const int k = normalize_axis(axis, rank() + 1);
  Layout result = *this;
  result.shape.insert(k, 1);
  result.strides.insert(k, 0);
  return result;
}

Layout Layout::squeeze(const Ints& axes) const {
  std::vector<int> gone;
  if (axes.empty()) {
    for (int axis = 0; axis < rank(); ++axis)
      if (shape[axis] == 1) gone.push_back(axis);
  } else {
    gone = normalize_axes(axes, rank());
  }
  Layout result = *this;
  for (auto axis = gone.rbegin(); axis != gone.rend(); ++axis) {
    if (shape[*axis] != 1)
      throw ShapeError("axis " + std::to_string(*axis) + " of shape " + shape.str() + " has size " +
                           std::to_string(shape[*axis]) + ", not 1",
                       "only axes of size 1 can be squeezed; take one position with x[{...}]");
    result.shape.erase(*axis);
    result.strides.erase(*axis);
  }
  return result;
}

Layout Layout::flip(const Ints& axes) const {
  Layout result = *this;
  for (int axis : normalize_axes(axes, rank())) {
    if (shape[axis] == 0) continue;
    result.offset += (shape[axis] - 1) * strides[axis];
    result.strides[axis] = -strides[axis];
  }
  return result;
}

Shape resolve_reshape(const Shape& from, const Ints& target) {
  const std::int64_t count = from.numel();
  auto misfit = [&](std::string hint) {
    Shape asked(target);
    return ShapeError(std::to_string(count) + " elements of shape " + from.str() +
                          " do not fit shape " + asked.str(),
                      std::move(hint));
  };
  std::int64_t known = 1;
  int open = -1;
  Shape result(target);
  for (int axis = 0; axis < result.rank(); ++axis) {
    if (result[axis] == -1 && open >= 0) throw misfit("only one size may be -1");
    if (result[axis] < -1) throw misfit("sizes are 0 or more, or one -1 for what is left");
    if (result[axis] == -1)
      open = axis;
    else if (__builtin_mul_overflow(known, result[axis], &known))
      throw misfit("check the sizes");
  }
  if (open >= 0) {
    if (known == 0 || count % known != 0)
      throw Coded<ShapeError>(
          {"S2", "reshape" + sizes_text(result) + " of " + sizes_text(from) + ": " +
                     std::to_string(count) + " elements are no multiple of the " +
                     std::to_string(known) + " asked beside -1."},
          misfit("").problem(), "the named sizes hold " + std::to_string(known) + " elements");
    result[open] = count / known;
  } else if (known != count) {
    throw Coded<ShapeError>(
        {"S2", "reshape" + sizes_text(result) + " of " + sizes_text(from) + ": " +
                   std::to_string(known) + " elements asked, " + std::to_string(count) + " there."},
        misfit("").problem(), "the new shape holds " + std::to_string(known) + " elements");
  }
  return result;
}

}  // namespace gradus
