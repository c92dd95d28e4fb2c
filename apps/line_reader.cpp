// libedit, or plain lines; see line_reader.h.
#include <apps/line_reader.h>
#include <apps/terminal.h>

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <iostream>

#ifdef GRADUS_LIBEDIT
#include <histedit.h>
#endif

namespace gradus::app {
namespace {

/// Whether a person types and reads.
bool asks() { return ::isatty(STDIN_FILENO) && ::isatty(STDOUT_FILENO); }

}  // namespace

#ifdef GRADUS_LIBEDIT

namespace {

/// The beginning that all words share.
std::string common_beginning(const std::vector<std::string>& words) {
  std::string common = words[0];
  for (const std::string& word : words)
    while (!word.starts_with(common)) common.pop_back();
  return common;
}

}  // namespace

struct LineReader::Editor {
  Editor(std::string prompt_, Completer completer_)
      : prompt(std::move(prompt_)), completer(std::move(completer_)) {
    edit = el_init("gradus", stdin, stdout, stderr);
    past = history_init();
    if (!edit || !past) return;
    el_set(edit, EL_CLIENTDATA, this);
    el_set(edit, EL_PROMPT, &prompt_of);
    el_set(edit, EL_EDITOR, "emacs");
    // Signals are the program's: libedit's handlers would leave a half-typed line in another mode
    // of the terminal after Ctrl-C.
    el_set(edit, EL_SIGNAL, 0);
    history(past, &event, H_SETSIZE, 500);
    el_set(edit, EL_HIST, history, past);
    el_set(edit, EL_ADDFN, "complete", "completes a word", &complete);
    el_set(edit, EL_BIND, "^I", "complete", nullptr);
  }
  ~Editor() {
    if (past) history_end(past);
    if (edit) el_end(edit);
  }
  Editor(const Editor&) = delete;
  Editor& operator=(const Editor&) = delete;

  static Editor* of(EditLine* line) {
    void* self = nullptr;
    el_get(line, EL_CLIENTDATA, &self);
    return static_cast<Editor*>(self);
  }
  static char* prompt_of(EditLine* line) { return of(line)->prompt.data(); }
  static unsigned char complete(EditLine* line, int) {
    const LineInfo* info = el_line(line);
    const char* begin = info->cursor;
    while (begin > info->buffer && !std::strchr(" ,;()[]|<>=+*/@-", begin[-1])) --begin;
    const std::string word(begin, info->cursor);
    // The first word of a command is a command's.
    const char* before = begin;
    while (before > info->buffer && before[-1] == ' ') --before;
    const bool begins = before == info->buffer || before[-1] == ';';
    const std::vector<std::string> words = of(line)->completer(word, begins);
    if (words.empty()) return CC_ERROR;
    const std::string more = common_beginning(words).substr(word.size());
    if (!more.empty()) {
      el_insertstr(line, more.c_str());
      return CC_REFRESH;
    }
    std::printf("\n%s", in_columns(words, Terminal().width()).c_str());
    return CC_REDISPLAY;
  }

  std::string prompt;
  Completer completer;
  EditLine* edit = nullptr;
  ::History* past = nullptr;
  HistEvent event{};
};

LineReader::LineReader(std::string prompt, Completer completer)
    : plain_(std::cin, std::cout, asks() ? prompt : "") {
  if (asks()) editor_ = std::make_unique<Editor>(std::move(prompt), std::move(completer));
}

#else

struct LineReader::Editor {};
LineReader::LineReader(std::string prompt, Completer)
    : plain_(std::cin, std::cout, asks() ? std::move(prompt) : "") {}

#endif

LineReader::~LineReader() = default;

std::optional<std::string> LineReader::next() {
#ifdef GRADUS_LIBEDIT
  if (editor_ && editor_->edit) {
    int count = 0;
    el_resize(editor_->edit);  // the window may have changed
    const char* text = el_gets(editor_->edit, &count);
    if (!text || count <= 0) {
      std::cout << "\n";  // whoever writes next begins a line
      return std::nullopt;
    }
    std::string line(text, static_cast<std::size_t>(count));
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
    if (!line.empty()) history(editor_->past, &editor_->event, H_ENTER, line.c_str());
    return line;
  }
#endif
  return plain_.next();
}

}  // namespace gradus::app
