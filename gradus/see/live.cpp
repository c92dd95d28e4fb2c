// The session inside a running program; see live.h.
#include <gradus/see/live.h>
#include <gradus/see/step.h>

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

namespace gradus::see {
namespace {

constexpr std::int64_t budget = std::int64_t{256} << 20;  // bytes of elements that are kept

/// One recorder and one stepper for the thread that began; both live until the process ends, as
/// the program may end anywhere.
class Live {
 public:
  Live()
      : recorder_({.level = TapeLevel::full, .budget = budget, .on_tick = [this] { ticked(); }}),
        stepper_(recorder_.tape(), {.bold = isatty(1) != 0 && !std::getenv("NO_COLOR")}) {}

  void add_stop(const std::string& text) { std::cout << stepper_.execute("b " + text); }
  void run() { stepper_.execute("c"); }
  /// At the tick that comes next, wherever the reader stands; t0 holds nothing to stop for.
  void stop_next() { stepper_.execute(recorder_.tape().ticks.empty() ? "n 2" : "end ; n"); }
  void name(const Tensor& x, const std::string& name) { recorder_.name(x, name); }
  void interrupt() { stepper_.interrupt(); }

 private:
  void ticked() {
    if (stepper_.has_quit()) return;
    std::cout << stepper_.grown() << std::flush;
    const bool typed = isatty(0) != 0, echoes = !typed && std::getenv("GRADUS_ECHO");
    while (!stepper_.wants_more() && !stepper_.has_quit()) {
      if (typed) std::cout << "(gradus) " << std::flush;
      std::string line;
      if (!std::getline(std::cin, line))
        line = "q";
      else if (echoes)
        std::cout << "(gradus) " << line << "\n";
      std::cout << stepper_.execute(line) << std::flush;
    }
    if (stepper_.has_quit()) recorder_.pause();
  }
  Recorder recorder_;
  Stepper stepper_;
};

Live* live = nullptr;

extern "C" void interrupted(int) {
  if (live) live->interrupt();
}

Live& begin() {
  static const std::ios_base::Init streams;  // this may run before main
  if (!live) {
    live = new Live;
    if (isatty(0)) std::signal(SIGINT, interrupted);
  }
  return *live;
}

}  // namespace

void step(const Tensor& x, const std::string& name) {
  Live& session = begin();
  session.name(x, name);
  session.stop_next();
}

bool break_from_environment() noexcept {
  const char* stops = std::getenv("GRADUS_BREAK");
  if (!stops || *stops == '\0' || live) return live != nullptr;
  try {
    Live& session = begin();
    const std::string text = stops;
    for (std::size_t i = 0; i <= text.size();) {
      const std::size_t end = std::min(text.find(';', i), text.size());
      const std::string one = text.substr(i, end - i);
      if (one == "t") {
        session.stop_next();
        return true;
      }
      if (one.find_first_not_of(' ') != one.npos) session.add_stop(one);
      i = end + 1;
    }
    session.run();
  } catch (const std::exception& error) {
    std::cerr << "GRADUS_BREAK: " << error.what() << "\n";
  }
  return true;
}

}  // namespace gradus::see
