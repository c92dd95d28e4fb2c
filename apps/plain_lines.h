// PlainLines: lines as they come, without history and completion: of a file, or of a person where
// libedit was not there at building time. line_reader.h is the user.
#pragma once

#include <istream>
#include <optional>
#include <ostream>
#include <string>
#include <utility>

namespace gradus::app {

class PlainLines {
 public:
  /// Without a prompt nothing is written.
  PlainLines(std::istream& in, std::ostream& out, std::string prompt = "")
      : in_(in), out_(out), prompt_(std::move(prompt)) {}

  /// The next line, without its end; none at the end of the input. Whoever writes behind that
  /// begins a line.
  std::optional<std::string> next() {
    out_ << prompt_ << std::flush;
    std::string line;
    if (!std::getline(in_, line)) {
      if (!prompt_.empty()) out_ << "\n" << std::flush;
      return std::nullopt;
    }
    if (line.ends_with('\r')) line.pop_back();
    return line;
  }

 private:
  std::istream& in_;
  std::ostream& out_;
  std::string prompt_;
};

}  // namespace gradus::app
