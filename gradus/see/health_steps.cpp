// Rules about steps: those that go too far, and gradients that vanish on the way back; see
// health.h.
#include <gradus/see/health_rules.h>

#include <algorithm>
#include <cmath>
#include <map>

#include <gradus/see/tape_rate.h>
#include <gradus/see/try.h>

namespace gradus::see {
namespace {

/// How far a parameter moves in a step, as a share of its length, from the updates' statistics.
struct Move {
  std::string name;
  double share = 0, lr = 0;
  std::int64_t tensor = 0;
  bool is_matrix = false;
  double length = 0;  ///< of the move
  double fall = 0;    ///< how far the loss would go down by it along its slope, at most
};

constexpr double far = 0.1;             // share of its length that a weight moves in a step
constexpr double healthy_move = 0.001;  // the same, where all is well

/// What the updates of a step did.
struct StepMoves {
  std::set<std::int64_t> updated;  ///< tensors
  std::vector<Move> moves{};
  Move most{};  ///< the one to tell, of a step that overshoots
};

/// A step overshoots where its slope would take the loss down by twice what it is: there a parabola
/// that ends at 0 has its bottom. A length alone says little: the first steps of a tiny weight or
/// of a bias are long, and one row has a low loss, or a high one, by chance. A matrix that moved
/// far is told before a vector, for a bias starts at 0.
void choose_move(StepMoves& step, double loss) {
  double fall = 0;
  for (const Move& m : step.moves) fall += m.fall;
  if (fall <= 2 * loss) return;
  const auto rank = [](const Move& m) { return std::pair(m.is_matrix && m.share >= far, m.share); };
  for (const Move& m : step.moves)
    if (rank(m) > rank(step.most)) step.most = m;
}

/// Norms of the parameters' gradients, by step and tensor.
std::map<std::pair<TapeIndex, std::int64_t>, double> gradient_norms(const HealthReport& r) {
  std::map<std::pair<TapeIndex, std::int64_t>, double> norms;
  for (const TapeValue& g : r.tape().values)
    if (g.gradient_of != none && g.statistics && r.value(g.gradient_of).is_parameter)
      norms[{g.step, r.value(g.gradient_of).tensor}] = g.statistics->l2;
  return norms;
}

std::vector<StepMoves> moves_of_steps(const HealthReport& r) {
  std::vector<StepMoves> steps(r.tape().losses.size());
  const auto norms = gradient_norms(r);
  for (TapeIndex e = 0; e < r.count(); ++e) {
    const TapeEvent& event = r.event(e);
    const auto step = static_cast<std::size_t>(r.step_of(event));
    if (event.phase != Phase::update || event.target == none || step >= steps.size()) continue;
    if (!r.value(event.target).is_parameter) continue;
    steps[step].updated.insert(r.value(event.target).tensor);
    if ((event.op != "sub" && event.op != "add") || event.inputs.size() != 2) continue;
    const TapeIndex before = event.inputs[0], change = event.inputs[1];
    const std::int64_t tensor = r.value(before).tensor;
    if (!r.value(before).is_parameter || r.norm(change) == 0) continue;
    const auto gradient = norms.find({r.step_of(event), tensor});
    steps[step].moves.push_back(
        {r.name(before), r.norm(change) / r.norm(before),
         learning_rate(r.tape(), event).value_or(0), tensor, r.value(before).spec.shape.rank() >= 2,
         r.norm(change), gradient == norms.end() ? HUGE_VAL : gradient->second * r.norm(change)});
  }
  for (std::size_t step = 0; step < steps.size(); ++step) {
    const TapeIndex loss = r.tape().loss_of(static_cast<TapeIndex>(step));
    const auto number = loss == none ? std::nullopt : r.number(loss);
    choose_move(steps[step], number.value_or(std::nan("")));
  }
  return steps;
}

/// Whether a step's forward pass uses a tensor.
bool uses(const HealthReport& r, TapeIndex step, std::int64_t tensor) {
  const auto [first, last] = r.tape().ticks_of(step);
  for (TapeIndex e = r.tick(first).first; e < r.tick(last - 1).last; ++e)
    if (const TapeEvent& event = r.event(e); event.phase == Phase::forward)
      for (const TapeIndex v : event.inputs)
        if (r.value(v).tensor == tensor) return true;
  return false;
}

/// What to do about a step that went too far: a rate that does better from the same start, where
/// the run can be taken up again, else the one that moves the weight as far as is healthy.
std::string better_rate(const HealthReport& r, TapeIndex step, double loss, double lr, double share,
                        bool can_try) {
  if (!(lr > 0)) return "Lower the learning rate.";
  const double gentle = lr * healthy_move / share;  // 0 for a weight that was 0
  if (r.options().rerun && can_try) {
    const KeepGenerator keep;
    std::vector<std::vector<double>> tried{{lr / 100, lr / 10, lr / 5, lr / 2}};
    if (gentle > 0) tried.push_back({gentle});
    for (const std::vector<double>& rates : tried) {
      Rate best{0, loss};
      for (const Rate& rate : try_rates(*r.options().rerun, step, rates))
        if (rate.loss < best.loss) best = rate;
      if (best.lr > 0)
        return "From the same start lr " + digits(best.lr, 3) + " gives " + digits(best.loss, 5) +
               ".";
    }
  }
  if (share > 1 / healthy_move) return "Lower the learning rate.";  // next to nothing moved
  return "Lower lr: at " + digits(gentle, 2) + " it moves by " + percent(healthy_move) + ".";
}

/// "w moved by 64 % of its length in the last (healthy: about 0.1 %)"
std::string move_text(const Move& move, const std::string& when) {
  if (std::isinf(move.share))
    return move.name + ", which was 0, got a length of " + digits(move.length, 3) + when;
  return move.name + " moved by " +
         (move.share < 10 ? percent(move.share) + " of its length"
                          : digits(move.share, 3) + " times its length") +
         when + " (healthy: about " + percent(healthy_move) + ")";
}

/// The losses of one objective: written at one place, by steps that update the same parameters.
/// Those of others are not compared with them.
struct Objective {
  struct Loss {
    TapeIndex step;
    double value;
  };
  std::vector<Loss> losses{};
};

std::vector<Objective> objectives(const HealthReport& r, const std::vector<StepMoves>& moves) {
  std::map<std::pair<std::string, std::set<std::int64_t>>, std::size_t> known;
  std::vector<Objective> all;
  for (TapeIndex step = 0; step < static_cast<TapeIndex>(moves.size()); ++step) {
    const TapeIndex loss = r.tape().loss_of(step);
    const auto number = loss == none ? std::nullopt : r.number(loss);
    if (!number || std::isnan(*number)) continue;
    std::string place;
    if (const TapeIndex made = r.value(loss).made_by; made != none)
      place =
          r.event(made).op + " " + r.event(made).file + ":" + std::to_string(r.event(made).line);
    // The last step's update may not be over yet.
    const bool is_last = step + 1 == static_cast<TapeIndex>(moves.size());
    const auto& updated = moves[static_cast<std::size_t>(step)].updated;
    auto found = known.find({place, updated});
    if (found == known.end() && is_last)
      found = std::find_if(known.begin(), known.end(), [&](const auto& one) {
        const auto& [of, all_updated] = one.first;
        return of == place && std::includes(all_updated.begin(), all_updated.end(), updated.begin(),
                                            updated.end());
      });
    if (found == known.end()) {
      found = known.emplace(std::pair{place, updated}, all.size()).first;
      all.emplace_back();
    }
    all[found->second].losses.push_back({step, *number});
  }
  return all;
}

/// The largest move from a step to a later one, of parameters that both use.
Move move_between(const HealthReport& r, const std::vector<StepMoves>& moves, TapeIndex from,
                  TapeIndex to) {
  Move most;
  for (TapeIndex step = from; step < to; ++step) {
    const StepMoves& here = moves[static_cast<std::size_t>(step)];
    const bool is_own = moves[static_cast<std::size_t>(from)].updated.empty() || step == from;
    if (is_own && here.most.share > most.share && uses(r, to, here.most.tensor)) most = here.most;
  }
  return most;
}

/// Tells one loss that grew; `last` is the step before, whose move is told.
void tell_growth(HealthReport& r, const Objective::Loss& before, const Objective::Loss& last,
                 const Objective::Loss& after, const Move& move) {
  const double lr = move.lr > 0 ? move.lr : learning_rate(r.tape(), last.step).value_or(0);
  const double ratio = after.value / before.value;
  const bool is_one = before.step == last.step;
  r.tell("X1", nullptr, "loss",
         "loss " + digits(before.value) + " -> " + digits(after.value) +
             (std::isfinite(ratio) ? " (x" + digits(ratio, 3) + ")" : "") + " in " +
             (is_one ? "one step" : std::to_string(after.step - before.step) + " steps") +
             (lr > 0 ? " at lr " + digits(lr, 3) : "") + "; " +
             move_text(move, is_one ? "" : " in the last") + ". " +
             better_rate(r, last.step, last.value, lr, move.share, last.step + 1 == after.step));
}

}  // namespace

/// X1: a loss that grows several times over in one step that moved a weight far; or over several,
/// beyond ten times the lowest so far. Three losses in a row must say so: one small batch may have
/// a low loss, or a high one.
void find_steps_too_far(HealthReport& r) {
  constexpr double jump = 3, growth = 10;
  constexpr std::size_t row = 3;
  const std::vector<StepMoves> moves = moves_of_steps(r);
  for (const Objective& objective : objectives(r, moves)) {
    const auto& losses = objective.losses;
    double lowest = HUGE_VAL;  // of the highest of three in a row
    Objective::Loss start{};
    bool is_told = false;
    for (std::size_t i = 1; i < losses.size(); ++i) {
      const Objective::Loss &before = losses[i - 1], &after = losses[i];
      if (const TapeIndex loss = r.tape().loss_of(before.step);
          r.value(loss).made_by != none && r.is_meant("X1", r.event(r.value(loss).made_by)))
        continue;
      if (before.value > 0 && after.value > jump * before.value) {
        const Move move = move_between(r, moves, before.step, after.step);
        if (move.share >= far) {
          tell_growth(r, before, before, after, move);
          is_told = true;
        }
      }
      if (i + 1 < row) continue;
      const auto of_last = [&](std::size_t end, auto&& choose) {
        double chosen = losses[end].value;
        for (std::size_t k = end + 1 - row; k < end; ++k) chosen = choose(chosen, losses[k].value);
        return chosen;
      };
      const auto high = [](double a, double b) { return std::max(a, b); };
      const auto low = [](double a, double b) { return std::min(a, b); };
      if (i + 1 >= 2 * row)
        if (const double most = of_last(i - row, high); most < lowest) {
          lowest = most;
          start = *std::min_element(losses.begin() + static_cast<std::ptrdiff_t>(i + 1 - 2 * row),
                                    losses.begin() + static_cast<std::ptrdiff_t>(i + 1 - row),
                                    [](const auto& a, const auto& b) { return a.value < b.value; });
        }
      if (is_told || !(start.value > 0) || !(of_last(i, low) > growth * lowest)) continue;
      const Move move = move_between(r, moves, before.step, after.step);
      if (move.share < far) continue;
      tell_growth(r, start, before, after, move);
      is_told = true;
    }
  }
}

namespace {

/// The weights whose gradients a step has, in the order of its forward pass.
std::vector<TapeIndex> weights_of(const HealthReport& r, TapeIndex step) {
  std::vector<TapeIndex> weights;
  const auto [first, last] = r.tape().ticks_of(step);
  for (TapeIndex e = r.tick(first).first; e < r.tick(last - 1).last; ++e) {
    const TapeEvent& event = r.event(e);
    if (event.phase != Phase::forward) continue;
    for (const TapeIndex v : event.inputs) {
      const TapeValue& value = r.value(v);
      if (value.is_parameter && value.spec.shape.rank() >= 2 && value.gradient != none &&
          r.value(value.gradient).statistics &&
          std::find(weights.begin(), weights.end(), v) == weights.end())
        weights.push_back(v);
    }
  }
  return weights;
}

bool vanish(const HealthReport& r, const std::vector<TapeIndex>& weights) {
  constexpr std::size_t layers = 3;
  if (weights.size() < layers) return false;
  const double first = r.norm(r.value(weights.front()).gradient),
               last = r.norm(r.value(weights.back()).gradient);
  return last > 0 && first < 1e-6 * last;
}

/// Whether a weight starts at 0, as that of a last layer may: what is behind it gets its first
/// gradient after the first update.
bool has_zero_weight(const HealthReport& r, const std::vector<TapeIndex>& weights) {
  return std::any_of(weights.begin(), weights.end(), [&](TapeIndex v) {
    const auto& s = r.value(v).statistics;
    return s && s->zeros == s->count;
  });
}

}  // namespace

/// X2: norms of the weights' gradients over the layers, last to first.
void find_vanishing_gradients(HealthReport& r) {
  if (r.tape().steps() == 0) return;
  const std::vector<TapeIndex> weights = weights_of(r, 0);
  if (!vanish(r, weights)) return;
  bool is_last = true;
  for (TapeIndex step = r.tape().steps() - 1; step > 0; --step)
    if (const std::vector<TapeIndex> later = weights_of(r, step); later.size() >= weights.size()) {
      if (!vanish(r, later)) return;
      is_last = false;
      break;
    }
  if (is_last && has_zero_weight(r, weights)) return;
  const double first = r.norm(r.value(weights.front()).gradient),
               last = r.norm(r.value(weights.back()).gradient);
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

}  // namespace gradus::see
