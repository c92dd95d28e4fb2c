// Rules about training: gradients that add up, parameters left out; see health.h. Steps too far
// and gradients that vanish are in health_steps.cpp, dead units in health_units.cpp.
#include <gradus/see/health_rules.h>

#include <algorithm>
#include <map>
#include <set>

#include <gradus/ops/registry.h>
#include <gradus/see/try.h>

namespace gradus::see {
namespace {

/// The value that event e made for the parameter's gradient, and of which parameter; none else.
TapeIndex parameter_of_gradient(const HealthReport& r, TapeIndex gradient) {
  const TapeIndex of = r.value(gradient).gradient_of;
  return of != none && r.value(of).is_parameter ? of : none;
}

std::string loss_at(const HealthReport& r, TapeIndex step) {
  const TapeIndex loss = r.tape().loss_of(step);
  const auto number = loss == none ? std::nullopt : r.number(loss);
  return number ? digits(*number, 5) : "";
}

/// The loss after the same step with gradients of its own alone: a copy of the program has no old
/// ones.
std::string if_zeroed(const HealthReport& r, TapeIndex step) {
  if (!r.options().rerun) return "";
  const KeepGenerator keep;
  const auto program = r.options().rerun->before(step);
  program->run(step);
  return ", " + digits(program->loss(step + 1).item(), 5) + " if zeroed";
}

/// Whether a gradient is an older one: itself, a copy, or what was made of it, as by clipping.
bool comes_from(const HealthReport& r, TapeIndex v, TapeIndex old, int depth = 0) {
  constexpr int deep = 4;
  const TapeValue &value = r.value(v), &known = r.value(old);
  if (v == old || value.tensor == known.tensor) return true;
  if (value.statistics && known.statistics && value.statistics->hash == known.statistics->hash)
    return true;
  if (value.made_by == none || depth == deep) return false;
  const TapeEvent& made = r.event(value.made_by);
  if (made.phase == Phase::backward && made.op != "clone") return false;
  return std::any_of(made.inputs.begin(), made.inputs.end(),
                     [&](TapeIndex input) { return comes_from(r, input, old, depth + 1); });
}

/// T1: the sum of an old gradient and a new one, after an update has used the old one, that an
/// update uses too. (A sum that is zeroed before, as that of the other net of a GAN, does no harm.)
class OldGradients {
 public:
  explicit OldGradients(HealthReport& report) : r_(report) {}

  void find() {
    TapeIndex last_update = none;
    for (TapeIndex e = 0; e < r_.count(); ++e) {
      const TapeEvent& event = r_.event(e);
      if (event.phase == Phase::update && event.target != none) {
        if (r_.value(event.target).is_parameter) last_update = e;
        use(r_.value(event.target).tensor);
      } else if (event.phase == Phase::backward && event.outputs.size() == 1) {
        see(e);
      }
      follow(event);
    }
    // Where the tape ends before the update.
    for (const auto& [parameter, sum] : waiting_)
      if (last_update < sum.event) confirm(parameter, sum);
    for (const auto& [step, first] : told_) r_.tell("T1", nullptr, "zero_grad", first.second);
  }

 private:
  struct Held {
    TapeIndex value, step, pass;
    std::int64_t passes = 1;               ///< backward passes since it was zeroed
    bool was_used = false;                 ///< whether an update has read it, or a part of it
    std::set<std::uint64_t> made_of_it{};  ///< hashes of copies, and of what clipping gave
  };
  struct Sum {
    TapeIndex event, old_step;
  };

