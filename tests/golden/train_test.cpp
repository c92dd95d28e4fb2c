// Training runs against PyTorch's (train.json, made by tools/golden/train_runs.py): the same data,
// seed, draws and rules through the library's Trainer, once in f32 and once in f64.
//
// In f64 every loss agrees to 1e-9 and every accuracy exactly. In f32 a run may drift: where a relu
// or Adam's division turns the last bit of one step into a visible difference, PyTorch's own run
// moves too when its initial weights move by that bit. The file holds how far ("drift"), and twice
// that is what a run in f32 can be asked for; the others are held to a few roundings.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include <gradus/gradus.h>
#include <tests/support/real_data.h>

namespace gradus {
namespace {

using nlohmann::json;

/// Images divided by the scale in `dtype`, as PyTorch does it: x.to(dtype) / scale.
class Scaled : public data::Dataset {
 public:
  Scaled(data::ImageSet set, double scale, DType dtype)
      : set_(std::move(set)), scale_(scale), dtype_(dtype) {}
  std::int64_t size() const override { return set_.size(); }
  data::Batch get(std::span<const std::int64_t> indices) const override {
    NoGrad guard;
    Tensor rows = Tensor::empty({static_cast<std::int64_t>(indices.size())}, DType::i64);
    std::copy(indices.begin(), indices.end(), rows.data<std::int64_t>());
    const Tensor x = astype(flatten(take(set_.images, rows, 0), 1), dtype_);
    return {x / full({}, scale_, dtype_), take(set_.labels, rows, 0)};
  }

