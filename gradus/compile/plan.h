// Plan: a program made ready to run many times. Shapes are known, so every buffer has its place in
// one arena and every kernel its pointers; a run allocates nothing, counts no references and walks
// no graph. The bits are those of running the program step by step.
#pragma once

#include <gradus/compile/memory.h>
#include <gradus/program/program.h>

namespace gradus::compile {

/// One kernel of a plan, for people.
struct KernelInfo {
  std::string what;  ///< "matmul + add + relu"
  std::vector<Spec> inputs{}, outputs{};
  double flops = 0, bytes = 0;  ///< of one run; bytes that operands hold
  std::string note{};           ///< why it was not fused with its neighbour; may be empty
  std::string scope{};
  Phase phase = Phase::forward;
};

struct PlanOptions {
  bool fuse = true;        ///< products take their neighbours in
  bool skip_zeros = true;  ///< products pass over the zeros of inputs that hold many of them
};

class Plan {
 public:
  /// Throws TraceError where a step has no kernel (a function of tensors).
  explicit Plan(Program program, PlanOptions options = {});
  ~Plan();
  Plan(Plan&&) noexcept;
  Plan& operator=(Plan&&) noexcept;

  /// Runs the program. The tensors returned are the plan's own: the next run overwrites them.
  /// Throws ShapeError for inputs of other specs, and what the operations throw; constants that
  /// were written before the throw stay written. Not to be called from two threads at once.
  const Tensors& run(std::span<const Tensor> inputs);

  const std::vector<KernelInfo>& kernels() const;
  /// Bytes of the arena: everything that is neither input, constant nor output.
  std::size_t arena_bytes() const;
  /// A table of the kernels with shapes, FLOPs and bytes.
  std::string str() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gradus::compile
