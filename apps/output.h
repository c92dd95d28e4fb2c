// Whether what a command prints arrives: a full disk must not look like a success.
#pragma once

namespace gradus::app {

/// Whether nobody reads standard output any more (a pipe whose reader has gone, as head does).
bool reader_is_gone();

/// Sends off what was printed. The exit code: `code`, or 1, with a message, where it cannot all be
/// written. A reader that has gone had enough: that is no failure.
int finish_output(int code);

}  // namespace gradus::app