 private:
  data::ImageSet set_;
  double scale_;
  DType dtype_;
};

nn::Sequential make_net(const json& config, DType dtype) {
  manual_seed(config["seed"].get<std::uint64_t>());
  nn::Sequential net;
  std::int64_t in = 784;
  const auto linear = [&](std::int64_t out) {
    auto layer = std::make_shared<nn::Linear>(in, out);
    for (Tensor* p : {&layer->weight, &layer->bias})
      *p = astype(p->detach(), dtype).set_requires_grad();
    net.push_back(std::move(layer));
    in = out;
  };
  for (const std::int64_t width : config["hidden"]) {
    linear(width);
    net.push_back(std::make_shared<nn::ReLU>());
  }
  linear(10);
  return net;
}

std::unique_ptr<optim::Optimizer> make_optimizer(const json& c, const Tensors& parameters) {
  const double lr = c["lr"], weight_decay = c["weight_decay"];
  if (c["optimizer"] == "sgd")
    return std::make_unique<optim::SGD>(parameters, optim::SGDOptions{.lr = lr,
                                                                      .momentum = c["momentum"],
                                                                      .weight_decay = weight_decay,
                                                                      .nesterov = c["nesterov"]});
  const optim::AdamOptions options{.lr = lr, .weight_decay = weight_decay};
  if (c["optimizer"] == "adam") return std::make_unique<optim::Adam>(parameters, options);
  return std::make_unique<optim::AdamW>(parameters, options);
}

/// The numbers of a run under their names in the file: "0/valid_loss", "test_loss" ...
std::map<std::string, double> numbers_of(const json& run) {
  std::map<std::string, double> numbers;
  for (std::size_t e = 0; e < run["epochs"].size(); ++e)
    for (const auto& [name, value] : run["epochs"][e].items())
      numbers[std::to_string(e) + "/" + name] = value;
  numbers["test_loss"] = run["test_loss"];
  numbers["test_accuracy"] = run["test_accuracy"];
  for (const auto& [name, value] : run["norms"].items()) numbers["norm of " + name] = value;
  return numbers;
}

std::map<std::string, double> train(const json& c, const std::string& folder, DType dtype) {
  const data::ImageData sets = data::mnist(folder);
  nn::Sequential net = make_net(c, dtype);
  const auto optimizer = make_optimizer(c, net.parameters());
  const auto loss = [](const Tensor& x, const Tensor& y) { return cross_entropy(x, y); };
  const auto set = [&](const data::ImageSet& part) {
    return std::make_shared<Scaled>(part, c["scale"].get<double>(), dtype);
  };
  const std::int64_t epochs = c["epochs"];
  const auto schedule = c["schedule"] == "cosine"      ? optim::cosine
                        : c["schedule"] == "one-cycle" ? optim::one_cycle
                                                       : optim::constant;
  const std::vector<EpochRecord> records =
      Trainer(net, *optimizer, loss)
          .fit(data::DataLoader(set(sets.train),
                                {.batch_size = c["batch_size"], .shuffle = c["shuffle"]}),
               data::DataLoader(set(sets.valid), {.batch_size = 1000}),
               {.epochs = epochs, .schedule = schedule});
  std::map<std::string, double> numbers;
  for (std::size_t e = 0; e < records.size(); ++e) {
    const std::string epoch = std::to_string(e) + "/";
    numbers[epoch + "first_batch_loss"] = records[e].first_batch_loss;
    numbers[epoch + "first_batch_accuracy"] = records[e].first_batch_accuracy;
    numbers[epoch + "train_loss"] = records[e].train_loss;
    numbers[epoch + "valid_loss"] = records[e].valid.loss;
    numbers[epoch + "valid_accuracy"] = records[e].valid.accuracy;
  }
  const Evaluation test =
      evaluate(net, loss, data::DataLoader(set(sets.test), {.batch_size = 1000}));
  numbers["test_loss"] = test.loss;
  numbers["test_accuracy"] = test.accuracy;
  NoGrad guard;
  for (const auto& [name, tensor] : net.state_dict())
    numbers["norm of " + name] = norm(astype(tensor, DType::f64)).item();
  return numbers;
}

json golden_runs() {
  return json::parse(std::ifstream(GRADUS_SOURCE_DIR "/tests/golden/train.json"))["runs"];
}

class TrainingRun : public testing::TestWithParam<std::tuple<std::size_t, DType>> {};

TEST_P(TrainingRun, AgreesWithPyTorch) {
  const auto [number, dtype] = GetParam();
  const json run = golden_runs()[number];
  const std::string name = run["config"]["data"];
  const auto folder = test::real_data(name);
  if (!folder) GTEST_SKIP() << test::no_real_data(name);

  const auto wanted = numbers_of(run[std::string(dtype_name(dtype))]);
  const auto is = [](const std::string& key, const char* what) {
    return key.find(what) != std::string::npos;
  };
  const auto drift = [&](const std::string& key) {
    const char* kind = is(key, "accuracy") ? "accuracy" : is(key, "norm") ? "norm" : "loss";
    return run["drift"][kind].get<double>();
  };

  const auto ours = train(run["config"], *folder, dtype);
  ASSERT_EQ(ours.size(), wanted.size());
  for (const auto& [key, value] : wanted) {
    SCOPED_TRACE(key + " of " + run["config"].dump());
    ASSERT_TRUE(ours.contains(key));
    double tolerance = 1e-9;
    if (is(key, "accuracy")) tolerance = 1e-12;
    if (dtype == DType::f32) {
      // A run that does not drift is held to a few roundings; the first batch of all never drifts.
      const double floor = is(key, "accuracy") ? 1e-12 : is(key, "norm") ? 4e-6 : 1e-6;
      const bool stable = run["drift"]["loss"] < 1e-6 || is(key, "0/first_batch");
      tolerance = stable ? floor : std::max(2 * drift(key), floor);
    }
    EXPECT_NEAR(ours.at(key), value, tolerance);
  }
}

// Sanitizers watch memory and threads, not digits, and take 30 times as long: there the two
// shortest runs are enough.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t first_run = 11;
#else
constexpr std::size_t first_run = 0;
#endif

INSTANTIATE_TEST_SUITE_P(Golden, TrainingRun,
                         testing::Combine(testing::Range(first_run, golden_runs().size()),
                                          testing::Values(DType::f32, DType::f64)),
                         [](const auto& each) {
                           return std::to_string(std::get<0>(each.param)) + "_" +
                                  std::string(dtype_name(std::get<1>(each.param)));
                         });

}  // namespace
}  // namespace gradus
