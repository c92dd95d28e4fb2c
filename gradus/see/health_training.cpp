// Rules about training: gradients that add up, parameters left out, dead units, steps too far,
// gradients that vanish; see health.h.
#include <gradus/see/health_rules.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <gradus/ops/ops.h>
#include <gradus/see/tape_rate.h>
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

/// T1: the sum of an old gradient and a new one, after an update has used the old one.
void find_old_gradients(HealthReport& r) {
  struct Latest {
    std::uint64_t hash;
    TapeIndex step;
  };
  std::map<std::int64_t, Latest> latest, used;  // by the parameter's tensor; used by an update
  std::map<TapeIndex, std::pair<std::int64_t, std::string>> found;  // one parameter a step
  for (TapeIndex e = 0; e < r.count(); ++e) {
    const TapeEvent& event = r.event(e);
    if (event.phase == Phase::update && event.target != none) {
      if (const auto known = latest.find(r.value(event.target).tensor); known != latest.end())
        used[known->first] = known->second;
      continue;
    }
    if (event.phase != Phase::backward || event.outputs.size() != 1) continue;
    const TapeIndex sum = event.outputs[0], parameter = parameter_of_gradient(r, sum);
    if (parameter == none || !r.value(sum).statistics) continue;
    const std::int64_t tensor = r.value(parameter).tensor;
    const auto known = used.find(tensor);
    if (event.op == "add" && event.inputs.size() == 2 && known != used.end() &&
        r.value(event.inputs[0]).statistics &&
        r.value(event.inputs[0]).statistics->hash == known->second.hash &&
        r.options().accumulate <= 1 &&
        r.value(event.inputs[0]).statistics->zeros < r.value(event.inputs[0]).statistics->count) {
      const TapeIndex step = r.step_of(event);
      std::string next = loss_at(r, step + 1);
      const std::string name = r.name(parameter);
      if (!next.empty()) next = " (loss " + next + " next" + if_zeroed(r, step) + ").";
      std::string text = name + ".g still holds step " + std::to_string(known->second.step) +
                         " when step " + std::to_string(step) + " adds to it: norm " +
                         digits(r.norm(sum), 5) + ", of which " +
                         digits(r.norm(event.inputs[1]), 5) + " is new. zero_grad() forgotten?" +
                         next + " If meant: accumulate(k).";
      const auto known_step = found.try_emplace(step, tensor, text);
      if (tensor < known_step.first->second.first) known_step.first->second = {tensor, text};
    }
    latest[tensor] = {r.value(sum).statistics->hash, r.step_of(event)};
  }
  for (const auto& [step, first] : found) r.tell("T1", nullptr, "zero_grad", first.second);
}

/// T2 and T3: parameters without gradients, parameters without updates.
void find_left_out(HealthReport& r) {
  std::map<std::int64_t, std::string> parameters;  // by tensor
  // A weight that was made and looked at, but belongs to no net and no loss, is nobody's mistake.
  std::set<std::int64_t> of_a_net;
  std::set<std::int64_t> with_gradient, updated;
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
      for (const TapeIndex input : event.inputs) of_a_net.insert(r.value(input).tensor);
    if (const TapeIndex of = parameter_of_gradient(r, v); of != none) {
      with_gradient.insert(r.value(of).tensor);
      gradient_in[r.value(of).tensor].insert(r.step_of(event));
    }
    if (event.target == none || !trains) continue;  // initial values are no updates
    updated.insert(value.tensor);
    if (event.phase == Phase::update) updating.insert(r.step_of(event));
  }
  if (updating.empty()) return;  // no optimizer at work
  std::vector<std::string> unused;
  std::set<std::string> known;
  for (const auto& [tensor, name] : parameters) {
    known.insert(name);
    const bool has_gradient = with_gradient.count(tensor) > 0, moves = updated.count(tensor) > 0;
    if (!has_gradient && !moves && of_a_net.count(tensor)) unused.push_back(name);
    // Gradients of another program on the same tape, which updates nothing, are not meant.
    const auto beside = [&](TapeIndex step) { return updating.count(step) > 0; };
    if (has_gradient && !moves &&
        std::any_of(gradient_in[tensor].begin(), gradient_in[tensor].end(), beside))
      r.tell("T3", nullptr, name,
             "optimizer does not own " + name + ": it gets gradients but no updates.");
  }
  for (const std::string& name : r.options().parameters)
    if (!known.count(name)) unused.push_back(name);
  const std::size_t steps = r.tape().losses.size();
  for (const std::string& name : unused)
    r.tell("T2", nullptr, name,
           name + " has not changed for " + std::to_string(steps) +
               (steps == 1 ? " step" : " steps") +
               ": no path from loss (never in a backward). Not used in forward()?");
}

