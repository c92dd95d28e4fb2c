// gradus train: reads the flags, builds net, optimizer and loaders, lets Trainer run, and shows it.
#include <apps/commands/commands.h>
#include <apps/terminal.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>

#include <gradus/gradus.h>
#include <gradus/io/file.h>
#include <gradus/kernels/threads.h>
#include <gradus/train/model_file.h>

namespace gradus::app {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

struct TrainFlags {
  std::string data, hidden = "50", optimizer = "sgd", schedule = "constant",
                    out = "model.safetensors", log;
  std::int64_t epochs = 3, batch_size = 64, size = 16000, threads = 1;
  double lr = 0.5, momentum = 0, weight_decay = 0;
  std::uint64_t seed = 1;
  int scale = 256;
  bool nesterov = false, shuffle = true, json = false, quiet = false;
};

std::vector<std::int64_t> parse_hidden(const std::string& text) {
  if (text == "none" || text == "0") return {};
  Ints sizes;
  try {
    sizes = std::get<Ints>(parse_attribute("hidden", "ints", text));
  } catch (const Error&) {
    throw UsageError(
        "--hidden",
        "'" + text + "' is not a list of sizes: write 50 or 128,64, or none for a linear model");
  }
  for (std::int64_t n : sizes)
    if (n < 1 || n > 1'000'000)
      throw UsageError("--hidden", std::to_string(n) + " units: each layer has 1 to 1,000,000");
  if (sizes.empty())
    throw UsageError("--hidden", "is empty: write 50 or 128,64, or none for a linear model");
  return sizes;
}

void check(const TrainFlags& f) {
  auto require = [](bool ok, const char* flag, const std::string& message) {
    if (!ok) throw UsageError(flag, message);
  };
  require(std::isfinite(f.lr) && f.lr >= 0, "--lr",
          to_text(f.lr) + " is no learning rate: give a finite number, 0 or more");
  require(std::isfinite(f.momentum) && f.momentum >= 0, "--momentum",
          to_text(f.momentum) + ": give a finite number, 0 or more");
  require(std::isfinite(f.weight_decay) && f.weight_decay >= 0, "--weight-decay",
          to_text(f.weight_decay) + ": give a finite number, 0 or more");
  require(f.epochs >= 0 && f.epochs <= 1'000'000, "--epochs",
          std::to_string(f.epochs) + ": give 0 to 1,000,000");
  require(f.batch_size >= 1, "--batch-size", std::to_string(f.batch_size) + ": give 1 or more");
  require(f.threads >= 1 && f.threads <= 1024, "--threads",
          std::to_string(f.threads) + ": give 1 to 1024");
  require(f.size >= 8 && f.size <= 10'000'000, "--size",
          std::to_string(f.size) + ": give 8 to 10,000,000 digits");
  require(f.optimizer == "sgd" || (f.momentum == 0 && !f.nesterov), "--momentum",
          "belongs to --optimizer sgd, not " + f.optimizer);
  require(!f.nesterov || f.momentum > 0, "--nesterov", "needs --momentum above 0");
}

nn::Sequential build(std::int64_t in, const std::vector<std::int64_t>& hidden, std::int64_t out) {
  nn::Sequential net;
  for (std::int64_t width : hidden) {
    net.push_back(std::make_shared<nn::Linear>(in, width));
    net.push_back(std::make_shared<nn::ReLU>());
    in = width;
  }
  net.push_back(std::make_shared<nn::Linear>(in, out));
  return net;
}

std::unique_ptr<optim::Optimizer> make_optimizer(const TrainFlags& f, const Tensors& parameters) {
  if (f.optimizer == "sgd")
    return std::make_unique<optim::SGD>(
        parameters, optim::SGDOptions{f.lr, f.momentum, 0, f.weight_decay, f.nesterov});
  const optim::AdamOptions options{.lr = f.lr, .weight_decay = f.weight_decay};
  if (f.optimizer == "adam") return std::make_unique<optim::Adam>(parameters, options);
  return std::make_unique<optim::AdamW>(parameters, options);
}

/// JSON lines to stdout and to the log file.
class Events : public Callback {
 public:
  Events(bool to_stdout, const std::string& log_path) : to_stdout_(to_stdout) {
    if (log_path.empty()) return;
    io::check_writable(log_path);
    log_ = std::fopen(log_path.c_str(), "w");
    if (!log_) throw IoError("cannot write '" + log_path + "'", "choose another place for --log");
  }
  ~Events() override {
    if (log_) std::fclose(log_);
  }
  Events(const Events&) = delete;
  Events& operator=(const Events&) = delete;
  void write(const Json& event) {
    // NaN and infinity have no place in JSON; the library writes null for them.
    const std::string line = event.dump() + "\n";
    if (to_stdout_) {
      std::fputs(line.c_str(), stdout);
      std::fflush(stdout);
    }
    if (log_) {
      std::fputs(line.c_str(), log_);
      std::fflush(log_);
    }
  }
  void on_epoch_end(TrainState& state) override {
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

 private:
  bool to_stdout_;
  std::FILE* log_ = nullptr;
};

/// The progress line and a line for each epoch.
class Progress : public Callback {
 public:
  explicit Progress(Terminal& terminal) : terminal_(terminal) {}
  void on_epoch_begin(TrainState&) override { smoothed_ = correction_ = 0; }
  void on_batch_end(TrainState& s) override {
    // An exponential mean, corrected for its start at 0.
    smoothed_ = 0.98 * smoothed_ + 0.02 * s.loss;
    correction_ = 0.98 * correction_ + 0.02;
    const auto now = Clock::now();
    if (!terminal_.is_live() || now - last_ < std::chrono::milliseconds(100)) return;
    last_ = now;
    const double share = static_cast<double>(s.batch) / static_cast<double>(s.batches);
    const double left =
        s.record.seconds / share * (1 - share + static_cast<double>(s.epochs - s.epoch));
    char text[240];
    std::snprintf(text, sizeof text,
                  " %lld/%lld  loss %.4f  smooth %.4f  acc %.3f  %.0f samples/s  %.1f s left",
                  static_cast<long long>(s.batch), static_cast<long long>(s.batches), s.loss,
                  smoothed_ / correction_,
                  s.record.train_accuracy / static_cast<double>(s.record.samples),
                  s.record.samples_per_second(), left);
    const std::string head =
        "epoch " + std::to_string(s.epoch) + "/" + std::to_string(s.epochs) + " ";
    const int room =
        terminal_.width() - 1 - static_cast<int>(head.size() + std::string(text).size());
    terminal_.transient(head + bar(share, std::clamp(room, 4, 24), terminal_.has_utf8()) + text);
  }
  void on_epoch_end(TrainState& s) override {
    terminal_.clear_transient();
    const EpochRecord& r = s.record;
    std::printf("epoch %lld/%lld  loss %.4f  valid %.4f  accuracy %.4f  %.2f s\n",
                static_cast<long long>(s.epoch), static_cast<long long>(s.epochs), r.train_loss,
                r.valid.loss, r.valid.accuracy, r.seconds);
    std::fflush(stdout);
  }

