// A page as JSON; see diagnostic_pages.h.
#include <gradus/see/diagnostic_pages.h>

#include <nlohmann/json.hpp>

namespace gradus::see {

std::string json_text(const DiagnosticPage& page) {
  const Code* code = find_code(page.code);
  const nlohmann::ordered_json object{{"code", std::string(page.code)},
                                      {"severity", std::string(severity_name(code->severity))},
                                      {"title", std::string(code->title)},
                                      {"what", std::string(page.what)},
                                      {"why", std::string(page.why)},
                                      {"program", program_lines(page.wrong_text)},
                                      {"says", said(page.wrong(), page.code)},
                                      {"mend", std::string(page.mend)},
                                      {"mended", program_lines(page.right_text)}};
  return object.dump();
}

}  // namespace gradus::see