/// Share of its length that each parameter moves in a step, from the updates' statistics.
struct Move {
  std::string name;
  double share = 0;
  double lr = 0;
  std::int64_t tensor = 0;
};
/// Whether a step's forward pass uses a tensor.
bool uses(const HealthReport& r, TapeIndex step, std::int64_t tensor) {
  for (TapeIndex e = 0; e < r.count(); ++e)
    if (const TapeEvent& event = r.event(e);
        event.phase == Phase::forward && r.step_of(event) == step)
      for (const TapeIndex v : event.inputs)
        if (r.value(v).tensor == tensor) return true;
  return false;
}

Move largest_move(const HealthReport& r, TapeIndex step) {
  Move most;
  for (TapeIndex e = 0; e < r.count(); ++e) {
    const TapeEvent& event = r.event(e);
    if (event.phase != Phase::update || event.target == none || r.step_of(event) != step) continue;
    if ((event.op != "sub" && event.op != "add") || event.inputs.size() != 2) continue;
    const TapeIndex before = event.inputs[0], change = event.inputs[1];
    if (!r.value(before).is_parameter || r.value(before).spec.shape.rank() < 2 ||
        r.norm(before) == 0)
      continue;
    const double share = r.norm(change) / r.norm(before);
    if (share <= most.share) continue;
    most = {r.name(before), share, 0, r.value(before).tensor};
    most.lr = learning_rate(r.tape(), event).value_or(0);
  }
  return most;
}

constexpr double healthy_move = 0.001;  // share of its length that a weight moves in a step

/// What to do about a step that went too far: a rate that does better from the same start, where
/// the run can be taken up again, else the one that moves the weight as far as is healthy.
std::string better_rate(const HealthReport& r, TapeIndex step, double loss, double lr,
                        double share) {
  if (!(lr > 0)) return "Lower the learning rate.";
  const double gentle = lr * healthy_move / share;
  if (r.options().rerun) {
    const KeepGenerator keep;
    for (const std::vector<double>& rates :
         {std::vector{lr / 100, lr / 10, lr / 5, lr / 2}, std::vector{gentle}}) {
      Rate best{0, loss};
      for (const Rate& rate : try_rates(*r.options().rerun, step, rates))
        if (rate.loss < best.loss) best = rate;
      if (best.lr > 0)
        return "From the same start lr " + digits(best.lr, 3) + " gives " + digits(best.loss, 5) +
               ".";
    }
  }
  return "Lower lr: at " + digits(gentle, 2) + " it moves by " + percent(healthy_move) + ".";
}

/// "64 % of its length"
std::string share_text(double share) {
  return share < 10 ? percent(share) + " of its length" : digits(share, 3) + " times its length";
}

/// X1: a loss that grows several times over in one step that moved a weight far.
void find_steps_too_far(HealthReport& r) {
  const auto losses = static_cast<TapeIndex>(r.tape().losses.size());
  for (TapeIndex step = 0; step + 1 < losses; ++step) {
    const TapeIndex a = r.tape().loss_of(step), b = r.tape().loss_of(step + 1);
    if (a == none || b == none) continue;
    const auto before = r.number(a), after = r.number(b);
    if (!before || !after || !(*before > 0) || !(*after > 3 * *before)) continue;
    const Move move = largest_move(r, step);
    if (move.share < 0.1 || !uses(r, step + 1, move.tensor)) continue;
    const double lr = move.lr > 0 ? move.lr : learning_rate(r.tape(), step).value_or(0);
    const double ratio = *after / *before;
    r.tell("X1", nullptr, "loss",
           "loss " + digits(*before) + " -> " + digits(*after) +
               (std::isfinite(ratio) ? " (x" + digits(ratio, 3) + ")" : "") + " in one step" +
               (lr > 0 ? " at lr " + digits(lr, 3) : "") + "; " + move.name + " moved by " +
               share_text(move.share) + " (healthy: about " + percent(healthy_move) + "). " +
               better_rate(r, step, *before, lr, move.share));
  }
}

/// X2: norms of the weights' gradients over the layers, last to first.
void find_vanishing(HealthReport& r) {
  std::vector<TapeIndex> weights;  // of step 0, in the order of the forward pass
  for (TapeIndex e = 0; e < r.count(); ++e) {
    const TapeEvent& event = r.event(e);
    if (event.phase != Phase::forward || r.step_of(event) != 0) continue;
    for (const TapeIndex v : event.inputs) {
      const TapeValue& value = r.value(v);
      if (value.is_parameter && value.spec.shape.rank() >= 2 && value.gradient != none &&
          r.value(value.gradient).statistics &&
          std::find(weights.begin(), weights.end(), v) == weights.end())
        weights.push_back(v);
    }
  }
  if (weights.size() < 3) return;
  const double first = r.norm(r.value(weights.front()).gradient),
               last = r.norm(r.value(weights.back()).gradient);
  if (!(last > 0) || !(first < 1e-6 * last)) return;
  std::string collapse;
  for (TapeIndex e = 0; e < r.count() && collapse.empty(); ++e) {
    const TapeEvent& event = r.event(e);
    if (event.phase != Phase::forward || (event.op != "sigmoid" && event.op != "tanh")) continue;
    const std::vector<double> x = r.elements(event.inputs[0]);
    if (x.empty()) continue;
    const auto beyond = static_cast<double>(
        std::count_if(x.begin(), x.end(), [](double v) { return std::fabs(v) > 4; }));
    const double share = beyond / static_cast<double>(x.size());
    if (share > 0.5)
      collapse =
          "; first collapse at " + r.who(event) + " (" + percent(share) + " of units beyond +-4)";
  }
  r.tell("X2", nullptr, "gradients",
         "gradients vanish: |" + r.name(weights.front()) + ".g|/|" + r.name(weights.back()) +
             ".g| = " + digits(first / last, 1) + " over " + std::to_string(weights.size()) +
             " layers" + collapse + ".");
}

