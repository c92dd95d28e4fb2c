// A training has one result: the SHA-256 of losses, parameters and optimizer state is the same for
// any number of threads, compiled and eager, with batches made here or ahead, on every instruction
// set that this machine has.
#include <gtest/gtest.h>

#include <gradus/gradus.h>
#include <gradus/kernels/threads.h>
#include <tests/kernels/targets.h>
#include <tests/support/real_data.h>
#include <tests/support/sha256.h>

namespace gradus {
namespace {

using MakeOptimizer = std::function<std::unique_ptr<optim::Optimizer>(const Tensors&)>;

class Threads : public testing::Test {
 protected:
  void TearDown() override { kernels::set_num_threads(0); }
};

struct Settings {
  std::int64_t hidden = 50, batch = 64, epochs = 2;
  bool shuffle = true, compile = true;
  int prefetch = 0;
};

void add(test::Sha256& sha, const Tensor& x) {
  const Tensor plain = x.detach().contiguous();
  sha.add(plain.spec().str());
  sha.add(plain.raw_data(), static_cast<std::size_t>(plain.numel()) * dtype_size(plain.dtype()));
}

/// The digest of all that a training leaves. A compiled one must have run as a plan.
std::string trained(const data::ImageData& digits, const MakeOptimizer& make, const Settings& run) {
  manual_seed(4);
  nn::Sequential net{nn::Linear(784, run.hidden), nn::ReLU(), nn::Linear(run.hidden, 10)};
  const auto optimizer = make(net.parameters());
  Trainer trainer(net, *optimizer, cross_entropy);
  const auto records = trainer.fit(
      data::DataLoader(digits.train,
                       {.batch_size = run.batch, .shuffle = run.shuffle, .prefetch = run.prefetch}),
      data::DataLoader(digits.valid, {.batch_size = 300}),
      {.epochs = run.epochs, .compile = run.compile});
  EXPECT_EQ(trainer.plan().empty(), !run.compile) << trainer.why_no_plan();
  test::Sha256 sha;
  for (const EpochRecord& r : records)
    for (double x : {r.first_batch_loss, r.train_loss, r.train_accuracy, r.valid.loss})
      sha.add_number(x);
  for (const auto& [name, x] : net.state_dict()) add(sha, x);
  for (const auto& [name, x] : optimizer->state_dict()) add(sha, x);
  return sha.digest();
}

std::unique_ptr<optim::Optimizer> plain_sgd(const Tensors& p) {
  return std::make_unique<optim::SGD>(p, optim::SGDOptions{.lr = .5});
}
std::unique_ptr<optim::Optimizer> nesterov(const Tensors& p) {
  return std::make_unique<optim::SGD>(
      p, optim::SGDOptions{.lr = .1, .momentum = .9, .weight_decay = 1e-4, .nesterov = true});
}
std::unique_ptr<optim::Optimizer> adam(const Tensors& p) {
  return std::make_unique<optim::Adam>(p, optim::AdamOptions{});
}

/// 784 x 256 weights and batches of 128 images are large enough for products and updates to be cut
/// into pieces; seven full batches an epoch are enough for the plan to run most of them.
TEST_F(Threads, ATrainingHasOneResult) {
  const data::ImageData digits = data::digits({.train = 1000, .valid = 300, .test = 1});
  for (const MakeOptimizer& make :
       {MakeOptimizer(plain_sgd), MakeOptimizer(nesterov), MakeOptimizer(adam)}) {
    Settings run{.hidden = 256, .batch = 128};
    kernels::set_num_threads(1);
    const std::string alone = trained(digits, make, run);
    for (int threads : {1, 2, 3, 4, 8}) {
      kernels::set_num_threads(threads);
      for (const bool compile : {false, true}) {
        run.compile = compile;
        run.prefetch = compile ? 2 : 0;
        EXPECT_EQ(trained(digits, make, run), alone)
            << (compile ? "compiled, " : "eager, ") << threads << " threads";
      }
    }
  }
}

TEST_F(Threads, OrderMattersSoTheDigestSees) {
  const data::ImageData digits = data::digits({.train = 600, .valid = 100, .test = 1});
  EXPECT_NE(trained(digits, plain_sgd, {.shuffle = true}),
            trained(digits, plain_sgd, {.shuffle = false}));
}

// A sanitizer looks at each access, and sees in one epoch what it sees in three.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::int64_t epochs_of_the_lesson = 1;
#else
constexpr std::int64_t epochs_of_the_lesson = 3;
#endif

/// The lesson's run, for every number of threads, compiled and eager.
void expect_one_digest(const data::ImageData& data) {
  const Settings lesson{.epochs = epochs_of_the_lesson};
  kernels::set_num_threads(1);
  const std::string alone = trained(data, plain_sgd, lesson);
  std::printf("%s: %s\n", data.name.c_str(), alone.c_str());
  for (const bool compile : {true, false})
    for (int threads : {1, 2, 3, 4, 8}) {
      kernels::set_num_threads(threads);
      EXPECT_EQ(trained(data, plain_sgd, {.epochs = lesson.epochs, .compile = compile}), alone)
          << (compile ? "compiled, " : "eager, ") << threads << " threads";
    }
}

TEST_F(Threads, TheLessonsRunHasOneDigestOnDigits) {
  expect_one_digest(data::digits({.train = 2000, .valid = 300, .test = 1}));
}

TEST_F(Threads, TheLessonsRunHasOneDigestOnEveryInstructionSet) {
  const data::ImageData digits = data::digits({.train = 1000, .valid = 300, .test = 1});
  kernels::set_num_threads(2);
  const std::string best = trained(digits, plain_sgd, {});
  kernels::for_each_target([&](const char* name) {
    for (const bool compile : {true, false})
      EXPECT_EQ(trained(digits, plain_sgd, {.compile = compile}), best) << name;
  });
}

TEST_F(Threads, TheLessonsRunHasOneDigestOnMnist) {
  const auto folder = test::real_data("mnist");
  if (!folder) GTEST_SKIP() << test::no_real_data("mnist");
  expect_one_digest(data::mnist(*folder));
}

}  // namespace
}  // namespace gradus
