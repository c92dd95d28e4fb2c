// The session inside a running program; see live.h.
#include <gradus/see/interrupt.h>
#include <gradus/see/live.h>
#include <gradus/see/step.h>
#include <gradus/see/words.h>

#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <iostream>

namespace gradus::see {
namespace {

constexpr std::int64_t budget = std::int64_t{256} << 20;  // bytes of elements that are kept

/// Whether a line, or the end, can be read without waiting for somebody to write it.
bool has_input() {
  pollfd input{0, POLLIN, 0};
  return ::poll(&input, 1, 0) > 0;
}

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

  /// The program has ended: says what was not met and which commands are left. Looking at tensors
  /// is over: this thread's memory is being given back.
  void ended() {
    if (stepper_.has_quit()) return;
    recorder_.pause();
    std::string left;
    if (isatty(0) == 0)
      for (std::string line; has_input() && std::getline(std::cin, line);)
        if (!trimmed(line).empty()) left += (left.empty() ? "" : ", ") + line;
    stepper_.end_tape();
    std::cout << stepper_.unmet() << "the program has ended"
              << (left.empty() ? "" : "; it did not come back for: " + left) << "\n"
              << std::flush;
  }
  /// Nobody catches an exception: the tape reaches up to there, to step back and look.
  void threw(const std::string& what) {
    if (stepper_.has_quit()) return;
    std::cout << "the program threw: " << what << "\n";
    recorder_.finish();
    std::cout << stepper_.ended();
    talk();
  }

 private:
  void ticked() {
    if (stepper_.has_quit()) return;
    if (!has_doubted_ && recorder_.tape().steps() > 1) {
      has_doubted_ = true;
      std::cout << stepper_.unmet();
    }
    std::cout << stepper_.grown() << std::flush;
    talk();
    if (stepper_.has_quit()) recorder_.pause();
  }
  /// Commands, up to one that needs the program to run on.
  void talk() {
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
  }
  Recorder recorder_;
  Stepper stepper_;
  bool has_doubted_ = false;
};

Live* live = nullptr;

extern "C" void interrupted(int) {
  if (live) live->interrupt();
}

std::terminate_handler terminate_before = nullptr;

void terminated() {
  if (const std::exception_ptr thrown = std::current_exception(); thrown && live) {
    std::string what = "something that is no std::exception";
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& error) {
      what = error.what();
    } catch (...) {
    }
    live->threw(what);
  }
  terminate_before();
}

/// At the end of the thread that began.
struct AtTheEnd {
  ~AtTheEnd() { live->ended(); }
};

Live& begin() {
  static const std::ios_base::Init streams;  // this may run before main
  if (!live) {
    live = new Live;
    thread_local const AtTheEnd at_the_end;
    terminate_before = std::set_terminate(terminated);
    if (isatty(0)) on_interrupt(interrupted);
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
