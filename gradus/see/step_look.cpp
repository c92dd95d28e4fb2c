// The commands that look, ask why, and try; see step.h.
#include <gradus/ops/ops.h>
#include <gradus/see/health.h>
#include <gradus/see/picture.h>
#include <gradus/see/plot_run.h>
#include <gradus/see/step.h>
#include <gradus/see/step_tell.h>
#include <gradus/see/tape_source.h>
#include <gradus/see/words.h>

#include <algorithm>

namespace gradus::see {
namespace {

/// "a, b" at the commas that no bracket holds.
std::vector<std::string> parts_of(const std::string& text) {
  std::vector<std::string> parts;
  int open = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size())
      open += (text[i] == '(' || text[i] == '[') - (text[i] == ')' || text[i] == ']');
    if (i == text.size() || (text[i] == ',' && open == 0)) {
      parts.push_back(text.substr(begin, i - begin));
      begin = i + 1;
    }
  }
  return parts;
}

/// The value of an expression that stands `by` characters further on in what was typed, where its
/// errors point.
Value evaluated(const Elements& elements, const std::string& expression, TapeIndex tick,
                std::ptrdiff_t by) {
  try {
    return elements.evaluate(expression, tick);
  } catch (const ExpressionError& error) {
    const auto position = static_cast<std::ptrdiff_t>(error.position()) + by;
    throw ExpressionError(error.problem(), error.hint(),
                          static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, position)));
  }
}

}  // namespace

TapeIndex Stepper::step_here() const { return at(tape_.ticks, focus_.tick).step; }

Rerun& Stepper::rerun() const {
  if (!rerun_)
    throw ValueError("this program cannot be run again from here",
                     "gradus step, or a see::StepProgram, can");
  return *rerun_;
}

// -- look
// ------------------------------------------------------------------------------------------

std::string Stepper::where(const std::string&, int) {
  if (options_.json) told_.emplace_back("place", where_json(tape_, focus_));
  return where_text(tape_, focus_, text_style());
}
std::string Stepper::list(const std::string&, int) {
  if (options_.json) told_.emplace_back("list", list_json(tape_, focus_, false));
  return list_text(tape_, focus_, false, text_style());
}
std::string Stepper::list_all(const std::string&, int) {
  if (options_.json) told_.emplace_back("list", list_json(tape_, focus_, true));
  return list_text(tape_, focus_, true, text_style());
}
std::string Stepper::source(const std::string&, int) {
  const SourcePlace source = source_at(tape_, focus_);
  is_refused_ = source.lines.empty();
  if (options_.json) told_.emplace_back("source", source_json(tape_, source));
  return source_text(tape_, source, text_style());
}

std::string Stepper::warning_line(const Value& value) {
  if (value.warning.empty() || !warned_.insert(value.warning).second) return "";
  tell("warning", "B2 " + value.warning);
  return "B2 warn   " + value.warning + "\n";
}

std::string Stepper::print(const std::string& rest, int) {
  std::vector<std::string> values, told;
  std::string warnings;
  std::size_t columns = 0;
  bool apart = false;  // one below the other
  std::ptrdiff_t begin = 0;
  const std::vector<std::string> parts = parts_of(rest);
  for (const std::string& part : parts) {
    const Value value = evaluated(elements_, part, focus_.tick, begin);
    if (parts.size() == 1 && value.tensor) shown_ = trimmed(part);
    begin += std::ssize(part) + 1;
    warnings += warning_line(value);
    if (options_.json) told.push_back(json_text(std::string(trimmed(part)), value));
    values.push_back(value.str(options_.style.width));
    columns += values.back().size() + 2;
    apart |= values.back().find('\n') != std::string::npos;
  }
  if (options_.json) told_.emplace_back("values", json_list(told));
  apart |= columns > static_cast<std::size_t>(options_.style.width) + 2;
  std::string text;
  for (const std::string& value : values) text += (text.empty() ? "" : apart ? "\n" : "  ") + value;
  return text + "\n" + warnings;
}

std::string Stepper::summary(const std::string& rest, int) {
  const Value value = elements_.evaluate(rest, focus_.tick);
  tell("value", rest, value);
  if (!value.tensor) return value.str() + "\n";
  shown_ = rest;
  TapeValue described;
  described.spec = value.tensor.spec();
  described.statistics = statistics(value.tensor);
  const Statistics& s = *described.statistics;
  tell("summary", s);
  const std::string head = summary_of(tape_, described, rest);
  if (s.count == s.bad()) return head + "\n";  // or none at all
  const std::string more = (s.bad() > 0 ? "of the others mean " : "mean ") + number(s.mean, 4) +
                           "  std " + number(s.std, 4);
  const bool fits = std::ssize(head) + 2 + std::ssize(more) <= text_style().width;
  return head + (fits ? "  " : "\n  ") + more + "\n  " + histogram_text(s, options_.style) + "\n" +
         warning_line(value);
}

std::string Stepper::picture(const std::string& rest, int) {
  const Value value = elements_.evaluate(rest, focus_.tick);
  if (!value.tensor) return value.str() + "\n";
  shown_ = rest;
  const Picture picture = picture_of(value.tensor);
  if (options_.json) told_.emplace_back("picture", picture_json(picture));
  return picture_text(picture, options_.style);
}

