// The view of a run; see train_view.h.
#include <apps/commands/train_view.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <system_error>

#include <gradus/io/file.h>

namespace gradus::app {

Events::Events(bool to_stdout, const std::string& log_path) {
  if (to_stdout) sinks_.push_back({stdout, "standard output"});
  if (log_path.empty()) return;
  io::check_writable(log_path);
  std::FILE* log = std::fopen(log_path.c_str(), "w");
  if (!log) throw IoError("cannot write '" + log_path + "'", "choose another place for --log");
  sinks_.push_back({log, "'" + log_path + "'"});
}

Events::~Events() {
  for (const Sink& sink : sinks_)
    if (sink.file != stdout) std::fclose(sink.file);
}

void Events::write(const nlohmann::ordered_json& event) {
  const std::string line = event.dump() + "\n";
  for (Sink& sink : sinks_) {
    if (sink.reason) continue;
    errno = 0;
    if (std::fputs(line.c_str(), sink.file) < 0 || std::fflush(sink.file) != 0)
      sink.reason = errno ? errno : EIO;
  }
}

void Events::check(const std::string& hint) const {
  for (const Sink& sink : sinks_)
    if (sink.reason && sink.reason != EPIPE)
      throw IoError("cannot write the events to " + sink.name + ": " +
                        std::generic_category().message(sink.reason),
                    hint);
}

void Events::after_epoch(TrainState& state) {
  const EpochRecord& r = state.record;
  write({{"event", "epoch"},
         {"epoch", r.epoch},
         {"first_batch_loss", r.first_batch_loss},
         {"first_batch_accuracy", r.first_batch_accuracy},
         {"train_loss", r.train_loss},
         {"train_accuracy", r.train_accuracy},
         {"valid_loss", r.valid.loss},
         {"valid_accuracy", r.valid.accuracy},
         {"seconds", r.seconds},
         {"samples_per_second", r.samples_per_second()}});
}

namespace {

/// 950, 12k, 3.4M: at most four characters.
std::string short_count(double n) {
  if (n < 999.5) return number("%.0f", n);
  if (n < 999.5e3) return number(n < 9950 ? "%.1fk" : "%.0fk", n / 1e3);
  return number(n < 9.95e6 ? "%.1fM" : "%.0fM", n / 1e6);
}

/// 0.4 s, 12 s, 3 min, 2 h.
std::string duration(double seconds) {
  if (seconds < 9.95) return number("%.1f s", seconds);
  if (seconds < 99.5) return number("%.0f s", seconds);
  if (seconds < 99.5 * 60) return number("%.0f min", seconds / 60);
  return number("%.0f h", std::min(seconds / 3600, 1e6));
}

std::string epoch_of(const TrainState& s) {
  return "epoch " + std::to_string(s.epoch) + "/" + std::to_string(s.epochs);
}

}  // namespace

std::string progress_line(const TrainState& s, double smoothed_loss, int width, bool utf8) {
  const double share =
      static_cast<double>(s.batch) / static_cast<double>(std::max<std::int64_t>(s.batches, 1));
  const double left =
      s.record.seconds / share * (1 - share + static_cast<double>(s.epochs - s.epoch));
  const std::string total = std::to_string(s.batches), done = std::to_string(s.batch);
  const std::string batches = std::string(1 + total.size() - done.size(), ' ') + done + "/" + total,
                    loss = "  loss " + number("%.3f", s.loss),
                    smooth = "  smooth " + number("%.3f", smoothed_loss),
                    accuracy = "  acc " + number("%.3f", s.record.train_accuracy /
                                                             static_cast<double>(s.record.samples)),
                    speed = "  " + short_count(s.record.samples_per_second()) + "/s",
                    time = "  " + duration(left) + " left";
  const std::string head = epoch_of(s);
  // The first of these that leaves room for a bar; the last ones say "loss" for the smoothed one.
  const std::string mean = "  loss " + number("%.3f", smoothed_loss);
  for (const std::string& rest :
       {batches + loss + smooth + accuracy + speed + time, batches + smooth + accuracy + time,
        mean + accuracy + time, mean + accuracy, mean}) {
    const int room = width - 1 - static_cast<int>(head.size() + rest.size());
    if (room >= 4) return head + " " + bar(share, std::min(room, 24), utf8) + rest;
  }
  return head + mean;
}

void LiveView::before_epoch(TrainState&) { smoothed_ = correction_ = 0; }

void LiveView::after_batch(TrainState& s) {
  // An exponential mean, corrected for its start at 0.
  smoothed_ = 0.98 * smoothed_ + 0.02 * s.loss;
  correction_ = 0.98 * correction_ + 0.02;
  const auto now = std::chrono::steady_clock::now();
  if (!terminal_.is_live() || now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  // The last column stays free: writing there would wrap in some terminals.
  terminal_.transient(
      progress_line(s, smoothed_ / correction_, terminal_.width() - 1, terminal_.has_utf8()));
}

void LiveView::before_validate(TrainState& s) {
  if (s.record.seconds > 1) terminal_.transient(epoch_of(s) + "  validating");
}

void LiveView::after_epoch(TrainState& s) {
  terminal_.clear_transient();
  const EpochRecord& r = s.record;
  const std::string head = epoch_of(s) + "  loss " + number("%.4f", r.train_loss) + "  valid " +
                           number("%.4f", r.valid.loss),
                    accuracy = number("%.4f", r.valid.accuracy),
                    time = "  " + number("%.2f", r.seconds) + " s";
  const auto width = static_cast<std::size_t>(terminal_.width() - terminal_.is_live());
  std::string line = head + "  accuracy " + accuracy + time;
  if (line.size() > width) line = head + "  acc " + accuracy;
  if (line.size() > width) line = epoch_of(s) + "  acc " + accuracy;
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

void LiveView::not_compiled(TrainState&, const std::string& reason) {
  terminal_.clear_transient();
  std::printf("%s\n",
              wrapped("steps run one by one, uncompiled: " + reason, terminal_.width()).c_str());
}

void LiveView::plan_dropped(TrainState&, const std::string& reason) {
  terminal_.clear_transient();
  std::printf("%s\n", wrapped("steps are planned anew: " + reason, terminal_.width()).c_str());
}

void LiveView::after_fit(TrainState&) { terminal_.clear_transient(); }

void FiniteWatch::after_batch(TrainState& s) {
  tell("step " + std::to_string(s.step) + " (epoch " + std::to_string(s.epoch) + ", batch " +
           std::to_string(s.batch) + ")",
       s.loss, {{"step", s.step}, {"epoch", s.epoch}, {"batch", s.batch}});
}

void FiniteWatch::after_epoch(TrainState& s) {
  tell("validation after epoch " + std::to_string(s.epoch), s.record.valid.loss,
       {{"step", s.step}, {"epoch", s.epoch}});
}

void FiniteWatch::tested(double loss) { tell("the test", loss, nlohmann::ordered_json::object()); }

void FiniteWatch::tell(const std::string& what, double loss, const nlohmann::ordered_json& where) {
  if (told_ || std::isfinite(loss)) return;
  told_ = true;
  terminal_.clear_transient();
  std::fprintf(stderr, "gradus: the loss is %s in %s: what follows is worth nothing\n  hint: %s\n",
               number("%g", loss).c_str(), what.c_str(), hint_.c_str());
  nlohmann::ordered_json event{{"event", "not_finite"}};
  event.update(where);
  event.update({{"loss", number("%g", loss)}, {"hint", hint_}});
  events_.write(event);
}

namespace {
volatile std::sig_atomic_t interrupted = 0;
}

Interrupt::Interrupt() {
  interrupted = 0;
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGTERM, [](int) { interrupted = 1; });
  std::signal(SIGPIPE, SIG_IGN);
}

bool Interrupt::happened() { return interrupted != 0; }

}  // namespace gradus::app
