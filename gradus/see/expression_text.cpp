// Expressions as text: times, values, attributes and errors; see expression.h, expression_text.h.
#include <gradus/core/diagnostic.h>
#include <gradus/core/print.h>
#include <gradus/see/expression_text.h>

#include <algorithm>
#include <cctype>
#include <cstring>

namespace gradus::see {

std::string_view time_in(std::string_view text) {
  std::size_t end = 0;
  for (std::size_t i = 0;;) {
    i = std::min(text.find_first_not_of(' ', i), text.size());
    const std::string_view rest = text.substr(i);
    const std::size_t name = rest.starts_with("t=") ? 2 : rest.starts_with("step=") ? 5 : 0;
    const std::size_t digits = std::min(rest.find_first_not_of("0123456789", name), rest.size());
    if (name == 0 || digits == name) break;
    i += digits;
    end = i;
  }
  const std::size_t begin = text.find_first_not_of(' ');
  return end == 0 ? std::string_view() : text.substr(begin, end - begin);
}

std::string Value::str(int width) const {
  if (!tensor) return word;
  if (is_shape) return Shape(tensor.to_vector<std::int64_t>()).str();
  PrintOptions options = print_options();
  options.linewidth = std::min(options.linewidth, width);
  return to_string(tensor, options);
}

std::string ExpressionError::pointer(std::size_t indent) const {
  return std::string(indent + position_, ' ') + "^ " + problem() +
         (hint().empty() ? "" : "; " + hint());
}

ExpressionError error_at(std::size_t position, const Error& error) {
  const Diagnostic* coded = diagnostic_of(error);
  if (!coded) return {error.problem(), error.hint(), position};
  std::string problem = coded->code + " " + coded->what, hint = coded->why;
  if (problem.ends_with('.')) problem.pop_back();
  constexpr std::string_view allowing = "; if meant: allow_broadcast";
  if (const std::size_t at = hint.find(allowing); at != hint.npos) hint.erase(at, allowing.size());
  const auto is_lower = [](char c) { return std::islower(static_cast<unsigned char>(c)) != 0; };
  if (hint.size() > 1 && is_lower(hint[1]))  // it goes on behind a semicolon
    hint[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(hint[0])));
  return {problem, hint, position};
}

std::string attribute_text(std::string_view text) {
  std::string plain;
  for (const char c : text)
    if (!std::strchr(" ()[]{}'\"", c)) plain += c;
  if (constexpr std::string_view dtype = "DType::"; plain.starts_with(dtype))
    plain.erase(0, dtype.size());
  if (plain == "True" || plain == "False")
    plain[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(plain[0])));
  return plain;
}

}  // namespace gradus::see
