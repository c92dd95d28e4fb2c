// How fast a step learns; see tape_rate.h.
#include <gradus/see/tape_rate.h>
#include <gradus/see/words.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>

namespace gradus::see {
namespace {

/// The number in lr * g where that is all that was added. A factor beside a quotient is no rate of
/// its own: Adam's is divided by a bias correction.
std::optional<double> rate_written(const Tape& tape, const TapeEvent& write) {
  const bool adds = (write.op == "sub" || write.op == "add") && write.inputs.size() == 2 &&
                    write.inputs[0] == write.target;
  if (!adds) return {};
  const TapeIndex made = at(tape.values, write.inputs[1]).made_by;
  if (made == none || at(tape.events, made).op != "mul") return {};
  std::optional<double> rate;
  for (const TapeIndex input : at(tape.events, made).inputs) {
    const TapeValue& v = at(tape.values, input);
    if (v.spec.shape.rank() == 0 && v.statistics)
      rate = v.statistics->mean;
    else if (v.made_by != none && at(tape.events, v.made_by).op == "div")
      return {};
  }
  return rate;
}

/// Shows each update of a parameter whose rate is known, with it, until `visit` says true.
void visit_rates(const Tape& tape, TapeIndex step,
                 const std::function<bool(const TapeEvent&, double)>& visit) {
  const auto [first, last] = tape.ticks_of(step);
  for (TapeIndex t = first; t < last; ++t)
    for (TapeIndex e = at(tape.ticks, t).first; e < at(tape.ticks, t).last; ++e) {
      const TapeEvent& event = at(tape.events, e);
      if (event.phase != Phase::update || event.target == none) continue;
      if (!at(tape.values, event.target).is_parameter) continue;
      if (const auto rate = learning_rate(tape, event); rate && visit(event, *rate)) return;
    }
}

/// The module path of the first forward call that takes a tensor; may be empty.
std::string module_of(const Tape& tape, std::int64_t tensor) {
  for (const TapeEvent& event : tape.events)
    if (event.phase == Phase::forward && !event.scope.empty())
      for (const TapeIndex input : event.inputs)
        if (at(tape.values, input).tensor == tensor) return event.scope;
  return "";
}

/// Names that several tensors have, made different: by their modules, else by their numbers.
void tell_apart(const Tape& tape, std::map<std::int64_t, std::string>& names) {
  const auto rename_alike = [&](const auto& longer) {
    std::map<std::string, int> uses;
    for (const auto& [tensor, name] : names) ++uses[name];
    for (auto& [tensor, name] : names)
      if (uses[name] > 1) name = longer(tensor, name);
  };
  rename_alike([&](std::int64_t tensor, const std::string& name) {
    const std::string module = module_of(tape, tensor);
    return module.empty() ? name : module + "." + name;
  });
  rename_alike([](std::int64_t tensor, const std::string& name) {
    return name + " (tensor " + std::to_string(tensor) + ")";
  });
}

/// Whether two parameters may share a group: no step has another rate for each.
bool agree(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(),
                    [](double x, double y) { return std::isnan(x) || std::isnan(y) || x == y; });
}

}  // namespace

std::optional<double> learning_rate(const Tape& tape, const TapeEvent& write) {
  return write.lr ? write.lr : rate_written(tape, write);
}

std::optional<double> learning_rate(const Tape& tape, TapeIndex step) {
  std::optional<double> found;
  visit_rates(tape, step, [&](const TapeEvent&, double rate) {
    found = rate;
    return true;
  });
  return found;
}

std::string RateGroup::name() const {
  const std::size_t more = parameters.size() - 1;
  return parameters.front() + (more ? " and " + std::to_string(more) + " more" : "");
}

std::vector<RateGroup> rate_groups(const Tape& tape, TapeIndex first, TapeIndex last) {
  const auto steps = static_cast<std::size_t>(last - first);
  std::vector<RateGroup> alone;                // each parameter by itself
  std::map<std::int64_t, std::size_t> places;  // by tensor: names may be alike
  std::map<std::int64_t, std::string> names;
  for (std::size_t step = 0; step < steps; ++step)
    visit_rates(tape, first + static_cast<TapeIndex>(step),
                [&](const TapeEvent& event, double rate) {
                  const std::int64_t tensor = at(tape.values, event.target).tensor;
                  const auto [place, is_new] = places.try_emplace(tensor, alone.size());
                  constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
                  if (is_new) {
                    alone.push_back({{}, std::vector<double>(steps, unknown)});
                    names[tensor] = tape.name_of(event.target);
                  }
                  double& of_step = alone[place->second].rates[step];
                  if (std::isnan(of_step)) of_step = rate;
                  return false;
                });
  tell_apart(tape, names);
  for (const auto& [tensor, place] : places) alone[place].parameters = {names[tensor]};
  std::vector<RateGroup> groups;
  for (RateGroup& one : alone) {
    const auto group = std::find_if(groups.begin(), groups.end(),
                                    [&](const RateGroup& g) { return agree(g.rates, one.rates); });
    if (group == groups.end()) {
      groups.push_back(std::move(one));
      continue;
    }
    group->parameters.push_back(one.parameters.front());
    for (std::size_t step = 0; step < steps; ++step)
      if (std::isnan(group->rates[step])) group->rates[step] = one.rates[step];
  }
  return groups;
}

}  // namespace gradus::see
