// Reading and asking conditions; see stop.h.
#include <gradus/ops/ops.h>
#include <gradus/see/dead_units.h>
#include <gradus/see/stop.h>
#include <gradus/see/tape_view.h>
#include <gradus/see/words.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <set>

namespace gradus::see {
namespace {

/// "1e4", "1G", "0.1": the number, with K M G T as powers of 1000.
bool read_number(const std::string& text, double& value) {
  char* end = nullptr;
  value = std::strtod(text.c_str(), &end);
  if (end == text.c_str()) return false;
  const std::string_view unit = "KMGT";
  if (const std::size_t power = unit.find(static_cast<char>(std::toupper(*end)));
      *end != '\0' && power != unit.npos) {
    value *= std::pow(1000., static_cast<double>(power) + 1);
    ++end;
    if (*end == 'B') ++end;
  }
  return trimmed(end).empty() && !std::isnan(value);
}

/// Values made in a tick, inner ones too; of t0 those that come in there.
std::vector<TapeIndex> made_in(const Tape& tape, TapeIndex index) {
  std::vector<TapeIndex> made;
  const TapeTick& tick = at(tape.ticks, index);
  if (tick.number == 0)
    for (const TapeIndex v : tape.results_of(index))
      if (at(tape.values, v).made_by == none && at(tape.values, v).step == tick.step)
        made.push_back(v);
  for (TapeIndex e = tick.first; e < tick.last; ++e)
    for (const TapeIndex v : at(tape.events, e).outputs)
      if (at(tape.values, v).made_by == e) made.push_back(v);
  return made;
}

/// Whether an expression names something that the tick made: "w1", "w1.g", "w1.g.mean()". Only what
/// the tick made is looked at, so that running over a long tape takes as long as the tape.
bool names_something_made(const Elements& elements, const std::string& expression, TapeIndex tick) {
  const Tape& tape = elements.tape();
  if (asks_dead_of(expression, tape, tick)) return true;
  std::set<std::string, std::less<>> made;
  for (const TapeIndex v : made_in(tape, tick)) {
    made.insert(tape.name_of(v));
    if (const TapeIndex of = at(tape.values, v).gradient_of; of != none)
      made.insert(tape.name_of(of) + ".g");
    if (tape.loss_of(at(tape.ticks, tick).step) == v) made.insert("loss");
  }
  const auto is_name = [&](std::size_t k) {
    const char c = expression[k];
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.';
  };
  for (std::size_t i = 0; i < expression.size();) {
    std::size_t end = i;
    while (end < expression.size() && is_name(end)) ++end;
    for (std::string_view name = std::string_view(expression).substr(i, end - i); !name.empty();
         name = name.substr(0, name.rfind('.') == name.npos ? 0 : name.rfind('.'))) {
      if (made.contains(name)) return true;
      if (name.ends_with(".g")) break;  // an update writes w1, and w1.g stays what it was
    }
    i = std::max(end, i + 1);
  }
  return false;
}

/// Where a comparison is in text: its sign, which no bracket holds. No time's: w @ t=3.
std::optional<std::pair<std::size_t, std::size_t>> sign_in(std::string_view text) {
  int open = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    open += (c == '(' || c == '[') - (c == ')' || c == ']');
    const bool has_equals = text.substr(i + 1).starts_with('=');
    if (open == 0 && (c == '<' || c == '>' || ((c == '=' || c == '!') && has_equals)))
      return std::pair{i, i + (has_equals ? 2 : 1)};
  }
  return std::nullopt;
}

/// "; there are lin1, mse", of few names.
std::string all_of(const std::set<std::string>& names, const std::string& what = "there are ") {
  std::string all;
  if (names.size() <= 12)
    for (const std::string& name : names) all += (all.empty() ? "; " + what : ", ") + name;
  return all;
}

/// Those of the reader's own calls: the backward pass has many that nobody wrote.
std::set<std::string> forward_calls(const Tape& tape) {
  std::set<std::string> calls;
  for (const TapeEvent& event : tape.events)
    if (event.phase == Phase::forward && event.parent == none) calls.insert(event.op);
  return calls;
}

constexpr std::int64_t any_size = -1;

/// "*,10000", "[150,50]" as sizes.
Ints read_shape(std::string_view text) {
  const auto fail = [&] {
    throw ValueError("'" + std::string(text) + "' is no shape",
                     "b shape *,10000: sizes or *, with commas; a leading * is any number of axes");
  };
  std::string_view inner = trimmed(text);
  if (inner.starts_with('[') && inner.ends_with(']')) inner = inner.substr(1, inner.size() - 2);
  Ints sizes;
  for (std::size_t i = 0; i <= inner.size();) {
    const std::size_t end = std::min(inner.find(',', i), inner.size());
    const std::string_view one = trimmed(inner.substr(i, end - i));
    const bool is_number =
        !one.empty() && one.size() < 19 && one.find_first_not_of("0123456789") == one.npos;
    if (one != "*" && !is_number) fail();
    sizes.push_back(one == "*" ? any_size : std::stoll(std::string(one)));
    i = end + 1;
  }
  return sizes;
}

bool fits_shape(const Ints& wanted, const Shape& shape) {
  const auto rank = static_cast<std::size_t>(shape.rank());
  const bool open = wanted[0] == any_size;  // any number of axes
  if (open ? rank + 1 < wanted.size() : rank != wanted.size()) return false;
  for (std::size_t i = open ? 1 : 0; i < wanted.size(); ++i)
    if (wanted[i] != any_size && wanted[i] != shape[static_cast<int>(rank + i - wanted.size())])
      return false;
  return true;
}

/// What changed in a tensor: "3 of 6 numbers, L2 2 -> 2.5, most [1,0]: 0.5 -> -0.25".
std::string change_text(const Tensor& before, const Tensor& now) {
  const Unobserved not_seen;
  const NoGrad not_recorded;
  const std::vector<double> old = before.to_vector<double>(), fresh = now.to_vector<double>();
  std::int64_t count = 0;
  std::size_t most = 0;
  double largest = -1;
  for (std::size_t i = 0; i < old.size(); ++i) {
    const bool both_nan = std::isnan(old[i]) && std::isnan(fresh[i]);
    if (old[i] == fresh[i] || both_nan) continue;
    ++count;
    // A number that turned NaN changed most of all.
    const double change = std::isnan(fresh[i] - old[i]) ? INFINITY : std::fabs(fresh[i] - old[i]);
    if (change <= largest) continue;
    largest = change;
    most = i;
  }
  return std::to_string(count) + " of " + counted(now.numel(), "number") + ", L2 " +
         number(statistics(before).l2) + " -> " + number(statistics(now).l2) + ", most " +
         index_text(index_at(now.shape(), static_cast<std::int64_t>(most))) + ": " +
         number(old[most]) + " -> " + number(fresh[most]);
}

/// " at [2,3]", the first NaN or infinity; nothing for a single number.
std::string first_bad_text(const TapeValue& value) {
  const Shape& shape = value.spec.shape;
  if (shape.rank() == 0) return "";
  return ", first bad number at " + index_text(index_at(shape, value.statistics->first_bad));
}

}  // namespace

