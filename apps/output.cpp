// Standard output, to its end; see output.h.
#include <apps/output.h>

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace gradus::app {

bool reader_is_gone() {
  pollfd out{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
  return ::poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

int finish_output(int code) {
  const bool failed_before = std::ferror(stdout) != 0;
  errno = 0;
  const int reason = std::fflush(stdout) != 0 ? errno : 0;
  if ((reason == 0 && !failed_before) || code != 0 || reader_is_gone()) return code;
  std::fprintf(stderr,
               "gradus: cannot write to standard output%s%s\n  hint: free some space, or send it "
               "elsewhere\n",
               reason ? ": " : "", reason ? std::strerror(reason) : "");
  return 1;
}

}  // namespace gradus::app
