// Rules about numbers: where the first value that is not finite came from; see health.h.
#include <gradus/see/health_rules.h>

#include <algorithm>
#include <cmath>

namespace gradus::see {
namespace {

bool is_bad(const HealthReport& r, TapeIndex v) {
  return r.value(v).statistics && r.value(v).statistics->bad() > 0;
}

std::string number_text(double v) {
  if (std::isnan(v)) return "nan";
  if (std::isinf(v)) return v > 0 ? "inf" : "-inf";
  return digits(v == 0 ? 0 : v, 4);
}

/// The element of a value at a row-major position of `shape`, to which it broadcasts.
struct NamedElement {
  std::string label;
  std::optional<double> number;
  std::int64_t position = 0;
};
NamedElement element(const HealthReport& r, TapeIndex v, const Shape& shape,
                     std::int64_t position) {
  const Shape& own = r.value(v).spec.shape;
  std::int64_t at = 0, stride = 1;
  for (int axis = shape.rank() - 1, mine = own.rank() - 1; axis >= 0; --axis, --mine) {
    const std::int64_t here = position % shape[axis];
    position /= shape[axis];
    if (mine < 0) continue;
    at += (own[mine] == 1 ? 0 : here) * stride;
    stride *= own[mine];
  }
  NamedElement e{r.name(v) + index_text(own, at), {}, at};
  const std::vector<double> all = r.elements(v);
  if (at < static_cast<std::int64_t>(all.size()))
    e.number = all[static_cast<std::size_t>(at)];
  else
    e.number = r.number(v);
  return e;
}

bool is_elementwise(const HealthReport& r, const TapeEvent& event) {
  if (event.inputs.empty()) return false;
  for (const TapeIndex v : event.inputs) {
    const Shape& in = r.value(v).spec.shape;
    const Shape& out = r.value(event.outputs[0]).spec.shape;
    if (in.rank() > out.rank()) return false;
    for (int back = 1; back <= in.rank(); ++back)
      if (in[in.rank() - back] != out[out.rank() - back] && in[in.rank() - back] != 1) return false;
  }
  return true;
}

/// "log(0)", "0 / 0"
std::string call_text(const TapeEvent& event, const std::vector<double>& numbers) {
  for (const auto& [op, sign] : {std::pair{"div", "/"}, {"mul", "*"}, {"sub", "-"}, {"add", "+"}})
    if (event.op == op && numbers.size() == 2)
      return number_text(numbers[0]) + " " + sign + " " + number_text(numbers[1]);
  std::string text = event.op + "(";
  for (std::size_t i = 0; i < numbers.size(); ++i)
    text += (i ? ", " : "") + number_text(numbers[i]);
  return text + ")";
}

/// The numbers that went into one element of an elementwise call, where they are known.
std::vector<double> operands(const HealthReport& r, const TapeEvent& event, std::int64_t position) {
  std::vector<double> numbers;
  const Shape& shape = r.value(event.outputs[0]).spec.shape;
  if (!is_elementwise(r, event)) return {};
  for (const TapeIndex v : event.inputs) {
    const NamedElement e = element(r, v, shape, position);
    if (!e.number) return {};
    numbers.push_back(*e.number);
  }
  return numbers;
}

/// What is told of one alarm: N2 where exp overflowed, N1 else.
void tell_origin(HealthReport& r, TapeIndex index) {
  const TapeEvent& event = r.event(index);
  const auto out = std::find_if(event.outputs.begin(), event.outputs.end(),
                                [&](TapeIndex v) { return is_bad(r, v); });
  const TapeValue& value = r.value(*out);
  if (event.op == "exp" && value.statistics->plus_inf > 0 && !event.inputs.empty() &&
      r.value(event.inputs[0]).statistics) {
    const bool is_f64 = value.spec.dtype == DType::f64;
    r.tell("N2", &event, "exp",
           std::string("exp overflows ") + (is_f64 ? "f64 above 709.78" : "f32 above 88.72") +
               "; " + r.name(event.inputs[0]) + " reaches " +
               digits(r.value(event.inputs[0]).statistics->max, 4) +
               " here -> inf. Subtract the row maximum first, or use softmax / log_softmax.");
    return;
  }
  const std::int64_t bad = value.statistics->bad(), position = value.statistics->first_bad;
  std::string text = "first non-finite value: " + r.tick_text(event) + " " + event.op + ", " +
                     r.name(*out) + index_text(value.spec.shape, position);
  const std::vector<double> numbers = operands(r, event, position);
  const std::vector<double> results = r.elements(*out);
  if (!numbers.empty()) text += " = " + call_text(event, numbers);
  if (position < static_cast<std::int64_t>(results.size()))
    text += " = " + number_text(results[static_cast<std::size_t>(position)]);
  // One step further back: what made the input what it is.
  bool of_softmax = false;
  TapeIndex tick_back = none;
  if (!numbers.empty()) {
    for (const TapeIndex v : event.inputs) {
      const TapeIndex made = r.value(v).made_by;
      const NamedElement e = element(r, v, value.spec.shape, position);
      if (made == none) continue;
      const TapeEvent& maker = r.event(made);
      of_softmax |= maker.op == "softmax";
      const std::vector<double> before = operands(r, maker, e.position);
      text += "; input " + e.label + " = " + number_text(*e.number);
      if (!before.empty() && maker.op != "softmax") {
        text += " was " + call_text(maker, before);
        if (maker.op == "exp" && *e.number == 0) text += " underflowing";
        text += " at " + r.tick_text(maker);
      } else {
        text += " came from " + maker.op + " at " + r.tick_text(maker);
      }
      tick_back = maker.tick;
      break;
    }
  }
  for (TapeIndex e = index + 1; e < r.count() && !value.statistics->nans; ++e) {
    const TapeEvent& later = r.event(e);
    if (later.depth > 0 || later.outputs.empty()) continue;
    const TapeValue& result = r.value(later.outputs[0]);
    if (!result.statistics || result.statistics->nans == 0) continue;
    text += "; NaN follows at " + r.tick_text(later);
    const std::vector<double> into = operands(r, later, result.statistics->first_bad);
    if (!into.empty()) text += " (" + call_text(later, into) + ")";
    break;
  }
  text += ". " + std::to_string(bad) + " of " + std::to_string(value.spec.shape.numel()) +
          (value.spec.shape.numel() == 1 ? " element." : " elements.");
  std::string repair;
  if (event.op == "log" && of_softmax)
    repair = "Use log_softmax(x) instead of log(softmax(x)).";
  else if (event.op == "log")
    repair = "Keep the input of log above 0: log(x + eps), or clip(x, eps).";
  else if (event.op == "div")
    repair = "Keep the divisor away from 0: x / (y + eps).";
  else if (event.op == "sqrt")
    repair = "Keep the input of sqrt at 0 or above: sqrt(clip(x, 0)).";
  else
    repair = "Lower the learning rate, or look at the inputs.";
  if (tick_back != none && tick_back != event.tick)
    repair += " [n- shows t" + std::to_string(r.tick(tick_back).number) + "]";
  r.tell("N1", &event, "first", text, repair);
}

/// "x > 0", "log(x)", "0": how a user may have written a value.
std::string written(const HealthReport& r, TapeIndex v, int depth = 0) {
  if (const auto number = r.number(v);
      number && r.value(v).name.empty() && r.value(v).made_by == none)
    return number_text(*number);
  const TapeIndex made = r.value(v).made_by;
  if (!r.value(v).name.empty() || made == none || depth > 2) return r.name(v);
  const TapeEvent& event = r.event(made);
  for (const auto& [op, sign] : {std::pair{"greater", ">"},
                                 {"greater_equal", ">="},
                                 {"less", "<"},
                                 {"less_equal", "<="},
                                 {"equal", "=="},
                                 {"not_equal", "!="},
                                 {"div", "/"},
                                 {"mul", "*"},
                                 {"add", "+"},
                                 {"sub", "-"}})
    if (event.op == op && event.inputs.size() == 2)
      return written(r, event.inputs[0], depth + 1) + " " + sign + " " +
             written(r, event.inputs[1], depth + 1);
  std::string text = event.op + "(";
  for (std::size_t i = 0; i < event.inputs.size(); ++i)
    text += (i ? ", " : "") + written(r, event.inputs[i], depth + 1);
  return text + ")";
}

/// N3: a where that hides what is not finite. Returns the events that it hides.
std::vector<TapeIndex> find_hidden(HealthReport& r) {
  std::vector<TapeIndex> hidden;
  for (TapeIndex e = 0; e < r.count(); ++e) {
    const TapeEvent& event = r.event(e);
    if (event.op != "where" || event.inputs.size() != 3 || event.phase != Phase::forward ||
        is_bad(r, event.outputs[0]))
      continue;
    for (const std::size_t branch : {std::size_t{1}, std::size_t{2}}) {
      const TapeIndex bad = event.inputs[branch], made = r.value(bad).made_by;
      if (!is_bad(r, bad) || made == none || r.event(made).inputs.empty()) continue;
      hidden.push_back(made);
      const std::string condition = written(r, event.inputs[0]),
                        x = written(r, r.event(made).inputs[0]);
      const std::string other = written(r, event.inputs[3 - branch]), op = r.event(made).op;
      const bool first = branch == 1;
      const auto choose = [&](const std::string& a, const std::string& b) {
        return "where(" + condition + ", " + (first ? a + ", " + b : b + ", " + a) + ")";
      };
      r.tell("N3", &event, "where",
             choose(written(r, bad), other) +
                 ": the NaN is hidden forward but returns in backward (0 * inf). Make the input "
                 "safe first: " +
                 choose(op + "(" + choose(x, "1") + ")", other) + ".");
    }
  }
  return hidden;
}

}  // namespace

void find_number_mistakes(HealthReport& report) {
  const std::vector<TapeIndex> hidden = find_hidden(report);
  for (const TapeIndex e : report.tape().alarms()) {
    const TapeEvent& event = report.event(e);
    const auto is_hidden = [&](TapeIndex known) {
      // The call itself, and what differentiates it.
      return known == e || event.twin == known;
    };
    if (std::any_of(hidden.begin(), hidden.end(), is_hidden)) continue;
    bool has_calls_inside = false;  // a composite: the call inside says more
    for (TapeIndex inner = e + 1; inner < report.count() && report.event(inner).depth > event.depth;
         ++inner)
      has_calls_inside |= report.event(inner).parent == e;
    if (has_calls_inside) continue;
    tell_origin(report, e);
    return;  // what follows follows from it
  }
}

}  // namespace gradus::see
