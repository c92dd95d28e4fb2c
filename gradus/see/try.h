// Try: the same step run another way: a numeric slope, other learning rates, other numbers. All on
// copies of the program; nothing of the main line changes. step_look.cpp shows the results.
#pragma once

#include <gradus/see/rerun.h>
#include <gradus/see/tape_slope.h>
#include <gradus/see/tape_view.h>

namespace gradus::see {

/// d loss / d parameter[index] at the beginning of a step, by differences in f64; kinks are those
/// of ReLUs. Throws NameError for what is no parameter, IndexError for a place outside.
Slope numeric_slope(const Rerun& rerun, TapeIndex step, const std::string& parameter,
                    const Ints& index);

/// "1e-5..3e-3" as 1e-5 3e-5 1e-4 ... within; "0.1 0.2" as they are. Throws ValueError.
std::vector<double> learning_rates(const std::string& text);
struct Rate {
  double lr, loss;  ///< the loss on the same data after the step
};
/// Of the first rates alone, where `is_enough` says so between two.
std::vector<Rate> try_rates(
    const Rerun& rerun, TapeIndex step, const std::vector<double>& rates,
    const std::function<bool()>& is_enough = [] { return false; });
std::string try_rates_text(const std::vector<Rate>& rates, double present, TapeIndex step,
                           const Style& style);

/// The step with "w2[0]", "w2[3,1]" or a whole parameter set to `value` before it.
Tape run_with(const Rerun& rerun, TapeIndex step, const std::string& target, double value);
/// The step with another learning rate, and the one after it.
Tape run_with_rate(const Rerun& rerun, TapeIndex step, double lr);

/// The loss of a step; NaN where it has none.
double loss_value(const Tape& tape, TapeIndex step);
/// "4308.76", "-" where a step has no loss.
std::string loss_text(const Tape& tape, TapeIndex step);
/// A result that differs between two steps, with its norm on both sides.
struct Difference {
  TapeIndex t;
  std::string title, name;  ///< "F mse", "loss"
  double left, right;
};
/// By tick, of step_a of a and step_b of b.
std::vector<Difference> differences(const Tape& a, TapeIndex step_a, const Tape& b,
                                    TapeIndex step_b);
/// The same as lines, under the names of both sides.
std::string difference_text(const Tape& a, TapeIndex step_a, const std::string& name_a,
                            const Tape& b, TapeIndex step_b, const std::string& name_b,
                            const Style& style);
}  // namespace gradus::see
