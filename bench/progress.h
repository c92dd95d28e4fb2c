// How far a part of the benchmark is, for people who wait: on a terminal alone.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <string>

namespace bench {

/// One line over the last one; without words the line is cleared.
inline void show_progress(const std::string& words) {
  if (::isatty(STDERR_FILENO) == 0) return;
  std::fprintf(stderr, "\r%-32s%s", words.c_str(), words.empty() ? "\r" : "");
}

}  // namespace bench
