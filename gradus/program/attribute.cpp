// Attributes to text and back; see attribute.h.
#include <gradus/program/attribute.h>

#include <charconv>

namespace gradus {
namespace {

template <class Number>
std::string number_text(Number number) {
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number).ptr;
  return std::string(buffer, end);
}

template <class Number>
bool parse_number(std::string_view text, Number& number) {
  if (!text.empty() && text[0] == '+') text.remove_prefix(1);
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

/// "2,3", "[2, 3]", "(2,3)", "[]" and "" for no entry.
bool parse_ints(std::string_view text, Ints& ints) {
  if (text.size() >= 2 &&
      ((text.front() == '[' && text.back() == ']') || (text.front() == '(' && text.back() == ')')))
    text = text.substr(1, text.size() - 2);
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    std::string_view part = text.substr(0, comma);
    while (!part.empty() && part.front() == ' ') part.remove_prefix(1);
    while (!part.empty() && part.back() == ' ') part.remove_suffix(1);
    std::int64_t value = 0;
    const bool trailing_comma = part.empty() && comma == text.npos && !ints.empty();
    if (!trailing_comma) {
      if (!parse_number(part, value)) return false;
      ints.push_back(value);
    }
    text = comma == text.npos ? std::string_view() : text.substr(comma + 1);
  }
  return true;
}

}  // namespace

std::string to_text(const AttributeValue& value) {
  struct Visitor {
    std::string operator()(std::monostate) const { return "none"; }
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(std::int64_t v) const { return number_text(v); }
    std::string operator()(double v) const { return number_text(v); }
    std::string operator()(const std::string& v) const { return v; }
    std::string operator()(DType v) const { return std::string(dtype_name(v)); }
    std::string operator()(const Ints& v) const {
      std::string text;
      for (std::int64_t i : v) text += (text.empty() ? "" : ",") + number_text(i);
      return text;
    }
  };
  return std::visit(Visitor{}, value);
}

AttributeValue parse_attribute(std::string_view name, std::string_view type,
                               std::string_view text) {
  auto fail = [&](std::string_view form) {
    return ValueError(
        "attribute " + std::string(name) + "=" + std::string(text) + " is not " + std::string(form),
        "write " + std::string(name) + "=" +
            (type.starts_with("ints")    ? "1,0"
             : type.starts_with("int")   ? "1"
             : type.starts_with("float") ? "0.5"
             : type.starts_with("bool")  ? "true or false"
                                         : "f32"));
  };
  if (type.ends_with('?')) {
    if (text == "none" || text == "None") return {};
    type.remove_suffix(1);
  }
  if (type == "bool") {
    if (text == "true" || text == "True" || text == "1") return true;
    if (text == "false" || text == "False" || text == "0") return false;
    throw fail("a truth value");
  }
  if (type == "int") {
    std::int64_t value = 0;
    if (!parse_number(text, value)) throw fail("an integer");
    return value;
  }
  if (type == "float") {
    double value = 0;
    if (!parse_number(text, value)) throw fail("a number");
    return value;
  }
  if (type == "ints") {
    Ints value;
    if (!parse_ints(text, value)) throw fail("a list of integers");
    return value;
  }
  if (type == "dtype") return parse_dtype(text);
  return std::string(text);
}

}  // namespace gradus
