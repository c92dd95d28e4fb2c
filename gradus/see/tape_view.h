// What a reader sees of a tape, as text: pure functions of (tape, focus, style). step.h puts them
// behind commands.
#pragma once

#include <string>

#include <gradus/see/tape.h>

namespace gradus::see {

/// Where somebody stands: at a whole tick, or at one event inside it.
struct Focus {
  TapeIndex tick = 0, event = none;
  bool operator==(const Focus&) const = default;
};

/// Names and JSON of what is told to programs besides the words for people.
using JsonFields = std::vector<std::pair<std::string, std::string>>;

struct Style {
  int width = 80;
  bool utf8 = true;
};

/// `text` cut to `width` columns; characters outside of ASCII take one column.
std::string cut_to(const std::string& text, int width, const Style& style);
/// A long line as several, the later ones indented. What holds a backslash is LaTeX, to be copied,
/// and stays one line; a word stays one word.
std::string wrap_line(const std::string& line, const Style& style, int indent = 4);
/// The same for each line of a text.
std::string wrap_lines(const std::string& text, const Style& style);
/// The same for a page, "WHAT    text": later lines begin where the text of the line does.
std::string wrap_page(const std::string& text, const Style& style);

/// The event that tells place and module path: that of the focus, of a tick the first; null where
/// there is none.
const TapeEvent* event_of(const Tape& tape, const Focus& focus);
/// The values that a tick or a call made.
std::vector<TapeIndex> results_at(const Tape& tape, const Focus& focus);

/// "B relu1.backward", "F lin1", "U sgd", for an event "matmul".
std::string title_of(const Tape& tape, const Focus& focus);
/// "mlp.cpp:27", empty for t0.
std::string place_of(const Tape& tape, const Focus& focus);
/// "w1.g  f32[784,50]  -107..151.951  L2 3258.1  11.6% zero", or the number itself.
std::string summary_of(const Tape& tape, TapeValue const& value, const std::string& name);

/// The head of a stop and the values that it made; `sign` is > or <, `reason` may be empty, stands
/// on a line of its own where the head has no room, and may have several lines.
std::string stop_text(const Tape& tape, const Focus& focus, char sign, const std::string& reason,
                      const Style& style);
/// The same as one JSON object; `more` are further fields, as JSON.
std::string stop_json(const Tape& tape, const Focus& focus, const std::string& reason,
                      const JsonFields& more = {});
/// The ticks around the focus (events, when it is inside a tick); all of the step when `all`.
std::string list_text(const Tape& tape, const Focus& focus, bool all, const Style& style);
/// Which these are: [first, last) of the ticks, or of the events.
std::pair<TapeIndex, TapeIndex> shown_in_list(const Tape& tape, const Focus& focus, bool all);
/// The same as a JSON list.
std::string list_json(const Tape& tape, const Focus& focus, bool all);
/// Step, tick, place, calls around, the innermost first, module path, forward twin, and where the
/// backward pass was begun.
std::string where_text(const Tape& tape, const Focus& focus, const Style& style);
/// The same as one JSON object.
std::string where_json(const Tape& tape, const Focus& focus);
/// 16 bars over the range of sizes, from large negative to large positive.
std::string histogram_text(const Statistics& s, const Style& style);

}  // namespace gradus::see
