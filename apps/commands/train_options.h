// The options of gradus train, and what they ask for: data, net, optimizer, schedule.
#pragma once

#include <apps/command.h>

#include <memory>

#include <nlohmann/json.hpp>

#include <gradus/gradus.h>

namespace gradus::app {

struct TrainOptions {
  std::string data, hidden = "50", optimizer = "sgd", schedule = "constant",
                    out = "model.safetensors", log;
  std::int64_t epochs = 3, batch_size = 64, size = 16000, threads = 1;
  double lr = 0.5, momentum = 0, weight_decay = 0;
  std::uint64_t seed = 1;
  int scale = 256;
  bool nesterov = false, shuffle = true, eager = false, explain_plan = false, stats = false,
       health = false, watch = false, json = false, quiet = false;
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
/// The "config" of the start event.
nlohmann::ordered_json config_of(const TrainOptions& o, const std::vector<std::int64_t>& hidden);

}  // namespace gradus::app
