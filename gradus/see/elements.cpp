// Names and elements at a place on a tape; see elements.h.
#include <gradus/ops/ops.h>
#include <gradus/see/dead_units.h>
#include <gradus/see/elements.h>
#include <gradus/see/words.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

namespace gradus::see {
namespace {

template <class List>
auto& entry(List& list, TapeIndex i) {
  return list[static_cast<std::size_t>(i)];
}

/// What loss[-1] is called for the evaluator: as long, so that errors point at the right character.
constexpr std::string_view previous_loss = "loss__m1";

std::string with_previous_loss(std::string expression) {
  const auto is_word = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
  };
  for (std::size_t i = 0; (i = expression.find("loss[-1]", i)) != expression.npos; ++i)
    if (i == 0 || (!is_word(expression[i - 1]) && expression[i - 1] != '.'))
      expression.replace(i, previous_loss.size(), previous_loss);
  return expression;
}

/// Whether the statistics' double holds every digit of one number.
bool is_exact_as_mean(const TapeValue& number) {
  return number.spec.dtype != DType::i64 || std::fabs(number.statistics->mean) < 0x1p53;
}

/// Why dead(relu1) cannot be told at a tick.
Absence absence_of_module(const Tape& tape, std::string_view module, TapeIndex tick) {
  const std::string called(module);
  const auto ticks = static_cast<TapeIndex>(tape.ticks.size());
  for (TapeIndex t = tick + 1; t < ticks; ++t)
    if (tick_of_module(tape, module, t) == t)
      return {"module '" + called + "' has not run here yet",
              "it comes at " + time_text(tape, "dead(" + called + ")", t, tick)};
  const std::string near = nearest(module, modules_of(tape));
  return {"no module here is called '" + called + "'",
          near.empty() ? "l lists what there is" : "did you mean '" + near + "'?"};
}

}  // namespace

TapeIndex parse_tick(const Tape& tape, std::string_view text, TapeIndex from) {
  const std::string said(text);
  if (tape.ticks.empty()) throw ValueError("the tape is empty", "run on: c");
  TapeIndex step = entry(tape.ticks, from).step, number = 0;
  bool any = false;
  for (text = trimmed(text); !text.empty(); text = trimmed(text)) {
    const bool is_step = text.starts_with("step=");
    if (!is_step && !text.starts_with("t=")) break;
    text.remove_prefix(is_step ? 5 : 2);
    TapeIndex& into = is_step ? step : number;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
    if (error != std::errc()) break;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    any = true;
  }
  const TapeIndex tick = any && text.empty() ? tape.tick_at(step, number) : none;
  if (tick == none) {
    const auto [first, last] = tape.ticks_of(entry(tape.ticks, from).step);
    throw ValueError("there is no '" + said + "' on the tape",
                     "say t=0 to t=" + std::to_string(last - first - 1) +
                         ", or step=0 to step=" + std::to_string(tape.steps() - 1) + " with t=...");
  }
  return tick;
}

TapeIndex comes_at(const Tape& tape, std::string_view name, TapeIndex tick) {
  // What has a name keeps it to the end of the step.
  TapeIndex known = tape.ticks_of(entry(tape.ticks, tick).step).second - 1;
  if (tape.find(name, known) == none) {
    const TapeIndex value = tape.find(name, static_cast<TapeIndex>(tape.ticks.size()) - 1);
    const TapeIndex there = value == none ? none : tape.tick_of_value(value);
    return there > tick ? there : none;
  }
  for (TapeIndex unknown = tick; known - unknown > 1;) {
    const TapeIndex middle = (known + unknown) / 2;
    (tape.find(name, middle) == none ? unknown : known) = middle;
  }
  return known > tick ? known : none;
}

std::string time_text(const Tape& tape, std::string_view name, TapeIndex there, TapeIndex tick) {
  const TapeTick& then = entry(tape.ticks, there);
  const bool is_other = then.step != entry(tape.ticks, tick).step;
  const std::string step = std::to_string(then.step), number = std::to_string(then.number);
  return (is_other ? "step " + step + " " : "") + "t" + number + " (" + std::string(name) + " @ " +
         (is_other ? "step=" + step + " " : "") + "t=" + number + ")";
}

Absence absence_of(const Tape& tape, std::string_view name, TapeIndex tick) {
  const std::string problem = "nothing is called '" + std::string(name) + "' here";
  if (const TapeIndex there = comes_at(tape, name, tick); there != none)
    return {problem + " yet", "it comes at " + time_text(tape, name, there, tick)};
  const TapeIndex step_end = tape.ticks_of(entry(tape.ticks, tick).step).second - 1;
  const std::string near = nearest(name, tape.names(step_end));
  return {problem, near.empty() ? "l lists what there is" : "did you mean '" + near + "'?"};
}

Tensor Elements::of(TapeIndex value) const {
  if (!entry(tape_.values, value).payload && replay_) {
    const TapeIndex made_by = entry(tape_.values, value).made_by;
    replay_(made_by == none ? entry(tape_.values, value).step
                            : entry(tape_.ticks, entry(tape_.events, made_by).tick).step);
  }
  if (!entry(tape_.values, value).payload)
    throw ValueError("the elements of " + tape_.name_of(value) + " were not kept",
                     "they are where the tape was written with gradus step --keep full or "
                     "RecorderOptions::level; while the program runs, in the step where it stops");
  return entry(tape_.values, value).payload;
}

TapeIndex Elements::find(std::string_view name, TapeIndex tick) const {
  const TapeIndex value = tape_.find(name, tick);
  if (value != none) return value;
  const Absence why = absence_of(tape_, name, tick);
  throw NameError(why.problem, why.hint);
}

