// Pictures that need elements, which a tape of level full keeps; see plot_tape.h. Data are what no
// parameter leads to; the answers are the first input of the step's cross_entropy or mse.
#include <gradus/see/plot_axis.h>
#include <gradus/see/plot_tape.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

namespace gradus::see {
namespace {

/// The calls of a step's forward pass that came to their end, in order.
std::vector<TapeIndex> forward_calls(const Tape& tape, TapeIndex step) {
  std::vector<TapeIndex> calls;
  const auto [first, last] = tape.ticks_of(step);
  for (TapeIndex t = first; t < last; ++t)
    for (TapeIndex e = at(tape.ticks, t).first; e < at(tape.ticks, t).last; ++e)
      if (at(tape.ticks, t).phase == Phase::forward && at(tape.events, e).finished)
        calls.push_back(e);
  return calls;
}

/// The call that compares answers with what is true.
struct Verdict {
  TapeIndex answers = none, truth = none;
  bool is_classes = false;  ///< scores of classes against class numbers
};

Verdict verdict_of(const Tape& tape, TapeIndex step) {
  Verdict found;
  for (const TapeIndex e : forward_calls(tape, step)) {
    const TapeEvent& event = at(tape.events, e);
    if (event.parent != none || event.inputs.size() < 2) continue;
    const Spec &a = at(tape.values, event.inputs[0]).spec,
               &b = at(tape.values, event.inputs[1]).spec;
    const bool classes = (event.op == "cross_entropy" || event.op == "nll") && a.rank() == 2 &&
                         b.rank() == 1 && !is_floating(b.dtype);
    const bool numbers =
        event.op == "mse" && a.rank() > 0 && a.shape == b.shape && a.shape.numel() == a.shape[0];
    if ((classes || numbers) && a.shape[0] == b.shape[0])
      found = {event.inputs[0], event.inputs[1], classes};
  }
  return found;
}

/// Side of the square picture that a row of a value is; 0 where it is none.
std::int64_t side_of(const Shape& shape) {
  if (shape.rank() < 2) return 0;
  std::int64_t pixels = 1;
  for (int axis = 1; axis < shape.rank(); ++axis) pixels *= shape[axis];
  const auto side = static_cast<std::int64_t>(std::lround(std::sqrt(static_cast<double>(pixels))));
  return side >= 4 && side * side == pixels ? side : 0;
}

/// The parameter behind a value that transposing and copying made of it, or none.
TapeIndex parameter_behind(const Tape& tape, TapeIndex v, bool& is_transposed) {
  while (v != none && !at(tape.values, v).is_parameter) {
    const TapeIndex made = at(tape.values, v).made_by;
    if (made == none || at(tape.events, made).inputs.size() != 1) return none;
    if (at(tape.events, made).op == "permute_dims") is_transposed = !is_transposed;
    v = at(tape.events, made).inputs[0];
  }
  return v;
}

/// The pictures that a step looks at, and the weights that look at them.
struct FirstLayer {
  TapeIndex images = none;
  TapeIndex weight = none;
  bool units_are_rows = false;  ///< of the weight
  std::int64_t side = 0;
};

FirstLayer first_layer(const Tape& tape, TapeIndex step, std::int64_t rows) {
  FirstLayer first;
  std::set<TapeIndex> learned;  // values that a parameter leads to
  for (const TapeIndex e : forward_calls(tape, step)) {
    const TapeEvent& event = at(tape.events, e);
    for (const TapeIndex v : event.inputs) {
      const TapeValue& value = at(tape.values, v);
      if (value.is_parameter || learned.contains(v)) {
        learned.insert(event.outputs.begin(), event.outputs.end());
        continue;
      }
      if (value.spec.rank() >= 2 && value.spec.shape[0] == rows && side_of(value.spec.shape)) {
        first.images = v;
        first.side = side_of(value.spec.shape);
      }
    }
    if (event.op != "matmul" || event.inputs.size() != 2 || event.inputs[0] != first.images)
      continue;
    const Shape& shape = at(tape.values, event.inputs[1]).spec.shape;
    if (shape.rank() != 2 || shape[0] != first.side * first.side) continue;
    first.weight = parameter_behind(tape, event.inputs[1], first.units_are_rows);
    return first;
  }
  return first;
}

void read_weights(const Tape& tape, const FirstLayer& first, Run& run) {
  const std::int64_t tensor = at(tape.values, first.weight).tensor;
  const auto count = static_cast<TapeIndex>(tape.values.size());
  TapeIndex latest = none;
  for (TapeIndex v = 0; v < count; ++v)
    if (at(tape.values, v).tensor == tensor && at(tape.values, v).payload &&
        at(tape.values, v).spec.rank() == 2)
      latest = v;
  if (latest == none) return;
  const std::vector<double> w = at(tape.values, latest).payload.to_vector<double>();
  const auto pixels = static_cast<std::size_t>(first.side * first.side),
             side = static_cast<std::size_t>(first.side), units = w.size() / pixels;
  for (std::size_t u = 0; u < std::min<std::size_t>(units, 64); ++u) {
    Grid image{side, side, {}};
    for (std::size_t i = 0; i < pixels; ++i)
      image.values.push_back(first.units_are_rows ? w[u * pixels + i] : w[i * units + u]);
    run.weights.push_back(std::move(image));
  }
  run.weights_of = tape.name_of(first.weight) + ", step " +
                   std::to_string(at(tape.values, latest).step) + " of the tape";
}

/// Index of the largest score of a row, the first of equals; its probability.
std::pair<std::size_t, double> answer_of(const double* scores, std::size_t classes) {
  const auto best = static_cast<std::size_t>(std::max_element(scores, scores + classes) - scores);
  double sum = 0;
  for (std::size_t c = 0; c < classes; ++c) sum += std::exp(scores[c] - scores[best]);
  return {best, 1 / sum};
}

double accuracy_of(const std::vector<double>& scores, const std::vector<double>& truth) {
  double right = 0, count = 0;
  for (std::size_t r = 0; r < truth.size(); ++r) {
    const std::size_t classes = scores.size() / truth.size();
    if (truth[r] < 0) continue;  // ignore_index
    const auto [answer, confidence] = answer_of(&scores[r * classes], classes);
    // What answers with nan answers nothing, whatever class comes first.
    right += std::isfinite(confidence) && static_cast<double>(answer) == truth[r];
    ++count;
  }
  return right / count;
}

/// The confusion and the worst predictions of one step.
void read_answers(const Tape& tape, const Verdict& v, const FirstLayer& first, Run& run) {
  const std::vector<double> answers = at(tape.values, v.answers).payload.to_vector<double>(),
                            truth = at(tape.values, v.truth).payload.to_vector<double>();
  const std::size_t n = truth.size(), classes = answers.size() / n;
  std::vector<Run::Misread> wrong;
  std::vector<double> badness;
  std::size_t answered = 0;
  if (v.is_classes) run.confusion.assign(classes, std::vector<double>(classes, 0));
  for (std::size_t r = 0; r < n; ++r) {
    Run::Misread m{static_cast<std::int64_t>(r), truth[r], answers[r * classes]};
    if (v.is_classes) {
      if (truth[r] < 0 || truth[r] >= static_cast<double>(classes)) continue;  // no class
      const auto [answer, confidence] = answer_of(&answers[r * classes], classes);
      if (!std::isfinite(confidence)) continue;  // no answer
      ++answered;
      ++run.confusion[static_cast<std::size_t>(truth[r])][answer];
      m.answer = static_cast<double>(answer);
      m.confidence = confidence;
      if (m.answer == truth[r]) continue;
    }
    badness.push_back(v.is_classes ? m.confidence : std::abs(m.answer - m.truth));
    wrong.push_back(std::move(m));
  }
  if (v.is_classes && answered == 0) {
    run.confusion.clear();
    run.missing.emplace_back(
        "confusion, misread: the network gave no row an answer that is a number");
  }
  if (first.images == none || !at(tape.values, first.images).payload) return;
  std::vector<std::size_t> order(wrong.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return badness[a] > badness[b]; });
  order.resize(std::min<std::size_t>(order.size(), 12));
  const Tensor& images = at(tape.values, first.images).payload;
  for (const std::size_t i : order) {
    Run::Misread m = wrong[i];
    const auto side = static_cast<std::size_t>(first.side);
    m.image = {side, side, images[m.row].to_vector<double>()};
    run.misread.push_back(std::move(m));
  }
}

void tell_missing(const Tape& tape, const Verdict& last, bool has_answers, bool has_images,
                  Run& run) {
  std::string all;
  const auto miss = [&](bool is_missing, const char* what) {
    if (is_missing) all += (all.empty() ? "" : ", ") + std::string(what);
  };
  const auto has_dead = [](const Run::Snapshot& s) {
    return std::all_of(s.layers.begin(), s.layers.end(),
                       [](const Run::Layer& l) { return std::isfinite(l.dead); });
  };
  miss(!std::all_of(run.snapshots.begin(), run.snapshots.end(), has_dead), "dead units");
  miss(last.is_classes && (!has_answers || tape.level != TapeLevel::full), "accuracy");
  miss(last.is_classes && !has_answers, "confusion");
  miss(!has_answers && has_images, "worst predictions");
  miss(run.weights.empty() && has_images, "weights as images");
  if (!all.empty())
    run.missing.push_back(
        all + (tape.level == TapeLevel::full
                   ? ": not all elements are on the tape; a larger budget keeps more (gradus step "
                     "--budget MB)"
                   : ": these need the elements of all steps, which a tape of level full keeps "
                     "(gradus step --keep full)"));
  if (last.answers == none)
    run.missing.emplace_back(
        "confusion, worst predictions: no step ends in cross_entropy of classes or mse of numbers");
  else if (!has_images)
    run.missing.emplace_back("weights and worst predictions: the rows are no square pictures");
}

}  // namespace

