// Lines about a tape; see tape_view.h.
#include <gradus/see/tape_callers.h>
#include <gradus/see/tape_rate.h>
#include <gradus/see/tape_view.h>
#include <gradus/see/words.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <sstream>

namespace gradus::see {
namespace {

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }
char letter(Phase phase) { return "FBU"[static_cast<int>(phase)]; }

std::string tick_name(const Tape& tape, TapeIndex tick) {
  return "t" + std::to_string(at(tape.ticks, tick).number);
}

/// "LessonProgram::lin" of "static Tensor app::{anonymous}::LessonProgram::lin(const Tensor&)":
/// without what it returns and takes, under the last two of its names.
std::string short_function(std::string whole) {
  for (const std::string_view unnamed : {"{anonymous}::", "(anonymous namespace)::"})
    for (std::size_t i; (i = whole.find(unnamed)) != whole.npos;) whole.erase(i, unnamed.size());
  int depth = 0;
  std::size_t begin = 0, end = 0;
  for (; end < whole.size(); ++end) {
    const char c = whole[end];
    depth += (c == '<' || c == '{') - (c == '>' || c == '}');
    if (depth == 0 && c == ' ') begin = end + 1;
    if (depth == 0 && c == '(' && end > begin &&
        !std::string_view(whole).substr(0, end).ends_with("operator"))
      break;
  }
  const std::string name = whole.substr(begin, end - begin);
  const std::size_t last = name.rfind("::");
  const std::size_t before =
      last == name.npos || last == 0 ? name.npos : name.rfind("::", last - 1);
  return before == name.npos ? name : name.substr(before + 2);
}

/// "mlp.cpp:27 in Net::forward".
template <class Call>
std::string line_text(const Call& call) {
  return base_name(call.file) + ":" + std::to_string(call.line) + " in " +
         short_function(call.function);
}

}  // namespace

const TapeEvent* event_of(const Tape& tape, const Focus& focus) {
  if (focus.event != none) return &at(tape.events, focus.event);
  const TapeTick& tick = at(tape.ticks, focus.tick);
  // What differentiates a call goes before the seed of the pass.
  if (tick.phase == Phase::backward)
    for (TapeIndex e = tick.first; e < tick.last; ++e)
      if (at(tape.events, e).twin != none) return &at(tape.events, e);
  return tick.first < tick.last ? &at(tape.events, tick.first) : nullptr;
}

std::vector<TapeIndex> results_at(const Tape& tape, const Focus& focus) {
  return focus.event == none ? tape.results_of(focus.tick) : at(tape.events, focus.event).outputs;
}

std::string cut_to(const std::string& text, int width, const Style& style) {
  int columns = 0;
  std::size_t i = 0, keep = 0;
  for (; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) == 0x80) continue;  // inside a character
    if (++columns == width) keep = i;
    if (columns > width) return text.substr(0, keep) + (style.utf8 ? "…" : "~");
  }
  return text;
}