std::string unknown_text(const std::string& name, const std::vector<std::string>& known) {
  const std::string near = nearest(name, known);
  return "nothing on the tape so far is called '" + name + "'" +
         (near.empty() ? "" : "; did you mean '" + near + "'?");
}

bool matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = pattern.npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p, ++t;
    } else if (star != pattern.npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

Stop::Stop(std::string text) : text_(trimmed(text)) {
  if (text_.empty()) throw ValueError("a stop is missing", "b lin1, b nan, b |w1.g|>100");
  std::string plain = text_;
  for (char& c : plain) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (plain == "nan" || plain == "inf") {
    kind_ = plain == "nan" ? Kind::nan : Kind::inf;
    return;
  }
  if (read_time()) return;
  if (text_ == "shape" || text_ == "rank" || text_ == "bytes" || text_ == "op:")
    throw ValueError("'" + text_ + "' alone stops nowhere",
                     "b shape *,10000, b rank>2, b bytes>1G, b op:matmul");
  if (text_.starts_with("op:")) {
    kind_ = Kind::op;
    subject_ = text_.substr(3);
    return;
  }
  if (text_.starts_with("shape ")) {
    kind_ = Kind::shape;
    shape_ = read_shape(std::string_view(text_).substr(6));
    return;
  }
  const std::size_t sign = text_.find_first_of("<>=!");
  if (sign == text_.npos) {
    const std::size_t colon = text_.rfind(':');
    const bool is_place = colon != text_.npos && colon + 1 < text_.size() &&
                          text_.find_first_not_of("0123456789", colon + 1) == text_.npos;
    const bool is_word = text_.find_first_of(" |()[]+/@") == text_.npos;
    if (!is_place && !is_word)
      throw ValueError("'" + text_ + "' is neither a name nor a condition",
                       "b lin1, b op:matmul, b file.cpp:42, b |w1.g|>100, b loss>5*loss[-1]");
    kind_ = is_place ? Kind::place : Kind::pattern;
    subject_ = text_;
    return;
  }
  const bool has_equals = text_.substr(sign + 1).starts_with('=');
  if (!has_equals && (text_[sign] == '=' || text_[sign] == '!'))
    throw ValueError("'" + text_ + "' has a single " + text_[sign], "equal is ==, not equal is !=");
  kind_ = Kind::condition;
  subject_ = trimmed(text_.substr(0, sign));
  sign_ = text_.substr(sign, has_equals ? 2 : 1);
  const bool is_number = read_number(
      std::string(trimmed(std::string_view(text_).substr(sign + sign_.size()))), limit_);
  if (subject_.empty() || trimmed(text_.substr(sign + sign_.size())).empty())
    throw ValueError("'" + text_ + "' compares with nothing", "b loss>5*loss[-1]");
  // |w1.g|, |*.g|: of names, told from statistics. |w1-w2|>|w2| is an expression like any other.
  const bool has_bars = subject_.size() > 2 && subject_.front() == '|' && subject_.back() == '|' &&
                        std::all_of(subject_.begin() + 1, subject_.end() - 1, [](char c) {
                          return std::isalnum(static_cast<unsigned char>(c)) ||
                                 std::string_view("_.* ").find(c) != std::string_view::npos;
                        });
  const std::optional<std::string_view> dead = module_in_dead(subject_);
  if (!is_number) {
    const bool has_star = (has_bars || dead) && subject_.find('*') != subject_.npos;
    if (has_star || subject_ == "bytes" || subject_ == "rank")
      throw ValueError("'" + text_ + "' compares with no number", "b |w1.g|>100, b bytes>1G");
    return;
  }
  if (subject_ == "bytes") kind_ = Kind::bytes;
  if (subject_ == "rank") kind_ = Kind::rank;
  if (has_bars) {
    kind_ = Kind::norm;
    subject_ = trimmed(subject_.substr(1, subject_.size() - 2));
  }
  if (dead) {
    kind_ = Kind::dead;
    subject_ = std::string(*dead);
  }
}

/// "t=3", "step=1 t=3"; "step=1" is where that step begins, as for j.
bool Stop::read_time() {
  if (time_in(text_) != text_) {
    for (const std::string_view word : {"t=", "step="})
      if (text_.starts_with(word) && text_.substr(word.size()).find_first_of("<>=!") == text_.npos)
        throw ValueError("'" + text_ + "' is no time", "t=4, step=1 t=4");
    return false;
  }
  kind_ = Kind::time;
  for (std::string_view rest = text_; !rest.empty(); rest = trimmed(rest)) {
    const bool is_step = rest.starts_with("step=");
    rest.remove_prefix(is_step ? 5 : 2);
    const std::size_t end = std::min(rest.find(' '), rest.size());
    (is_step ? step_ : number_) = read_count(std::string(rest.substr(0, end)));
    rest.remove_prefix(end);
  }
  if (number_ == none) number_ = 0;
  return true;
}

std::string Stop::doubt(const Elements& elements) const {
  const Tape& tape = elements.tape();
  if (kind_ == Kind::condition) {
    std::vector<std::string> unknown = elements.unknown_names(text_);
    if (unknown.empty() || tape.ticks.empty()) return "";
    if (const auto module = module_in_dead(unknown[0])) {
      const std::vector<std::string> modules = modules_of(tape);
      const std::string text = unknown_text(std::string(*module), modules);
      return text.ends_with('?') ? text : text + all_of({modules.begin(), modules.end()});
    }
    return unknown_text(unknown[0], tape.names(static_cast<TapeIndex>(tape.ticks.size()) - 1));
  }
  if (tape.ticks.empty()) return "";
  if (kind_ == Kind::time) {
    TapeIndex most = 0;
    for (const TapeTick& tick : tape.ticks) most = std::max(most, tick.number);
    if (number_ <= most) return "";
    return "no step so far has a t" + std::to_string(number_) + ": they go up to t" +
           std::to_string(most);
  }
  std::set<std::string> known;
  for (const TapeTick& tick : tape.ticks) {
    if (tick.first == tick.last) continue;
    const TapeEvent& first = at(tape.events, tick.first);
    for (const std::string& name : {tick.label, first.scope})
      if (!name.empty() && kind_ == Kind::pattern) {
        known.insert(name);
        // A forward pass without its backward pass so far will have one.
        if (tick.phase == Phase::forward) known.insert(name + ".backward");
      }
  }
  if (kind_ == Kind::dead)
    for (std::string& module : modules_of(tape)) known.insert(std::move(module));
  if (kind_ == Kind::op)
    for (const TapeEvent& event : tape.events) known.insert(event.op);
  if (kind_ == Kind::place)
    for (const TapeEvent& event : tape.events)
      if (event.parent == none)
        known.insert(event.file.substr(event.file.rfind('/') + 1) + ":" +
                     std::to_string(event.line));
  if (kind_ == Kind::norm)
    for (const std::string& name : tape.names(static_cast<TapeIndex>(tape.ticks.size()) - 1)) {
      known.insert(name);
      known.insert(name + ".g");
    }
  const std::string wanted =
      kind_ == Kind::place ? subject_.substr(subject_.rfind('/') + 1) : subject_;
  if (known.empty() || std::any_of(known.begin(), known.end(),
                                   [&](const std::string& name) { return matches(wanted, name); }))
    return "";
  if (kind_ == Kind::place) {
    const std::string file = wanted.substr(0, wanted.rfind(':') + 1);
    std::set<int> numbers;
    for (const std::string& place : known)
      if (place.starts_with(file)) numbers.insert(read_count(place.substr(file.size())));
    std::string lines;
    for (const int line : numbers) lines += (lines.empty() ? "" : ", ") + std::to_string(line);
    if (!lines.empty())
      return "no call on the tape so far is at " + wanted + "; in " +
             file.substr(0, file.size() - 1) + " there are calls at lines " + lines;
  }
  if (kind_ == Kind::pattern &&
      tape.find(subject_, static_cast<TapeIndex>(tape.ticks.size()) - 1) != none)
    return "'" + subject_ + "' is a tensor, not a module or operation; watch " + subject_ +
           " stops at its changes, b |" + subject_ + "|>1 at its size";
  if (kind_ == Kind::pattern) known.insert({"nan", "inf"});
  std::string text = unknown_text(subject_, {known.begin(), known.end()});
  if (text.ends_with('?')) return text;
  if (kind_ == Kind::dead) return text + all_of(known);
  if (kind_ == Kind::op) return text + all_of(forward_calls(tape), "the forward pass calls ");
  std::set<std::string> labels;
  for (const TapeTick& tick : tape.ticks)
    if (tick.number > 0 && kind_ == Kind::pattern) labels.insert(tick.label);
  return text + all_of(labels);
}

bool Stop::compares(double value) const {
  if (sign_ == ">") return value > limit_;
  if (sign_ == ">=") return value >= limit_;
  if (sign_ == "<") return value < limit_;
  if (sign_ == "<=") return value <= limit_;
  if (sign_ == "!=") return value != limit_;
  return value == limit_;
}

std::optional<std::string> Stop::met(const Elements& elements, TapeIndex index) const {
  const Tape& tape = elements.tape();
  const TapeTick& tick = at(tape.ticks, index);
  if (kind_ == Kind::time)
    return tick.number == number_ && (step_ == none || tick.step == step_)
               ? std::optional<std::string>("")
               : std::nullopt;
  const bool has_run = tick.first < tick.last;  // not t0, where tensors come in
  if (!has_run && (kind_ == Kind::pattern || kind_ == Kind::op || kind_ == Kind::place))
    return std::nullopt;
  const auto events = [&](auto&& asks) -> const TapeEvent* {
    for (TapeIndex e = tick.first; e < tick.last; ++e)
      if (asks(at(tape.events, e))) return &at(tape.events, e);
    return nullptr;
  };
  const std::string backward = tick.phase == Phase::backward ? ".backward" : "";
  switch (kind_) {
    case Kind::pattern: {
      if (matches(subject_, tick.label + backward)) return "";
      const std::string& scope = at(tape.events, tick.first).scope;
      return !scope.empty() && matches(subject_, scope + backward) ? std::optional<std::string>("")
                                                                   : std::nullopt;
    }
    case Kind::op:
      if (events([&](const TapeEvent& e) { return matches(subject_, e.op); })) return "";
      return std::nullopt;
    case Kind::place: {
      const bool here = events([&](const TapeEvent& e) {
        const std::string place = e.file + ":" + std::to_string(e.line);
        return e.parent == none && (place == subject_ || place.ends_with("/" + subject_));
      });
      return here ? std::optional<std::string>("") : std::nullopt;
    }
    default:
      break;
  }
  if (kind_ == Kind::condition) {
    if (!names_something_made(elements, text_, index)) return std::nullopt;
    try {
      if (!holds(elements, text_, index)) return std::nullopt;
      return compared_text(elements, text_, index);
    } catch (const UnknownName&) {
      return std::nullopt;  // not all it names is there yet
    }
  }
  for (const TapeIndex v : made_in(tape, index)) {
    const TapeValue& value = at(tape.values, v);
    const auto& s = value.statistics;
    const std::string name = tape.name_of(v);
    if (kind_ == Kind::nan && s && s->nans > 0)
      return name + ": " + std::to_string(s->nans) + " NaN" + first_bad_text(value);
    if (kind_ == Kind::inf && s && s->plus_inf + s->minus_inf > 0)
      return name + ": " + std::to_string(s->plus_inf + s->minus_inf) + " infinite" +
             first_bad_text(value);
    if (kind_ == Kind::shape && fits_shape(shape_, value.spec.shape))
      return name + " " + value.spec.str();
    const auto bytes = static_cast<double>(value.spec.shape.numel()) *
                       static_cast<double>(dtype_size(value.spec.dtype));
    if (kind_ == Kind::bytes && compares(bytes)) return name + " takes " + number(bytes) + " bytes";
    if (kind_ == Kind::rank && compares(value.spec.shape.rank()))
      return name + " " + value.spec.str();
    if (kind_ == Kind::norm && s && matches(subject_, name)) {
      // l2 leaves out what is not finite; a norm does not.
      const double norm = s->nans > 0 ? double{NAN} : s->bad() > 0 ? HUGE_VAL : s->l2;
      if (compares(norm)) return "|" + name + "| = " + number(norm);
    }
  }
  if (kind_ == Kind::dead && has_run && tick.phase == Phase::forward &&
      (matches(subject_, tick.label) || matches(subject_, at(tape.events, tick.first).scope)))
    if (const auto share = dead_share(elements, index); share && compares(*share))
      return "dead(" + tick.label + ") = " + number(*share);
  return std::nullopt;
}

bool holds(const Elements& elements, const std::string& expression, TapeIndex tick) {
  const Value value = elements.evaluate(expression, tick);
  if (!value.tensor)
    throw ValueError("'" + expression + "' is the word '" + value.word + "', not true or false",
                     "compare it: " + expression + " == ...");
  const Unobserved not_seen;
  const NoGrad not_recorded;
  return value.tensor.astype(DType::boolean).astype(DType::i64).sum().item<std::int64_t>() > 0;
}

std::string compared_text(const Elements& elements, const std::string& comparison, TapeIndex tick) {
  const auto sign = sign_in(comparison);
  TapeIndex then = tick;  // one time at the end is that of both sides
  if (!sign || elements.take_time(comparison, then) != comparison) return "";
  std::string text;
  const std::string_view sides = comparison;
  for (const std::string_view part : {sides.substr(0, sign->first), sides.substr(sign->second)}) {
    const std::string side(trimmed(part));
    if (double known = 0; read_number(side, known)) continue;
    try {
      if (const Tensor x = elements.evaluate(side, tick).tensor; x && x.numel() == 1)
        text += (text.empty() ? "" : ", ") + side + " = " + number(x.item());
    } catch (const Error&) {  // a side that is more than a value: a < b < c
    }
  }
  return text;
}

std::optional<std::string> changed(const Elements& elements, const std::string& expression,
                                   TapeIndex tick) {
  if (!names_something_made(elements, expression, tick)) return std::nullopt;
  Tensor before, now;
  try {
    now = elements.evaluate(expression, tick).tensor;
  } catch (const UnknownName&) {
    return std::nullopt;
  }
  try {
    if (tick > 0) before = elements.evaluate(expression, tick - 1).tensor;
  } catch (const Error&) {  // it was not there, or is not kept: then it counts as changed
  }
  if (!now) return std::nullopt;
  const auto text = [](const Tensor& x) {
    return x.numel() == 1 ? number(x.item()) : x.spec().str();
  };
  if (!before) return expression + " = " + text(now);
  const bool has_same_spec = before.spec() == now.spec();
  if (has_same_spec && statistics(before).hash == statistics(now).hash) return std::nullopt;
  if (!has_same_spec || now.numel() == 1)
    return expression + "  " + text(before) + " -> " + text(now);
  return expression + "  " + change_text(before, now);
}

}  // namespace gradus::see