void read_elements(const Tape& tape, Run& run) {
  const auto is_kept = [&](TapeIndex v) {
    return v != none && at(tape.values, v).payload && at(tape.values, v).payload.numel() > 0;
  };
  Verdict last, latest_kept;
  TapeIndex step_kept = none;
  for (TapeIndex step = 0; step < tape.steps(); ++step) {
    const Verdict v = verdict_of(tape, step);
    if (v.answers == none) continue;
    last = v;
    if (!is_kept(v.answers) || !is_kept(v.truth)) continue;
    latest_kept = v, step_kept = step;
    if (v.is_classes && tape.level == TapeLevel::full)  // one point alone is no line
      at(run.batches, step).accuracy =
          accuracy_of(at(tape.values, v.answers).payload.to_vector<double>(),
                      at(tape.values, v.truth).payload.to_vector<double>());
  }
  if (tape.steps() == 0) return;
  const TapeIndex step = step_kept != none ? step_kept : tape.steps() - 1;
  const TapeIndex truth = step_kept != none ? latest_kept.truth : last.truth;
  const FirstLayer first =
      first_layer(tape, step, truth == none ? -1 : at(tape.values, truth).spec.shape[0]);
  if (first.weight != none) read_weights(tape, first, run);
  if (step_kept != none) read_answers(tape, latest_kept, first, run);
  run.rows_of = "the rows of step " + std::to_string(step);
  tell_missing(tape, last, step_kept != none, first.images != none, run);
}

}  // namespace gradus::see
