// ExpressionText: the characters of an expression and how far they are read; and what stands around
// it. expression.cpp is the user.
#pragma once

#include <cctype>
#include <string>
#include <string_view>
#include <utility>

#include <gradus/see/expression.h>

namespace gradus::see {

/// An error of the library, at the place of its call. Where it has a code it says so, and what the
/// code's text advises: that is in the words of this grammar. Nothing can be allowed here.
ExpressionError error_at(std::size_t position, const Error& error);

/// `text` as an attribute's value: "[0, 1]" is the list 0,1; so is {0, 1}, as C++ writes it, and
/// DType::i64 is i64.
std::string attribute_text(std::string_view text);

class ExpressionText {
 protected:
  explicit ExpressionText(std::string_view text) : text_(text) {}

  void skip_spaces() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  char peek() {
    skip_spaces();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(std::string_view token) {
    skip_spaces();
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  void expect(char c, const std::string& why) {
    if (peek() != c) fail(std::string("'") + c + "' is missing", why);
    ++at_;
  }
  [[noreturn]] void fail(const std::string& problem, const std::string& hint) const {
    throw ExpressionError(problem, hint, at_);
  }
  std::string_view word() {
    skip_spaces();
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_in_word(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }
  bool at_word() { return begins_word(peek()); }
  bool at_number() {
    const char c = peek();
    return std::isdigit(static_cast<unsigned char>(c)) ||
           (c == '.' && at_ + 1 < text_.size() &&
            std::isdigit(static_cast<unsigned char>(text_[at_ + 1])));
  }

  // -- times ------------------------------------------------------------------------------------
  /// "t=3", "step=2 t=0" behind the '@' that follows a name, which ends at `end`, and its index or
  /// attribute; empty where there is none. pass_time() then steps over it.
  std::string_view take_time_behind(std::size_t end) {
    int open = 0;
    for (; end < text_.size(); ++end) {
      const char c = text_[end];
      open += (c == '[') - (c == ']');
      if (open > 0 || c == ' ' || c == ']') continue;
      if (c != '.' || end + 1 == text_.size() || !begins_word(text_[end + 1])) break;
      while (end + 1 < text_.size() && is_in_word(text_[end + 1])) ++end;
    }
    if (end >= text_.size() || text_[end] != '@') return {};
    const std::string_view time = time_in(text_.substr(end + 1));
    if (!time.empty())
      time_ = {end, static_cast<std::size_t>(time.data() + time.size() - text_.data())};
    return time;
  }
  bool pass_time() {
    if (peek() != '@' || time_in(text_.substr(at_ + 1)).empty()) return false;
    if (at_ != time_.first)
      fail("a time goes behind a name or the whole expression", "w1 @ t=9 - w1 @ t=0");
    at_ = time_.second;
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;

 private:
  static bool is_in_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }
  static bool begins_word(char c) {
    return std::isalpha(static_cast<unsigned char>(c)) || c == '_';
  }

  /// From the '@' of the time of the name read last to behind it.
  std::pair<std::size_t, std::size_t> time_{std::string_view::npos, 0};
};

}  // namespace gradus::see
