// Rerun: a training run that can be taken up at any step, so that a reader may look at what was not
// kept and try what was not done. The main line is never touched: everything runs on another copy
// of the program, with tensors of its own.
#pragma once

#include <memory>

#include <gradus/see/recorder.h>

namespace gradus::see {

/// Everything that decides how a step goes: by name, tensors that are nobody else's.
struct Checkpoint {
  std::vector<std::pair<std::string, Tensor>> tensors;
  std::string generator;  ///< state of the random numbers
  TapeIndex step = 0;
};

/// The default generator is one for the whole process: whoever runs a step again gives it back.
class KeepGenerator {
 public:
  KeepGenerator();
  ~KeepGenerator();
  KeepGenerator(const KeepGenerator&) = delete;
  KeepGenerator& operator=(const KeepGenerator&) = delete;

 private:
  std::string state_;
};

/// What a training program shows of itself.
class StepProgram {
 public:
  virtual ~StepProgram() = default;
  /// Forward, backward, update on the data of step number `step`.
  virtual void run(TapeIndex step) = 0;
  /// Forward alone.
  virtual Tensor loss(TapeIndex step) = 0;
  /// Parameters and the optimizer's state, under their names: the tensors themselves.
  virtual std::vector<std::pair<std::string, Tensor>> state() = 0;
  /// Takes the values of a checkpoint.
  virtual void restore(const Checkpoint& from) = 0;
  virtual double lr() const = 0;
  virtual void set_lr(double lr) = 0;
  /// The same program from its beginning; everything that has a choice in `dtype`.
  virtual std::unique_ptr<StepProgram> fresh(DType dtype) const = 0;
};

/// Runs a StepProgram step by step, with a tape and a checkpoint before each step.
class Rerun {
 public:
  /// `level` is what the tape keeps while the program runs on.
  Rerun(std::unique_ptr<StepProgram> program, RecorderOptions options);

  Tape& tape() { return recorder_.tape(); }
  StepProgram& program() { return *program_; }
  /// One more step on the main line.
  void advance();
  /// Another program as it was before `step`; the default generator is set to what it was then, so
  /// hold a KeepGenerator. Throws ValueError for a step that was not run.
  std::unique_ptr<StepProgram> before(TapeIndex step, DType dtype = DType::f32) const;
  /// Fills the payloads of a step by running it again. Throws DataError when the bits differ from
  /// the recorded ones (the program does not depend on its checkpoint alone).
  void replay(TapeIndex step);
  /// The tape of `steps` steps of `program`, which begins at `step`; nothing else sees it.
  static Tape record(StepProgram& program, TapeIndex step, TapeLevel level);

 private:
  std::unique_ptr<StepProgram> program_;
  Recorder recorder_;
  std::vector<Checkpoint> checkpoints_;
  std::vector<TapeIndex> replayed_;  // values that the last replay filled
};

/// The payloads of `again`, a recording of one step, put where `tape` has the same step. Throws
/// DataError unless both hold the same calls with results of equal hashes. Returns what was filled.
std::vector<TapeIndex> adopt(Tape& tape, TapeIndex step, const Tape& again);

}  // namespace gradus::see
