// The options of gradus train, and what they ask for: data, net, optimizer, schedule.
#pragma once

#include <apps/command.h>

#include <memory>
#include <optional>

#include <nlohmann/json.hpp>

#include <gradus/gradus.h>
#include <gradus/kernels/threads.h>

namespace gradus::app {

struct TrainOptions {
  std::string data, hidden = "50", optimizer = "sgd", schedule = "constant",
                    out = "model.safetensors", log;
  std::int64_t epochs = 3, batch_size = 64, default_size = 16000;
  std::int64_t threads = kernels::num_threads();
  std::optional<std::int64_t> size;  ///< of the digits; default_size where it is not given
  double lr = 0.5, momentum = 0, weight_decay = 0;
  std::uint64_t seed = 1;
  int scale = 256;
  bool nesterov = false, shuffle = true, eager = false, dense = false, explain_plan = false,
       stats = false, health = false, watch = false, json = false, quiet = false;
};

/// The options as the command line spells them; values go to `o`.
std::vector<Option> command_line(TrainOptions& o);
/// Throws UsageError for values that make no sense.
void check(const TrainOptions& o);
/// "128,64" as sizes; "none" as no hidden layer. Throws UsageError.
std::vector<std::int64_t> hidden_sizes(const TrainOptions& o);

/// The digits in the size asked for, or what --data and GRADUS_DATA name.
data::ImageData load_data(const TrainOptions& o);
/// Linear layers with ReLU between, weights drawn from the default generator.
nn::Sequential build(std::int64_t in, const std::vector<std::int64_t>& hidden, std::int64_t out);
std::unique_ptr<optim::Optimizer> make_optimizer(const TrainOptions& o, const Tensors& parameters);
FitOptions fit_options(const TrainOptions& o);
/// Throws MemoryError where weights, what the optimizer keeps, `kept` results of each layer for a
/// batch of so many rows, and the gradients of all are more than this machine has: better said at
/// once than after minutes of swapping.
void check_memory(const TrainOptions& o, std::int64_t in, const std::vector<std::int64_t>& hidden,
                  std::int64_t out, std::int64_t rows, int kept);
/// A learning rate to try where this one was too high.
double smaller_rate(const TrainOptions& o);
/// The "config" of the start event: what repeats the run.
nlohmann::ordered_json config_of(const TrainOptions& o, const std::vector<std::int64_t>& hidden,
                                 const data::ImageData& data);

}  // namespace gradus::app
