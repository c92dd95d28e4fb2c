// Composes the text of an error; see error.h for its form.
#include <gradus/core/diagnostic.h>
#include <gradus/core/error.h>

namespace gradus {

Error::Error(std::string problem, std::string hint, Place at)
    : problem_(std::move(problem)), hint_(std::move(hint)), place_(at) {
  compose_text();
}

void Error::add_context(std::string_view operation, std::string inputs, Place at) {
  operation_ =
      operation_.empty() ? std::string(operation) : std::string(operation) + " > " + operation_;
  inputs_ = std::move(inputs);
  place_ = at;
  if (auto* coded = dynamic_cast<HasDiagnostic*>(this))
    coded->note_call(operation, short_place(at));
  compose_text();
}

void Error::add_place(Place at) {
  if (place_.line() != 0) return;
  place_ = at;
  compose_text();
}

void Error::compose_text() {
  const std::string at = place_.line() == 0 ? "" : "\n  at: " + short_place(place_);
  if (const Diagnostic* diagnostic = diagnostic_of(*this)) {
    text_ = diagnostic->str() + at;
    return;
  }
  text_.clear();
  if (!operation_.empty()) text_ += operation_ + "(" + inputs_ + "): ";
  text_ += problem_;
  if (!hint_.empty()) text_ += "\n  hint: " + hint_;
  text_ += at;
}

std::string short_place(const Place& at) {
  std::string_view file = at.file_name();
  if (auto slash = file.rfind('/'); slash != file.npos) file.remove_prefix(slash + 1);
  return std::string(file) + ":" + std::to_string(at.line());
}

}  // namespace gradus
