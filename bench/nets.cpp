// The nets of the bench and their steps; see nets.h.
#include "nets.h"

#include <random>

namespace bench {

using namespace gradus;

const std::vector<NetCase>& net_cases() {
  static const std::vector<NetCase> cases{
      {"i", "784-50-10", {784, 50, 10}, 64, 0.5},
      {"ii", "784-512-512-10", {784, 512, 512, 10}, 128, 0.1},
      {"iii", "784-4096x3-10", {784, 4096, 4096, 4096, 10}, 1024, 0.05},
  };
  return cases;
}

const NetCase& net_case(const std::string& name) {
  for (const NetCase& c : net_cases())
    if (c.name == name) return c;
  throw NameError("there is no net '" + name + "'", "i, ii or iii");
}

data::ImageSet images(const std::string& data) {
  if (!data.empty()) return data::mnist(data).train;
  std::mt19937 random(1);
  data::ImageSet set{Tensor::empty({epoch_samples, 28, 28}, DType::u8),
                     Tensor::empty({epoch_samples}, DType::i64)};
  for (std::int64_t i = 0; i < set.images.numel(); ++i) {
    const auto draw = random();
    set.images.data<std::uint8_t>()[i] =
        draw % 100 < 81 ? std::uint8_t{0} : static_cast<std::uint8_t>(draw >> 24);
  }
  for (std::int64_t i = 0; i < epoch_samples; ++i)
    set.labels.data<std::int64_t>()[i] = static_cast<std::int64_t>(random() % 10);
  return set;
}

namespace {

nn::Sequential make_net(const NetCase& c) {
  manual_seed(1);
  std::string layers;
  for (std::size_t i = 0; i + 1 < c.widths.size(); ++i) {
    if (i > 0) layers += "; ReLU(); ";
    layers +=
        "Linear(" + std::to_string(c.widths[i]) + ", " + std::to_string(c.widths[i + 1]) + ")";
  }
  return nn::make_layers(layers);
}

}  // namespace

Training::Training(const NetCase& c, bool compiled, bool skips_zeros)
    : net_(make_net(c)),
      sgd_(net_.parameters(), {.lr = c.lr}),
      loss_([](const Tensor& output, const Tensor& y) { return cross_entropy(output, y); }) {
  net_.train();
  if (compiled)
    compiled_ = std::make_unique<CompiledStep>(
        net_, sgd_, loss_, [] {}, compile::PlanOptions{.skip_zeros = skips_zeros});
}

Tensor Training::step(const data::Batch& batch) {
  if (compiled_) return (*compiled_)(batch, false).loss;
  const Tensor loss = cross_entropy(net_(batch.x), batch.y);
  loss.backward();
  sgd_.step();
  sgd_.zero_grad();
  return loss.detach();
}

}  // namespace bench
