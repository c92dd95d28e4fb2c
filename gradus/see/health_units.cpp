// D1: units of a relu that are 0 for every row; see health.h.
#include <gradus/see/health_rules.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include <gradus/ops/ops.h>
#include <gradus/see/tape_rate.h>

namespace gradus::see {
namespace {

/// What is known of the units of one relu, from the end of the tape to a step.
struct Units {
  TapeIndex event = none;     ///< the last call
  TapeIndex weight = none;    ///< what its inputs were made with; none where nothing is known
  std::vector<bool> alive{};  ///< above 0 in some row
  struct Since {
    TapeIndex step;
    std::int64_t dead, rows;  ///< from that step to the end
  };
  std::vector<Since> since{};  ///< the latest step first
  std::int64_t rows = 0;
  bool has_gaps = false;  ///< steps whose elements are not there

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

/// The nearest weight that a value was made with; none where there is none near.
TapeIndex weight_of(const HealthReport& r, TapeIndex v) {
  constexpr std::size_t near = 64;
  std::vector<TapeIndex> open{v};
  for (std::size_t i = 0; i < open.size() && i < near; ++i) {
    if (r.value(open[i]).is_parameter && r.value(open[i]).spec.shape.rank() >= 2) return open[i];
    if (r.value(open[i]).made_by == none) continue;
    for (const TapeIndex input : r.event(r.value(open[i]).made_by).inputs)
      if (std::find(open.begin(), open.end(), input) == open.end()) open.push_back(input);
  }
  return none;
}

/// Which relu: that of a weight, which modules of one name do not share; else by its module's path
/// and its place in the step.
using ReluKey = std::tuple<std::int64_t, std::string, int>;

/// The units of each relu, from the end: where few are dead there, no step need be run again.
std::vector<Units> units_of_relus(const HealthReport& r) {
  std::vector<Units> all;
  std::map<ReluKey, std::size_t> places;
  for (TapeIndex step = r.tape().steps(); step-- > 0;) {
    const auto [first, last] = r.tape().ticks_of(step);
    std::map<std::string, int> calls;
    std::set<std::size_t> seen;
    for (TapeIndex e = r.tick(first).first; e < r.tick(last - 1).last; ++e) {
      const TapeEvent& event = r.event(e);
      if (event.phase != Phase::forward || event.op != "relu" || event.outputs.empty()) continue;
      if (r.value(event.outputs[0]).spec.shape.rank() < 2 || r.is_meant("D1", event)) continue;
      const TapeIndex weight = weight_of(r, event.inputs[0]);
      const ReluKey key = weight == none ? ReluKey{none, event.scope, calls[event.scope]++}
                                         : ReluKey{r.value(weight).tensor, "", 0};
      const auto [place, is_new] = places.try_emplace(key, all.size());
      if (is_new) all.push_back({e, weight});
      Units& units = all[place->second];
      if (units.is_settled()) continue;
      const Tensor& outputs = r.replayed(event.outputs[0]);
      units.has_gaps |= !outputs;
      if (!outputs || outputs.numel() == 0) continue;
      units.see(outputs);
      seen.insert(place->second);
    }
    for (const std::size_t i : seen) all[i].since.push_back({step, all[i].dead(), all[i].rows});
  }
  return all;
}

/// The learning rate of a weight in a step, or that of any other; 0 where it is not known.
double rate_of(const HealthReport& r, TapeIndex step, TapeIndex weight) {
  const auto [first, last] = r.tape().ticks_of(step);
  for (TapeIndex e = r.tick(first).first; weight != none && e < r.tick(last - 1).last; ++e) {
    const TapeEvent& event = r.event(e);
    if (event.phase != Phase::update || event.target == none) continue;
    if (r.value(event.target).tensor == r.value(weight).tensor)
      if (const auto own = learning_rate(r.tape(), event)) return *own;
  }
  return learning_rate(r.tape(), step).value_or(0);
}

/// Which of the steps of a relu tell how its units died.
struct Death {
  const Units::Since* all = nullptr;    ///< from it on, all that are dead at the end; or nothing
  const Units::Since* first = nullptr;  ///< from it on, many, beside those that always were
  bool is_from_start() const { return !first; }
};

/// How many units are dead at the end, over so many rows, and since when.
Death death_of(const Units& units, std::int64_t enough_rows) {
  const std::vector<Units::Since>& since = units.since;  // the dead grow fewer, the rows more
  const auto end = std::find_if(since.begin(), since.end(),
                                [&](const Units::Since& s) { return s.rows >= enough_rows; });
  if (end == since.end() || end->dead == 0 || !units.are_many(end->dead)) return {};
  const std::int64_t always = since.back().dead;
  Death death;
  for (const Units::Since& s : since) {
    if (s.rows >= enough_rows && s.dead == end->dead) death.all = &s;
    if (s.dead > always && units.are_many(s.dead)) death.first = &s;
  }
  if (end->dead == always) death.first = nullptr;
  return death;
}

/// What each relu is called: by its module; where several are called so, by the module's path; and
/// where that is the same too, by the weight before it.
std::vector<std::string> relu_names(const HealthReport& r, const std::vector<Units>& all) {
  std::vector<std::string> names;
  names.reserve(all.size());
  for (const Units& units : all) names.push_back(r.who(r.event(units.event)));
  const auto tell_apart = [&](const auto& longer) {
    const std::vector<std::string> before = names;
    for (std::size_t i = 0; i < all.size(); ++i)
      if (std::count(before.begin(), before.end(), before[i]) > 1) names[i] = longer(i);
  };
  tell_apart([&](std::size_t i) {
    const TapeEvent& event = r.event(all[i].event);
    if (event.scope.empty()) return names[i];
    return (names[i].starts_with("layer ") ? "layer " : "") + event.scope;
  });
  tell_apart([&](std::size_t i) {
    return names[i] + (all[i].weight == none ? " number " + std::to_string(i + 1)
                                             : " after " + r.name(all[i].weight));
  });
  return names;
}

}  // namespace

/// D1: units of a relu that are 0 from one step of the tape to its end, over enough rows.
void find_dead_units(HealthReport& r) {
  constexpr std::int64_t enough_rows = 500;
  const std::vector<Units> all = units_of_relus(r);
  const std::vector<std::string> names = relu_names(r, all);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Units& units = all[i];
    if (units.since.empty()) continue;
    const Death death = death_of(units, enough_rows);
    if (!death.all || (death.is_from_start() && units.has_gaps)) continue;
    std::string since = r.options().first_step == 0
                            ? "the start"
                            : r.step_text(units.since.back().step) + " or before";
    if (!death.is_from_start()) {
      const double lr = rate_of(r, death.first->step - 1, units.weight);
      since = r.step_text(death.all->step) + " (";
      if (death.first != death.all)
        since +=
            std::to_string(death.first->dead) + " since " + r.step_text(death.first->step) + ", ";
      since += std::to_string(units.since.back().dead) + " before it" +
               (lr > 0 ? ", lr " + digits(lr, 3) : "") + ")";
    }
    r.tell("D1", nullptr, names[i],
           names[i] + ": " + std::to_string(death.all->dead) + " of " +
               std::to_string(units.count()) + " units are 0 for all " +
               std::to_string(death.all->rows) + " rows since " + since +
               ": they get gradient 0 and cannot recover. " +
               (death.is_from_start() ? "Bound the init; leaky_relu."
                                      : "Lower lr; bound the init; leaky_relu."));
  }
}

}  // namespace gradus::see