 private:
  Terminal& terminal_;
  double smoothed_ = 0, correction_ = 0;
  Clock::time_point last_{};
};

volatile std::sig_atomic_t interrupted = 0;

/// Stops at the next batch after Ctrl-C or SIGTERM.
class Interrupt : public Callback {
 public:
  Interrupt() {
    interrupted = 0;
    std::signal(SIGINT, [](int) { interrupted = 1; });
    std::signal(SIGTERM, [](int) { interrupted = 1; });
  }
  void on_batch_end(TrainState& state) override { state.stop |= interrupted != 0; }
  void on_epoch_end(TrainState& state) override { state.stop |= interrupted != 0; }
};

struct Misread {
  std::int64_t row, truth, answer;
  double confidence;
};

struct TestReport {
  Evaluation evaluation;
  std::vector<std::vector<std::int64_t>> confusion;
  std::vector<Misread> misread;
};

TestReport test(nn::Sequential& net, const data::ImageData& data, double scale) {
  NoGrad guard;
  net.eval();
  TestReport report;
  report.evaluation = evaluate(
      net, [](const Tensor& x, const Tensor& y) { return cross_entropy(x, y); },
      data::DataLoader(std::make_shared<data::TensorDataset>(data.test, scale),
                       {.batch_size = 1000}));
  const auto classes = static_cast<std::size_t>(data.classes);
  report.confusion.assign(classes, std::vector<std::int64_t>(classes, 0));
  const data::TensorDataset set(data.test, scale);
  Ints rows(static_cast<std::size_t>(set.size()));
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<std::int64_t>(i);
  for (std::size_t begin = 0; begin < rows.size(); begin += 1000) {
    const data::Batch batch =
        set.get(std::span(rows).subspan(begin, std::min<std::size_t>(1000, rows.size() - begin)));
    const auto [confidence, answer] = max(softmax(net(batch.x)), 1);
    const std::vector<std::int64_t> truths = batch.y.to_vector<std::int64_t>(),
                                    answers = answer.to_vector<std::int64_t>();
    const std::vector<double> shares = confidence.to_vector<double>();
    for (std::size_t i = 0; i < truths.size(); ++i) {
      ++report.confusion[static_cast<std::size_t>(truths[i])][static_cast<std::size_t>(answers[i])];
      if (truths[i] != answers[i])
        report.misread.push_back({rows[begin + i], truths[i], answers[i], shares[i]});
    }
  }
  std::stable_sort(report.misread.begin(), report.misread.end(),
                   [](const Misread& a, const Misread& b) { return a.confidence > b.confidence; });
  return report;
}

void print_epochs(const Terminal& terminal, const std::vector<EpochRecord>& records) {
  if (records.empty()) return;
  const bool wide = terminal.width() >= 76;
  std::printf(
      "\n%s\n",
      terminal
          .bold(wide ? "epoch  train loss  train acc  valid loss  valid acc  seconds  samples/s"
                     : "epoch  valid loss  valid acc  seconds")
          .c_str());
  for (const EpochRecord& r : records) {
    if (wide)
      std::printf("%5lld  %10.5f  %9.4f  %10.5f  %9.4f  %7.2f  %9.0f\n",
                  static_cast<long long>(r.epoch), r.train_loss, r.train_accuracy, r.valid.loss,
                  r.valid.accuracy, r.seconds, r.samples_per_second());
    else
      std::printf("%5lld  %10.5f  %9.4f  %7.2f\n", static_cast<long long>(r.epoch), r.valid.loss,
                  r.valid.accuracy, r.seconds);
  }
}

void print_confusion(const Terminal& terminal, const TestReport& report) {
  struct Pair {
    std::int64_t count;
    std::size_t truth, answer;
  };
  std::vector<Pair> pairs;
  for (std::size_t t = 0; t < report.confusion.size(); ++t)
    for (std::size_t a = 0; a < report.confusion.size(); ++a)
      if (t != a && report.confusion[t][a] > 0) pairs.push_back({report.confusion[t][a], t, a});
  if (pairs.empty()) return;
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const Pair& a, const Pair& b) { return a.count > b.count; });
  std::printf("\n%s", terminal.bold("most confused: ").c_str());
  const std::size_t shown = std::min<std::size_t>(pairs.size(), terminal.width() >= 76 ? 5 : 2);
  for (std::size_t i = 0; i < shown; ++i)
    std::printf("%s%zu read as %zu: %lld", i ? ", " : "", pairs[i].truth, pairs[i].answer,
                static_cast<long long>(pairs[i].count));
  std::printf("\n");
}