  void use(std::int64_t parameter) {
    const auto known = latest_.find(parameter);
    if (known == latest_.end()) return;
    known->second.was_used = true;
    if (const auto sum = waiting_.find(parameter); sum != waiting_.end()) {
      confirm(parameter, sum->second);
      waiting_.erase(sum);
    }
  }
  /// What is made of a held gradient may take its place, by set_grad.
  void follow(const TapeEvent& event) {
    if (event.outputs.size() != 1 || (event.phase == Phase::backward && event.op != "clone"))
      return;
    const TapeValue& made = r_.value(event.outputs[0]);
    for (const TapeIndex input : event.inputs) {
      const auto owner = owners_.find(r_.value(input).tensor);
      if (owner == owners_.end() || made.is_parameter || !made.statistics ||
          made.spec.shape != r_.value(input).spec.shape)
        continue;
      latest_.at(owner->second).made_of_it.insert(made.statistics->hash);
      owners_.insert_or_assign(made.tensor, std::int64_t{owner->second});
      return;
    }
  }
  void see(TapeIndex e) {
    const TapeEvent& event = r_.event(e);
    const TapeIndex sum = event.outputs[0], of = parameter_of_gradient(r_, sum);
    if (of == none || !r_.value(sum).statistics) return;
    const std::int64_t parameter = r_.value(of).tensor;
    Held now{sum, r_.step_of(event), pass_of(e)};
    waiting_.erase(parameter);
    const auto latest = latest_.find(parameter);
    // What a pass gives is noted before it is added to what an earlier one left.
    if (latest != latest_.end() && latest->second.pass != now.pass)
      earlier_.insert_or_assign(parameter, latest->second);
    if (const auto old = earlier_.find(parameter);
        old != earlier_.end() && is_added_to(event, old->second)) {
      now.passes = old->second.passes + 1;
      now.was_used = old->second.was_used;
      if (now.was_used && now.passes > std::max<std::int64_t>(1, r_.options().accumulate) &&
          !r_.is_meant("T1", event))
        waiting_.insert_or_assign(parameter, Sum{e, old->second.step});
    }
    latest_.insert_or_assign(parameter, now);
    owners_.insert_or_assign(r_.value(sum).tensor, parameter);
  }
  TapeIndex pass_of(TapeIndex e) const {
    const std::vector<TapePass>& passes = r_.tape().passes;
    if (passes.empty()) return r_.step_of(r_.event(e));  // a tape of before there were any
    return std::partition_point(passes.begin(), passes.end(),
                                [&](const TapePass& p) { return p.first <= e; }) -
           passes.begin();
  }
  bool is_added_to(const TapeEvent& event, const Held& before) const {
    if (event.op != "add" || event.inputs.size() != 2) return false;
    const auto& old = r_.value(event.inputs[0]).statistics;
    return old && old->zeros < old->count &&
           (before.made_of_it.count(old->hash) || comes_from(r_, event.inputs[0], before.value));
  }
  void confirm(std::int64_t parameter, const Sum& sum) {
    const TapeEvent& event = r_.event(sum.event);
    const TapeIndex step = r_.step_of(event);
    const auto known = told_.find(step);
    if (known != told_.end() && known->second.first <= parameter) return;
    std::string next = loss_at(r_, step + 1);
    if (!next.empty()) next = " (loss " + next + " next" + if_zeroed(r_, step) + ").";
    told_[step] = {parameter,
                   r_.name(r_.value(event.outputs[0]).gradient_of) + ".g still holds step " +
                       r_.step_number(sum.old_step) + " when step " + r_.step_number(step) +
                       " adds to it: norm " + digits(r_.norm(event.outputs[0]), 5) + ", of which " +
                       digits(r_.norm(event.inputs[1]), 5) + " is new. zero_grad() forgotten?" +
                       next + " If meant: accumulate(k)."};
  }

