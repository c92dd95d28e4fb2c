// Try: the same step run another way: a numeric slope, other learning rates, other numbers. All on
// copies of the program; nothing of the main line changes. step_look.cpp shows the results.
#pragma once

#include <gradus/see/rerun.h>
#include <gradus/see/tape_view.h>

namespace gradus::see {

/// d loss / d parameter[index] at the beginning of a step, by differences in f64.
struct Slope {
  double numeric = 0, left = 0, right = 0;  ///< central, one-sided
  double step = 0;
  std::int64_t kinks = 0;  ///< ReLU inputs whose sign differs between the two sides
};
/// Throws NameError for what is no parameter, IndexError for a place outside.
Slope numeric_slope(const Rerun& rerun, TapeIndex step, const std::string& parameter,
                    const Ints& index);

/// "1e-5..3e-3" as 1e-5 3e-5 1e-4 ... within; "0.1 0.2" as they are. Throws ValueError.
std::vector<double> learning_rates(const std::string& text);
struct Rate {
  double lr, loss;  ///< the loss on the same data after the step
};
std::vector<Rate> try_rates(const Rerun& rerun, TapeIndex step, const std::vector<double>& rates);
std::string try_rates_text(const std::vector<Rate>& rates, double present, TapeIndex step,
                           const Style& style);

/// The step with "w2[0]", "w2[3,1]" or a whole parameter set to `value` before it.
Tape run_with(const Rerun& rerun, TapeIndex step, const std::string& target, double value);
/// The step with another learning rate, and the one after it.
Tape run_with_rate(const Rerun& rerun, TapeIndex step, double lr);

/// "4308.76", "-" where a step has no loss.
std::string loss_text(const Tape& tape, TapeIndex step);
/// What differs between two steps: results by tick, with their norms on both sides.
std::string difference_text(const Tape& a, TapeIndex step_a, const Tape& b, TapeIndex step_b,
                            const Style& style);
}  // namespace gradus::see