void print_misread(const Terminal& terminal, const TestReport& report,
                   const data::ImageData& data) {
  const auto side = static_cast<int>(data.test.images.size(2));
  const std::size_t shown =
      std::min(report.misread.size(),
               static_cast<std::size_t>(std::clamp((terminal.width() + 2) / (side + 2), 0, 4)));
  if (shown == 0) return;
  std::printf("\n%s\n", terminal.bold("misread, the surest first:").c_str());
  std::vector<std::vector<std::string>> pictures;
  for (std::size_t i = 0; i < shown; ++i)
    pictures.push_back(picture(data.test.images[report.misread[i].row], terminal.has_utf8()));
  for (std::size_t line = 0; line < pictures[0].size(); ++line) {
    for (std::size_t i = 0; i < shown; ++i)
      std::printf("%s%s", i ? "  " : "", pictures[i][line].c_str());
    std::printf("\n");
  }
  for (std::size_t i = 0; i < shown; ++i) {
    char caption[64];
    std::snprintf(caption, sizeof caption, "a %lld, read as %lld (%.0f %%)",
                  static_cast<long long>(report.misread[i].truth),
                  static_cast<long long>(report.misread[i].answer),
                  100 * report.misread[i].confidence);
    std::printf("%s%-*s", i ? "  " : "", i + 1 < shown ? side : 0, caption);
  }
  std::printf("\n");
}

