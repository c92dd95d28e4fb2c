// See dead_units.h.
#include <gradus/ops/ops.h>
#include <gradus/see/dead_units.h>
#include <gradus/see/words.h>

#include <algorithm>
#include <cctype>
#include <set>

namespace gradus::see {
namespace {

constexpr std::string_view before_module = "dead(";

const std::string& scope_of(const Tape& tape, const TapeTick& tick) {
  static const std::string outside;
  return tick.first == tick.last ? outside : at(tape.events, tick.first).scope;
}

bool is_called(const Tape& tape, TapeIndex index, std::string_view module) {
  const TapeTick& tick = at(tape.ticks, index);
  return tick.phase == Phase::forward && tick.first < tick.last && !module.empty() &&
         (module == tick.label || module == scope_of(tape, tick));
}

}  // namespace

std::optional<std::string_view> module_in_dead(std::string_view text) {
  text = trimmed(text);
  if (!text.starts_with(before_module) || !text.ends_with(')')) return std::nullopt;
  text.remove_prefix(before_module.size());
  text.remove_suffix(1);
  text = trimmed(text);
  const bool is_name = std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '*';
  });
  return is_name && !text.empty() ? std::optional(text) : std::nullopt;
}

bool asks_dead_of(std::string_view expression, const Tape& tape, TapeIndex tick) {
  for (std::size_t i = 0; (i = expression.find(before_module, i)) != expression.npos; ++i) {
    const std::size_t end = expression.find(')', i);
    if (end == expression.npos) return false;
    const auto module = module_in_dead(expression.substr(i, end + 1 - i));
    if (module && is_called(tape, tick, *module)) return true;
  }
  return false;
}

TapeIndex tick_of_module(const Tape& tape, std::string_view module, TapeIndex tick) {
  for (TapeIndex t = tick; t >= 0 && at(tape.ticks, t).step == at(tape.ticks, tick).step; --t)
    if (is_called(tape, t, module)) return t;
  return none;
}

std::vector<std::string> modules_of(const Tape& tape) {
  std::set<std::string> names;
  for (const TapeTick& tick : tape.ticks)
    if (tick.phase == Phase::forward && tick.first < tick.last) {
      names.insert(tick.label);
      if (!scope_of(tape, tick).empty()) names.insert(scope_of(tape, tick));
    }
  return {names.begin(), names.end()};
}

std::optional<double> dead_share(const Elements& elements, TapeIndex tick) {
  const Tape& tape = elements.tape();
  const std::vector<TapeIndex> results = tape.results_of(tick);
  if (results.empty() || at(tape.values, results[0]).spec.shape.rank() < 2) return std::nullopt;
  const Unobserved not_seen;
  const NoGrad not_recorded;
  const Tensor x = elements.of(results[0]);
  if (x.numel() == 0) return std::nullopt;
  Ints axes;
  for (int axis = 0; axis + 1 < x.ndim(); ++axis) axes.push_back(axis);
  const Tensor dead = amax(abs(x), axes) == 0;
  return astype(dead, DType::f64).mean().item();
}

}  // namespace gradus::see
