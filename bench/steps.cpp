// Whole training steps, eager and compiled, on one thread and on more, and whole epochs as Trainer
// runs them. Nets and numbers of threads take turns; the peak is read before every slice.
#include <gradus/kernels/threads.h>

#include <cstdio>

#include "nets.h"
#include "progress.h"

namespace bench {

using namespace gradus;

namespace {

/// A way to run the steps: compiled as Trainer does it, which passes over zeros of the images;
/// compiled without that; and eager.
struct Mode {
  const char* name;
  bool compiled, skips_zeros;
};
constexpr Mode modes[] = {
    {"compiled", true, true}, {"compiled, dense", true, false}, {"eager", false, false}};

struct Contender {
  const NetCase* net;
  Mode mode;
  int threads;
  Training* training;
  const std::vector<data::Batch>* batches;
  std::size_t next = 0;
  Readings seconds{}, shares{}, epochs{};

  void step() {
    training->step((*batches)[next]);
    next = (next + 1) % batches->size();
  }
};

/// The first batches of a data set, whose bytes a loader would bring to the cache.
std::vector<data::Batch> some_batches(const data::ImageSet& set, std::int64_t size) {
  std::vector<data::Batch> out;
  for (const data::Batch& batch : data::DataLoader(set, {.batch_size = size})) {
    out.push_back(batch);
    if (out.size() == 8) break;
  }
  return out;
}

/// Seconds of an epoch of Trainer: shuffled, batches of bytes made to floats, accuracy counted.
double epoch_seconds(const NetCase& c, const data::ImageSet& set, Mode mode, int threads,
                     int epochs) {
  kernels::set_num_threads(threads);
  Training training(c, false);
  const data::DataLoader loader(set, {.batch_size = c.batch, .shuffle = true});
  double best = 1e9;
  for (const EpochRecord& record :
       Trainer(training.net(), training.optimizer(), LossFunction(nn::CrossEntropyLoss{}))
           .fit(loader,
                {.epochs = epochs, .compile = mode.compiled, .skip_zeros = mode.skips_zeros}))
    best = std::min(best, record.seconds);
  kernels::set_num_threads(0);
  return best;
}

}  // namespace

Json run_steps(const Options& options, Peak& peak) {
  const data::ImageSet set = images(options.data);
  std::vector<std::unique_ptr<Training>> trainings;
  std::vector<std::unique_ptr<std::vector<data::Batch>>> batches;
  std::vector<Contender> contenders;
  for (const NetCase& c : net_cases()) {
    batches.push_back(std::make_unique<std::vector<data::Batch>>(some_batches(set, c.batch)));
    for (const Mode& mode : modes) {
      trainings.push_back(std::make_unique<Training>(c, mode.compiled, mode.skips_zeros));
      kernels::set_num_threads(options.threads.back());
      for (int i = 0; i < 4; ++i) trainings.back()->step((*batches.back())[0]);  // its plan
      for (const int threads : options.threads)
        contenders.push_back({&c, mode, threads, trainings.back().get(), batches.back().get()});
    }
  }
  for (int round = 0; round < options.rounds; ++round)
    for (Contender& c : contenders) {
      const double top = peak.read(c.threads);
      kernels::set_num_threads(c.threads);
      const double seconds = seconds_of(0.25, [&] { c.step(); });
      c.seconds.add(seconds);
      c.shares.add(c.net->flop() / seconds / top);
      show_progress("steps: round " + std::to_string(round + 1) + " of " +
                    std::to_string(options.rounds));
    }
  show_progress("");

  Json out = Json::array();
  std::vector<std::vector<std::string>> rows{{"net", "batch", "threads", "mode", "us/step",
                                              "median us", "samples/s", "GFLOP/s", "% of peak",
                                              "median %", "s/epoch", "with loader"}};
  for (const Contender& c : contenders) {
    const double best = c.seconds.least(), rate = c.net->flop() / best;
    const double steps = static_cast<double>((epoch_samples + c.net->batch - 1) / c.net->batch);
    // An epoch of the large net would take a minute.
    const double loader = c.net->name == "iii" ? 0
                                               : epoch_seconds(*c.net, set, c.mode, c.threads,
                                                               c.net->name == "i" ? 4 : 2);
    const char* mode = c.mode.name;
    rows.push_back({c.net->shape, std::to_string(c.net->batch), std::to_string(c.threads), mode,
                    fixed(best * 1e6, best < 1e-3 ? 1 : 0),
                    fixed(c.seconds.median() * 1e6, best < 1e-3 ? 1 : 0),
                    fixed(static_cast<double>(c.net->batch) / best, 0), fixed(rate * 1e-9, 1),
                    fixed(100 * rate / peak(c.threads), 1), fixed(100 * c.shares.median(), 1),
                    fixed(best * steps, 3), loader > 0 ? fixed(loader, 3) : "-"});
    out.push_back({{"net", c.net->shape},
                   {"batch", c.net->batch},
                   {"threads", c.threads},
                   {"mode", mode},
                   {"us_per_step", best * 1e6},
                   {"median_us_per_step", c.seconds.median() * 1e6},
                   {"samples_per_s", static_cast<double>(c.net->batch) / best},
                   {"gflops", rate * 1e-9},
                   {"share_of_peak", rate / peak(c.threads)},
                   {"median_share_of_peak", c.shares.median()},
                   {"s_per_epoch", best * steps},
                   {"s_per_epoch_with_loader", loader > 0 ? Json(loader) : Json()},
                   {"seconds_by_round", c.seconds.values}});
  }
  kernels::set_num_threads(0);
  std::printf("training steps, f32, SGD, %s; least and median of %d rounds\n",
              options.data.empty() ? "made up images" : "MNIST", options.rounds);
  print_table(rows);
  return out;
}

}  // namespace bench
