// What gradus train shows and writes while it runs: JSON events, the live view, Ctrl-C. All are
// callbacks of the Trainer.
#pragma once

#include <apps/terminal.h>

#include <chrono>
#include <cstdio>

#include <nlohmann/json.hpp>

#include <gradus/train/trainer.h>

namespace gradus::app {

/// JSON lines to stdout and to the log file. Where one of them cannot be written any more, the run
/// goes on without it: check() tells.
class Events : public Callback {
 public:
  /// Empties the log. Throws IoError where it cannot be written.
  Events(bool to_stdout, const std::string& log_path);
  ~Events() override;
  Events(const Events&) = delete;
  Events& operator=(const Events&) = delete;
  /// NaN and infinity have no place in JSON and become null.
  void write(const nlohmann::ordered_json& event);
  void after_epoch(TrainState& state) override;
  /// Throws IoError where a line is lost, with `hint`; not for a reader who has gone.
  void check(const std::string& hint) const;

 private:
  struct Sink {
    std::FILE* file;
    std::string name;
    int reason = 0;  ///< errno of the line that failed
  };
  std::vector<Sink> sinks_;
};

/// A line for each epoch and, in a terminal, one that is rewritten while the epoch runs.
class LiveView : public Callback {
 public:
  explicit LiveView(Terminal& terminal) : terminal_(terminal) {}
  void before_epoch(TrainState& state) override;
  void after_batch(TrainState& state) override;
  void before_validate(TrainState& state) override;
  void after_epoch(TrainState& state) override;
  void not_compiled(TrainState& state, const std::string& reason) override;
  void plan_dropped(TrainState& state, const std::string& reason) override;
  void after_fit(TrainState& state) override;

 private:
  Terminal& terminal_;
  double smoothed_ = 0, correction_ = 0;
  std::chrono::steady_clock::time_point last_{};
};

/// Says once, on stderr and in the log, that the loss is no finite number any more.
class FiniteWatch : public Callback {
 public:
  FiniteWatch(Terminal& terminal, Events& events, std::string hint)
      : terminal_(terminal), events_(events), hint_(std::move(hint)) {}
  void after_batch(TrainState& state) override;
  void after_epoch(TrainState& state) override;
  /// After the run: the loss over the test part.
  void tested(double loss);

 private:
  void tell(const std::string& what, double loss, const nlohmann::ordered_json& where);
  Terminal& terminal_;
  Events& events_;
  std::string hint_;
  bool told_ = false;
};

/// The progress line in at most `width` columns: bar, batches, loss, smoothed loss, accuracy,
/// samples a second, time left, as many of them as fit.
std::string progress_line(const TrainState& state, double smoothed_loss, int width, bool utf8);

/// Stops at the next batch after Ctrl-C or SIGTERM. A reader of the output that goes away (head)
/// does not end the run: its model is worth more than its lines.
class Interrupt : public Callback {
 public:
  Interrupt();
  static bool happened();
  void after_batch(TrainState& state) override { state.stop |= happened(); }
  void after_epoch(TrainState& state) override { state.stop |= happened(); }
};

}  // namespace gradus::app
