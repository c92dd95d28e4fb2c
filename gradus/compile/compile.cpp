// Learning to run as a plan; see compile.h.
#include <gradus/compile/compile.h>

#include <cstring>

#include <gradus/ops/ops.h>

namespace gradus {
namespace {

bool equal_bits(const Tensor& a, const Tensor& b) {
  if (a.storage() == b.storage()) return a.layout() == b.layout() && a.dtype() == b.dtype();
  if (a.spec() != b.spec() || !a.is_contiguous() || !b.is_contiguous()) return false;
  return a.numel() == 0 ||
         std::memcmp(a.raw_data(), b.raw_data(),
                     static_cast<std::size_t>(a.numel()) * dtype_size(a.dtype())) == 0;
}

/// What differs between two traces of one function; empty where running one is as good as the
/// other.
std::string difference(const Program& a, const Program& b) {
  if (a.str() != b.str()) return "the function does not make the same calls every time";
  for (const auto& [id, tensor] : a.constants)
    if (!equal_bits(tensor, b.constants.at(id)))
      return "a " + tensor.spec().str() + " from outside the operations changes from call to call";
  return {};
}

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

/// The first call makes what is made once (an optimizer's state); the second is written down; the
/// third is too, and must be the same.
void Compiled::learn(Entry& e, std::span<const Tensor> inputs) {
  ReplayTrace traced = trace_for_replay(function_, inputs);
  results_ = std::move(traced.results);
  std::string obstacle = std::move(traced.obstacle);
  if (obstacle.empty() && e.traced) obstacle = difference(*e.traced, traced.program);
  if (obstacle.empty() && e.traced) {
    try {
      e.plan = std::make_unique<compile::Plan>(std::move(traced.program), options_);
    } catch (const TraceError& error) {
      obstacle = error.problem();
    }
    e.traced.reset();
  } else {
    e.traced = std::move(traced.program);
  }
  if (obstacle.empty()) return;
  e.is_given_up = true;
  e.traced.reset();
  if (obstacle_.empty()) obstacle_ = std::move(obstacle);
}

const Tensors& Compiled::run(std::span<const Tensor> inputs) {
  Entry& e = entry(inputs);
  if (e.plan && !is_observed()) {
    bool is_contiguous = true;
    for (const Tensor& x : inputs) is_contiguous = is_contiguous && x.is_contiguous();
    if (is_contiguous) return e.plan->run(inputs);
    Tensors copies;
    for (const Tensor& x : inputs) copies.push_back(x.contiguous());
    return e.plan->run(copies);
  }
  if (e.is_given_up || is_observed() || e.calls++ == 0)
    results_ = function_(inputs);
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
