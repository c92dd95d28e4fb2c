// Stepper: the step debugger's commands over a tape that may still grow: forwards and backwards
// through both passes, stops, watches, looks and what-ifs. It reads lines and answers with text;
// who asks (a terminal, a file, a test) and how the program runs on is somebody else's.
//
//   see::Stepper stepper(tape, {});
//   std::cout << stepper.execute("b lin*.backward ; c");
//   while (stepper.wants_more()) { ...the program runs on...;  std::cout << stepper.grown(); }
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <set>

#include <gradus/see/gradient_slope.h>
#include <gradus/see/rerun.h>
#include <gradus/see/step_command.h>
#include <gradus/see/stop.h>
#include <gradus/see/tape_view.h>
#include <gradus/see/term.h>

namespace gradus::see {

struct StepperOptions {
  Style style{};
  bool json = false;  ///< one JSON object a stop or answer
  bool bold = false;  ///< heads of stops in bold
};

class Stepper {
 public:
  /// `rerun`, where there is one, replays what was not kept and tries what was not done. Both must
  /// live as long.
  explicit Stepper(Tape& tape, StepperOptions options = {}, Rerun* rerun = nullptr);

  /// Runs commands, separated by `;`; an empty line repeats the last one. Never throws for what the
  /// line says. When a motion needs more tape, the commands behind it wait for it.
  std::string execute(std::string_view line);
  /// Whether a motion waits for the program to run on.
  bool wants_more() const { return pending_ != nullptr; }
  /// The tape has grown: goes on with the motion, says where it arrived.
  std::string grown();
  /// The tape will not grow any more: what waits stops at its end.
  std::string ended();
  /// The same where nobody will look any more: nothing is shown, and what waits is forgotten.
  void end_tape();
  bool has_quit() const { return has_quit_; }
  /// The breakpoints that have not stopped anything: of a tape that ended all, else those that may
  /// never be met, with the reason.
  std::string unmet() const;
  /// Any motion stops at the next tick, and what waits behind it is forgotten; the next command
  /// begins anew. May be called from a signal handler.
  void interrupt() { interrupted_.store(true, std::memory_order_relaxed); }
  /// The stop at the focus as it is now, for the beginning of a session.
  std::string show();
  void set_width(int width) { options_.style.width = width; }

  const Focus& focus() const { return focus_; }
  const Elements& elements() const { return elements_; }
  /// Commands and names of tensors and modules that begin with `word`.
  std::vector<std::string> completions(const std::string& word, bool begins = true) const;
  /// What `h` says, in lines of at most `width` columns.
  static std::string help(int width);

 private:
  struct Breakpoint {
    Breakpoint(int number_, Stop stop_) : number(number_), stop(std::move(stop_)) {}
    int number;
    Stop stop;
    bool enabled = true, once = false;
    int ignore = 0, hits = 0;
    std::string condition, untold;  // why the condition could not be told
    std::vector<std::string> commands;
  };
  struct Watch {
    int number;
    std::string expression;
    bool enabled = true;
    int hits = 0;
    std::string condition{}, untold{};
  };
  struct Note {
    TapeIndex tick;
    std::string text;
  };
  struct Branch {
    std::string name, how;
    Tape tape;
    TapeIndex step;
  };
  using Handler = std::string (Stepper::*)(const std::string& rest, int direction);
  /// What follows a command's word. What nobody reads is refused in one place.
  enum class Takes { nothing, maybe, something };
  /// A motion runs on where it must and has a reverse; what arrives says itself where.
  enum class Kind { answer, arrival, motion };
  struct Entry {
    std::string_view word, letters;
    Handler handler;
    Takes takes;
    std::string_view example{};  ///< of what follows, where something must
    Kind kind = Kind::answer;
  };
  static const std::vector<Entry>& entries();

  // -- the session (step.cpp)
  std::string drain();
  bool take_interrupt();
  bool is_expression(std::string_view command) const;
  std::string run_one(std::string typed);
  std::string run_entry(const Entry& entry);
  /// What `run` says, to who asked or into the command's file; its errors to who asked.
  std::string attempt(const std::function<std::string()>& run);
  std::string proceed();
  std::string delivered(const std::string& text);
  std::string said(const std::string& command, const std::string& text, bool is_error);
  std::string answer(const std::string& text);
  /// An answer that says what is wrong and how to mend it; `position` is where in the command.
  std::string refusal(const std::string& problem, const std::string& hint,
                      std::optional<std::size_t> position = {});
  /// Of lines that programs get whole.
  Style text_style() const {
    return {options_.json ? 1 << 20 : options_.style.width, options_.style.utf8};
  }
  /// With --json, a further field of the answer.
  template <class... What>
  void tell(const std::string& field, const What&... what);
  /// Throws NameError for a word that is no command's, or several commands'.
  const Entry& entry_for(const std::string& word) const;
  std::string arrive(Focus focus, char sign, const std::string& reason);
  TapeIndex last_tick() const { return static_cast<TapeIndex>(tape_.ticks.size()) - 1; }

