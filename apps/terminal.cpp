// The terminal; see terminal.h.
#include <apps/terminal.h>

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <gradus/see/words.h>

namespace gradus::app {
namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

bool locale_is_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string_view value = variable(name);
    if (value.empty()) continue;
    return value.find("UTF-8") != value.npos || value.find("utf8") != value.npos ||
           value.find("UTF8") != value.npos;
  }
  return false;
}

/// The first `columns` characters of UTF-8 text without escapes.
std::string cut(const std::string& text, int columns) {
  std::size_t at = 0;
  for (int n = 0; at < text.size(); ++n) {
    std::size_t next = at + 1;
    while (next < text.size() && (static_cast<unsigned char>(text[next]) & 0xC0) == 0x80) ++next;
    if (n == columns) break;
    at = next;
  }
  return text.substr(0, at);
}

int columns_of(const std::string& text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

}  // namespace

Terminal::Terminal() {
  const bool is_dumb = variable("TERM").empty() || variable("TERM") == "dumb";
  live_ = ::isatty(STDOUT_FILENO) && !is_dumb;
  colour_ = live_ && variable("NO_COLOR").empty();
  utf8_ = locale_is_utf8();
}

int Terminal::width() const {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const int columns = std::atoi(std::string(variable("COLUMNS")).c_str());
  return columns > 0 ? columns : 80;
}

std::string Terminal::bold(const std::string& text) const {
  return colour_ ? "\x1b[1m" + text + "\x1b[0m" : text;
}
std::string Terminal::dim(const std::string& text) const {
  return colour_ ? "\x1b[2m" + text + "\x1b[0m" : text;
}

void Terminal::transient(const std::string& text) {
  if (!live_) return;
  clear_transient();
  const std::string line = cut(text, width() - 1);
  std::fputs(line.c_str(), stdout);
  std::fflush(stdout);
  columns_ = columns_of(line);
}

void Terminal::clear_transient() {
  if (columns_ == 0) return;
  const int rows_above = (columns_ - 1) / std::max(width(), 1);
  if (rows_above > 0) std::printf("\x1b[%dA", rows_above);
  std::fputs(rows_above > 0 ? "\r\x1b[J" : "\r\x1b[K", stdout);
  std::fflush(stdout);
  columns_ = 0;
}

std::string wrapped(const std::string& text, int width) {
  std::string lines, line;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t space = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, space - at);
    at = space + 1;
    if (line.find_first_not_of(' ') == line.npos) {
      line += word;
    } else if (static_cast<int>(line.size() + 1 + word.size()) <= width) {
      line += " " + word;
    } else {
      lines += line + "\n";
      line = "  " + word;
    }
  }
  return lines + line;
}

std::string two_columns(const std::string& name, const std::string& text, int column, int width) {
  if (width - column < 24) column = 6;
  const std::string margin(static_cast<std::size_t>(column), ' ');
  std::string lines = wrapped(text, width - column);
  for (std::size_t at = lines.find("\n  "); at != lines.npos; at = lines.find("\n  ", at + 1))
    lines.replace(at, 3, "\n" + margin);
  if (static_cast<int>(name.size()) + 2 > column) return name + "\n" + margin + lines + "\n";
  return name + margin.substr(name.size()) + lines + "\n";
}

std::string in_columns(const std::vector<std::string>& words, int width) {
  std::size_t widest = 0;
  for (const std::string& word : words) widest = std::max(widest, word.size());
  const std::size_t across =
      std::max<std::size_t>(1, (static_cast<std::size_t>(std::max(width, 1)) + 2) / (widest + 2));
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool ends = (i + 1) % across == 0 || i + 1 == words.size();
    text += words[i] + (ends ? "\n" : std::string(widest + 2 - words[i].size(), ' '));
  }
  return text;
}

std::string number(const char* format, double value) {
  if (std::isnan(value)) return "nan";
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return see::with_typed_exponent(text);
}

std::string bar(double share, int cells, bool utf8) {
  const int filled = static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * cells));
  std::string text;
  for (int i = 0; i < cells; ++i)
    text += i < filled ? (utf8 ? "\u2501" : "#") : (utf8 ? "\u2500" : ".");
  return text;
}

std::vector<std::string> picture(const Tensor& image, bool utf8) {
  static constexpr const char* blocks[4] = {" ", "\u2584", "\u2580", "\u2588"};
  static constexpr std::string_view shades = " .:-=+*#%@";
  const std::int64_t height = image.size(0), width = image.size(1);
  auto pixel = [&](std::int64_t y, std::int64_t x) -> int {
    return y < height ? image.data<std::uint8_t>()[y * image.strides()[0] + x * image.strides()[1]]
                      : 0;
  };
  std::vector<std::string> lines;
  for (std::int64_t y = 0; y < height; y += 2) {
    std::string line;
    for (std::int64_t x = 0; x < width; ++x) {
      const int top = pixel(y, x), bottom = pixel(y + 1, x);
      if (utf8)
        line += blocks[2 * (top > 96) + (bottom > 96)];
      else
        line += shades[static_cast<std::size_t>((top + bottom) * 9 / 510)];
    }
    lines.push_back(line);
  }
  return lines;
}

}  // namespace gradus::app
