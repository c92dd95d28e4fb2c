// gradus explain B1: the page of a mistake's code, or all of them. explain.cpp asks here first.
#pragma once

#include <optional>
#include <string>

namespace gradus::app {

/// Whether `what` names a page: a code, in any case, or "codes" (docs/diagnostics.md).
bool is_code_page(const std::string& what);

/// Prints what `what` names when it is a page, and gives the exit code; nothing where it is
/// another word.
std::optional<int> explain_code(const std::string& what, bool json, int width);

}  // namespace gradus::app
