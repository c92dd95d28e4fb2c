// gradus train: from options to data, net, optimizer and loaders; the Trainer runs; then the
// report.
#include <apps/commands/commands.h>
#include <apps/commands/model_data.h>
#include <apps/commands/train_health.h>
#include <apps/commands/train_options.h>
#include <apps/commands/train_plan.h>
#include <apps/commands/train_report.h>
#include <apps/commands/train_stats.h>
#include <apps/commands/train_view.h>
#include <apps/output.h>

#include <algorithm>
#include <cctype>
#include <cstring>

#include <gradus/io/file.h>
#include <gradus/kernels/available_cpus.h>
#include <gradus/kernels/threads.h>

namespace gradus::app {
namespace {

long long count(std::int64_t n) { return n; }

void print_start(const Terminal& terminal, const data::ImageData& data, nn::Sequential& net) {
  std::printf("%s: %lld train, %lld valid, %lld test images\n", data.name.c_str(),
              count(data.train.size()), count(data.valid.size()), count(data.test.size()));
  if (data.name == "digits")
    std::printf("(drawn by gradus; --data DIR reads MNIST-shaped files)\n");
  std::printf("%s\n", wrapped(nn::layer_list(net) + ": " + std::to_string(net.parameter_count()) +
                                  " parameters",
                              terminal.width())
                          .c_str());
  std::fflush(stdout);
}

/// As a shell takes it: in quotes where it has to be.
std::string shell_word(const std::string& text) {
  const auto is_plain = [](unsigned char c) {
    return std::isalnum(c) || std::strchr("_./,:=@%+-", c) != nullptr || c >= 0x80;
  };
  if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain)) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

void print_end(const Terminal& terminal, const TestReport& report, double seconds,
               const TrainOptions& o, const data::ImageData& data) {
  std::printf("\n%s  accuracy %.4f  loss %s  in %.2f s\n", terminal.bold("test").c_str(),
              report.evaluation.accuracy, number("%.5f", report.evaluation.loss).c_str(), seconds);
  const bool is_digits = data.folder.empty();
  const std::string model = shell_word(o.out),
                    folder = shell_word(is_digits ? "digits" : data.folder);
  std::printf("saved %s\n", o.out.c_str());
  std::printf(
      "next: gradus eval %s%s\n      gradus predict %s %s:0\n      gradus train%s --hidden "
      "128,64\n",
      model.c_str(), is_digits ? "" : (" --data " + folder).c_str(), model.c_str(), folder.c_str(),
      is_digits ? "" : (" --data " + folder).c_str());
}

void print_health(const HealthWatch& health, bool all, int width) {
  std::printf("\nhealth of %s%lld steps\n", all ? "all " : "the first ", count(health.recorded()));
  const std::string text = see::health_text(health.found());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    std::string line = text.substr(at, end - at);
    at = end + 1;
    // Lines of a message stand below its first word.
    const std::size_t indent = 10, room = static_cast<std::size_t>(width);
    for (std::size_t cut;
         line.size() > room && (cut = line.rfind(' ', room)) != line.npos && cut > indent;
         line = std::string(indent, ' ') + line.substr(cut + 1))
      std::printf("%s\n", line.substr(0, cut).c_str());
    std::printf("%s\n", line.c_str());
  }
  if (!health.found().empty())
    std::printf("%*sgradus explain %s tells more\n", 10, "", health.found()[0].code.c_str());
}

