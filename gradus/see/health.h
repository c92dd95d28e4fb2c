// Health: what a recorded run shows of the mistakes that no single call can see: gradients that
// were not zeroed, dead units, steps too far, the origin of a NaN. Rules are functions of the tape
// alone; those that look at single elements need a tape of level full. Codes: core/diagnostic.h.
#pragma once

#include <gradus/autograd/gradcheck.h>
#include <gradus/core/diagnostic.h>
#include <gradus/see/rerun.h>

namespace gradus::see {

struct HealthOptions {
  /// Codes that are meant and not told.
  std::vector<std::string> allow{};
  /// Gradients are meant to add up over so many steps: T1 where they are not zeroed after.
  std::int64_t accumulate = 1;
  /// Names of parameters that should take part (T2); those the tape knows are known anyway.
  std::vector<std::string> parameters{};
  /// The run of the tape, where it can be taken up again: X1 then says which learning rate would
  /// have done, and D1 looks at elements that were not kept.
  Rerun* rerun = nullptr;
  /// Which step of the run the tape's first one is: messages count steps so.
  TapeIndex first_step = 0;
};

/// What is wrong on a tape: errors, warnings, notes, in the order of their first place; each once
/// per place and subject, with a count. No observer sees what it computes.
std::vector<Diagnostic> health(const Tape& tape, const HealthOptions& options = {});
/// "B1 error ..." one after the other, each with its place and count; a line that says so where
/// there is none.
std::string health_text(const std::vector<Diagnostic>& found);

/// K2 for every derivative that differs, K1 for each kink that f's gradient meets at `inputs`.
/// `names` are those of the inputs.
std::vector<Diagnostic> check_gradient(const std::string& what, const TensorFunction& f,
                                       std::span<const Tensor> inputs,
                                       std::span<const std::string> names = {});

/// C1: whether a row of f(x) depends on another row of x; nothing where the rows are apart. Where
/// no slope leads from x to f(x), as with class numbers on either side, each row is exchanged for
/// another one instead: then f runs once a row, and rows that are all equal tell nothing.
std::optional<Diagnostic> check_rows(const std::function<Tensor(const Tensor&)>& f,
                                     const Tensor& x);

}  // namespace gradus::see
