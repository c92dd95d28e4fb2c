// Tape: a training run written down, call by call: what ran, on which tensors, where, how long, and
// what the numbers looked like. Pure data: every view (step debugger, pictures, diagnostics) is a
// function of a tape and a place on it. recorder.h writes one while the program runs.
//
//   step 0    t0 in     t1 F lin1    t2 F relu1 ...    t6 B lin2    ...    t9 U sgd
//
// A *tick* (t1) is what a reader steps over: one module's calls, or one call outside of modules; in
// a backward pass all that differentiates one forward tick. An *event* is one call of an operation.
// A *value* is a tensor as it was at one version: a write in place makes a new one.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gradus/program/observer.h>
#include <gradus/see/statistics.h>

namespace gradus::see {

/// A position in one of the tape's lists; `none` where there is none.
using TapeIndex = std::int64_t;
inline constexpr TapeIndex none = -1;

/// One tensor at one version.
struct TapeValue {
  std::int64_t tensor = 0;    ///< the same for all versions of one tensor
  std::uint64_t version = 0;  ///< writes in place to its storage so far
  Spec spec;
  std::string name;              ///< the user's, a parameter's; else empty: see Tape::name_of
  bool is_parameter = false;     ///< a leaf that requires a gradient
  TapeIndex made_by = none;      ///< the event; none for what came from outside (data, parameters)
  TapeIndex since = 0;           ///< the first event that knows it
  TapeIndex step = 0;            ///< the step it was first seen in
  TapeIndex gradient_of = none;  ///< the value whose gradient this is (one of them)
  TapeIndex gradient = none;     ///< the latest gradient of this value
  std::optional<Statistics> statistics;  ///< none for deferred results and at level off
  Tensor payload;                        ///< the elements, where they were kept
};

/// One call of an operation, in the order in which calls began.
struct TapeEvent {
  TapeIndex tick = none, parent = none;  ///< parent: the composite that made this call
  int depth = 0;
  Phase phase = Phase::forward;
  std::string op, attributes;  ///< "sum", "axis=0, keepdims=false"
  std::string scope;           ///< module path, "net.lin1"; may be empty
  std::string file, function;  ///< in the user's source
  int line = 0;
  std::vector<TapeIndex> inputs, outputs;  ///< values
  TapeIndex target = none;                 ///< the value that was overwritten
  TapeIndex twin = none;                   ///< in a backward pass: the event being differentiated
  std::vector<TapeIndex> backward;         ///< the events that differentiated this one
  double seconds = 0;
  std::int64_t bytes = 0;    ///< of new memory
  std::optional<double> lr;  ///< of a parameter's update: what its optimizer took
  bool finished = false;     ///< false where the call threw
  bool has_history = true;   ///< false where no backward pass can go through it, as under no_grad
  std::vector<std::string> allowed{};  ///< codes that were meant around it: core/diagnostic.h
};

/// A module's call, as it stands in the user's source.
struct TapeCaller {
  std::string module;          ///< its path, "net.lin1"; empty for the outermost
  std::string file, function;  ///< where it was called
  int line = 0;
};

/// What a reader steps over; t0 of each step is "in": what comes from outside.
struct TapeTick {
  TapeIndex step = 0, number = 0;  ///< number: the t of t7, from 0 in each step
  Phase phase = Phase::forward;
  std::string label;                       ///< "lin1", "mse", "sgd"; "in"
  TapeIndex first = 0, last = 0;           ///< events [first, last)
  TapeIndex twin = none, backward = none;  ///< tick of the other pass
  std::vector<TapeCaller> callers{};       ///< of a forward one: the calls around, innermost first
};

/// One walk backwards: a step may have several, as of two losses.
struct TapePass {
  TapeIndex first = 0;                      ///< its first event
  std::vector<TapeIndex> roots{}, seeds{};  ///< values it began with, and their gradients
};

/// What a tape keeps besides calls: nothing, statistics, or statistics and elements.
enum class TapeLevel { off, stats, full };

class Tape {
 public:
  std::vector<TapeTick> ticks;
  std::vector<TapeEvent> events;
  std::vector<TapeValue> values;
  TapeLevel level = TapeLevel::stats;