Lookup Elements::at(TapeIndex tick) const {
  return [this, tick](std::string_view name) -> Tensor {
    if (name == previous_loss) {
      const TapeIndex step = entry(tape_.ticks, tick).step;
      const TapeIndex loss = tape_.loss_of(step - 1);
      if (loss == none || !entry(tape_.values, loss).statistics) return {};
      return Tensor::scalar(entry(tape_.values, loss).statistics->mean, DType::f64);
    }
    TapeIndex then = tick;
    const std::string said = take_time(name, then);
    if (const auto module = module_in_dead(said)) return dead_of(*module, then);
    const TapeIndex value = tape_.find(trimmed(said), then);
    if (value == none) return {};
    // One number is known from its statistics.
    const TapeValue& known = entry(tape_.values, value);
    if (!known.payload && known.spec.shape.numel() == 1 && known.statistics &&
        known.statistics->bad() == 0 && known.spec.shape.rank() == 0 && is_exact_as_mean(known))
      return Tensor::scalar(known.statistics->mean, known.spec.dtype);
    const Tensor x = of(value);
    return Tensor(x.storage(), x.layout(), x.dtype()).set_name(tape_.name_of(value));
  };
}

Tensor Elements::dead_of(std::string_view module, TapeIndex tick) const {
  const TapeIndex there = tick_of_module(tape_, module, tick);
  if (there == none) return {};
  const std::optional<double> share = dead_share(*this, there);
  if (!share)
    throw ValueError("'" + std::string(module) + "' gives no rows of units",
                     "dead(relu1) is the share of units that are 0 for all rows");
  return Tensor::scalar(*share, DType::f64);
}

std::string Elements::take_time(std::string_view text, TapeIndex& tick) const {
  // "@ t=" cannot be a matrix product: no expression holds a single '='. One time at the end is
  // that of all names; otherwise each has its own.
  std::size_t sign = text.npos;
  for (std::size_t i = text.find('@'); i != text.npos; i = text.find('@', i + 1))
    if (const std::string_view time = time_in(text.substr(i + 1)); !time.empty()) {
      const auto end = static_cast<std::size_t>(time.data() + time.size() - text.data());
      if (sign != text.npos || !trimmed(text.substr(end)).empty()) return std::string(text);
      sign = i;
    }
  if (sign == text.npos) return std::string(text);
  tick = parse_tick(tape_, trimmed(text.substr(sign + 1)), tick);
  return std::string(text.substr(0, sign));
}

/// What the tape knows without elements: "w1.shape", "|w1|".
std::optional<Value> Elements::known_without(std::string_view expression, TapeIndex tick) const {
  expression = trimmed(expression);
  const bool is_norm = expression.size() > 2 && expression.front() == '|' &&
                       expression.find('|', 1) == expression.size() - 1;
  const std::size_t dot = expression.rfind('.');
  const std::string_view name =
      is_norm ? trimmed(expression.substr(1, expression.size() - 2)) : expression.substr(0, dot);
  const TapeIndex value = tape_.find(name, tick);
  if (value == none || entry(tape_.values, value).payload) return std::nullopt;
  const TapeValue& known = entry(tape_.values, value);
  if (is_norm) {
    if (replay_ || !known.statistics || known.statistics->bad() > 0) return std::nullopt;
    return Value{Tensor::scalar(known.statistics->l2, DType::f64), {}};
  }
  constexpr std::string_view attributes[] = {"shape", "ndim", "numel", "size", "dtype"};
  if (dot == expression.npos || std::ranges::count(attributes, expression.substr(dot + 1)) == 0)
    return std::nullopt;
  // One element, seen as often as there were.
  const Tensor stand_in = Tensor::scalar(0, known.spec.dtype);
  const Layout seen = stand_in.layout().broadcast_to(known.spec.shape);
  return see::evaluate(expression, [&](std::string_view asked) {
    return asked == name ? Tensor(stand_in.storage(), seen, known.spec.dtype) : Tensor();
  });
}

Value Elements::evaluate(std::string_view text, TapeIndex tick) const {
  const std::string expression = with_previous_loss(take_time(text, tick));
  try {
    if (std::optional<Value> known = known_without(expression, tick)) return *std::move(known);
    return see::evaluate(expression, at(tick));
  } catch (const UnknownName& error) {
    if (error.name() == previous_loss)
      throw UnknownName("there is no step before this one", "loss[-1]",
                        "loss[-1] is the loss of the step before", error.position());
    if (error.name() == "g") throw;
    const auto module = module_in_dead(error.name());
    const Absence why =
        module ? absence_of_module(tape_, *module, tick) : absence_of(tape_, error.name(), tick);
    throw UnknownName(why.problem, error.name(), why.hint, error.position());
  }
}

std::vector<std::string> Elements::unknown_names(std::string_view text) const {
  TapeIndex tick = tape_.ticks.empty() ? none : static_cast<TapeIndex>(tape_.ticks.size()) - 1;
  const std::string expression = with_previous_loss(
      tick == none ? std::string(text.substr(0, text.find("@ "))) : take_time(text, tick));
  const auto is_known = [&](std::string_view name) {
    if (name == previous_loss || name == "loss") return true;
    TapeIndex then = tick;
    if (tick == none) return false;
    const std::string said = take_time(name, then);
    if (const auto module = module_in_dead(said)) {
      const std::vector<std::string> known = modules_of(tape_);
      return std::ranges::count(known, *module) > 0;
    }
    return tape_.find(trimmed(said), then) != none;
  };
  return see::unknown_names(expression, is_known);
}

}  // namespace gradus::see
