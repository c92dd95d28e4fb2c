// Options of gradus train; see train_options.h.
#include <apps/commands/train_options.h>
#include <apps/terminal.h>

#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>

namespace gradus::app {
namespace {

bool draws_digits(const TrainOptions& o) {
  const char* folder = std::getenv("GRADUS_DATA");
  return o.data == "digits" || (o.data.empty() && (!folder || !*folder));
}

/// A device, such as /dev/null, may take both.
bool same_file(const std::string& a, const std::string& b) {
  namespace fs = std::filesystem;
  std::error_code code;
  if (fs::is_character_file(a, code)) return false;
  if (fs::equivalent(a, b, code)) return true;
  const fs::path one = fs::weakly_canonical(fs::absolute(a, code), code),
                 other = fs::weakly_canonical(fs::absolute(b, code), code);
  return !one.empty() && one == other;
}

}  // namespace

std::vector<Option> command_line(TrainOptions& o) {
  return {
      {"--data", &o.data,
       "digits (drawn by gradus) or a folder of MNIST-shaped IDX files; GRADUS_DATA names a "
       "default folder"},
      {"--size", &o.size,
       "how many digits to draw: 3/4 train, 1/8 validation, 1/8 test [" +
           std::to_string(o.default_size) + "]"},
      {"--hidden", &o.hidden, "units of the hidden layers: 50 or 128,64; none for a linear model"},
      {"--epochs", &o.epochs, "passes over the training images"},
      {"--batch-size", &o.batch_size, "images a step"},
      {"--lr", &o.lr, "learning rate"},
      {"--optimizer", &o.optimizer, "update rule", {"sgd", "adam", "adamw"}},
      {"--momentum", &o.momentum, "momentum of sgd"},
      {"--nesterov", &o.nesterov, "Nesterov's momentum"},
      {"--weight-decay", &o.weight_decay, "pull of the weights to 0"},
      {"--schedule",
       &o.schedule,
       "course of the learning rate",
       {"constant", "cosine", "one-cycle"}},
      {"--seed", &o.seed, "seed of weights and order"},
      {"--shuffle,!--no-shuffle", &o.shuffle, "a new order each epoch (the default)"},
      {"--scale", &o.scale, "pixels are divided by this", {"256", "255"}},
      {"--threads", &o.threads,
       "threads of the kernels, by default as many as there are processors, or GRADUS_THREADS; 2 "
       "or more also prepare batches ahead; results do not depend on it"},
      {"--eager", &o.eager, "run every step as it is written, not as a plan; the same bits"},
      {"--dense", &o.dense, "do not pass over zeros of the images; the same bits"},
      {"--explain-plan", &o.explain_plan, "show the plan of a training step, kernel by kernel"},
      {"--out", &o.out, "where the model goes"},
      {"--log", &o.log, "where JSON lines go, one an event"},
      {"--stats", &o.stats,
       "more JSON lines, for gradus plot: batches, layers, gradients, updates, mistakes"},
      {"--health", &o.health,
       "record the first 20 steps and tell the mistakes in them that have a code: gradus explain "
       "codes"},
      {"--watch", &o.watch,
       "the same for every step of the run, 20 at a time; each mistake once, with a count"},
      {"--json", &o.json, "JSON lines on stdout and nothing else"},
      {"--quiet", &o.quiet, "no live view, no report"}};
}

void check(const TrainOptions& o) {
  auto require = [](bool ok, const char* flag, const std::string& message) {
    if (!ok) throw UsageError(flag, message);
  };
  constexpr double most = 1e30;  // what the optimizers take
  require(o.lr >= 0 && o.lr <= most, "--lr",
          to_text(o.lr) + " is no learning rate: give a number from 0 to 1e30");
  require(o.momentum >= 0 && o.momentum <= most, "--momentum",
          to_text(o.momentum) + ": give a number from 0 to 1e30");
  require(o.weight_decay >= 0 && o.weight_decay <= most, "--weight-decay",
          to_text(o.weight_decay) + ": give a number from 0 to 1e30");
  require(o.epochs >= 0 && o.epochs <= 1'000'000, "--epochs",
          std::to_string(o.epochs) + ": give 0 to 1,000,000");
  require(o.batch_size >= 1, "--batch-size", std::to_string(o.batch_size) + ": give 1 or more");
  require(o.threads >= 1 && o.threads <= 4096, "--threads",
          std::to_string(o.threads) + ": give 1 to 4096");
  if (o.size) {
    require(*o.size >= 8 && *o.size <= 10'000'000, "--size",
            std::to_string(*o.size) + ": give 8 to 10,000,000 digits");
    require(draws_digits(o), "--size",
            o.data.empty() ? "is for the built-in digits, but GRADUS_DATA names a data set: add "
                             "--data digits, or leave it out"
                           : "is for the built-in digits, not for --data " + o.data +
                                 ": leave one of them out");
  }
  require(o.optimizer == "sgd" || o.momentum == 0, "--momentum",
          "belongs to --optimizer sgd, not " + o.optimizer);
  require(o.optimizer == "sgd" || !o.nesterov, "--nesterov",
          "belongs to --optimizer sgd, not " + o.optimizer);
  require(o.log.empty() || !same_file(o.log, o.out), "--log",
          "and --out name the same file, " + o.out + ": give each its own");
  require(!o.stats || o.json || !o.log.empty(), "--stats", "needs --log FILE, or --json");
  require(!o.nesterov || o.momentum > 0, "--nesterov", "needs --momentum above 0");
}

std::vector<std::int64_t> hidden_sizes(const TrainOptions& o) {
  const std::string& text = o.hidden;
  const bool ends_early = text.ends_with(',');
  if (text == "none" || text == "0") return {};
  Ints sizes;
  try {
    sizes = std::get<Ints>(parse_attribute("hidden", "ints", text));
    if (ends_early) throw ValueError("a size is missing", "");
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

data::ImageData load_data(const TrainOptions& o) {
  if (!draws_digits(o)) return data::load(o.data);
  const std::int64_t size = o.size.value_or(o.default_size), eighth = size / 8;
  return data::digits({.train = size - 2 * eighth, .valid = eighth, .test = eighth, .seed = 1});
}

// What make_shared and make_unique are given as a place: one that is left out would be a line of
// the standard library.
nn::Sequential build(std::int64_t in, const std::vector<std::int64_t>& hidden, std::int64_t out) {
  nn::Sequential net;
  for (std::int64_t width : hidden) {
    net.push_back(std::make_shared<nn::Linear>(in, width, true, Place::current()));
    net.push_back(std::make_shared<nn::ReLU>());
    in = width;
  }
  net.push_back(std::make_shared<nn::Linear>(in, out, true, Place::current()));
  return net;
}

std::unique_ptr<optim::Optimizer> make_optimizer(const TrainOptions& o, const Tensors& parameters) {
  if (o.optimizer == "sgd")
    return std::make_unique<optim::SGD>(
        parameters, optim::SGDOptions{o.lr, o.momentum, 0, o.weight_decay, o.nesterov},
        Place::current());
  const optim::AdamOptions options{.lr = o.lr, .weight_decay = o.weight_decay};
  if (o.optimizer == "adam")
    return std::make_unique<optim::Adam>(parameters, options, Place::current());
  return std::make_unique<optim::AdamW>(parameters, options, Place::current());
}

FitOptions fit_options(const TrainOptions& o) {
  return {.epochs = o.epochs,
          .schedule = o.schedule == "cosine"      ? optim::cosine
                      : o.schedule == "one-cycle" ? optim::one_cycle
                                                  : optim::constant,
          .compile = !o.eager,
          .skip_zeros = !o.dense};
}

void check_memory(const TrainOptions& o, std::int64_t in, const std::vector<std::int64_t>& hidden,
                  std::int64_t out, std::int64_t rows, int kept) {
  double weights = 0, results = 0, width = static_cast<double>(in);
  std::vector<std::int64_t> layers = hidden;
  layers.push_back(out);
  for (const std::int64_t next : layers) {
    weights += (width + 1) * static_cast<double>(next);
    width = static_cast<double>(next);
    results += static_cast<double>(kept * rows) * width;
  }
  const double copies = 2 + (o.optimizer != "sgd" ? 2
                             : o.momentum > 0     ? 1
                                                  : 0),
               need = (copies * weights + 2 * results) * sizeof(float),
               there = static_cast<double>(::sysconf(_SC_PHYS_PAGES)) *
                       static_cast<double>(::sysconf(_SC_PAGESIZE));
  if (there <= 0 || need <= there) return;
  throw MemoryError(
      "--hidden " + o.hidden + " is " + number("%.3g", weights) +
          " weights: with gradients, what " + o.optimizer + " keeps and the results for " +
          std::to_string(rows) + " rows " + number("%.3g", need / 1e9) + " GB, this machine has " +
          number("%.3g", there / 1e9) + " GB",
      "take smaller layers" + std::string(rows > 64 ? ", or fewer rows at once" : ""));
}

double smaller_rate(const TrainOptions& o) {
  const double usual = o.optimizer == "sgd" ? 0.5 : 0.001;
  return o.lr > usual ? usual : o.lr / 10;
}

nlohmann::ordered_json config_of(const TrainOptions& o, const std::vector<std::int64_t>& hidden,
                                 const data::ImageData& data) {
  nlohmann::ordered_json config{{"data", data.folder.empty() ? "digits" : data.folder}};
  if (data.folder.empty())
    config["size"] = data.train.size() + data.valid.size() + data.test.size();
  config.update({{"hidden", hidden},
                 {"epochs", o.epochs},
                 {"batch_size", o.batch_size},
                 {"lr", o.lr},
                 {"optimizer", o.optimizer},
                 {"momentum", o.momentum},
                 {"nesterov", o.nesterov},
                 {"weight_decay", o.weight_decay},
                 {"schedule", o.schedule},
                 {"seed", o.seed},
                 {"shuffle", o.shuffle},
                 {"scale", o.scale},
                 {"threads", o.threads},
                 {"out", o.out}});
  return config;
}

}  // namespace gradus::app
