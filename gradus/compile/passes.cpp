// Passes over programs; see passes.h.
#include <gradus/compile/passes.h>

#include <numeric>
#include <set>

namespace gradus::compile {
namespace {

bool is_view(const Step& step) { return step.op.kind() == OpKind::view; }

/// Replaces values by others, everywhere after.
void rename(Program& program, const std::vector<ValueId>& by) {
  for (Step& step : program.steps) {
    for (ValueId& id : step.inputs) id = by[id];
    if (step.target) step.target = by[*step.target];
  }
  for (ValueId& id : program.outputs) id = by[id];
}

std::vector<ValueId> every_id(const Program& program) {
  std::vector<ValueId> ids(program.values.size());
  std::iota(ids.begin(), ids.end(), ValueId{0});
  return ids;
}

/// Roots of the storages that some step writes in place.
std::set<ValueId> written_roots(const Program& program, const std::vector<ValueId>& roots) {
  std::set<ValueId> written;
  for (const Step& step : program.steps)
    if (step.target) written.insert(roots[*step.target]);
  return written;
}

Program keep_steps(Program program, const std::vector<bool>& keep) {
  std::vector<Step> steps;
  for (std::size_t i = 0; i < program.steps.size(); ++i)
    if (keep[i]) steps.push_back(std::move(program.steps[i]));
  program.steps = std::move(steps);
  return program;
}

}  // namespace

std::vector<ValueId> storage_roots(const Program& program) {
  std::vector<ValueId> roots = every_id(program);
  for (const Step& step : program.steps) {
    if (step.target)
      roots[step.outputs[0]] = roots[*step.target];
    else if (is_view(step))
      roots[step.outputs[0]] = roots[step.inputs[0]];
  }
  return roots;
}

Program remove_dead_steps(Program program) {
  std::vector<bool> needed(program.values.size(), false), keep(program.steps.size(), false);
  for (ValueId id : program.outputs) needed[id] = true;
  for (std::size_t i = program.steps.size(); i-- > 0;) {
    const Step& step = program.steps[i];
    bool is_live = step.target.has_value() || step.op.draws();
    for (ValueId id : step.outputs) is_live = is_live || needed[id];
    if (!is_live) continue;
    keep[i] = true;
    for (ValueId id : step.inputs) needed[id] = true;
    if (step.target) needed[*step.target] = true;
  }
  program = keep_steps(std::move(program), keep);
  std::erase_if(program.constants, [&](const auto& constant) { return !needed[constant.first]; });
  return program;
}

Program merge_equal_steps(Program program) {
  const std::vector<ValueId> roots = storage_roots(program);
  const std::set<ValueId> written = written_roots(program, roots);
  std::vector<ValueId> by = every_id(program);
  std::vector<bool> keep(program.steps.size(), true);
  // What a call computes: the operation, its inputs, and how often those were written before.
  using Key = std::tuple<std::string, std::vector<ValueId>, std::vector<int>>;
  std::map<Key, const Step*> known;
  std::map<ValueId, int> versions;
  for (std::size_t i = 0; i < program.steps.size(); ++i) {
    Step& step = program.steps[i];
    for (ValueId& id : step.inputs) id = by[id];
    if (step.target) {
      step.target = by[*step.target];
      ++versions[roots[*step.target]];
      continue;
    }
    bool may_merge = !step.op.draws() && step.op.kind() != OpKind::function;
    for (ValueId id : step.outputs) may_merge = may_merge && !written.contains(roots[id]);
    if (!may_merge) continue;
    Key key{step.op.str(), step.inputs, {}};
    for (ValueId id : step.inputs) std::get<2>(key).push_back(versions[roots[id]]);
    const auto [first, is_new] = known.try_emplace(std::move(key), &step);
    if (is_new) continue;
    keep[i] = false;
    for (std::size_t k = 0; k < step.outputs.size(); ++k)
      by[step.outputs[k]] = first->second->outputs[k];
  }
  rename(program, by);
  return keep_steps(std::move(program), keep);
}

Program elide_clones(Program program) {
  const std::vector<ValueId> roots = storage_roots(program);
  const std::set<ValueId> written = written_roots(program, roots);
  std::set<ValueId> outside(program.inputs.begin(), program.inputs.end());
  for (const auto& [id, tensor] : program.constants) outside.insert(id);
  std::vector<ValueId> by = every_id(program);
  std::vector<bool> keep(program.steps.size(), true);
  for (std::size_t i = 0; i < program.steps.size(); ++i) {
    Step& step = program.steps[i];
    for (ValueId& id : step.inputs) id = by[id];
    if (step.target || step.op.name() != "clone") continue;
    const ValueId source = roots[step.inputs[0]], copy = roots[step.outputs[0]];
    // Where neither is written, nobody can tell them apart, unless the source is not ours.
    if (outside.contains(source) || written.contains(source) || written.contains(copy)) continue;
    keep[i] = false;
    by[step.outputs[0]] = step.inputs[0];
  }
  rename(program, by);
  return keep_steps(std::move(program), keep);
}

Program simplify(Program program) {
  program = remove_dead_steps(std::move(program));
  program = merge_equal_steps(std::move(program));
  program = elide_clones(std::move(program));
  return remove_dead_steps(std::move(program));
}

}  // namespace gradus::compile