std::string wrap_line(const std::string& line, const Style& style, int indent) {
  const auto width = static_cast<std::ptrdiff_t>(std::max(20, style.width));
  const auto columns = [](const std::string& text) {
    return std::count_if(text.begin(), text.end(),
                         [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
  };
  if (columns(line) <= width || line.find('\\') != line.npos) return line;
  const std::string margin(static_cast<std::size_t>(indent), ' ');
  std::string text, one;
  for (std::size_t i = 0; i < line.size();) {
    std::size_t end = std::min(line.find(' ', line.find_first_not_of(' ', i)), line.size());
    if (line.compare(end, 2, " %") == 0)  // a number keeps its sign
      end = std::min(line.find(' ', end + 1), line.size());
    const std::string word = line.substr(i, end - i);
    if (one.find_first_not_of(' ') != one.npos && columns(one) + columns(word) > width) {
      text += one + "\n";
      one = margin + word.substr(std::min(word.find_first_not_of(' '), word.size()));
    } else {
      one += word;
    }
    i = end;
  }
  return text + one;
}

namespace {

/// Each line of a text wrapped with an indent of its own.
template <class Indent>
std::string wrap_each(const std::string& text, const Style& style, Indent indent_of) {
  std::string lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    lines += wrap_line(line, style, indent_of(line)) + "\n";
    begin = end + 1;
  }
  return lines;
}

}  // namespace

std::string wrap_lines(const std::string& text, const Style& style) {
  return wrap_each(text, style, [](const std::string&) { return 4; });
}

std::string wrap_page(const std::string& text, const Style& style) {
  return wrap_each(text, style, [&](const std::string& line) {
    std::size_t head = 0;  // "WHAT" and the blanks behind it, or the blanks alone
    while (head < line.size() && line[head] >= 'A' && line[head] <= 'Z') ++head;
    const std::size_t body = line.find_first_not_of(' ', head);
    const bool has_column = body != line.npos && (head == 0 ? body >= 8 : head >= 3 && body > head);
    return has_column ? std::min(static_cast<int>(body), std::max(4, style.width / 3)) : 4;
  });
}

std::string title_of(const Tape& tape, const Focus& focus) {
  const TapeTick& tick = at(tape.ticks, focus.tick);
  std::string title(1, letter(tick.phase));
  if (tick.number == 0) title = " ";
  title += " " + tick.label + (tick.phase == Phase::backward ? ".backward" : "");
  if (focus.event == none) return title;
  const TapeEvent& event = at(tape.events, focus.event);
  return title + ": " + event.op + (event.attributes.empty() ? "" : " {" + event.attributes + "}");
}

std::string place_of(const Tape& tape, const Focus& focus) {
  const TapeEvent* event = event_of(tape, focus);
  return event ? base_name(event->file) + ":" + std::to_string(event->line) : "";
}

std::string summary_of(const Tape&, TapeValue const& value, const std::string& name) {
  std::string text = name + "  " + value.spec.str();
  if (!value.statistics) return text + "  not computed";
  const Statistics& s = *value.statistics;
  if (s.count == 0) return text + "  empty";
  if (s.bad() == 0 && (s.count == 1 || s.min == s.max))
    return text + "  " + number(s.min) + (s.count == 1 ? "" : " everywhere");
  if (s.bad() < s.count)
    text += "  " + number(s.min, 4) + ".." + number(s.max) + "  L2 " + number(s.l2, 5);
  if (s.zeros > 0)
    text += "  " + number(100. * static_cast<double>(s.zeros) / static_cast<double>(s.count), 3) +
            "% zero";
  if (s.nans > 0) text += "  " + std::to_string(s.nans) + " NaN";
  if (s.plus_inf > 0) text += "  " + std::to_string(s.plus_inf) + " inf";
  if (s.minus_inf > 0) text += "  " + std::to_string(s.minus_inf) + " -inf";
  return text;
}

std::string stop_text(const Tape& tape, const Focus& focus, char sign, const std::string& reason,
                      const Style& style) {
  const TapeTick& tick = at(tape.ticks, focus.tick);
  std::string head = std::string(1, sign) + " " + tick_name(tape, focus.tick);
  if (tick.number == 0 || tape.steps() > 1) head += " step " + std::to_string(tick.step);
  head += "  " + title_of(tape, focus);
  if (const std::string place = place_of(tape, focus); !place.empty()) head += "   " + place;
  std::string text = cut_to(head, style.width, style) + "\n";
  if (!reason.empty()) {
    const std::string whole = head + "   " + reason + "\n";
    const bool is_one = reason.find('\n') == reason.npos;
    if (is_one && wrap_lines(whole, style) == whole) {
      text = whole;
    } else {
      std::istringstream lines(reason);
      for (std::string line; std::getline(lines, line);)
        text += wrap_lines("    " + line + "\n", style);
    }
  }
  std::size_t widest = 0;
  const std::vector<TapeIndex> made = results_at(tape, focus);
  for (const TapeIndex v : made) widest = std::max(widest, tape.name_of(v).size());
  for (const TapeIndex v : made) {
    std::string name = tape.name_of(v);
    name.resize(std::min<std::size_t>(widest, 24), ' ');
    text += cut_to("    " + summary_of(tape, at(tape.values, v), name), style.width, style) + "\n";
  }
  return text;
}

std::pair<TapeIndex, TapeIndex> shown_in_list(const Tape& tape, const Focus& focus, bool all) {
  constexpr TapeIndex around = 5;
  const TapeTick& tick = at(tape.ticks, focus.tick);
  const auto ticks = tape.ticks_of(tick.step);
  if (all) return ticks;
  if (focus.event == none)
    return {std::max(ticks.first, focus.tick - around),
            std::min(ticks.second, focus.tick + around + 1)};
  return {std::max(tick.first, focus.event - around),
          std::min(tick.last, focus.event + around + 1)};
}

std::string list_text(const Tape& tape, const Focus& focus, bool all, const Style& style) {
  struct Line {
    bool is_here;
    std::string name, title;
    std::vector<TapeIndex> made;
  };
  std::vector<Line> lines;
  const auto [first, last] = shown_in_list(tape, focus, all);
  if (focus.event != none && !all)
    for (TapeIndex e = first; e < last; ++e) {
      const TapeEvent& event = at(tape.events, e);
      lines.push_back({e == focus.event, "",
                       std::string(2 * static_cast<std::size_t>(event.depth), ' ') + event.op,
                       event.outputs});
    }
  else
    for (TapeIndex t = first; t < last; ++t)
      lines.push_back(
          {t == focus.tick, tick_name(tape, t), title_of(tape, {t}), tape.results_of(t)});
  // Results in one column, unless a title is so long that little room would be left.
  std::size_t widest = 19;
  for (const Line& line : lines) widest = std::max(widest, line.title.size());
  widest = std::min(widest, static_cast<std::size_t>(std::max(38, style.width)) / 2);
  std::string text;
  for (const Line& line : lines) {
    std::string one = (line.is_here ? ">" : " ") + line.name;
    one.resize(std::max<std::size_t>(one.size() + 1, 7), ' ');
    one += line.title;
    one.resize(std::max<std::size_t>(one.size() + 2, 7 + widest + 2), ' ');
    for (std::size_t i = 0; i < line.made.size(); ++i)
      one += (i ? ", " : "") + tape.name_of(line.made[i]) + " " +
             at(tape.values, line.made[i]).spec.shape.str();
    text += cut_to(one, style.width, style) + "\n";
  }
  return text;
}

std::string where_text(const Tape& tape, const Focus& focus, const Style& style) {
  const TapeTick& tick = at(tape.ticks, focus.tick);
  const auto [first, last] = tape.ticks_of(tick.step);
  std::string text = "  step " + std::to_string(tick.step) + ", t" + std::to_string(tick.number) +
                     " of " + std::to_string(last - first - 1) + ": " +
                     std::string(trimmed(title_of(tape, focus))) + "\n";
  if (const TapeEvent* event = event_of(tape, focus)) {
    text += "  " + line_text(*event) + "\n";
    for (TapeIndex parent = event->parent; parent != none; parent = at(tape.events, parent).parent)
      text += "  inside " + at(tape.events, parent).op + "\n";
    for (const TapeCaller& caller : callers_of(tape, focus.tick))
      text += "  " + (caller.module.empty() ? "" : caller.module + " ") + "called at " +
              line_text(caller) + "\n";
    if (!event->scope.empty()) text += "  module path " + event->scope + "\n";
  }
  if (tick.phase == Phase::update && tick.number > 0)
    if (const auto groups = rate_groups(tape, tick.step, tick.step + 1); !groups.empty()) {
      const bool alike = groups.size() == 1;
      std::string rates;
      for (const RateGroup& g : groups)
        rates +=
            (rates.empty() ? " " : ", ") + number(g.rates[0]) + (alike ? "" : " of " + g.name());
      text += std::string("  learning rate") + (alike ? "" : "s") + rates + "\n";
    }
  if (tick.phase == Phase::backward && tick.twin != none)
    text += "  runs back over " + tick_name(tape, tick.twin) + " " + title_of(tape, {tick.twin}) +
            ", " + place_of(tape, {tick.twin}) + "\n";
  if (const TapeEvent* begun = beginning_of_pass(tape, focus.tick))
    text += "  backward pass begun at " + line_text(*begun) + "\n";
  if (tick.phase == Phase::forward && tick.backward != none)
    text += "  its backward is " + tick_name(tape, tick.backward) + "\n";
  std::string lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines += cut_to(text.substr(0, end), style.width, style) + "\n";
    text.erase(0, end + 1);
  }
  return lines;
}