  /// Number of steps, counted from 0; the last may be incomplete.
  TapeIndex steps() const { return ticks.empty() ? 0 : ticks.back().step + 1; }
  /// Ticks [first, last) of a step.
  std::pair<TapeIndex, TapeIndex> ticks_of(TapeIndex step) const;
  /// The tick numbered `number` in `step`, or none.
  TapeIndex tick_at(TapeIndex step, TapeIndex number) const;

  /// "w1", "lin1.weight", "w1.g"; for what has no name of its own "lin1.out" where it leaves a
  /// module, else operation and number, "matmul_3". The same name for every version and step.
  std::string name_of(TapeIndex value) const;
  /// Gives a value a name of its own; find goes by an index of these, so that a long tape is
  /// searched as fast as a short one. (Not for two threads at once.)
  void rename(TapeIndex value, const std::string& name);
  /// Marks a value as a parameter, which is found in later steps too.
  void set_parameter(TapeIndex value);
  /// The value of that name known at the end of `tick`, the latest version; none if nothing has it.
  /// "lin1.out" is what a module's last call of the step gave, whatever name that has itself.
  TapeIndex find(std::string_view name, TapeIndex tick) const;
  /// Names known at the end of `tick`, as of its step, without repetition, in order of appearance.
  std::vector<std::string> names(TapeIndex tick) const;

  /// Whether a reader knows it by name: it has one, is a parameter, a module's result, or the
  /// gradient of such a value.
  bool is_told(TapeIndex value) const;

  /// What a tick shows: for "in" data and parameters; else the results that leave it: gradients of
  /// what is told, overwritten parameters, results used later or last; not what is passed inside.
  std::vector<TapeIndex> results_of(TapeIndex tick) const;
  /// What comes into a tick from outside of it, without repetition.
  std::vector<TapeIndex> arguments_of(TapeIndex tick) const;
  /// Whether a NaN or an infinity begins at an event: a NaN where no input had one, an infinity
  /// where all inputs were finite. (One that was asked for, as by full(-inf), begins nowhere.)
  bool is_alarm(TapeIndex event) const;
  /// All such events, in order.
  std::vector<TapeIndex> alarms() const;
  /// The loss of a step: the value that its backward pass started from; none before that.
  TapeIndex loss_of(TapeIndex step) const;
  /// The tick of an event's or a value's birth; for a value from outside, t0 of its first step.
  TapeIndex tick_of_value(TapeIndex value) const;
  /// Bytes of all payloads, a storage counted once.
  std::int64_t payload_bytes() const;

  /// The loss values by step; name_of and loss_of read it.
  std::vector<TapeIndex> losses;
  /// In order; none on a tape of before there were any.
  std::vector<TapePass> passes;
  /// Tensors (TapeValue::tensor) that an optimizer owns whose step was met, with a gradient or
  /// without.
  std::set<std::int64_t> owned;

 private:
  /// Values below this one belong to the steps before `step`.
  TapeIndex first_value_of(TapeIndex step) const;
  /// The latest gradient of a value, or of the version before, known at the end of a tick.
  TapeIndex gradient_of(TapeIndex of, const TapeTick& here) const;
  /// What leaves a module by its last call in the step so far.
  TapeIndex output_of(std::string_view module, TapeIndex tick) const;
  /// The last result of a tick's outermost calls.
  TapeIndex last_result(TapeIndex tick) const;
  /// The latest of what stays from step to step and has that name, before value `end`.
  TapeIndex find_lasting(std::string_view name, TapeIndex end) const;
  void index_names() const;

  mutable std::size_t indexed_ = 0;  // values whose names are in the lists below
  mutable std::map<std::string, std::vector<TapeIndex>, std::less<>> own_names_{};
  mutable std::vector<TapeIndex> unnamed_{};  // what stays and has no name of its own
};

/// Writes a tape: safetensors, payloads as tensors "v12", all else as JSON in its metadata.
void save_tape(const std::string& path, const Tape& tape);
/// Throws IoError, or DataError for a file that is no tape or contradicts itself.
Tape open_tape(const std::string& path);

}  // namespace gradus::see
