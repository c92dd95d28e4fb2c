// A gradient's backward passes, and their slopes; see gradient_slope.h.
#include <gradus/ops/ops.h>
#include <gradus/see/gradient_slope.h>
#include <gradus/see/words.h>

#include <algorithm>

namespace gradus::see {
namespace {

/// The pass that an event belongs to; null on a tape that does not tell.
const TapePass* pass_of(const Tape& tape, TapeIndex event) {
  const TapePass* found = nullptr;
  for (const TapePass& pass : tape.passes)
    if (pass.first <= event) found = &pass;
  return found;
}

bool is_zero(const TapeValue& value) {
  return value.statistics && value.statistics->zeros == value.statistics->count;
}

/// Of the two sides of a sum that holds a gradient: the one that was there before the pass.
TapeIndex older_side(const Tape& tape, TapeIndex gradient, const TapePass* pass) {
  const TapeValue& sum = at(tape.values, gradient);
  if (sum.made_by == none || at(tape.events, sum.made_by).op != "add") return none;
  for (const TapeIndex side : at(tape.events, sum.made_by).inputs) {
    const TapeValue& value = at(tape.values, side);
    const bool is_its_gradient =
        value.gradient_of != none && sum.gradient_of != none &&
        at(tape.values, value.gradient_of).tensor == at(tape.values, sum.gradient_of).tensor;
    const bool is_older = value.made_by == none || (pass && value.made_by < pass->first);
    if (is_older && (is_its_gradient || value.made_by == none) && !is_zero(value)) return side;
  }
  return none;
}

/// The version of a tensor that the forward calls before an event took.
TapeIndex version_before(const Tape& tape, TapeIndex of, TapeIndex event) {
  TapeIndex found = of;
  for (TapeIndex v = 0; v < std::ssize(tape.values); ++v) {
    const TapeValue& value = at(tape.values, v);
    if (value.tensor == at(tape.values, of).tensor && value.made_by < event) found = v;
  }
  return found;
}

GradientPart part_given_by(const Tape& tape, TapeIndex gradient, TapeIndex of,
                           const TapePass* pass) {
  GradientPart part{.gradient = gradient, .of = of};
  const TapeIndex maker = at(tape.values, gradient).made_by;
  if (maker == none) {
    part.name = "before the tape began";
    return part;
  }
  part.step = at(tape.ticks, at(tape.events, maker).tick).step;
  if (!pass) {
    if (const TapeIndex loss = tape.loss_of(part.step); loss != none)
      part.roots.push_back({loss, at(tape.values, loss).gradient});
  } else {
    part.of = version_before(tape, of, pass->first);
    for (std::size_t i = 0; i < pass->roots.size(); ++i)
      part.roots.push_back({pass->roots[i], pass->seeds[i]});
  }
  for (const TapeReplay::Root& root : part.roots)
    part.name += (part.name.empty() ? "" : " + ") + tape.name_of(root.value);
  part.name += " of step " + std::to_string(part.step);
  return part;
}

/// One element of a part, as the run has it.
double number_of(const Elements& elements, const GradientPart& part, const Ints& index) {
  const Unobserved not_seen;
  const NoGrad not_recorded;
  Tensor x = elements.of(part.gradient).detach();
  for (const std::int64_t i : index) x = x[i];
  return x.item();
}

void add_to(GradientSlope& sum, const TapeSlope& more) {
  sum.numeric += more.numeric;
  sum.left += more.left;
  sum.right += more.right;
  sum.step = std::max(sum.step, more.step);
  sum.kinks += more.kinks;
  sum.rounding += more.rounding;
  sum.calls += more.calls;
  sum.crossed.insert(sum.crossed.end(), more.crossed.begin(), more.crossed.end());
  if (sum.held.empty()) sum.held = more.held;
}

}  // namespace

std::vector<GradientPart> gradient_parts(const Tape& tape, TapeIndex gradient) {
  std::vector<GradientPart> parts;
  const TapeIndex of = at(tape.values, gradient).gradient_of;
  while (true) {
    const TapeIndex maker = at(tape.values, gradient).made_by;
    const TapePass* pass = maker == none ? nullptr : pass_of(tape, maker);
    const TapeIndex older = older_side(tape, gradient, pass);
    if (older == none) {
      parts.insert(parts.begin(), part_given_by(tape, gradient, of, pass));
      return parts;
    }
    const std::vector<TapeIndex>& sides = at(tape.events, maker).inputs;
    parts.insert(parts.begin(), part_given_by(tape, sides[sides[0] == older ? 1 : 0], of, pass));
    gradient = older;
  }
}

std::optional<double> given_since_update(const Elements& elements, TapeIndex gradient,
                                         const Ints& index) {
  const std::vector<GradientPart> parts = gradient_parts(elements.tape(), gradient);
  double given = 0;
  for (std::size_t k = parts.size(); k-- > 0;) {
    if (parts[k].step == none || parts[k].of != parts.back().of) return given;
    if (parts.size() > 1) given += number_of(elements, parts[k], index);
  }
  return {};
}

GradientSlope gradient_slope(const Elements& elements, TapeIndex gradient, const Ints& index) {
  const Tape& tape = elements.tape();
  const std::vector<GradientPart> parts = gradient_parts(tape, gradient);
  GradientSlope sum;
  for (std::size_t k = parts.size(); k-- > 0;) {  // what is kept is the latest
    const GradientPart& part = parts[k];
    try {
      if (part.step == none) throw ValueError("a part of it was there before the tape began", "");
      const TapeReplay replay(elements, part.of, part.step, part.roots);
      const TapeSlope slope = tape_slope(replay, index);
      std::optional<double> small;
      if (at(tape.values, part.of).spec.dtype == DType::f32) small = slope_in_f32(replay, index);
      add_to(sum, slope);
      if (small) sum.in_f32 = sum.in_f32.value_or(0) + *small;
      sum.passes.insert(sum.passes.begin(), part.name);
    } catch (const Error& error) {
      if (k + 1 == parts.size()) throw;
      sum.part = 0;
      for (std::size_t n = k + 1; n < parts.size(); ++n)
        *sum.part += number_of(elements, parts[n], index);
      sum.rest = error.problem();
      break;
    }
  }
  return sum;
}

std::string passes_text(const GradientSlope& slope) {
  constexpr std::size_t most = 5;
  const std::size_t count = slope.passes.size();
  std::string names;
  for (std::size_t i = 0; i < count; ++i) {
    if (count > most && i == most - 2) names += ", ...";
    if (count <= most || i < most - 2 || i + 1 == count)
      names += (names.empty() ? "" : ", ") + slope.passes[i];
  }
  if (slope.part)
    return number(*slope.part) + " of it, which came from " + names +
           ", is judged alone: " + slope.rest;
  if (slope.passes.size() < 2) return "";
  return "the sum of " + std::to_string(slope.passes.size()) + " backward passes: " + names;
}

}  // namespace gradus::see