/// What is known of the units of one relu, from the end of the tape to a step.
struct Units {
  std::vector<bool> alive;  ///< above 0 in some row
  struct Since {
    TapeIndex step;
    std::int64_t dead, rows;  ///< from that step to the end
  };
  std::vector<Since> since;  ///< the latest step first
  std::int64_t rows = 0;

  std::int64_t count() const { return std::ssize(alive); }
  std::int64_t dead() const { return std::count(alive.begin(), alive.end(), false); }
  bool are_many(std::int64_t units) const { return units * 10 >= count(); }
  /// Whether earlier steps would say nothing more.
  bool is_settled() const {
    return !since.empty() && (!are_many(since.front().dead) || since.back().dead == 0);
  }
  void see(const Tensor& outputs) {
    const NoGrad guard;
    const std::vector<double> most =
        amax(outputs.detach().reshape({-1, outputs.size(-1)}), {0}).to_vector<double>();
    alive.resize(std::max(alive.size(), most.size()), false);
    for (std::size_t u = 0; u < most.size(); ++u)
      if (most[u] != 0) alive[u] = true;
    rows += outputs.numel() / outputs.size(-1);
  }
};

/// The units of each relu, from the end: where few are dead there, no step need be run again.
std::vector<std::pair<std::string, Units>> units_of_relus(const HealthReport& r) {
  std::vector<std::pair<std::string, Units>> all;
  const auto units_of = [&](const std::string& who) -> Units& {
    for (auto& [known, units] : all)
      if (known == who) return units;
    return all.emplace_back(who, Units{}).second;
  };
  for (TapeIndex step = r.tape().steps(); step-- > 0;) {
    const auto [first, last] = r.tape().ticks_of(step);
    std::set<std::string> seen;
    for (TapeIndex e = r.tick(first).first; e < r.tick(last - 1).last; ++e) {
      const TapeEvent& event = r.event(e);
      if (event.phase != Phase::forward || event.op != "relu" || event.outputs.empty()) continue;
      if (r.value(event.outputs[0]).spec.shape.rank() < 2) continue;
      Units& units = units_of(r.who(event));
      if (units.is_settled()) continue;
      const Tensor& outputs = r.replayed(event.outputs[0]);
      if (!outputs || outputs.numel() == 0) continue;
      units.see(outputs);
      seen.insert(r.who(event));
    }
    for (const std::string& who : seen) {
      Units& units = units_of(who);
      units.since.push_back({step, units.dead(), units.rows});
    }
  }
  return all;
}

/// D1: units of a relu that are 0 from one step of the tape to its end, over enough rows.
void find_dead_units(HealthReport& r) {
  constexpr std::int64_t enough_rows = 500;
  for (const auto& [who, units] : units_of_relus(r)) {
    if (units.since.empty()) continue;
    // The earliest step from which on so many are dead; those that always were are no loss.
    const Units::Since& start = units.since.back();
    const auto found =
        std::find_if(units.since.rbegin() + 1, units.since.rend(), [&](const Units::Since& since) {
          return units.are_many(since.dead) && since.dead > start.dead;
        });
    if (found == units.since.rend() || found->rows < enough_rows) continue;
    const double lr = learning_rate(r.tape(), found->step - 1).value_or(0);
    r.tell("D1", nullptr, who,
           who + ": " + std::to_string(found->dead) + " of " + std::to_string(units.count()) +
               " units are 0 for all " + std::to_string(found->rows) + " rows since step " +
               std::to_string(found->step) + " (" + std::to_string(start.dead) + " before it" +
               (lr > 0 ? ", lr " + digits(lr, 3) : "") +
               "): they get gradient 0 and cannot recover. Lower lr; bound the init; "
               "leaky_relu.");
  }
}

}  // namespace

void find_training_mistakes(HealthReport& report) {
  find_old_gradients(report);
  find_left_out(report);
  find_steps_too_far(report);
  find_vanishing(report);
  find_dead_units(report);
}

}  // namespace gradus::see
