// Rules about numbers: where the first value that is not finite came from; see health.h.
#include <gradus/see/health_rules.h>

#include <algorithm>
#include <cmath>

#include <gradus/ops/registry.h>

namespace gradus::see {
namespace {

bool is_bad(const HealthReport& r, TapeIndex v) {
  return r.value(v).statistics && r.value(v).statistics->bad() > 0;
}
bool is_nan(const HealthReport& r, TapeIndex v) {
  return r.value(v).statistics && r.value(v).statistics->nans > 0;
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

/// Whether an element of the result is made of those at its place alone, by the definition.
bool is_elementwise(const HealthReport& r, const TapeEvent& event) {
  const auto op = std::find_if(all_ops().begin(), all_ops().end(),
                               [&](const Op& known) { return known.name() == event.op; });
  if (op == all_ops().end() || !op->facts().in_place_safe || event.inputs.empty()) return false;
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
      return element_text(numbers[0]) + " " + sign + " " + element_text(numbers[1]);
  std::string text = event.op + "(";
  for (std::size_t i = 0; i < numbers.size(); ++i)
    text += (i ? ", " : "") + element_text(numbers[i]);
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

/// The input that says most of what went wrong, and which of its elements.
struct Suspect {
  TapeIndex value = none;
  std::int64_t position = -1;  ///< -1 where the elements were not kept
  double number = 0;
  bool is_largest = false;  ///< chosen for its size
};

Suspect suspect_of(const HealthReport& r, const TapeEvent& event, std::int64_t position) {
  Suspect found;
  if (is_elementwise(r, event)) {
    const Shape& shape = r.value(event.outputs[0]).spec.shape;
    for (const TapeIndex v : event.inputs) {
      const NamedElement e = element(r, v, shape, position);
      if (!e.number) return {};
      const bool is_worse =
          found.value == none || (std::isinf(*e.number) && !is_bad(r, found.value));
      if (is_worse && (r.value(v).made_by != none || is_bad(r, v)))
        found = {v, e.position, *e.number};
    }
    return found;
  }
  for (const TapeIndex v : event.inputs) {
    const auto& s = r.value(v).statistics;
    if (!s || !is_floating(r.value(v).spec.dtype)) continue;
    if (s->bad() > 0) {
      const std::vector<double> all = r.elements(v);
      // At the place of the result, where that is one of them.
      const bool is_same = r.value(v).spec.shape == r.value(event.outputs[0]).spec.shape &&
                           position < static_cast<std::int64_t>(all.size()) &&
                           !std::isfinite(all[static_cast<std::size_t>(position)]);
      const std::int64_t here = is_same ? position : s->first_bad;
      const auto at = static_cast<std::size_t>(here);
      return {v, here, at < all.size() ? all[at] : s->plus_inf > 0 ? HUGE_VAL : -HUGE_VAL};
    }
    const double most = -s->min > s->max ? s->min : s->max;
    if (found.value == none || std::fabs(most) > std::fabs(found.number))
      found = {v, -1, most, true};
  }
  if (found.value == none) return found;
  const std::vector<double> all = r.elements(found.value);
  const auto at = std::find(all.begin(), all.end(), found.number);
  if (at != all.end()) found.position = at - all.begin();
  return found;
}

/// What is told of one alarm: N2 where exp overflowed, N1 else.
class Origin {
 public:
  Origin(HealthReport& report, TapeIndex index)
      : r_(report),
        index_(index),
        event_(report.event(index)),
        out_(*std::find_if(event_.outputs.begin(), event_.outputs.end(),
                           [&](TapeIndex v) { return is_bad(report, v); })),
        value_(report.value(out_)) {}

  void tell() {
    if (event_.op == "exp" && value_.statistics->plus_inf > 0 && !event_.inputs.empty() &&
        r_.value(event_.inputs[0]).statistics)
      return tell_exp();
    const std::int64_t bad = value_.statistics->bad(), position = value_.statistics->first_bad;
    std::string text = "first non-finite value: " + r_.tick_text(event_) + " " + op_text() + ", " +
                       r_.name(out_) + index_text(value_.spec.shape, position);
    const std::vector<double> numbers = operands(r_, event_, position);
    const std::vector<double> results = r_.elements(out_);
    if (!numbers.empty()) text += " = " + call_text(event_, numbers);
    if (position < static_cast<std::int64_t>(results.size()))
      text += " = " + element_text(results[static_cast<std::size_t>(position)]);
    text += input_text(suspect_of(r_, event_, position)) + following_text() + ". " +
            std::to_string(bad) + " of " + std::to_string(value_.spec.shape.numel()) +
            (value_.spec.shape.numel() == 1 ? " element." : " elements.");
    std::string why = repair();
    if (tick_back_ != none && tick_back_ != event_.tick) {
      const TapeEvent& back = r_.event(r_.tick(tick_back_).first);
      why += " [n- shows " + r_.tick_text(back, event_) + "]";
    }
    r_.tell("N1", &event_, "first", text, why);
  }

 private:
  void tell_exp() {
    const bool is_f64 = value_.spec.dtype == DType::f64;
    r_.tell("N2", &event_, "exp",
            std::string("exp overflows ") + (is_f64 ? "f64 above 709.78" : "f32 above 88.72") +
                "; " + r_.name(event_.inputs[0]) + " reaches " +
                digits(r_.value(event_.inputs[0]).statistics->max, 4) +
                " here -> inf. Subtract the row maximum first, or use softmax / log_softmax.");
  }
  /// The forward call: of a backward pass the one that is differentiated.
  const std::string& meant_op() const {
    return event_.twin == none ? event_.op : r_.event(event_.twin).op;
  }
  std::string op_text() const { return meant_op() + (event_.twin == none ? "" : ".backward"); }

  /// One step further back: what made the input what it is.
  std::string input_text(const Suspect& suspect) {
    if (suspect.value == none) return "";
    const std::string name = r_.name(suspect.value);
    const TapeIndex made = r_.value(suspect.value).made_by;
    std::string text = "; input " + name;
    if (suspect.position >= 0)
      text += index_text(r_.value(suspect.value).spec.shape, suspect.position) + " = " +
              element_text(suspect.number) + (suspect.is_largest ? ", its largest," : "");
    else
      text += " reaches " + element_text(suspect.number);
    if (made == none) {
      if (text.back() == ',') text.pop_back();
      return text + (is_bad(r_, suspect.value) ? " came with the data" : "");
    }
    if (suspect.position < 0) text += ",";
    const TapeEvent& maker = r_.event(made);
    of_softmax_ = maker.op == "softmax";
    const std::vector<double> before =
        suspect.position < 0 ? std::vector<double>{} : operands(r_, maker, suspect.position);
    if (!before.empty() && !of_softmax_) {
      text += " was " + call_text(maker, before);
      if (maker.op == "exp" && suspect.number == 0) text += " underflowing";
      text += " at " + r_.tick_text(maker, event_);
    } else {
      text += " came from " + maker.op + " at " + r_.tick_text(maker, event_);
    }
    tick_back_ = maker.tick;
    return text;
  }
  std::string following_text() const {
    for (TapeIndex e = index_ + 1; e < r_.count() && !value_.statistics->nans; ++e) {
      const TapeEvent& later = r_.event(e);
      if (later.depth > 0 || later.outputs.empty()) continue;
      const TapeValue& result = r_.value(later.outputs[0]);
      if (!result.statistics || result.statistics->nans == 0) continue;
      const std::vector<double> into = operands(r_, later, result.statistics->first_bad);
      return "; NaN follows at " + r_.tick_text(later, event_) +
             (into.empty() ? "" : " (" + call_text(later, into) + ")");
    }
    return "";
  }
  std::string repair() const {
    const std::string& op = meant_op();
    const bool in_backward = event_.twin != none;
    if (op == "log" && of_softmax_) return "Use log_softmax(x) instead of log(softmax(x)).";
    if (op == "log") return "Keep the input of log above 0: log(x + eps), or clip(x, eps).";
    if (op == "div") return "Keep the divisor away from 0: x / (y + eps).";
    if (op == "sqrt")
      return in_backward ? "Keep the input of sqrt above 0: sqrt(x + eps)."
                         : "Keep the input of sqrt at 0 or above: sqrt(clip(x, 0)).";
    if (op == "pow" && in_backward) return "Keep the base of pow above 0: pow(x + eps, p).";
    if (op == "softmax" || op == "log_softmax")
      return "Leave a finite number in each row: a row of -inf alone has no softmax.";
    return "Lower the learning rate, or look at the inputs.";
  }

  HealthReport& r_;
  TapeIndex index_;
  const TapeEvent& event_;
  TapeIndex out_;
  const TapeValue& value_;
  bool of_softmax_ = false;
  TapeIndex tick_back_ = none;
};

/// Where what is not finite goes: who takes a value.
class Flow {
 public:
  explicit Flow(const HealthReport& report) : r_(report) {
    takers_.resize(report.tape().values.size());
    for (TapeIndex e = 0; e < report.count(); ++e)
      for (const TapeIndex v : report.event(e).inputs)
        takers_[static_cast<std::size_t>(v)].push_back(e);
  }
  const std::vector<TapeIndex>& takers(TapeIndex v) const {
    return takers_[static_cast<std::size_t>(v)];
  }
  /// The values that are not finite because those are; deferred results count as such.
  std::set<TapeIndex> reached(const std::vector<TapeIndex>& from) const {
    std::set<TapeIndex> found;
    std::vector<TapeIndex> open;
    const auto visit = [&](TapeIndex v) {
      if ((is_bad(r_, v) || !r_.value(v).statistics) && found.insert(v).second) open.push_back(v);
    };
    for (const TapeIndex v : from) visit(v);
    while (!open.empty()) {
      const TapeIndex v = open.back();
      open.pop_back();
      for (const TapeIndex e : takers(v))
        for (const TapeIndex y : r_.event(e).outputs) visit(y);
    }
    return found;
  }
  bool is_a_loss(TapeIndex v) const {
    const std::vector<TapeIndex>& losses = r_.tape().losses;
    return std::find(losses.begin(), losses.end(), v) != losses.end();
  }
  /// Whether infinities mark what softmax is to leave out, and it did.
  bool is_mask(const std::vector<TapeIndex>& from) const {
    bool is_taken = false;
    for (const TapeIndex v : reached(from)) {
      const auto& s = r_.value(v).statistics;
      if (s && (s->nans > 0 || s->plus_inf > 0)) return false;
      if (is_a_loss(v)) return false;
      const bool of_logs =
          r_.value(v).made_by != none && r_.event(r_.value(v).made_by).op == "log_softmax";
      if (takers(v).empty() && !of_logs) return false;
      for (const TapeIndex e : takers(v))
        for (const char* op : {"softmax", "log_softmax", "logsumexp", "exp", "sigmoid"})
          is_taken |= r_.event(e).op == op;
    }
    return is_taken;
  }
  /// The first NaN or infinity that came from outside and spoils a result; none where all that did
  /// is taken care of, as by where().
  TapeIndex bad_data() const {
    TapeIndex spoiling = none;
    for (TapeIndex v = 0; v < static_cast<TapeIndex>(takers_.size()); ++v) {
      if (r_.value(v).made_by != none || !is_bad(r_, v)) continue;
      for (const TapeIndex y : reached({v})) {
        if (y == v || !is_bad(r_, y)) continue;
        if (is_a_loss(y)) return v;
        if (spoiling == none && is_nan(r_, v) && is_nan(r_, y) && takers(y).empty()) spoiling = v;
      }
    }
    return spoiling;
  }

 private:
  const HealthReport& r_;
  std::vector<std::vector<TapeIndex>> takers_;
};

void tell_data(HealthReport& r, const Flow& flow, TapeIndex v) {
  const TapeValue& value = r.value(v);
  const Statistics& s = *value.statistics;
  const TapeEvent& first = r.event(flow.takers(v).front());
  const std::string number = s.nans == s.bad()        ? "nan"
                             : s.plus_inf == s.bad()  ? "inf"
                             : s.minus_inf == s.bad() ? "-inf"
                                                      : "not finite";
  r.tell("N1", &first, "data",
         "first non-finite value: " + r.name(v) + index_text(value.spec.shape, s.first_bad) +
             " = " + number + (value.is_parameter ? " was there before" : " came with the data") +
             "; " + first.op + " takes it at " + r.tick_text(first) + ". " +
             std::to_string(s.bad()) + " of " + std::to_string(s.count) +
             (s.count == 1 ? " element." : " elements."),
         value.is_parameter ? "Load weights that are finite."
                            : "Mend the data, or leave these rows out.");
}

/// Whether a composite's own call inside says more.
bool has_calls_inside(const HealthReport& r, TapeIndex e) {
  for (TapeIndex inner = e + 1; inner < r.count() && r.event(inner).depth > r.event(e).depth;
       ++inner)
    if (r.event(inner).parent == e) return true;
  return false;
}

}  // namespace

void find_number_mistakes(HealthReport& report) {
  const auto& values = report.tape().values;
  if (std::none_of(values.begin(), values.end(),
                   [](const TapeValue& v) { return v.statistics && v.statistics->bad() > 0; }))
    return;
  const Flow flow(report);
  const std::set<TapeIndex> hidden = find_hidden_numbers(report);
  const TapeIndex data = flow.bad_data();
  for (const TapeIndex e : report.tape().alarms()) {
    const TapeEvent& event = report.event(e);
    if (data != none && report.value(data).since <= e) break;
    // The call itself, and what differentiates it.
    if (hidden.count(e) || hidden.count(event.twin)) continue;
    if (has_calls_inside(report, e) || flow.is_mask(event.outputs)) continue;
    Origin(report, e).tell();
    return;  // what follows follows from it
  }
  if (data != none) tell_data(report, flow, data);
}

}  // namespace gradus::see