Json config_of(const TrainFlags& f, const std::vector<std::int64_t>& hidden) {
  return {{"data", f.data.empty() ? "default" : f.data},
          {"hidden", hidden},
          {"epochs", f.epochs},
          {"batch_size", f.batch_size},
          {"lr", f.lr},
          {"optimizer", f.optimizer},
          {"momentum", f.momentum},
          {"nesterov", f.nesterov},
          {"weight_decay", f.weight_decay},
          {"schedule", f.schedule},
          {"seed", f.seed},
          {"shuffle", f.shuffle},
          {"scale", f.scale},
          {"threads", f.threads},
          {"out", f.out}};
}

/// The digits in the size asked for, or what --data and GRADUS_DATA name.
data::ImageData load_data(const TrainFlags& f) {
  const char* folder = std::getenv("GRADUS_DATA");
  const bool are_digits = f.data == "digits" || (f.data.empty() && (!folder || !*folder));
  if (!are_digits) return data::load(f.data);
  const std::int64_t eighth = f.size / 8;
  return data::digits({.train = f.size - 2 * eighth, .valid = eighth, .test = eighth, .seed = 1});
}

int train(const TrainFlags& f) {
  check(f);
  const std::vector<std::int64_t> hidden = parse_hidden(f.hidden);
  io::check_writable(f.out);
  Events events(f.json, f.log);
  const data::ImageData data = load_data(f);
  const std::int64_t pixels = data.train.images.size(1) * data.train.images.size(2);

  manual_seed(f.seed);
  nn::Sequential net = build(pixels, hidden, data.classes);
  const std::unique_ptr<optim::Optimizer> optimizer = make_optimizer(f, net.parameters());
  // Kernels share f.threads threads; with a second one, batches are made ahead on a worker too.
  // Neither changes a bit of the result.
  kernels::set_num_threads(static_cast<int>(f.threads));
  const int prefetch = f.threads > 1 ? 2 : 0;
  const data::DataLoader train_loader(
      std::make_shared<data::TensorDataset>(data.train, f.scale),
      {.batch_size = f.batch_size, .shuffle = f.shuffle, .prefetch = prefetch});
  const data::DataLoader valid_loader(std::make_shared<data::TensorDataset>(data.valid, f.scale),
                                      {.batch_size = 1000});

  Terminal terminal;
  Progress progress(terminal);
  Interrupt interrupt;
  const bool talk = !f.json && !f.quiet;
  events.write({{"event", "start"},
                {"config", config_of(f, hidden)},
                {"parameters", net.parameter_count()},
                {"data",
                 {{"name", data.name},
                  {"train", data.train.size()},
                  {"valid", data.valid.size()},
                  {"test", data.test.size()}}}});
  if (talk)
    std::printf("%s: %lld train, %lld valid, %lld test; %s, %lld parameters\n", data.name.c_str(),
                static_cast<long long>(data.train.size()),
                static_cast<long long>(data.valid.size()), static_cast<long long>(data.test.size()),
                nn::layer_list(net).c_str(), static_cast<long long>(net.parameter_count()));
  if (talk && data.name == "digits")
    std::printf("the digits are drawn by gradus; `--data DIR` reads MNIST-shaped files\n");
  std::fflush(stdout);

  const auto loss = [](const Tensor& x, const Tensor& y) { return cross_entropy(x, y); };
  Trainer trainer(net, *optimizer, loss);
  trainer.with(interrupt).with(events);
  if (talk) trainer.with(progress);
  const auto begin = Clock::now();
  const auto schedule = f.schedule == "cosine"      ? optim::cosine
                        : f.schedule == "one-cycle" ? optim::one_cycle
                                                    : optim::constant;
  const std::vector<EpochRecord> records =
      trainer.fit(train_loader, valid_loader, {.epochs = f.epochs, .schedule = schedule});
  const auto seconds = [&] { return std::chrono::duration<double>(Clock::now() - begin).count(); };
  terminal.clear_transient();

  save_model(f.out, net, f.scale, {{"gradus.data", data.name}});
  if (interrupted) {
    std::fprintf(stderr, "gradus: interrupted after %zu whole epochs; the model so far is in %s\n",
                 records.size(), f.out.c_str());
    return 130;
  }
  const TestReport report = test(net, data, f.scale);
  events.write({{"event", "end"},
                {"test_loss", report.evaluation.loss},
                {"test_accuracy", report.evaluation.accuracy},
                {"seconds", seconds()},
                {"model", f.out}});
  if (!talk) return 0;
  print_epochs(terminal, records);
  print_confusion(terminal, report);
  print_misread(terminal, report, data);
  std::printf("\n%s  accuracy %.4f  loss %.5f  in %.2f s\n", terminal.bold("test").c_str(),
              report.evaluation.accuracy, report.evaluation.loss, seconds());
  std::printf("saved %s\n", f.out.c_str());
  std::printf("next: gradus eval %s; gradus predict %s %s:0; gradus train --hidden 128,64\n",
              f.out.c_str(), f.out.c_str(),
              f.data.empty() || f.data == "digits" ? "digits" : f.data.c_str());
  return 0;
}

}  // namespace

