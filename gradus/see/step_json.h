// What the step debugger tells programs besides its words: values as they are, neither rounded nor
// wrapped. Each function gives JSON text; numbers that JSON lacks are "nan", "inf", "-inf".
#pragma once

#include <gradus/core/diagnostic.h>
#include <gradus/see/gears.h>
#include <gradus/see/gradient_slope.h>
#include <gradus/see/range.h>
#include <gradus/see/try.h>

namespace gradus::see {

std::string json_text(double number);
std::string json_text(std::int64_t number);
inline std::string json_text(int number) { return json_text(std::int64_t{number}); }
std::string json_text(const std::string& words);
/// {"shape","dtype","elements"}, the elements in row-major order, where there are no more than
/// 10,000; {"word"} for a word.
std::string json_text(const Value& value);
/// {"expression", then as above}.
std::string json_text(const std::string& expression, const Value& value);
/// {"number","expression", then as above}: what is displayed; the value may be left out.
std::string display_json(int number, const std::string& expression, const Value& value);
/// What statistics tell, and the histogram as [{"low","high","count"}], bins that hold something.
std::string json_text(const Statistics& statistics);
/// {"step","t","text"}.
std::string note_json(const TapeTick& tick, const std::string& text);
std::string json_text(const Gears& gears);
/// {"low","high","of","count","elements":[{"index","value"}]}, the first 10,000 of those in the
/// range; `of` counts all elements, `count` those.
std::string json_text(const InRange& range);
std::string json_text(const std::vector<Rate>& rates);
/// A numeric derivative; `ours` is the gradient on the tape, null where there is none yet;
/// so is `ok` where nothing can be compared.
std::string json_text(const GradientSlope& slope, std::optional<double> ours,
                      std::optional<bool> ok);
/// {"code","severity","what","why","place","count"}.
std::string json_text(const Diagnostic& found);
/// {"name","einsum"}: a formula in one of its forms; null where it has none.
std::string formula_json(const std::string& name, const std::string& form,
                         const std::string& formula);
/// {"name","how","step","losses"}: the losses of that step and those after it.
std::string branch_json(const std::string& name, const std::string& how, TapeIndex step,
                        const std::vector<double>& losses);
std::string json_text(const std::vector<Difference>& differences);
/// A stop as `b` lists it.
struct StopTold {
  int number = 0;
  std::string kind, what, condition{};  ///< "breakpoint" or "watch"
  bool enabled = true, once = false;
  int ignore = 0, hits = 0;
  std::vector<std::string> commands{};
};
std::string json_text(const std::vector<StopTold>& stops);
std::string json_list(const std::vector<std::string>& entries);
/// Where a tick is: {"step","t"}.
std::string json_text(const TapeTick& tick);

/// One line: the command, its answer in words or its error, and further fields.
std::string answer_json(const std::string& command, const std::string& text, bool is_error,
                        const JsonFields& more);

}  // namespace gradus::see
