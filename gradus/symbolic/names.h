// Names as formulas show them: x_1 with an index, alpha as a Greek letter.
#pragma once

#include <string>
#include <utility>

namespace gradus::symbolic {

/// "x_1" as {"x", "1"}, "x1" as {"x", "1"}, "rate" as {"rate", ""}.
std::pair<std::string, std::string> split_name(const std::string& name);

/// The code point of a Greek letter's name, "alpha" and such; 0 for other names.
int greek_letter(const std::string& name);

}  // namespace gradus::symbolic
