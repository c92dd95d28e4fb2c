// Reading and asking conditions; see stop.h.
#include <gradus/ops/ops.h>
#include <gradus/see/stop.h>
#include <gradus/see/tape_view.h>
#include <gradus/see/words.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstdlib>

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

/// Values made in a tick, inner ones too.
std::vector<TapeIndex> made_in(const Tape& tape, TapeIndex index) {
  std::vector<TapeIndex> made;
  const TapeTick& tick = at(tape.ticks, index);
  for (TapeIndex e = tick.first; e < tick.last; ++e)
    for (const TapeIndex v : at(tape.events, e).outputs)
      if (at(tape.values, v).made_by == e) made.push_back(v);
  return made;
}

/// Names in an expression that the tick made: "w1", "w1.g".
bool names_something_made(const Elements& elements, const std::string& expression, TapeIndex tick) {
  const Tape& tape = elements.tape();
  const TapeTick& here = at(tape.ticks, tick);
  for (std::size_t i = 0; i < expression.size();) {
    const auto is_name = [&](std::size_t k) {
      const char c = expression[k];
      return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.';
    };
    if (!is_name(i)) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < expression.size() && is_name(end)) ++end;
    for (std::string name = expression.substr(i, end - i); !name.empty();) {
      const TapeIndex v = tape.find(name, tick);
      if (v != none && at(tape.values, v).made_by >= here.first) return true;
      const std::size_t dot = name.rfind('.');
      name.resize(dot == name.npos ? 0 : dot);
    }
    i = end;
  }
  return false;
}

bool fits_shape(const std::string& wanted, const Shape& shape) {
  std::vector<std::string> sizes;
  for (std::size_t i = 0; i <= wanted.size();) {
    const std::size_t end = std::min(wanted.find(',', i), wanted.size());
    sizes.emplace_back(trimmed(std::string_view(wanted).substr(i, end - i)));
    i = end + 1;
  }
  // A leading * stands for any number of axes.
  const bool open = !sizes.empty() && sizes[0] == "*";
  const auto rank = static_cast<std::size_t>(shape.rank());
  if (open ? rank + 1 < sizes.size() : rank != sizes.size()) return false;
  for (std::size_t i = open ? 1 : 0; i < sizes.size(); ++i) {
    const auto axis = static_cast<int>(rank + i - sizes.size());
    if (sizes[i] != "*" && sizes[i] != std::to_string(shape[axis])) return false;
  }
  return true;
}

}  // namespace

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
  if (text_ == "nan" || text_ == "inf") {
    kind_ = text_ == "nan" ? Kind::nan : Kind::inf;
    return;
  }
  if (text_.starts_with("op:")) {
    kind_ = Kind::op;
    subject_ = text_.substr(3);
    return;
  }
  if (text_.starts_with("shape ")) {
    kind_ = Kind::shape;
    subject_ = trimmed(text_.substr(6));
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
  kind_ = Kind::condition;
  subject_ = trimmed(text_.substr(0, sign));
  sign_ = text_.substr(sign, text_[sign + 1 < text_.size() ? sign + 1 : sign] == '=' ? 2 : 1);
  const bool is_number = read_number(
      std::string(trimmed(std::string_view(text_).substr(sign + sign_.size()))), limit_);
  if (subject_.empty() || trimmed(text_.substr(sign + sign_.size())).empty())
    throw ValueError("'" + text_ + "' compares with nothing", "b loss>5*loss[-1]");
  const bool has_bars = subject_.size() > 2 && subject_.front() == '|' && subject_.back() == '|';
  const bool is_dead = subject_.starts_with("dead(") && subject_.back() == ')';
  if (!is_number) {
    if (has_bars || is_dead || subject_ == "bytes" || subject_ == "rank")
      throw ValueError("'" + text_ + "' compares with no number", "b |w1.g|>100, b bytes>1G");
    return;
  }
  if (subject_ == "bytes") kind_ = Kind::bytes;
  if (subject_ == "rank") kind_ = Kind::rank;
  if (has_bars) {
    kind_ = Kind::norm;
    subject_ = trimmed(subject_.substr(1, subject_.size() - 2));
  }
  if (is_dead) {
    kind_ = Kind::dead;
    subject_ = trimmed(subject_.substr(5, subject_.size() - 6));
  }
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
  if (tick.first == tick.last) return std::nullopt;
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
      const Value value = elements.evaluate(text_, index);
      if (!value.tensor) return std::nullopt;
      const Unobserved not_seen;
      const NoGrad not_recorded;
      const std::int64_t hits =
          value.tensor.astype(DType::boolean).astype(DType::i64).sum().item<std::int64_t>();
      return hits > 0 ? std::optional<std::string>("") : std::nullopt;
    } catch (const Error&) {
      return std::nullopt;  // not all it names is there yet
    }
  }
  for (const TapeIndex v : made_in(tape, index)) {
    const TapeValue& value = at(tape.values, v);
    const auto& s = value.statistics;
    const std::string name = tape.name_of(v);
    if (kind_ == Kind::nan && s && s->nans > 0)
      return name + ": " + std::to_string(s->nans) + " NaN, first bad number at " +
             std::to_string(s->first_bad);
    if (kind_ == Kind::inf && s && s->plus_inf + s->minus_inf > 0)
      return name + ": " + std::to_string(s->plus_inf + s->minus_inf) +
             " infinite, first bad number at " + std::to_string(s->first_bad);
    if (kind_ == Kind::shape && fits_shape(subject_, value.spec.shape))
      return name + " " + value.spec.str();
    const auto bytes = static_cast<double>(value.spec.shape.numel()) *
                       static_cast<double>(dtype_size(value.spec.dtype));
    if (kind_ == Kind::bytes && compares(bytes)) return name + " takes " + number(bytes) + " bytes";
    if (kind_ == Kind::rank && compares(value.spec.shape.rank()))
      return name + " " + value.spec.str();
    if (kind_ == Kind::norm && s && matches(subject_, name) && compares(s->l2))
      return "|" + name + "| = " + number(s->l2);
  }
  if (kind_ == Kind::dead && tick.phase == Phase::forward && matches(subject_, tick.label)) {
    try {
      const std::vector<TapeIndex> results = tape.results_of(index);
      if (results.empty() || at(tape.values, results[0]).spec.shape.rank() < 2) return std::nullopt;
      const Unobserved not_seen;
      const NoGrad not_recorded;
      const Tensor x = elements.of(results[0]);
      Ints axes;
      for (int axis = 0; axis + 1 < x.ndim(); ++axis) axes.push_back(axis);
      const Tensor dead = amax(abs(x), axes) == 0;
      const double share = astype(dead, DType::f64).mean().item();
      if (compares(share)) return "dead(" + tick.label + ") = " + number(share);
    } catch (const Error&) {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

std::optional<std::string> changed(const Elements& elements, const std::string& expression,
                                   TapeIndex tick) {
  if (tick == 0 || !names_something_made(elements, expression, tick)) return std::nullopt;
  const auto value_at = [&](TapeIndex t) -> Tensor {
    try {
      return elements.evaluate(expression, t).tensor;
    } catch (const Error&) {
      return {};
    }
  };
  const Tensor before = value_at(tick - 1), now = value_at(tick);
  if (!now) return std::nullopt;
  const auto text = [](const Tensor& x) {
    return x.numel() == 1 ? number(x.item()) : x.spec().str();
  };
  if (!before) return expression + " = " + text(now);
  if (before.spec() == now.spec() && statistics(before).hash == statistics(now).hash)
    return std::nullopt;
  return expression + "  " + text(before) + " -> " + text(now);
}

}  // namespace gradus::see