/// pt t -r [a,b]: the elements within a range.
std::string Stepper::range(const std::string& rest, int) {
  const std::size_t option = rest.find(" -r ");
  const std::string expression = rest.substr(0, option);
  const Value value = elements_.evaluate(expression, focus_.tick);
  if (value.tensor) shown_ = expression;
  if (!value.tensor || option == rest.npos) {
    tell("value", expression, value);
    return value.str(options_.style.width) + "\n";
  }
  const InRange found = in_range(value.tensor, rest.substr(option + 4));
  tell("range", found);
  return range_text(found);
}

// @[10,0]: that place of what was shown last.
std::string Stepper::element(const std::string& rest, int) {
  if (shown_.empty()) throw ValueError("nothing was shown yet", "pp w1, then @[10,0]");
  const Value value =
      evaluated(elements_, "(" + shown_ + ")" + rest, focus_.tick, -std::ssize(shown_) - 2);
  tell("value", shown_ + rest, value);
  return shown_ + rest + " = " + value.str(options_.style.width) + "\n";
}

/// The pictures of `gradus plot` for the tape so far: their names and what is missing, or the one
/// that is named.
std::string Stepper::plot(const std::string& rest, int) {
  const Run run = run_of(tape_, "this tape");
  const std::vector<NamedPlot> plots =
      plots_of(std::span(&run, 1), options_.json ? PlotOptions{.most = 0} : PlotOptions{});
  if (plots.empty())
    throw ValueError("there is nothing to plot yet", "c or n runs the program further");
  std::string names;
  std::vector<std::string> told;
  for (const NamedPlot& plot : plots) {
    if (plot.name == rest) {
      if (options_.json) told_.emplace_back("plot", json_text(plot));
      return text(plot.plot, {.width = options_.style.width, .utf8 = options_.style.utf8});
    }
    names += (names.empty() ? "plot " : ", ") + plot.name;
    if (options_.json) told.push_back(json_text(plot.name));
  }
  std::string missing;
  for (const std::string& line : run.missing) missing += (missing.empty() ? "" : "; ") + line;
  if (!rest.empty())
    throw ValueError("there is no plot '" + rest + "'",
                     missing.empty() ? names : names + "; missing are " + missing);
  if (options_.json) {
    told_.emplace_back("plots", json_list(told));
    tell("missing", missing);
  }
  return names + "\n" + (missing.empty() ? "" : "missing: " + missing + "\n");
}

std::string Stepper::view(const std::string&, int) {
  throw ValueError("there is no page for a browser",
                   "plot shows pictures here; keep the tape (gradus step --tape run.tape), then "
                   "gradus plot run.tape --out DIR writes them as SVG");
}

// -- mistakes, help
// -------------------------------------------------------------------------------------

/// What is wrong on the tape so far; X1 and T1 run the step again, on a copy of the program.
std::string Stepper::health(const std::string&, int) {
  const std::vector<Diagnostic> found = see::health(tape_, {.rerun = rerun_});
  std::vector<std::string> told;
  told.reserve(found.size());
  for (const Diagnostic& one : found) told.push_back(json_text(one));
  if (options_.json) told_.emplace_back("found", json_list(told));
  return health_text(found);
}

std::string Stepper::quit(const std::string&, int) {
  has_quit_ = true;
  return "";
}
std::string Stepper::show_help(const std::string&, int) { return help(options_.style.width); }

std::string Stepper::help(int width) {
  struct Group {
    const char* name;
    std::vector<const char*> commands;
  };
  static const Group groups[] = {
      {"move",
       {"n next", "s into its calls", "u out", "c to a stop", "unt lin2, unt t=4", "j step=1 t=0",
        "home", "end", "n- s- u- c- unt- go back in time; - is n-"}},
      {"stop",
       {"b lin1", "b lin1 if loss>3", "b relu*.backward", "b op:matmul", "b file.cpp:42",
        "b nan, b inf", "b |w1.g|>100", "b loss>5*loss[-1]", "b dead(relu1)>0.1", "b shape *,10000",
        "b bytes>1G", "b rank>2", "tbreak", "ignore N k", "condition N e", "enable N", "disable N",
        "delete N", "commands N ... end"}},
      {"watch",
       {"watch w1[2,3]", "display e", "undisplay N", "first nan", "first |*.g|>1e4",
        "last write w1"}},
      {"look",
       {"w where", "l list", "ll all", "src source", "p e, e @ t=3", "pp with histogram",
        "pic picture", "pt e -r [a,b] elements in a range", "@[10,0] of the last one shown",
        "plot pictures"}},
      {"why",
       {"why w1.g[2,3]", "e w1.g explains", "e t8 w1.g", "e B1", "e matmul", "latex", "einsum",
        "gears w1.g[2,3]", "check w1.g[2,3]", "health: mistakes on the tape so far"}},
      {"try",
       {"whatif lr 1e-5..3e-3", "set w2[0]=0", "branch", "branch lr=2e-4", "diff main set1",
        "note text", "COMMAND > file.txt"}}};
  const auto room = static_cast<std::size_t>(std::clamp(width, 40, 100));
  std::string text;
  for (const Group& group : groups) {
    std::string line = group.name;
    line.resize(7, ' ');
    bool first = true;
    for (const std::string command : group.commands) {
      if (!first && line.size() + 3 + command.size() > room) {
        text += line + "\n";
        line = std::string(7, ' ');
        first = true;
      }
      line += (first ? "" : "   ") + command;
      first = false;
    }
    text += line + "\n";
  }
  return text +
         "q quits. Beginnings of words will do; ; separates commands; Enter repeats the last "
         "line.\n";
}

}  // namespace gradus::see