Command train_command() {
  auto f = std::make_shared<TrainFlags>();
  return {
      "train",
      "Train a network on images of digits, live",
      {{"--data", &f->data,
        "digits (drawn by gradus) or a folder of MNIST-shaped IDX files; GRADUS_DATA names a "
        "default folder"},
       {"--size", &f->size, "how many digits to draw: 3/4 train, 1/8 validation, 1/8 test"},
       {"--hidden", &f->hidden,
        "units of the hidden layers: 50 or 128,64; none for a linear model"},
       {"--epochs", &f->epochs, "passes over the training images"},
       {"--batch-size", &f->batch_size, "images a step"},
       {"--lr", &f->lr, "learning rate"},
       {"--optimizer", &f->optimizer, "update rule", {"sgd", "adam", "adamw"}},
       {"--momentum", &f->momentum, "momentum of sgd"},
       {"--nesterov", &f->nesterov, "Nesterov's momentum"},
       {"--weight-decay", &f->weight_decay, "pull of the weights to 0"},
       {"--schedule",
        &f->schedule,
        "course of the learning rate",
        {"constant", "cosine", "one-cycle"}},
       {"--seed", &f->seed, "seed of weights and order"},
       {"--shuffle,!--no-shuffle", &f->shuffle, "a new order each epoch (the default)"},
       {"--scale", &f->scale, "pixels are divided by this", {"256", "255"}},
       {"--threads", &f->threads,
        "threads of the kernels; 2 or more also prepare batches ahead; 1 runs everything on one "
        "thread; results do not depend on it"},
       {"--out", &f->out, "where the model goes"},
       {"--log", &f->log, "where JSON lines go, one an event"},
       {"--json", &f->json, "JSON lines on stdout and nothing else"},
       {"--quiet", &f->quiet, "no live view, no report"}},
      [f] { return train(*f); }};
}

}  // namespace gradus::app
