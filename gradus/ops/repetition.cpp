// The same elements moved around the end or several times over: roll, repeat, tile. All composed
// of views and one copy. Next: joining.cpp.
#include <gradus/ops/ops.h>
#include <gradus/ops/registry.h>
#include <gradus/ops/samples.h>

namespace gradus {
namespace op {
namespace {

std::int64_t multiplied(std::int64_t size, std::int64_t times) {
  std::int64_t result = 0;
  if (__builtin_mul_overflow(size, times, &result))
    throw ShapeError("an axis of size " + std::to_string(size) + " cannot be repeated " +
                         std::to_string(times) + " times: 63 bits do not count that far",
                     "repeat it less often");
  return result;
}

}  // namespace

struct Roll {
  Ints shift, axis;
  static constexpr Card card{.name = "roll",
                             .also = "torch.roll, numpy.roll",
                             .onnx = "",
                             .formula = R"(y_{(i + s) \bmod n} = x_i)",
                             .doc =
                                 "Moved by `shift` along `axis`, what leaves at one end enters at "
                                 "the other; flattened when no axis is named.",
                             .shapes = "x -> x"};
  static constexpr auto attrs = std::tuple{attr("shift", &Roll::shift, "one shift for each axis"),
                                           attr("axis", &Roll::axis, "axes, flattened when empty")};
  Tensor compose(const Tensor& x) const {
    if (axis.empty()) {
      if (shift.size() != 1)
        throw ShapeError(
            "the flattened tensor takes one shift, got " + std::to_string(shift.size()),
            "name the axes");
      return reshape(apply(Roll{shift, {0}}, {reshape(x, {-1})}), x.shape().to_vector());
    }
    if (shift.size() != axis.size())
      throw ShapeError(
          std::to_string(shift.size()) + " shifts for " + std::to_string(axis.size()) + " axes",
          "give one shift for each axis");
    Tensor y = x;
    for (std::size_t k = 0; k < axis.size(); ++k) {
      const std::int64_t n = y.size(axis[k]);
      if (n == 0) continue;
      const std::int64_t s = (shift[k] % n + n) % n;
      if (s != 0) y = concat({slice(y, axis[k], n - s, {}), slice(y, axis[k], 0, n - s)}, axis[k]);
    }
    return y;
  }
  static Samples samples() {
    return {{Roll{{1}, {}}, {sample({3, 4})}}, {Roll{{-1, 2}, {0, 1}}, {sample({3, 4})}}};
  }
};

struct Repeat {
  std::int64_t repeats = 1;
  std::optional<std::int64_t> axis;
  static constexpr Card card{
      .name = "repeat",
      .also = "torch.repeat_interleave, numpy.repeat",
      .onnx = "",
      .formula = R"(y_i = x_{\lfloor i / r \rfloor})",
      .doc = "Each element `repeats` times along `axis`; flattened first when none is named.",
      .shapes = "x -> x with a longer `axis`"};
  static constexpr auto attrs =
      std::tuple{attr("repeats", &Repeat::repeats, "how often"),
                 attr("axis", &Repeat::axis, "axis, flattened when none")};
  Tensor compose(const Tensor& given) const {
    if (repeats < 0)
      throw ValueError("repeats is " + std::to_string(repeats), "it counts: 0 or more");
    const Tensor x = axis ? given : reshape(given, {-1});
    const int k = normalize_axis(axis.value_or(0), x.ndim());
    Ints wide = x.shape().to_vector(), result = wide;
    wide.insert(wide.begin() + k + 1, repeats);
    result[static_cast<std::size_t>(k)] = multiplied(result[static_cast<std::size_t>(k)], repeats);
    return reshape(broadcast_to(expand_dims(x, k + 1), wide), result);
  }
  static Samples samples() {
    return {{Repeat{3, {}}, {sample({2, 2})}}, {Repeat{2, 1}, {sample({2, 3})}}};
  }
};

struct Tile {
  Ints repetitions;
  static constexpr Card card{.name = "tile",
                             .also = "torch.tile, torch.Tensor.repeat, numpy.tile",
                             .onnx = "Tile",
                             .formula = R"(y_i = x_{i \bmod n})",
                             .doc = "The whole tensor `repetitions`[k] times along axis k.",
                             .shapes = "x -> x with longer axes"};
  static constexpr auto attrs =
      std::tuple{attr("repetitions", &Tile::repetitions, "how often along each axis")};
  Tensor compose(const Tensor& x) const {
    Ints sizes = x.shape().to_vector(), times = repetitions;
    for (std::int64_t r : times)
      if (r < 0) throw ValueError("a repetition of " + std::to_string(r), "it counts: 0 or more");
    while (sizes.size() < times.size()) sizes.insert(sizes.begin(), 1);
    while (times.size() < sizes.size()) times.insert(times.begin(), 1);
    Tensor y = reshape(x, sizes);
    for (std::size_t k = 0; k < sizes.size(); ++k) {
      if (times[k] == 1) continue;
      Ints wide = y.shape().to_vector(), result = wide;
      wide.insert(wide.begin() + static_cast<std::ptrdiff_t>(k), times[k]);
      result[k] = multiplied(result[k], times[k]);
      y = reshape(broadcast_to(expand_dims(y, static_cast<std::int64_t>(k)), wide), result);
    }
    return y;
  }
  static Samples samples() {
    return {{Tile{{2, 3}}, {sample({2, 2})}}, {Tile{{2, 1, 2}}, {sample({3})}}};
  }
};

}  // namespace op

Tensor roll(const Tensor& x, const Ints& shift, const Ints& axis, Place at) {
  return apply(op::Roll{shift, axis}, {x}, at);
}
Tensor repeat(const Tensor& x, std::int64_t repeats, std::optional<std::int64_t> axis, Place at) {
  return apply(op::Repeat{repeats, axis}, {x}, at);
}
Tensor tile(const Tensor& x, const Ints& repetitions, Place at) {
  return apply(op::Tile{repetitions}, {x}, at);
}

std::vector<Op> repetition_ops() {
  using namespace op;
  return {Roll{}, Repeat{}, Tile{}};
}

}  // namespace gradus
