// The pages: each program makes its mistake, each mended program is told nothing of it, and
// docs/diagnostics.md is what the pages say.
#include <gradus/see/diagnostic_pages.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

using namespace gradus;

namespace {

TEST(DiagnosticPages, OneForEachCodeInTheOrderOfTheTable) {
  ASSERT_EQ(see::diagnostic_pages().size(), codes().size());
  for (std::size_t i = 0; i < codes().size(); ++i)
    EXPECT_EQ(see::diagnostic_pages()[i].code, codes()[i].name);
  EXPECT_EQ(see::find_page("Z9"), nullptr);
}

TEST(DiagnosticPages, EachProgramMakesItsMistakeAndTheMendedOneDoesNot) {
  for (const see::DiagnosticPage& page : see::diagnostic_pages()) {
    const std::string wrong = see::said(page.wrong(), page.code);
    EXPECT_EQ(wrong.rfind(std::string(page.code) + " ", 0), 0U) << page.code << ": " << wrong;
    // No error and no warning of any other code either.
    for (const Diagnostic& d : page.right()) {
      EXPECT_NE(d.code, page.code) << d.str();
      EXPECT_LE(d.severity(), Severity::note) << page.code << ": " << d.str();
    }
  }
}

/// They are said on any terminal.
TEST(DiagnosticPages, WordsAreAscii) {
  const std::string all = see::diagnostics_markdown();
  EXPECT_EQ(std::find_if(all.begin(), all.end(),
                         [](char c) { return static_cast<unsigned char>(c) > 127; }),
            all.end());
}

TEST(DiagnosticPages, ProgramsAreWrittenAsLines) {
  EXPECT_EQ(see::program_lines("a(1); for (int i = 0; i < 2; ++i) { b({3, 4}); c(); } d();"),
            "a(1);\nfor (int i = 0; i < 2; ++i) {\n  b({3, 4});\n  c();\n}\nd();");
}

TEST(DiagnosticPages, TheDocumentIsWhatThePagesSay) {
  std::ostringstream file;
  file << std::ifstream(GRADUS_SOURCE_DIR "/docs/diagnostics.md").rdbuf();
  EXPECT_EQ(file.str(), see::diagnostics_markdown())
      << "write it anew: gradus explain codes > docs/diagnostics.md";
}

}  // namespace
