// Differences over a replay; see tape_slope.h.
#include <gradus/ops/ops.h>
#include <gradus/see/tape_slope.h>
#include <gradus/see/words.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace gradus::see {
namespace {

/// The value with one element moved, as a tensor of its own.
Tensor with_element_moved(const Tensor& x, const Ints& index, double by) {
  const Unobserved not_seen;
  const NoGrad not_recorded;
  Tensor copy = clone(x), place = Tensor(copy.storage(), copy.layout(), copy.dtype());
  for (const std::int64_t i : index) place = place[i];
  place.fill_(place.item() + by);
  return copy;
}

/// The value in `dtype`, and one element of it.
struct SlopeStart {
  Tensor x;
  double middle;
};
SlopeStart start_of(const Elements& elements, TapeIndex value, const Ints& index, DType dtype) {
  const Unobserved not_seen;
  const NoGrad not_recorded;
  const Tensor recorded = elements.of(value);
  const std::string name = elements.tape().name_of(value);
  if (!is_floating(recorded.dtype()))
    throw ValueError(name + " holds " + std::string(dtype_name(recorded.dtype())) +
                         ", along which there is no slope",
                     "name a floating tensor");
  if (index.size() != static_cast<std::size_t>(recorded.ndim()))
    throw IndexError(name + " has shape " + recorded.shape().str() + ": one number for each axis",
                     name + index_text(Ints(static_cast<std::size_t>(recorded.ndim()), 0)));
  const Tensor x = contiguous(astype(recorded.detach(), dtype));
  Tensor place = x;
  for (const std::int64_t i : index) place = place[i];
  return {x, place.item()};
}

std::int64_t kinks_between(const Tensors& a, const Tensors& b) {
  const Unobserved not_seen;
  const NoGrad not_recorded;
  std::int64_t kinks = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    kinks += astype(not_equal(a[i], b[i]), DType::i64).sum().item<std::int64_t>();
  return kinks;
}

}  // namespace

bool Slope::fits(double gradient, double own_rounding) const {
  const auto slack = [&](double at) { return 1e-4 * std::fabs(at) + rounding + own_rounding; };
  if (std::fabs(gradient - numeric) <= slack(numeric)) return true;
  const auto [low, high] = std::minmax(left, right);
  return kinks > 0 && gradient >= low - slack(low) && gradient <= high + slack(high);
}

TapeSlope tape_slope(const Elements& elements, TapeIndex value, TapeIndex step, const Ints& index) {
  return tape_slope(TapeReplay(elements, value, step), index);
}

TapeSlope tape_slope(const TapeReplay& replay, const Ints& index) {
  const Elements& elements = replay.elements();
  const auto [x, middle] = start_of(elements, replay.value(), index, DType::f64);
  TapeSlope slope;
  slope.calls = static_cast<std::int64_t>(replay.calls().size());
  if (replay.held() != none) {
    const Tape& tape = elements.tape();
    const TapeEvent& call = at(tape.events, replay.held());
    slope.held = "t" + std::to_string(at(tape.ticks, call.tick).number) + " " + call.op;
  }
  for (const double size : {1e-4, 1e-5, 1e-6}) {
    slope.step = size * std::max(1.0, std::fabs(middle));
    const TapeReplay::Result above = replay.run(with_element_moved(x, index, slope.step));
    const TapeReplay::Result below = replay.run(with_element_moved(x, index, -slope.step));
    slope.numeric = slope.left = slope.right = (above.loss - below.loss) / (2 * slope.step);
    slope.rounding = 8 * std::numeric_limits<double>::epsilon() *
                     std::max(above.weight, below.weight) / slope.step;
    slope.kinks = kinks_between(above.sides, below.sides);
    if (slope.kinks == 0) break;
    if (size > 1e-6) {
      slope.crossed.emplace_back(slope.step, slope.kinks);
      continue;
    }
    const double loss = replay.run(x).loss;
    slope.right = (above.loss - loss) / slope.step;
    slope.left = (loss - below.loss) / slope.step;
  }
  return slope;
}

double slope_in_f32(const TapeReplay& replay, const Ints& index) {
  const auto [x, middle] = start_of(replay.elements(), replay.value(), index, DType::f32);
  const double size = 1e-3 * std::max(1.0, std::fabs(middle));
  return (replay.run(with_element_moved(x, index, size)).loss -
          replay.run(with_element_moved(x, index, -size)).loss) /
         (2 * size);
}

}  // namespace gradus::see
