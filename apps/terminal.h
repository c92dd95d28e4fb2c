// What the command knows of the terminal: is it one, how wide, colours, which characters.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <gradus/core/tensor.h>

namespace gradus::app {

class Terminal {
 public:
  /// Looks at stdout and the environment (TERM, NO_COLOR, LC_ALL, LC_CTYPE, LANG, COLUMNS).
  Terminal();
  ~Terminal() { clear_transient(); }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  bool is_live() const { return live_; }  ///< lines may be rewritten
  bool has_utf8() const { return utf8_; }
  bool has_colour() const { return colour_; }
  int width() const;  ///< asked anew each time, 80 when unknown
  std::string bold(const std::string& text) const;
  std::string dim(const std::string& text) const;
  /// Shows `text` in place of the last transient line, cut to the width; nothing unless live. A
  /// terminal that became narrower meanwhile has broken that line into several: all go.
  void transient(const std::string& text);
  /// Removes it again.
  void clear_transient();

 private:
  bool live_ = false, colour_ = false, utf8_ = false;
  int columns_ = 0;  // that the transient line takes
};

/// Words put into lines of at most `width` columns; the second and later lines are indented by 2.
std::string wrapped(const std::string& text, int width);

/// A name and what it is: "name      words words", the words from `column` on in lines of at most
/// `width` columns. A long name, or a narrow width, puts them below the name. Ends its line.
std::string two_columns(const std::string& name, const std::string& text, int column, int width);
/// Words side by side, in columns of one width and lines of at most `width`; each line ends.
std::string in_columns(const std::vector<std::string>& words, int width);
/// A number by a printf format; what is no number is "nan", whatever its sign.
std::string number(const char* format, double value);

/// A bar of `cells` characters filled to `share` in 0..1.
std::string bar(double share, int cells, bool utf8);
/// Lines of a u8 picture [h, w], two rows of pixels a line.
std::vector<std::string> picture(const Tensor& image, bool utf8);

}  // namespace gradus::app
