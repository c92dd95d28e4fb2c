// Reads commands: with history and completion where libedit was there at building time and a person
// types, else plain lines.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <apps/plain_lines.h>

namespace gradus::app {

/// Words that may stand in place of the one being typed, which may be the first of its command.
using Completer =
    std::function<std::vector<std::string>(const std::string& word, bool begins_command)>;

class LineReader {
 public:
  LineReader(std::string prompt, Completer completer);
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;
  /// The next line, without its end; none at the end of the input. The prompt is shown to a
  /// terminal alone.
  std::optional<std::string> next();

 private:
  struct Editor;
  PlainLines plain_;
  std::unique_ptr<Editor> editor_;
};

}  // namespace gradus::app
