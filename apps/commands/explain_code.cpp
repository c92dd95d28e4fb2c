// The pages of codes in the terminal; see explain_code.h.
#include <apps/commands/explain_code.h>

#include <cstdio>

#include <gradus/see/diagnostic_pages.h>
#include <gradus/see/tape_view.h>

namespace gradus::app {

bool is_code_page(const std::string& what) { return what == "codes" || see::find_page(what); }

std::optional<int> explain_code(const std::string& what, bool json, int width) {
  if (what == "codes") {
    if (!json) {
      std::fputs(see::diagnostics_markdown().c_str(), stdout);
      return 0;
    }
    std::string all;
    for (const see::DiagnosticPage& page : see::diagnostic_pages())
      all += (all.empty() ? "" : ",") + see::json_text(page);
    std::printf("{\"codes\":[%s]}\n", all.c_str());
    return 0;
  }
  const see::DiagnosticPage* page = see::find_page(what);
  if (!page) return {};
  if (json) {
    std::printf("%s\n", see::json_text(*page).c_str());
    return 0;
  }
  std::printf("%s", see::wrap_page(see::page_text(*page), {.width = width}).c_str());
  return 0;
}

}  // namespace gradus::app
