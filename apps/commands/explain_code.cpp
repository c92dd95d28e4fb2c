// The pages of codes in the terminal; see explain_code.h.
#include <apps/commands/explain_code.h>
#include <algorithm>
#include <cstdio>

#include <gradus/see/diagnostic_pages.h>

namespace gradus::app {
namespace {

/// Lines cut at spaces, their rests below the text of the page (column 8), or of the line.
std::string fitted(const std::string& text, std::size_t width) {
  std::string out, line;
  for (const char c : text + "\n") {
    if (c != '\n') {
      line += c;
      continue;
    }
    const std::size_t indent =
        std::max<std::size_t>(8, std::min(line.find_first_not_of(' '), line.size()));
    while (line.size() > width) {
      const std::size_t space = line.rfind(' ', width);
      if (space == line.npos || space <= indent) break;
      out += line.substr(0, space) + "\n";
      line = std::string(indent, ' ') + line.substr(space + 1);
    }
    out += line + "\n";
    line.clear();
  }
  out.pop_back();
  return out;
}

}  // namespace

std::optional<int> explain_code(const std::string& what, bool json, int width) {
  if (what == "codes") {
    std::fputs(see::diagnostics_markdown().c_str(), stdout);
    return 0;
  }
  std::string name = what;
  for (char& c : name) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  const see::DiagnosticPage* page = see::find_page(name);
  if (!page) return {};
  if (json) {
    std::printf("%s\n", see::json_text(*page).c_str());
    return 0;
  }
  std::printf("%s", fitted(see::page_text(*page), static_cast<std::size_t>(width)).c_str());
  return 0;
}

}  // namespace gradus::app