int train(const TrainOptions& o) {
  check(o);
  const std::vector<std::int64_t> hidden = hidden_sizes(o);
  io::check_writable(o.out);
  if (!o.log.empty()) io::check_writable(o.log);
  kernels::set_num_threads(static_cast<int>(o.threads));
  const data::ImageData data = load_data(o);
  const std::int64_t pixels = data.train.images.size(1) * data.train.images.size(2);
  check_memory(o, pixels, hidden, data.classes, std::min(o.batch_size, data.train.images.size(0)),
               1);

  manual_seed(o.seed);
  nn::Sequential net = build(pixels, hidden, data.classes);
  const std::unique_ptr<optim::Optimizer> optimizer = make_optimizer(o, net.parameters());
  // A worker makes batches ahead where that leaves it a processor; no bit of the result changes.
  const int prefetch = o.threads > 1 && o.threads < kernels::available_cpus() ? 2 : 0;
  const data::DataLoader train_loader(
      std::make_shared<data::TensorDataset>(data.train, o.scale, Place::current()),
      {.batch_size = o.batch_size, .shuffle = o.shuffle, .prefetch = prefetch});
  const data::DataLoader valid_loader(
      std::make_shared<data::TensorDataset>(data.valid, o.scale, Place::current()),
      {.batch_size = 1000});

  Events events(o.json, o.log);  // now that nothing stands in the way: this empties the log
  events.write({{"event", "start"},
                {"config", config_of(o, hidden, data)},
                {"parameters", net.parameter_count()},
                {"data",
                 {{"name", data.name},
                  {"train", data.train.size()},
                  {"valid", data.valid.size()},
                  {"test", data.test.size()}}}});
  events.check("free some space, or choose another place; nothing was trained");
  Terminal terminal;
  const bool talk = !o.json && !o.quiet;
  if (talk) print_start(terminal, data, net);

  Interrupt interrupt;
  Trainer trainer(net, *optimizer, cross_entropy);
  trainer.with(interrupt);
  StatsLog stats(events);
  if (o.stats) trainer.with(stats);  // before events: the epoch's line comes after its batches
  HealthWatch health(o.watch, [&](const Diagnostic& d) {
    if (o.watch) events.write({{"event", "warning"}, {"found", to_json(d)}});
  });
  const bool looks = o.health || o.watch;
  if (looks) trainer.with(health);
  trainer.with(events);
  FiniteWatch finite(terminal, events,
                     "the steps are too long: try --lr " + to_text(smaller_rate(o)) +
                         "; --health looks for the cause");
  trainer.with(finite);
  ExplainPlan explain_plan(terminal, events, !o.json);
  if (o.explain_plan) trainer.with(explain_plan);
  if (talk) trainer.with(LiveView(terminal));
  const auto begin = std::chrono::steady_clock::now();
  const std::vector<EpochRecord> records = trainer.fit(train_loader, valid_loader, fit_options(o));

  if (o.explain_plan)
    explain_plan.say_why_not(o.eager ? "--eager asks for it" : trainer.why_no_plan());
  if (looks) {
    events.write(
        {{"event", "health"}, {"steps", health.recorded()}, {"found", to_json(health.found())}});
    if (!o.json) print_health(health, o.watch, terminal.width());
  }
  save_model(o.out, net, o.scale, {{"gradus.data", name_for_later(data)}});
  const auto seconds_so_far = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  if (Interrupt::happened()) {
    events.write({{"event", "interrupted"},
                  {"epochs", records.size()},
                  {"seconds", seconds_so_far()},
                  {"model", o.out}});
    std::fprintf(stderr, "gradus: interrupted after %zu whole epochs; the model so far is in %s\n",
                 records.size(), o.out.c_str());
    return 130;
  }
  const TestReport report = test(net, data, o.scale);
  if (o.stats) write_pictures(events, net, report, data);
  finite.tested(report.evaluation.loss);
  const double seconds = seconds_so_far();
  events.write({{"event", "end"},
                {"test_loss", report.evaluation.loss},
                {"test_accuracy", report.evaluation.accuracy},
                {"seconds", seconds},
                {"model", o.out}});
  if (talk) {
    print_epochs(terminal, records);
    print_confusion(terminal, report);
    print_misread(terminal, report, data);
    print_end(terminal, report, seconds, o, data);
  }
  std::fflush(stdout);
  if (reader_is_gone())
    std::fprintf(stderr, "gradus: nobody read the output to its end; the model is in %s\n",
                 o.out.c_str());
  events.check("lines are missing there; the model is whole, in " + o.out);
  return 0;
}

}  // namespace

Command train_command() {
  auto options = std::make_shared<TrainOptions>();
  return {"train", "Train a network on images of digits, live", command_line(*options),
          [options] { return train(*options); }};
}

}  // namespace gradus::app
