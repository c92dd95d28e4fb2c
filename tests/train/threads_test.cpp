// A training has one result: losses, parameters and optimizer state have equal bits for any number
// of threads, with batches made here or ahead.
#include <gtest/gtest.h>

#include <gradus/gradus.h>
#include <gradus/kernels/threads.h>

namespace gradus {
namespace {

class Threads : public testing::Test {
 protected:
  void TearDown() override { kernels::set_num_threads(0); }
};

void append(std::string& bytes, const Tensor& x) {
  bytes.append(static_cast<const char*>(x.raw_data()),
               static_cast<std::size_t>(x.numel()) * dtype_size(x.dtype()));
}
void append(std::string& bytes, double x) { append(bytes, Tensor::scalar(x, DType::f64)); }

/// All that a training leaves, as bytes. 784 x 256 weights and batches of 256 images are large
/// enough for products and updates to be cut into pieces.
std::string trained(const data::ImageData& digits, std::string_view rule, bool shuffle,
                    int prefetch) {
  manual_seed(4);
  nn::Sequential net{nn::Linear(784, 256), nn::ReLU(), nn::Linear(256, 10)};
  std::unique_ptr<optim::Optimizer> optimizer;
  if (rule == "sgd")
    optimizer = std::make_unique<optim::SGD>(
        net.parameters(), optim::SGDOptions{.lr = .1, .momentum = .9, .nesterov = true});
  else
    optimizer = std::make_unique<optim::Adam>(net.parameters(), optim::AdamOptions{});
  const auto loss = [](const Tensor& x, const Tensor& y) { return cross_entropy(x, y); };
  const auto records =
      Trainer(net, *optimizer, loss)
          .fit(data::DataLoader(digits.train,
                                {.batch_size = 256, .shuffle = shuffle, .prefetch = prefetch}),
               data::DataLoader(digits.valid, {.batch_size = 300}), {.epochs = 2});
  std::string bytes;
  for (const EpochRecord& r : records)
    for (double x : {r.first_batch_loss, r.train_loss, r.train_accuracy, r.valid.loss})
      append(bytes, x);
  for (const auto& [name, x] : net.state_dict()) append(bytes, x);
  for (const auto& [name, x] : optimizer->state_dict()) append(bytes, x);
  return bytes;
}

TEST_F(Threads, ATrainingHasOneResult) {
  const data::ImageData digits = data::digits({.train = 700, .valid = 300, .test = 1});
  for (std::string_view rule : {"sgd", "adam"})
    for (bool shuffle : {false, true}) {
      kernels::set_num_threads(1);
      const std::string alone = trained(digits, rule, shuffle, 0);
      for (int threads : {1, 2, 3, 4, 8})
        for (int prefetch : {0, 2}) {
          kernels::set_num_threads(threads);
          EXPECT_TRUE(trained(digits, rule, shuffle, prefetch) == alone)
              << rule << (shuffle ? ", shuffled, " : ", in order, ") << threads << " threads, "
              << prefetch << " batches ahead";
        }
    }
}

}  // namespace
}  // namespace gradus
