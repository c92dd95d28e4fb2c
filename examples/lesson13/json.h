// Text and numbers as JSON has them.
#pragma once

#include <charconv>
#include <cmath>
#include <string>
#include <string_view>

namespace lesson {

/// In quotes; control characters but for newlines are left out.
inline std::string json_text(std::string_view text) {
  std::string result = "\"";
  for (char letter : text) {
    if (letter == '"' || letter == '\\') result += '\\';
    if (letter == '\n')
      result += "\\n";
    else if (static_cast<unsigned char>(letter) >= 0x20)
      result += letter;
  }
  return result + "\"";
}

/// The digits that read back as this very number; null for inf and NaN.
inline std::string json_number(double value) {
  if (!std::isfinite(value)) return "null";
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

}  // namespace lesson