  HealthReport& r_;
  std::map<std::int64_t, Held> latest_;          // by the parameter's tensor
  std::map<std::int64_t, Held> earlier_;         // what the pass before left
  std::map<std::int64_t, std::int64_t> owners_;  // parameters, by the tensors of gradients
  std::map<std::int64_t, Sum> waiting_;          // for an update
  std::map<TapeIndex, std::pair<std::int64_t, std::string>> told_;  // one parameter a step
};

/// Whether an operation of that name has a gradient rule; no, of one that this program does not
/// know.
bool has_rule(std::string_view op) {
  static const std::set<std::string_view> known = [] {
    std::set<std::string_view> names;
    for (const Op& one : all_ops())
      if (one.has_gradient()) names.insert(one.name());
    return names;
  }();
  return known.count(op) > 0;
}

/// Where the parameters that an optimizer owns are used, but never so that a gradient could come
/// back: under no_grad alone. By tensor, the first such call.
std::map<std::int64_t, TapeIndex> owned_under_no_grad(const HealthReport& r) {
  std::map<std::int64_t, TapeIndex> calls;
  std::set<std::int64_t> recorded;
  for (TapeIndex e = 0; e < r.count(); ++e) {
    const TapeEvent& event = r.event(e);
    // What has no gradient rule, as a comparison, leaves no history anywhere.
    if (event.phase != Phase::forward || event.target != none || !has_rule(event.op)) continue;
    for (const TapeIndex input : event.inputs) {
      const std::int64_t tensor = r.value(input).tensor;
      if (event.has_history)
        recorded.insert(tensor);
      else if (r.value(input).is_parameter && r.tape().owned.count(tensor))
        calls.try_emplace(tensor, e);
    }
  }
  for (const std::int64_t tensor : recorded) calls.erase(tensor);
  return calls;
}

/// T2 and T3: parameters without gradients, parameters without updates.
void find_left_out(HealthReport& r) {
  std::map<std::int64_t, std::string> parameters;  // by tensor
  // A weight that was made and looked at, but belongs to no net and no loss, is nobody's mistake.
  std::set<std::int64_t> of_a_net;
  std::set<std::int64_t> with_gradient, updated;
  // Used by calls that a backward pass can go through, and by others: those under no_grad mean it,
  // unless an optimizer owns the parameter.
  std::set<std::int64_t> with_history, without;
  bool trains = false;                                      // whether a backward pass was met
  std::set<TapeIndex> updating;                             // steps
  std::map<std::int64_t, std::set<TapeIndex>> gradient_in;  // steps, by tensor
  for (TapeIndex v = 0; v < static_cast<TapeIndex>(r.tape().values.size()); ++v) {
    const TapeValue& value = r.value(v);
    if (value.is_parameter && !parameters.count(value.tensor))
      parameters.emplace(value.tensor, r.name(v));
    if (!value.name.empty()) of_a_net.insert(value.tensor);
    if (value.made_by == none) continue;
    const TapeEvent& event = r.event(value.made_by);
    trains |= event.phase == Phase::backward;
    if (trains && event.phase == Phase::forward)
      for (const TapeIndex input : event.inputs) {
        of_a_net.insert(r.value(input).tensor);
        (event.has_history ? with_history : without).insert(r.value(input).tensor);
      }
    if (const TapeIndex of = parameter_of_gradient(r, v); of != none) {
      with_gradient.insert(r.value(of).tensor);
      gradient_in[r.value(of).tensor].insert(r.step_of(event));
    }
    if (event.target == none || !trains) continue;  // initial values are no updates
    updated.insert(value.tensor);
    if (event.phase == Phase::update) updating.insert(r.step_of(event));
  }
  const std::map<std::int64_t, TapeIndex> unrecorded = owned_under_no_grad(r);
  if (updating.empty() && unrecorded.empty()) return;  // no optimizer at work
  const std::size_t steps = r.tape().losses.size();
  const auto tell_unchanged = [&](const std::string& name, const TapeEvent* at,
                                  const std::string& why) {
    r.tell("T2", at, name,
           name + " has not changed for " + std::to_string(steps) +
               (steps == 1 ? " step: " : " steps: ") + why);
  };
  std::vector<std::string> unused;
  std::set<std::string> known;
  for (const auto& [tensor, name] : parameters) {
    known.insert(name);
    const bool has_gradient = with_gradient.count(tensor) > 0, moves = updated.count(tensor) > 0;
    const bool is_frozen = without.count(tensor) && !with_history.count(tensor);
    if (const auto call = unrecorded.find(tensor);
        call != unrecorded.end() && !has_gradient && !moves) {
      tell_unchanged(name, &r.event(call->second),
                     "an optimizer owns it, but it is used under no_grad alone, where no gradient "
                     "comes back. Take the no_grad away; if it shall stay as it is, leave it out "
                     "of the optimizer.");
      continue;
    }
    if (!has_gradient && !moves && of_a_net.count(tensor) && !is_frozen) unused.push_back(name);
    // Gradients of another program on the same tape, which updates nothing, are not meant.
    const auto beside = [&](TapeIndex step) { return updating.count(step) > 0; };
    if (has_gradient && !moves &&
        std::any_of(gradient_in[tensor].begin(), gradient_in[tensor].end(), beside))
      r.tell("T3", nullptr, name,
             "optimizer does not own " + name + ": it gets gradients but no updates.");
  }
  for (const std::string& name : r.options().parameters)
    if (!known.count(name)) unused.push_back(name);
  for (const std::string& name : unused)
    tell_unchanged(name, nullptr,
                   "no path from loss (never in a backward). Not used in forward()?");
}

}  // namespace

void find_training_mistakes(HealthReport& report) {
  OldGradients(report).find();
  find_left_out(report);
  find_steps_too_far(report);
  find_vanishing_gradients(report);
  find_dead_units(report);
}

}  // namespace gradus::see
