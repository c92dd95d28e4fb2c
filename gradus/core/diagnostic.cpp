// The table of mistakes; see diagnostic.h. The pages are in see/diagnostic_pages.cpp.
#include <gradus/core/diagnostic.h>

#include <algorithm>
#include <vector>

#include <gradus/core/shape.h>

namespace gradus {
namespace {

constexpr Code table[] = {
    {"B1", Severity::error, "a loss of two shapes that broadcast"},
    {"B2", Severity::warning, "both sides of an operation stretch"},
    {"S1", Severity::error, "a product whose inner sizes differ"},
    {"S2", Severity::error, "a reshape to another number of elements"},
    {"S3", Severity::warning, "squeeze drops the batch axis too"},
    {"M1", Severity::warning, "a large temporary for a small result"},
    {"G1", Severity::error, "backward of more than one number"},
    {"G2", Severity::error, "backward of what no parameter leads to"},
    {"G3", Severity::error, "backward twice through the same values"},
    {"T1", Severity::warning, "gradients of the step before are still there"},
    {"T2", Severity::warning, "a parameter that nothing uses"},
    {"T3", Severity::warning, "a parameter that the optimizer does not own"},
    {"I1", Severity::error, "a value that backward needs was overwritten"},
    {"I2", Severity::note, "weights that start too large"},
    {"F1", Severity::note, "inputs that are always 0"},
    {"N1", Severity::error, "the first value that is not finite"},
    {"N2", Severity::error, "exp beyond the largest number"},
    {"N3", Severity::warning, "a NaN that where hides forward, not backward"},
    {"L1", Severity::error, "a label out of range"},
    {"L2", Severity::warning, "softmax before cross_entropy"},
    {"L3", Severity::note, "a first loss far above that of guessing"},
    {"D1", Severity::warning, "units that are 0 for every row"},
    {"X1", Severity::warning, "a step too far: the loss explodes"},
    {"X2", Severity::warning, "gradients that vanish over the layers"},
    {"C1", Severity::error, "rows of a batch that mix"},
    {"K1", Severity::ok, "a gradient at a kink"},
    {"K2", Severity::error, "a gradient that differs from the numeric one"},
};

thread_local std::vector<std::string> allowed;

/// Some errors can be meant: that of a loss, and those that only a tape tells.
bool is_allowable(const Code& code) {
  return code.severity == Severity::note || code.severity == Severity::warning ||
         code.name == "B1" || code.name == "N1" || code.name == "N2";
}

/// What nothing asks for would be allowed in vain.
void check_allowable(std::string_view name) {
  const std::string call = "Allow(\"" + std::string(name) + "\"): ";
  const Code* code = find_code(name);
  if (!code) throw ValueError(call + "there is no such code", "`gradus explain codes` lists all");
  if (is_allowable(*code)) return;
  throw ValueError(call + std::string(code->title) + " is " +
                       (code->severity == Severity::ok ? "no warning" : "an error") +
                       ", which cannot be allowed",
                   "mend it: `gradus explain " + std::string(name) +
                       "` shows how; what can be allowed are warnings, notes, B1, N1 and N2");
}

void replace_start(std::string& text, const std::string& before, const std::string& after) {
  if (text.starts_with(before)) text.replace(0, before.size(), after);
}

}  // namespace

std::string_view severity_name(Severity severity) {
  switch (severity) {
    case Severity::ok:
      return "ok";
    case Severity::note:
      return "note";
    case Severity::warning:
      return "warn";
    case Severity::error:
      break;
  }
  return "error";
}

std::span<const Code> codes() { return table; }

const Code* find_code(std::string_view name) {
  const auto found = std::find_if(std::begin(table), std::end(table),
                                  [&](const Code& code) { return code.name == name; });
  return found == std::end(table) ? nullptr : found;
}

Severity Diagnostic::severity() const {
  const Code* known = find_code(code);
  return known ? known->severity : Severity::error;
}

std::string Diagnostic::str() const {
  std::string head = code + " " + std::string(severity_name(severity()));
  head.resize(10, ' ');
  return head + what + (why.empty() ? "" : "\n" + std::string(10, ' ') + why);
}

Allow::Allow(std::string_view code) {
  check_allowable(code);
  allowed.emplace_back(code);
}
Allow::~Allow() { allowed.pop_back(); }
bool is_allowed(std::string_view code) {
  return std::find(allowed.begin(), allowed.end(), code) != allowed.end();
}

const std::vector<std::string>& allowed_codes() { return allowed; }

void HasDiagnostic::note_call(std::string_view operation, std::string place) {
  diagnostic_.place = std::move(place);
  if (!after_call_) return;
  if (!call_.empty()) replace_start(diagnostic_.what, call_, "");
  call_ = std::string(operation) + ": ";
  diagnostic_.what = call_ + diagnostic_.what;
}

const Diagnostic* diagnostic_of(const std::exception& error) {
  const auto* coded = dynamic_cast<const HasDiagnostic*>(&error);
  return coded ? &coded->diagnostic() : nullptr;
}

std::string sizes_text(const Shape& shape) {
  std::string text = "(";
  for (int axis = 0; axis < shape.rank(); ++axis)
    text += (axis ? "," : "") + std::to_string(shape[axis]);
  return text + (shape.rank() == 1 ? ",)" : ")");
}

}  // namespace gradus
