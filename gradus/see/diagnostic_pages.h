// A page for each code: what it means, why it matters, a small program that makes the mistake and
// one that mends it. Both programs run when the page is shown: what the page says, they said.
// The table of codes is core/diagnostic.h; docs/diagnostics.md is these pages.
#pragma once

#include <gradus/see/health.h>

namespace gradus::see {

struct DiagnosticPage {
  std::string_view code;
  std::string_view what;  ///< what the mistake is
  std::string_view why;   ///< why it matters
  std::string_view mend;  ///< what to do about it
  std::string_view wrong_text, right_text;
  std::vector<Diagnostic> (*wrong)();  ///< runs the first program: what it is told
  std::vector<Diagnostic> (*right)();  ///< runs the second
};

/// In the order of the table of codes.
std::span<const DiagnosticPage> diagnostic_pages();
/// The page of a code, B1 or b1; null where there is none.
const DiagnosticPage* find_page(std::string_view code);

/// A program's source as lines: "Tensor x = rand({4, 1});\nmse(x, y);".
std::string program_lines(std::string_view text);
/// What a program was told of this code; "nothing" where it was told nothing.
std::string said(const std::vector<Diagnostic>& found, std::string_view code);

/// One page as text, and all of them as docs/diagnostics.md.
std::string page_text(const DiagnosticPage& page);
/// A page as one JSON object.
std::string json_text(const DiagnosticPage& page);
std::string diagnostics_markdown();

}  // namespace gradus::see
