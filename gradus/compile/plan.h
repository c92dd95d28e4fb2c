// Plan: a program made ready to run many times. Shapes are known, so every buffer has its place in
// one arena and every kernel its pointers; a run allocates nothing, counts no references and walks
// no graph. The bits are those of running the program step by step.
#pragma once

#include <gradus/compile/memory.h>
#include <gradus/program/program.h>

namespace gradus::compile {

/// One kernel of a plan, for people.
struct KernelInfo {
  std::string what;                       ///< "matmul + add + relu"
  std::vector<Spec> inputs{}, outputs{};  ///< a value that is stretched as it is held: f32[50]
  double flops = 0, bytes = 0;            ///< of one run (cost.h)
  std::string note{};                     ///< why it was not fused with its neighbour; may be empty
  std::string scope{};  ///< path of the module that called it: "0", "encoder.lin1"
  Phase phase = Phase::forward;
  bool by_rows = false;  ///< threads take rows of the batch each and do all such kernels (rows.h)
};

struct PlanOptions {
  bool fuse = true;        ///< products take their neighbours in
  bool skip_zeros = true;  ///< products pass over the zeros of inputs that hold many of them
  /// Threads share kernels by rows of the batch (rows.h) however few there are; for tests.
  bool always_by_rows = false;
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

  /// Looks at how many zeros the inputs hold, as a run does first. They must be contiguous.
  void look(std::span<const Tensor> inputs);
  /// What was seen of them, "input 0: 19 % are not zero, so kernels 1, 7 pass over its zeros";
  /// empty before.
  std::vector<std::string> zeros() const;

  /// Whether a run writes to the bytes that x shows: then x must not be an input, which the program
  /// takes for bytes of its own.
  bool writes(const Tensor& x) const;

  const std::vector<KernelInfo>& kernels() const;
  /// Bytes of the arena: everything that is neither input, constant nor output.
  std::size_t arena_bytes() const;
  /// The kernels by phase and module, with shapes, FLOPs, bytes, and why a neighbour was not taken
  /// in; lines of at most `width` characters, but for words that are longer.
  std::string str(int width = 80) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gradus::compile
