// What the step debugger tells programs besides its words: values as they are, neither rounded nor
// wrapped. Each function gives JSON text; numbers that JSON lacks are "nan", "inf", "-inf".
#pragma once

#include <gradus/core/diagnostic.h>
#include <gradus/see/gears.h>
#include <gradus/see/try.h>

namespace gradus::see {

std::string json_text(double number);
std::string json_text(const std::string& words);
/// {"shape","dtype","elements"}, the elements in row-major order, where there are no more than
/// 10,000; {"word"} for a word.
std::string json_text(const Value& value);
/// {"expression", then as above}.
std::string json_text(const std::string& expression, const Value& value);
std::string json_text(const Gears& gears);
std::string json_text(const std::vector<Rate>& rates);
/// A numeric derivative; `ours` is the gradient on the tape, NaN where there is none yet.
std::string json_text(const Slope& slope, double ours, bool ok);
/// {"code","severity","what","why","place","count"}.
std::string json_text(const Diagnostic& found);
std::string json_list(const std::vector<std::string>& entries);
/// Where a tick is: {"step","t"}.
std::string json_text(const TapeTick& tick);

/// One line: the command, its answer in words or its error, and further fields.
std::string answer_json(const std::string& command, const std::string& text, bool is_error,
                        const JsonFields& more);

}  // namespace gradus::see
