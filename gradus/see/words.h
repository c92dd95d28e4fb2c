// Small words that the rooms of this folder share: text without its blanks, a number in a few
// digits, an element of a list by its place on the tape.
#pragma once

#include <gradus/see/tape.h>

#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

namespace gradus::see {

/// list[i]; places on a tape are signed, because there is a `none`.
template <class List>
auto& at(List& list, TapeIndex i) {
  return list[static_cast<std::size_t>(i)];
}

/// Without blanks at its ends.
inline std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())))
    text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())))
    text.remove_suffix(1);
  return text;
}

/// What printf wrote with its exponent as people type one: 1e-5 and 2e38, not 1e-05 and 2e+38.
inline std::string with_typed_exponent(std::string text) {
  const std::size_t e = text.find('e');
  if (e == text.npos || e + 1 == text.size()) return text;
  std::size_t digit = e + 1;
  if (text[digit] == '+') text.erase(digit, 1);
  if (text[digit] == '-') ++digit;
  while (digit + 1 < text.size() && text[digit] == '0') text.erase(digit, 1);
  return text;
}

/// At most `digits` significant digits: 97.6791, 1e-5. NaN has no sign, whatever its bits.
inline std::string number(double value, int digits = 6) {
  if (std::isnan(value)) return "nan";
  char text[40];
  std::snprintf(text, sizeof text, "%.*g", digits, value);
  return with_typed_exponent(text);
}

/// The same of a change: "+0.0037".
inline std::string signed_number(double value, int digits = 4) {
  return (std::isnan(value) || std::signbit(value) ? "" : "+") + number(value, digits);
}

/// How far from 0; NaN as far as can be, so that nobody overlooks it.
inline double magnitude(double value) { return std::isnan(value) ? HUGE_VAL : std::fabs(value); }

/// JSON has no NaN and no infinities: there they are the words "nan", "inf" and "-inf".
template <class Json>
Json json_number(double value) {
  if (std::isfinite(value)) return value;
  return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

/// "3.92 GFLOP", "10.2 MB": three digits and a unit.
inline std::string amount(double value, const std::string& unit) {
  for (const auto& [size, prefix] : {std::pair{1e9, "G"}, {1e6, "M"}, {1e3, "k"}})
    if (value >= size) return number(value / size, 3) + " " + prefix + unit;
  return number(value) + " " + unit;
}

/// "1 hit", "2 hits".
inline std::string counted(std::int64_t n, const std::string& what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

/// A whole number from 0. Throws ValueError.
inline int read_count(const std::string& text) {
  int n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error == std::errc::result_out_of_range && end == text.data() + text.size() && text[0] != '-')
    throw ValueError("'" + text + "' is too large", "the largest count is 2147483647");
  if (error != std::errc() || end != text.data() + text.size() || n < 0)
    throw ValueError("'" + text + "' is no whole number", "say one, such as 1");
  return n;
}

/// The index of the element that is the n-th in row-major order.
inline Ints index_at(const Shape& shape, std::int64_t n) {
  Ints index(shape.size(), 0);
  for (int axis = shape.rank() - 1; axis >= 0; n /= shape[axis--])
    index[static_cast<std::size_t>(axis)] = n % shape[axis];
  return index;
}

/// "[2,3]".
inline std::string index_text(const Ints& index) {
  std::string text;
  for (const std::int64_t i : index) text += (text.empty() ? "" : ",") + std::to_string(i);
  return "[" + text + "]";
}

/// What stands behind the last dot: "lin1" of "net.lin1".
inline std::string_view last_part(std::string_view path) {
  return path.substr(path.rfind('.') + 1);
}

}  // namespace gradus::see
