// Ctrl-C at a prompt.
#pragma once

#include <csignal>

namespace gradus::see {

/// From now on Ctrl-C calls `handler`, and a read of the terminal that it comes into goes on:
/// std::signal leaves it open whether it would end instead.
inline void on_interrupt(void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &action, nullptr);
}

}  // namespace gradus::see