  // -- move (step_move.cpp)
  std::string edge(bool at_end);
  /// Goes on in `direction` until `until` gives a reason, from the tick beside the focus.
  std::string travel(int direction,
                     std::function<std::optional<std::string>(TapeIndex tick)> until);
  std::string next_event(int depth, int direction);
  std::string next(const std::string&, int), step(const std::string&, int),
      up(const std::string&, int), go_on(const std::string&, int), until(const std::string&, int),
      jump(const std::string&, int), home(const std::string&, int), end(const std::string&, int);
  // -- stop and watch (step_stop.cpp)
  std::optional<std::string> stop_reason(TapeIndex tick);
  std::optional<std::string> reason_of(Breakpoint& b, TapeIndex tick);
  std::optional<std::string> reason_of(Watch& w, TapeIndex tick);
  /// What `stop` says after a tick where the condition holds, too, and the numbers that it
  /// compares.
  std::optional<std::string> met_if(const Stop& stop, const std::string& condition,
                                    TapeIndex tick) const;
  /// Of a search: none where the condition names what is not there yet.
  std::optional<std::string> met_so_far(const Stop& stop, const std::string& condition,
                                        TapeIndex tick) const;
  /// What a condition names that is not on the tape so far. Throws ExpressionError for what is no
  /// expression; it stands `begin` characters behind the command's word.
  std::string doubt_of(const std::string& condition, std::size_t begin) const;
  /// A line that says so where a stop may never be met, or its condition be told.
  std::string doubt_line(const Stop& stop, const Conditional& asked);
  std::string add_break(const std::string&, int), add_once(const std::string&, int),
      ignore(const std::string&, int), condition(const std::string&, int),
      enable(const std::string&, int), disable(const std::string&, int),
      remove(const std::string&, int), commands(const std::string&, int),
      watch(const std::string&, int), display(const std::string&, int),
      undisplay(const std::string&, int), first(const std::string&, int),
      last(const std::string&, int);
  // -- look (step_look.cpp), why (step_explain.cpp), try (step_try.cpp)
  std::string where(const std::string&, int), list(const std::string&, int),
      list_all(const std::string&, int), source(const std::string&, int),
      print(const std::string&, int), summary(const std::string&, int),
      picture(const std::string&, int), range(const std::string&, int),
      element(const std::string&, int), plot(const std::string&, int),
      view(const std::string&, int), tell_why(const std::string&, int),
      explain(const std::string&, int), latex(const std::string&, int),
      einsum(const std::string&, int), gears(const std::string&, int),
      check(const std::string&, int), health(const std::string&, int),
      what_if(const std::string&, int), set(const std::string&, int),
      branch(const std::string&, int), diff(const std::string&, int), note(const std::string&, int),
      quit(const std::string&, int), show_help(const std::string&, int);
  std::string explain_all(TapeIndex tick, TermStyle style);
  GradientSlope slope_of(const std::string& name, const Ints& index, TapeIndex tick) const;
  std::string told_breakpoints() const, told_branches() const;
  Rerun& rerun() const;
  Breakpoint& breakpoint(const std::string& number);
  Watch* watch_of(const std::string& number);
  /// `enable 2`, `disable 2`: of a breakpoint or a watch.
  std::string set_enabled(const std::string& number, bool enabled);
  bool has_whole_step() const;
  /// A line that says so where a stop may never be met, as far as a whole step shows.
  std::string doubt_line(const std::string& doubt);
  /// A line for `commands`, up to `end`.
  std::string collect(const std::string& line);
  /// A line for each of the watches, or of the displays.
  std::string watches_text(const std::vector<Watch>& all, const std::string& what) const;
  /// Without tensor and word where a name is not here yet, which `absence` says: ": nothing is...".
  Value value_now(const std::string& expression, std::string& absence);
  /// A line that says what is odd about a value, once; else empty.
  std::string warning_line(const Value& value);
  /// The ticks [first, last) that `u` leaves from here, and where it goes.
  bool is_inside(TapeIndex here, TapeIndex tick) const;
  TapeIndex after_module(TapeIndex tick) const;
  TapeIndex module_before(TapeIndex here) const;
  std::optional<Focus> place_after(const Focus& place) const;
  std::optional<Focus> place_before(const Focus& place) const;
  TapeIndex step_here() const;

  Tape& tape_;
  StepperOptions options_;
  Rerun* rerun_;
  Elements elements_;
  Focus focus_;
  std::vector<Breakpoint> breakpoints_;
  std::vector<Watch> watches_, displays_;
  std::vector<Branch> branches_;
  std::vector<Note> notes_;
  int numbers_ = 0;
  std::deque<std::string> queue_;
  StepCommand command_;                 // the one that runs, or waits
  std::string last_line_, shown_;       // the tensor that @[..] looks at
  std::set<std::string> warned_;        // what was said already
  JsonFields told_;                     // further fields of the answer that comes
  bool is_refused_ = false;             // the answer that comes says what is missing
  std::vector<std::string> collected_;  // `commands N` takes lines until `end`
  int collecting_number_ = 0;
  std::function<std::optional<std::string>()> pending_;  // goes on; none while not yet there
  bool has_ended_ = false, has_quit_ = false;
  std::atomic<bool> interrupted_{false};
};

}  // namespace gradus::see
