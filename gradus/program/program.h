// Program: a flat list of steps, the one exchange form of a computation. trace.h makes one from
// calls; it prints as text, is read back from text, and runs.
//   %3 = softmax(%1) {axis=1} : f32[32,10]
#pragma once

#include <map>

#include <gradus/program/observer.h>

namespace gradus {

/// Number of a value in a program; printed as %id.
using ValueId = std::uint32_t;

struct Step {
  Op op;
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  /// Values already there are written in place: the output is a new id, the storage that of
  /// `target`.
  std::optional<ValueId> target;
  Place place;
  std::string scope;
  Phase phase = Phase::forward;
};

class Program {
 public:
  std::vector<Spec> values;             ///< spec of each value id
  std::vector<ValueId> inputs;          ///< given at each run
  std::map<ValueId, Tensor> constants;  ///< everything else that no step makes (parameters too)
  std::vector<Step> steps;
  std::vector<ValueId> outputs;

  /// The outputs for these inputs; calls go through the door. Throws ShapeError when the specs of
  /// the inputs are not those of the trace.
  Tensors run(std::span<const Tensor> arguments) const;

  /// One line a step, with input, const and return lines; parse() reads it.
  std::string str() const;
  /// Inverse of str(); `find` gives the operation of a name (registry.h has it), `constants` the
  /// values of the const lines, by id. Throws DataError that names the line.
  static Program parse(std::string_view text, const std::function<Op(std::string_view)>& find,
                       std::map<ValueId, Tensor> constants);
};

}  // namespace gradus