namespace {

/// What the numbers of a bin lie above, or below (see Statistics::histogram).
std::string outer_edge(std::size_t bin, bool is_below) {
  constexpr std::size_t zero = 32, last = 63;
  const auto power = [](std::size_t k) { return std::to_string(static_cast<int>(k) - 22); };
  if (bin == zero) return "0";
  if (bin == last && !is_below) return ">4^" + power(last - zero - 1);
  if (bin > zero) return "4^" + power(bin - zero - (is_below ? 1 : 0));
  if (bin == 1 && is_below) return "<-4^" + power(zero - 2);
  return "-4^" + power(zero - bin - (is_below ? 0 : 1));
}

}  // namespace

std::string histogram_text(const Statistics& s, const Style& style) {
  static const char* const bars[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr std::string_view plain = " ._-:=+*#";
  std::size_t low = 63, high = 0;
  std::uint32_t most = 0;
  for (std::size_t i = 1; i < 64; ++i)
    if (s.histogram[i] > 0) {
      low = std::min(low, i);
      high = std::max(high, i);
      most = std::max(most, s.histogram[i]);
    }
  if (most == 0) return "";
  std::string text = "|";
  for (std::size_t i = low; i <= high; ++i) {
    const double share = static_cast<double>(s.histogram[i]) / most;
    const auto height = static_cast<std::size_t>(std::ceil(share * 8));
    text += style.utf8 ? std::string(bars[height]) : std::string(1, plain[height]);
  }
  text += "|  " + outer_edge(low, true) + " .. " + outer_edge(high, false);
  const std::int64_t counted =
      std::accumulate(s.histogram.begin(), s.histogram.end(), std::int64_t{0});
  if (counted < s.count) text += ", sampled";
  return text;
}

}  // namespace gradus::see
