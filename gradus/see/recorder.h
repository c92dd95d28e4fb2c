// Recorder: the observer that writes a tape while a program of this thread runs.
//
//   see::Recorder recorder({.level = see::TapeLevel::full});
//   mse(net(x), y).backward();  optimizer.step();
//   recorder.finish();  see::save_tape("run.tape", recorder.tape());
//
// A new step begins by itself at the first forward call after a backward pass or an update.
#pragma once

#include <functional>
#include <memory>

#include <gradus/see/tape.h>

namespace gradus::see {

struct RecorderOptions {
  TapeLevel level = TapeLevel::stats;
  /// Bytes of elements kept at level full; the oldest go first, those around a NaN or an infinity
  /// last. At level stats the elements of the current step alone are there until the next begins.
  std::int64_t budget = std::int64_t{512} << 20;
  /// Called when a tick is complete, before the next begins; no observer sees what it computes. It
  /// may throw: then the program ends there.
  std::function<void()> on_tick{};
};

/// Watches the calls of the thread that made it, until it ends. Tensors of the current step are
/// kept alive, so that no other takes their place and name.
class Recorder {
 public:
  explicit Recorder(RecorderOptions options = {});
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  Tape& tape();
  const Tape& tape() const;
  /// Names a tensor on the tape, whether it was seen already or not: "w1", "lin1.weight".
  void name(const Tensor& x, const std::string& name);
  /// The next call begins a new step, whatever it is.
  void begin_step();
  /// Looks away, and watches again; a new recorder watches.
  void pause();
  void resume();
  /// Completes the last tick and stops watching.
  void finish();

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace gradus::see
