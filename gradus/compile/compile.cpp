// Learning to run as a plan; see compile.h.
#include <gradus/compile/compile.h>

#include <algorithm>

#include <gradus/compile/compare.h>
#include <gradus/ops/ops.h>

namespace gradus {
namespace {

bool fits(const Specs& specs, std::span<const Tensor> inputs) {
  if (specs.size() != inputs.size()) return false;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (specs[i].dtype != inputs[i].dtype() || !(specs[i].shape == inputs[i].shape())) return false;
  return true;
}

}  // namespace

Compiled::Entry& Compiled::entry(std::span<const Tensor> inputs) {
  for (const auto& known : entries_)
    if (fits(known->specs, inputs)) return *known;
  auto fresh = std::make_unique<Entry>();
  for (const Tensor& x : inputs) fresh->specs.push_back(x.spec());
  return *entries_.emplace_back(std::move(fresh));
}

const compile::Plan* Compiled::plan(std::span<const Tensor> inputs) const {
  for (const auto& known : entries_)
    if (fits(known->specs, inputs)) return known->plan.get();
  return nullptr;
}

void Compiled::recheck() {
  for (const auto& known : entries_) known->must_check = known->plan != nullptr;
}

const Program* Compiled::known_at_other_sizes(const Program& program) const {
  for (const auto& known : entries_)
    if (known->plan && compile::agree_but_for_sizes(*known->traced, program))
      return &*known->traced;
  return nullptr;
}

/// The plan of what was traced, which does what `like` does.
std::string Compiled::make_plan(Entry& e, const Program& traced, const Program& like,
                                std::span<const Tensor> inputs) {
  e.lasting = compile::lasting_constants(like, traced);
  try {
    e.plan = std::make_unique<compile::Plan>(traced, options_);
    ++plans_made_;
    if (std::all_of(inputs.begin(), inputs.end(),
                    [](const Tensor& x) { return x.is_contiguous(); }))
      e.plan->look(inputs);
    return {};
  } catch (const TraceError& error) {
    return error.problem();
  }
}

void Compiled::give_up(Entry& e, std::string obstacle) {
  e.is_given_up = true;
  e.traced.reset();
  if (obstacle_.empty()) obstacle_ = std::move(obstacle);
}

/// The first call makes what is made once (an optimizer's state); the second is written down; the
/// third is too, and must be the same. Where the function is known at other sizes, one trace that
/// agrees with that is enough.
void Compiled::learn(Entry& e, std::span<const Tensor> inputs) {
  ReplayTrace traced = trace_for_replay(function_, inputs);
  results_ = std::move(traced.results);
  std::string obstacle = std::move(traced.obstacle);
  const Program* like = e.traced ? &*e.traced : nullptr;
  if (++e.calls == 1) {
    if (!obstacle.empty()) return;
    like = known_at_other_sizes(traced.program);
    if (!like) return;
  } else if (like && obstacle.empty()) {
    obstacle = compile::difference(*like, traced.program);
  }
  if (obstacle.empty() && like) obstacle = make_plan(e, traced.program, *like, inputs);
  if (!obstacle.empty()) return give_up(e, std::move(obstacle));
  e.traced = std::move(traced.program);  // for the next trace, or for a later check
}

/// The function must still do what the plan does. If not, this call is the first of two traces.
void Compiled::check(Entry& e, std::span<const Tensor> inputs) {
  e.must_check = false;
  ReplayTrace traced = trace_for_replay(function_, inputs);
  results_ = std::move(traced.results);
  std::string obstacle = std::move(traced.obstacle);
  std::string change = obstacle;
  if (change.empty()) change = compile::difference(*e.traced, traced.program, e.lasting);
  if (change.empty()) {
    e.lasting = compile::lasting_constants(*e.traced, traced.program);
    return;
  }
  change_ = std::move(change);
  e.plan.reset();
  if (obstacle.empty())
    if (const Program* like = known_at_other_sizes(traced.program))
      obstacle = make_plan(e, traced.program, *like, inputs);
  if (!obstacle.empty()) return give_up(e, std::move(obstacle));
  e.traced = std::move(traced.program);
}

const Tensors& Compiled::run(std::span<const Tensor> inputs) {
  Entry& e = entry(inputs);
  bool is_plain = e.is_given_up || is_observed();
  bool is_contiguous = true;
  for (const Tensor& x : inputs) {
    is_contiguous = is_contiguous && x.is_contiguous();
    is_plain = is_plain || (e.plan && e.plan->writes(x));
  }
  if (e.plan && !e.must_check && !is_plain) {
    if (is_contiguous) return e.plan->run(inputs);
    Tensors copies;
    for (const Tensor& x : inputs) copies.push_back(x.contiguous());
    return e.plan->run(copies);
  }
  if (is_plain)
    results_ = function_(inputs);
  else if (e.plan)
    check(e, inputs);
  else if (e.calls == 0 && plans_made_ == 0)
    ++e.calls, results_ = function_(inputs);
  else
    learn(e, inputs);
  for (Tensor& y : results_) y = y.detach();
  return results_;
}

Tensors Compiled::operator()(std::span<const Tensor> inputs) {
  const Tensors& own = run(inputs);
  if (!plan(inputs) || is_observed()) return own;
  Tensors results;
  for (const Tensor& y : own) results.push_back(clone(y));
  return results;
}

}  // namespace gradus
