// Questions to a tape; see tape.h.
#include <gradus/see/tape.h>
#include <gradus/see/words.h>

#include <algorithm>
#include <functional>
#include <set>

namespace gradus::see {
namespace {

bool contains(const std::vector<TapeIndex>& list, TapeIndex value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

/// The copy of a finished gradient that a parameter keeps.
bool is_copy(const Tape& tape, TapeIndex e) {
  const TapeEvent& event = at(tape.events, e);
  return event.phase == Phase::backward && event.op == "clone" && event.twin == none;
}

std::int64_t nans_of(const Statistics& s) { return s.nans; }

/// Whether a value has elements of a kind, by its statistics; a broadcast and a deferred result
/// have none, and are what they were made of.
template <class Kind>
bool shows(const Tape& tape, TapeIndex v, Kind kind, int depth = 0) {
  constexpr int far = 8;
  const TapeValue& value = at(tape.values, v);
  if (value.statistics) return std::invoke(kind, *value.statistics) > 0;
  if (value.made_by == none || depth == far) return false;
  const std::vector<TapeIndex>& from = at(tape.events, value.made_by).inputs;
  return std::any_of(from.begin(), from.end(),
                     [&](TapeIndex input) { return shows(tape, input, kind, depth + 1); });
}

}  // namespace

std::pair<TapeIndex, TapeIndex> Tape::ticks_of(TapeIndex step) const {
  const auto first = std::partition_point(ticks.begin(), ticks.end(),
                                          [&](const TapeTick& t) { return t.step < step; });
  const auto last =
      std::partition_point(first, ticks.end(), [&](const TapeTick& t) { return t.step <= step; });
  return {first - ticks.begin(), last - ticks.begin()};
}

TapeIndex Tape::tick_at(TapeIndex step, TapeIndex number) const {
  const auto [first, last] = ticks_of(step);
  return number >= 0 && number < last - first ? first + number : none;
}

std::string Tape::name_of(TapeIndex index) const {
  const TapeValue& value = at(values, index);
  if (!value.name.empty()) return value.name;
  if (value.gradient_of != none && value.gradient_of != index) {
    const TapeValue& of = at(values, value.gradient_of);
    // A gradient of a gradient is named after it, two deep and no deeper.
    return of.gradient_of == none || of.gradient_of == value.gradient_of
               ? name_of(value.gradient_of) + ".g"
               : "tensor_" + std::to_string(value.tensor) + ".g";
  }
  if (value.made_by == none) return "tensor_" + std::to_string(value.tensor);
  const TapeEvent& event = at(events, value.made_by);
  const TapeTick& tick = at(ticks, event.tick);
  if (!event.scope.empty() && event.phase == Phase::forward) {
    // That is its output, whichever call inside of the module's last one made it.
    if (last_result(event.tick) == index) return std::string(last_part(event.scope)) + ".out";
  }
  return event.op + "_" +
         std::to_string(value.made_by - at(ticks, ticks_of(tick.step).first).first);
}

TapeIndex Tape::first_value_of(TapeIndex step) const {
  return std::partition_point(values.begin(), values.end(),
                              [&](const TapeValue& v) { return v.step < step; }) -
         values.begin();
}

void Tape::rename(TapeIndex index, const std::string& name) {
  at(values, index).name = name;
  if (index >= static_cast<TapeIndex>(indexed_)) return;
  std::vector<TapeIndex>& same = own_names_[name];
  same.insert(std::upper_bound(same.begin(), same.end(), index), index);
}

void Tape::set_parameter(TapeIndex index) {
  if (at(values, index).is_parameter) return;
  at(values, index).is_parameter = true;
  if (index >= static_cast<TapeIndex>(indexed_) || at(values, index).made_by == none) return;
  unnamed_.insert(std::upper_bound(unnamed_.begin(), unnamed_.end(), index), index);
}

void Tape::index_names() const {
  for (; indexed_ < values.size(); ++indexed_) {
    const TapeValue& value = values[indexed_];
    if (!value.name.empty())
      own_names_[value.name].push_back(static_cast<TapeIndex>(indexed_));
    else if (value.made_by == none || value.is_parameter)
      unnamed_.push_back(static_cast<TapeIndex>(indexed_));
  }
}

TapeIndex Tape::find_lasting(std::string_view name, TapeIndex end) const {
  index_names();
  const auto latest = [&](const std::vector<TapeIndex>& list, auto&& is_it) {
    for (auto i = std::lower_bound(list.begin(), list.end(), end); i != list.begin();)
      if (is_it(*--i)) return *i;
    return none;
  };
  TapeIndex named = none;
  if (const auto same = own_names_.find(name); same != own_names_.end())
    named = latest(same->second, [&](TapeIndex v) {
      const TapeValue& value = at(values, v);
      return value.name == name && (value.made_by == none || value.is_parameter || name == "loss");
    });
  return std::max(named, latest(unnamed_, [&](TapeIndex v) {
                    return at(values, v).name.empty() && name_of(v) == name;
                  }));
}

TapeIndex Tape::gradient_of(TapeIndex of, const TapeTick& here) const {
  // One of an earlier step was zeroed, or is about to be added to: it is not this step's.
  const TapeIndex first = first_value_of(here.step), end = first_value_of(here.step + 1),
                  begin = first_value_of(here.step - 1);
  // An update makes a new version; the gradient belongs to the one before.
  while (of != none) {
    const TapeIndex g = at(values, of).gradient;
    if (g >= first && at(values, g).since < here.last) return g;
    for (TapeIndex v = end - 1; v > of && v >= first; --v)
      if (at(values, v).gradient_of == of && at(values, v).since < here.last) return v;
    TapeIndex older = none;
    for (TapeIndex v = of - 1; v >= begin && older == none; --v)
      if (at(values, v).tensor == at(values, of).tensor) older = v;
    of = older;
  }
  return none;
}

TapeIndex Tape::find(std::string_view name, TapeIndex tick) const {
  if (ticks.empty()) return none;
  const TapeTick& here = at(ticks, tick);
  // "w1.g" is the gradient of w1, whatever else the same tensor is called.
  if (name.ends_with(".g"))
    if (const TapeIndex of = find(name.substr(0, name.size() - 2), tick); of != none)
      return gradient_of(of, here);
  if (name == "loss")
    if (const TapeIndex loss = loss_of(here.step);
        loss != none && at(values, loss).since < here.last)
      return loss;
  const TapeIndex begin = first_value_of(here.step);
  for (TapeIndex v = first_value_of(here.step + 1) - 1; v >= begin; --v)
    if ((at(values, v).made_by == none || at(values, v).since < here.last) && name_of(v) == name)
      return v;
  const TapeIndex lasting = find_lasting(name, begin);
  if (lasting != none || !name.ends_with(".out")) return lasting;
  return output_of(name.substr(0, name.size() - 4), tick);
}

TapeIndex Tape::output_of(std::string_view module, TapeIndex tick) const {
  for (TapeIndex t = tick; t >= 0 && at(ticks, t).step == at(ticks, tick).step; --t) {
    const TapeTick& one = at(ticks, t);
    if (one.phase != Phase::forward || one.first == one.last) continue;
    const std::string& scope = at(events, one.first).scope;
    if (!scope.empty() && (module == one.label || module == scope)) return last_result(t);
  }
  return none;
}

TapeIndex Tape::last_result(TapeIndex tick) const {
  TapeIndex last = none;
  for (TapeIndex e = at(ticks, tick).first; e < at(ticks, tick).last; ++e)
    if (at(events, e).parent == none && !at(events, e).outputs.empty())
      last = at(events, e).outputs.back();
  return last;
}

std::vector<std::string> Tape::names(TapeIndex tick) const {
  std::vector<std::string> found;
  if (ticks.empty()) return found;
  const TapeTick& here = at(ticks, tick);
  std::set<std::string> seen;
  for (std::size_t v = 0; v < values.size(); ++v) {
    const TapeValue& value = values[v];
    if (value.step > here.step || (value.since >= here.last && value.made_by != none)) continue;
    if (value.step < here.step && !value.is_parameter && value.made_by != none) continue;
    std::string name = name_of(static_cast<TapeIndex>(v));
    if (seen.insert(name).second) found.push_back(std::move(name));
  }
  return found;
}

bool Tape::is_told(TapeIndex index) const {
  const TapeValue& value = at(values, index);
  if (!value.name.empty() || value.is_parameter) return true;
  if (value.gradient_of != none && value.gradient_of != index) {
    const TapeValue& of = at(values, value.gradient_of);
    return of.gradient_of == none && is_told(value.gradient_of);
  }
  return value.made_by != none && name_of(index).ends_with(".out");
}

std::vector<TapeIndex> Tape::results_of(TapeIndex index) const {
  const TapeTick& tick = at(ticks, index);
  std::vector<TapeIndex> results;
  if (tick.number == 0) {
    const auto [first, last] = ticks_of(tick.step);
    for (TapeIndex t = first + 1; t < last; ++t)
      for (const TapeIndex v : arguments_of(t))
        if ((at(values, v).made_by == none || at(values, v).made_by < tick.first) &&
            !contains(results, v) &&
            (!at(values, v).name.empty() || at(values, v).is_parameter ||
             at(values, v).spec.shape.rank() > 0))
          results.push_back(v);
    return results;
  }
  for (TapeIndex e = tick.first; e < tick.last; ++e)
    for (const TapeIndex v : at(events, e).outputs) {
      const TapeValue& value = at(values, v);
      if (contains(results, v) || value.made_by < tick.first || is_copy(*this, e)) continue;
      const bool is_gradient = value.gradient_of != none && is_told(value.gradient_of);
      if (is_gradient || !value.name.empty() || at(events, e).target != none) results.push_back(v);
    }
  // Where a copy became the parameter's gradient, both have the name: the later one is shown.
  for (std::size_t i = 0; i < results.size(); ++i)
    for (std::size_t j = i + 1; j < results.size(); ++j)
      if (name_of(results[i]) == name_of(results[j])) {
        results.erase(results.begin() + static_cast<std::ptrdiff_t>(i--));
        break;
      }
  if (results.empty())
    for (TapeIndex e = tick.last - 1; e >= tick.first && results.empty(); --e)
      if (at(events, e).parent == none) results = at(events, e).outputs;
  return results;
}

std::vector<TapeIndex> Tape::arguments_of(TapeIndex index) const {
  const TapeTick& tick = at(ticks, index);
  std::vector<TapeIndex> arguments;
  for (TapeIndex e = tick.first; e < tick.last; ++e)
    for (const TapeIndex v : at(events, e).inputs) {
      const TapeIndex made = at(values, v).made_by;
      if ((made == none || made < tick.first) && !contains(arguments, v)) arguments.push_back(v);
    }
  return arguments;
}

bool Tape::is_alarm(TapeIndex index) const {
  const auto is_nan = [&](TapeIndex v) { return shows(*this, v, &nans_of); };
  const auto is_bad = [&](TapeIndex v) { return shows(*this, v, &Statistics::bad); };
  const TapeEvent& event = at(events, index);
  if (std::none_of(event.outputs.begin(), event.outputs.end(), is_bad)) return false;
  if (std::none_of(event.inputs.begin(), event.inputs.end(), is_nan) &&
      std::any_of(event.outputs.begin(), event.outputs.end(), is_nan))
    return true;
  return !event.inputs.empty() && std::none_of(event.inputs.begin(), event.inputs.end(), is_bad);
}

std::vector<TapeIndex> Tape::alarms() const {
  std::vector<TapeIndex> found;
  for (TapeIndex e = 0; e < static_cast<TapeIndex>(events.size()); ++e)
    if (is_alarm(e)) found.push_back(e);
  return found;
}

TapeIndex Tape::loss_of(TapeIndex step) const {
  return step >= 0 && step < static_cast<TapeIndex>(losses.size()) ? at(losses, step) : none;
}

TapeIndex Tape::tick_of_value(TapeIndex index) const {
  const TapeValue& value = at(values, index);
  if (value.made_by != none) return at(events, value.made_by).tick;
  return ticks_of(value.step).first;
}

std::int64_t Tape::payload_bytes() const {
  std::set<const void*> counted;
  std::int64_t bytes = 0;
  for (const TapeValue& value : values)
    if (value.payload && counted.insert(value.payload.storage().data()).second)
      bytes += static_cast<std::int64_t>(value.payload.storage().bytes());
  return bytes;
}

}  // namespace gradus::see
