// What the rules of health.cpp share: a tape read with short words, and the list they write to.
#pragma once

#include <functional>
#include <set>

#include <gradus/see/health.h>

namespace gradus::see {

/// A tape and what was found on it so far.
class HealthReport {
 public:
  HealthReport(const Tape& tape, const HealthOptions& options) : tape_(tape), options_(options) {}

  const Tape& tape() const { return tape_; }
  const HealthOptions& options() const { return options_; }
  const TapeEvent& event(TapeIndex e) const { return tape_.events[static_cast<std::size_t>(e)]; }
  const TapeValue& value(TapeIndex v) const { return tape_.values[static_cast<std::size_t>(v)]; }
  const TapeTick& tick(TapeIndex t) const { return tape_.ticks[static_cast<std::size_t>(t)]; }
  TapeIndex count() const { return static_cast<TapeIndex>(tape_.events.size()); }
  TapeIndex step_of(const TapeEvent& e) const { return tick(e.tick).step; }
  std::string name(TapeIndex v) const { return tape_.name_of(v); }
  /// "t12"; "step 3 t12" where there are several steps.
  std::string tick_text(const TapeEvent& e) const {
    const bool one_step = tape_.steps() <= 1 && options_.first_step == 0;
    return (one_step ? "" : step_text(step_of(e)) + " ") + short_tick(e);
  }
  /// As it is written beside `other`: "t12" in the same step.
  std::string tick_text(const TapeEvent& e, const TapeEvent& other) const {
    return step_of(e) == step_of(other) ? short_tick(e) : tick_text(e);
  }
  /// The step's number in the run.
  std::string step_number(TapeIndex step) const {
    return std::to_string(step + options_.first_step);
  }
  std::string step_text(TapeIndex step) const { return "step " + step_number(step); }
  /// the last part of the module path (layer 0 for 0), or the operation.
  std::string who(const TapeEvent& e) const;
  /// "train.cpp:57", or nothing.
  std::string place(const TapeEvent& e) const;
  /// The one number of a value, where it is known.
  std::optional<double> number(TapeIndex v) const;
  /// The elements in f64, empty where they were not kept.
  std::vector<double> elements(TapeIndex v) const;
  /// The elements of a call's result, of a run that can be taken up again also those that were not
  /// kept; an empty tensor else.
  const Tensor& replayed(TapeIndex v) const;
  /// Whether a code was meant where a call was made: Allow, or the options.
  bool is_meant(const std::string& code, const TapeEvent& e) const;
  double norm(TapeIndex v) const { return value(v).statistics ? value(v).statistics->l2 : 0; }

  /// Adds a finding, or counts one of the same code, place and `subject` again.
  void tell(const std::string& code, const TapeEvent* at, const std::string& subject,
            std::string what, std::string why = {});
  /// A finding that has its text and place.
  void add(Diagnostic found);
  std::vector<Diagnostic> found() const;

 private:
  std::string short_tick(const TapeEvent& e) const {
    return "t" + std::to_string(tick(e.tick).number);
  }
  struct Entry {
    Diagnostic diagnostic;
    std::string subject;
  };
  const Tape& tape_;
  const HealthOptions& options_;
  std::vector<Entry> entries_;
};

double bytes_of(const Spec& spec);
/// "4308.76"
std::string digits(double value, int count = 6);
/// "7.84 GB", "157 kB"
std::string bytes_text(double bytes);
std::string percent(double share);
/// "nan", "-inf", "2e38"
std::string element_text(double v);

void find_shape_mistakes(HealthReport& report);       // B2 S3 M1
void find_training_mistakes(HealthReport& report);    // T1 T2 T3, and the next three
void find_steps_too_far(HealthReport& report);        // X1
void find_vanishing_gradients(HealthReport& report);  // X2
void find_dead_units(HealthReport& report);           // D1
void find_number_mistakes(HealthReport& report);      // N1 N2, and by the next N3
/// Tells N3; the calls whose NaN or infinity a where() hides.
std::set<TapeIndex> find_hidden_numbers(HealthReport& report);
void find_start_mistakes(HealthReport& report);  // I2 F1 L2 L3

/// Row-major position as "[3,2]"; "" for a scalar.
inline std::string index_text(const Shape& shape, std::int64_t position) {
  if (shape.rank() == 0) return "";
  std::string text;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    text = std::to_string(position % shape[axis]) + (text.empty() ? "" : ",") + text;
    position /= shape[axis];
  }
  return "[" + text + "]";
}

}  // namespace gradus::see
