// Checkpoints and running again; see rerun.h.
#include <gradus/ops/ops.h>
#include <gradus/see/rerun.h>
#include <gradus/see/words.h>

namespace gradus::see {
namespace {

std::pair<TapeIndex, TapeIndex> events_of(const Tape& tape, TapeIndex step) {
  const auto [first, last] = tape.ticks_of(step);
  if (first == last) return {0, 0};
  return {at(tape.ticks, first).first, at(tape.ticks, last - 1).last};
}

}  // namespace

KeepGenerator::KeepGenerator() : state_(default_generator().state()) {}
KeepGenerator::~KeepGenerator() {
  try {
    default_generator().set_state(state_);
  } catch (const Error&) {  // it came from there
  }
}

Rerun::Rerun(std::unique_ptr<StepProgram> program, RecorderOptions options)
    : program_(std::move(program)), recorder_(std::move(options)) {
  recorder_.pause();
}

void Rerun::advance() {
  Checkpoint now;
  {
    const Unobserved not_seen;
    const NoGrad not_recorded;
    for (const auto& [name, x] : program_->state()) {
      if (x.name().empty()) recorder_.name(x, name);
      now.tensors.emplace_back(name, clone(x));
    }
    now.generator = default_generator().state();
    now.step = static_cast<TapeIndex>(checkpoints_.size());
  }
  checkpoints_.push_back(std::move(now));
  recorder_.begin_step();
  recorder_.resume();
  try {
    program_->run(static_cast<TapeIndex>(checkpoints_.size()) - 1);
  } catch (...) {  // what ran is on the tape; the reader may step back from there
    recorder_.finish();
    throw;
  }
  recorder_.finish();
}

std::unique_ptr<StepProgram> Rerun::before(TapeIndex step, DType dtype) const {
  if (step < 0 || step >= static_cast<TapeIndex>(checkpoints_.size()))
    throw ValueError("step " + std::to_string(step) + " was not run",
                     "there are steps 0 to " + std::to_string(checkpoints_.size() - 1));
  const Unobserved not_seen;
  std::unique_ptr<StepProgram> other = program_->fresh(dtype);
  const NoGrad not_recorded;
  Checkpoint from = at(checkpoints_, step);
  for (auto& [name, x] : from.tensors)
    if (is_floating(x.dtype()) && x.dtype() != dtype) x = astype(x, dtype);
  other->restore(from);
  default_generator().set_state(from.generator);
  return other;
}

Tape Rerun::record(StepProgram& program, TapeIndex step, TapeLevel level) {
  const Unobserved not_seen;
  const GradMode recorded(true);  // whoever looks may stand inside no_grad
  Recorder recorder({.level = level, .budget = std::int64_t{1} << 62});
  for (const auto& [name, x] : program.state())
    if (x.name().empty()) recorder.name(x, name);
  program.run(step);
  recorder.finish();
  return std::move(recorder.tape());
}

void Rerun::replay(TapeIndex step) {
  const KeepGenerator keep;
  for (const TapeIndex value : replayed_) at(tape().values, value).payload = Tensor();
  replayed_.clear();
  const std::unique_ptr<StepProgram> other = before(step);
  replayed_ = adopt(tape(), step, record(*other, step, TapeLevel::full));
}

std::vector<TapeIndex> adopt(Tape& tape, TapeIndex step, const Tape& again) {
  std::vector<TapeIndex> filled;
  const auto [first, last] = events_of(tape, step);
  const auto [from, to] = events_of(again, 0);
  const auto differs = [&](const std::string& what) {
    throw DataError("running step " + std::to_string(step) + " again gave " + what,
                    "the step must depend on its checkpoint alone: parameters, optimizer, random "
                    "numbers, batch");
  };
  if (last - first != to - from)
    differs(std::to_string(to - from) + " calls instead of " + std::to_string(last - first));
  const auto take = [&](TapeIndex into, TapeIndex value) {
    TapeValue& old = at(tape.values, into);
    const TapeValue& found = at(again.values, value);
    if (!found.payload) return;
    if (old.spec != found.spec) differs(found.spec.str() + " for " + tape.name_of(into));
    if (old.statistics && found.statistics && old.statistics->hash != found.statistics->hash)
      differs("other bits for " + tape.name_of(into));
    if (old.payload) return;
    old.payload = found.payload;
    filled.push_back(into);
  };
  for (TapeIndex e = 0; e < last - first; ++e) {
    const TapeEvent& old = at(tape.events, first + e);
    const TapeEvent& found = at(again.events, from + e);
    if (old.op != found.op || old.inputs.size() != found.inputs.size() ||
        old.outputs.size() != found.outputs.size())
      differs("a call of " + found.op + " where " + old.op + " was");
    for (std::size_t i = 0; i < old.inputs.size(); ++i) take(old.inputs[i], found.inputs[i]);
    for (std::size_t i = 0; i < old.outputs.size(); ++i) take(old.outputs[i], found.outputs[i]);
    if (old.target != none && found.target != none) take(old.target, found.target);
  }
  return filled;
}

}  // namespace gradus::see
