// The Trainer's events, metrics and callbacks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include <gradus/gradus.h>
#include <gradus/io/safetensors.h>

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Six points of a line through the origin, two batches of four and two.
std::shared_ptr<const data::Dataset> line() {
  const Tensor x = reshape(arange(1, 7, 1, DType::f32), {6, 1});
  return std::make_shared<data::TensorDataset>(x, 2 * x);
}
const data::LoaderOptions by_four{.batch_size = 4};

struct Fixture {
  const bool is_seeded = (manual_seed(1), true);
  nn::Sequential net{nn::Linear(1, 1)};
  optim::SGD optimizer{net.parameters(), {.lr = .01}};
  data::DataLoader train{line(), by_four}, valid{line(), by_four};
};

struct Diary : Callback {
  std::string events;
  void before_fit(TrainState&) override { events += "fit( "; }
  void after_fit(TrainState&) override { events += ")fit "; }
  void before_epoch(TrainState& s) override { events += "epoch" + std::to_string(s.epoch) + "( "; }
  void after_epoch(TrainState&) override { events += ")epoch "; }
  void before_batch(TrainState& s) override { events += "batch" + std::to_string(s.batch) + "( "; }
  void before_step(TrainState&) override { events += "step "; }
  void after_batch(TrainState&) override { events += ")batch "; }
  void before_validate(TrainState&) override { events += "validate( "; }
  void after_validate(TrainState&) override { events += ")validate "; }
};

TEST(Trainer, EventsComeInTheirOrder) {
  Fixture f;
  Diary diary;
  Trainer(f.net, f.optimizer, mse).with(diary).fit(f.train, f.valid, {.epochs = 1});
  EXPECT_EQ(
      diary.events,
      "fit( epoch1( batch1( step )batch batch2( step )batch validate( )validate )epoch )fit ");
  Diary without;
  const auto records = Trainer(f.net, f.optimizer, mse).with(without).fit(f.train, {.epochs = 2});
  EXPECT_EQ(without.events,
            "fit( epoch1( batch1( step )batch batch2( step )batch )epoch "
            "epoch2( batch1( step )batch batch2( step )batch )epoch )fit ");
  EXPECT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].valid.samples, 0);
}

TEST(Trainer, EvaluationGivesEveryModuleItsModeBack) {
  Fixture f;
  nn::Sequential net{nn::Linear(1, 1), nn::Dropout(.5)};
  net[1].eval();  // frozen
  evaluate(net, mse, f.valid);
  EXPECT_TRUE(net.is_training() && net[0].is_training());
  EXPECT_FALSE(net[1].is_training());
  const auto fails = [](const Tensor&, const Tensor&) -> Tensor { throw ValueError("no"); };
  EXPECT_THROW(evaluate(net, fails, f.valid), ValueError);
  EXPECT_TRUE(net.is_training() && net[0].is_training());
  EXPECT_FALSE(net[1].is_training());
}

TEST(Trainer, StopsWhenAsked) {
  struct Stop : Callback {
    std::int64_t at_batch = 0, at_epoch = 0;
    void after_batch(TrainState& s) override { s.stop |= s.step == at_batch; }
    void after_epoch(TrainState& s) override { s.stop |= s.epoch == at_epoch; }
  };
  Fixture f;
  Stop stop;
  Diary diary;
  stop.at_batch = 3;
  Trainer trainer(f.net, f.optimizer, mse);
  trainer.with(stop, diary);
  EXPECT_EQ(trainer.fit(f.train, f.valid, {.epochs = 5}).size(), 1U) << "a cut epoch is left out";
  EXPECT_THAT(diary.events, testing::EndsWith("epoch2( batch1( step )batch )fit "));
  stop.at_batch = 0;
  stop.at_epoch = 2;
  EXPECT_EQ(trainer.fit(f.train, f.valid, {.epochs = 5}).size(), 2U);
}

TEST(Trainer, IsTheLoopWrittenByHand) {
  Fixture f;
  const auto records =
      Trainer(f.net, f.optimizer, nn::MSELoss{}).fit(f.train, f.valid, {.epochs = 2});
  // The same run in plain doubles: y = w x + b.
  manual_seed(1);
  nn::Linear start(1, 1);
  double w = start.weight.item(), b = start.bias.item();
  const auto mean_loss = [&](int from, int to) {
    double total = 0;
    for (int x = from; x <= to; ++x) total += (w * x + b - 2 * x) * (w * x + b - 2 * x);
    return total / (to - from + 1);
  };
  for (std::size_t epoch = 0; epoch < 2; ++epoch) {
    double train = 0;
    for (auto [from, to] : {std::pair{1, 4}, std::pair{5, 6}}) {
      const double n = to - from + 1;
      train += mean_loss(from, to) * n;
      if (from == 1) {
        EXPECT_NEAR(records[epoch].first_batch_loss, mean_loss(1, 4), 1e-4);
      }
      double gw = 0, gb = 0;
      for (int x = from; x <= to; ++x) {
        gw += 2 * (w * x + b - 2 * x) * x / n;
        gb += 2 * (w * x + b - 2 * x) / n;
      }
      w -= .01 * gw;
      b -= .01 * gb;
    }
    EXPECT_NEAR(records[epoch].train_loss, train / 6, 1e-4);
    EXPECT_NEAR(records[epoch].valid.loss, mean_loss(1, 6), 1e-4);
    EXPECT_TRUE(std::isnan(records[epoch].valid.accuracy)) << "a regression has no accuracy";
    EXPECT_EQ(records[epoch].samples, 6);
  }
}

TEST(Trainer, EveryGroupFollowsTheScheduleFromItsOwnRate) {
  manual_seed(1);
  nn::Linear net(1, 1);
  optim::SGD optimizer(std::vector<optim::Group>{{{net.weight}, .02, 0}, {{net.bias}, .1, 0}}, {});
  struct Rates : Callback {
    std::vector<double> seen;
    void before_step(TrainState& s) override {
      for (const optim::Group& group : s.optimizer.groups()) seen.push_back(group.lr);
    }
  } rates;
  const data::DataLoader loader(line(), {.batch_size = 3});
  Trainer(net, optimizer, mse).with(rates).fit(loader, {.epochs = 1, .schedule = optim::cosine});
  EXPECT_THAT(rates.seen, ElementsAre(.02, .1, .01, .05));
  EXPECT_EQ(optimizer.groups()[1].lr, .1);
  // Also after an error.
  struct Fails : Callback {
    void before_step(TrainState&) override { throw ValueError("enough"); }
  } fails;
  EXPECT_THROW(Trainer(net, optimizer, mse)
                   .with(fails)
                   .fit(loader, {.epochs = 1, .schedule = optim::one_cycle}),
               ValueError);
  EXPECT_EQ(optimizer.groups()[0].lr, .02);
}

TEST(Metric, AccuracyCountsClassesAndProbabilities) {
  const Tensor scores = tensor({{.1, .9}, {.8, .2}, {.3, .7}});
  EXPECT_DOUBLE_EQ(accuracy(scores, tensor({1, 1, 1})), 2. / 3);
  EXPECT_DOUBLE_EQ(accuracy(scores, tensor({{0., 1.}, {0., 1.}, {1., 0.}})), 1. / 3);
  EXPECT_THROW(accuracy(scores, tensor({1, 1})), ShapeError);
  EXPECT_THROW(accuracy(scores, ones({3, 1}, DType::i64)), ShapeError);
}

TEST(Metric, ValuesAreMeansOverSamples) {
  Fixture f;
  struct Largest : Metric {
    double largest = 0;
    std::string name() const override { return "largest"; }
    void reset() override { largest = 0; }
    void update(const Tensor&, const Tensor& y) override {
      largest = std::max(largest, max(y).item());
    }
    double value() const override { return largest; }
  };
  Loss total("squares", mse);
  const auto records =
      Trainer(f.net, f.optimizer, mse)
          .with(total, Largest{},
                MeanMetric("y", [](const Tensor&, const Tensor& y) { return mean(y).item(); }))
          .fit(f.train, f.valid, {.epochs = 1});
  const EpochRecord& r = records[0];
  ASSERT_EQ(r.train_metrics.size(), 3U);
  EXPECT_DOUBLE_EQ(r.train_metrics[0].second, r.train_loss);
  EXPECT_DOUBLE_EQ(r.valid.metrics[0].second, r.valid.loss);
  EXPECT_EQ(r.train_metrics[1], (std::pair<std::string, double>{"largest", 12}));
  EXPECT_NEAR(r.valid.metrics[2].second, 7, 1e-6) << "batches of four and two, weighted";
}

class InFolder : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::remove_all(folder); }
  void TearDown() override { std::filesystem::remove_all(folder); }
  const std::string folder = testing::TempDir() + "gradus_trainer_test";
};

using CheckpointFiles = InFolder;

TEST_F(CheckpointFiles, HoldTheBestAndTheLastEpoch) {
  Fixture f;
  // The rate grows until the run diverges, so that the best epoch is not the last.
  const auto growing = [](double lr, std::int64_t step, std::int64_t) {
    return lr * std::pow(1.6, static_cast<double>(step));
  };
  Curves curves;
  Checkpoint files(folder + "/deep/er", {.scale = 255});
  Trainer(f.net, f.optimizer, mse)
      .with(curves, files)
      .fit(f.train, f.valid, {.epochs = 6, .schedule = growing});
  const auto best = std::min_element(
      curves.epochs.begin(), curves.epochs.end(),
      [](const EpochRecord& a, const EpochRecord& b) { return a.valid.loss < b.valid.loss; });
  ASSERT_LT(best->epoch, 6);
  EXPECT_EQ(files.best_epoch(), best->epoch);
  ModelFile stored = load_model(folder + "/deep/er/best.safetensors");
  EXPECT_EQ(stored.metadata.at("epoch"), std::to_string(best->epoch));
  EXPECT_EQ(stored.scale, 255);
  EXPECT_EQ(evaluate(stored.net, mse, f.valid).loss, best->valid.loss);
  ModelFile last = load_model(folder + "/deep/er/last.safetensors");
  EXPECT_EQ(evaluate(last.net, mse, f.valid).loss, curves.epochs.back().valid.loss);
  EXPECT_EQ(curves.losses.size(), 12U);
  EXPECT_DOUBLE_EQ(curves.rates[2], .01 * 1.6 * 1.6);
}

TEST_F(CheckpointFiles, OfAnyModuleAndOnlyWhatWasAskedFor) {
  struct Scaled : nn::Module {
    nn::Linear inner{1, 1};
    GRADUS_FIELDS(inner)
    Tensor forward(const Tensor& x) override { return inner(x); }
  } net;
  optim::SGD optimizer(net.parameters(), {.lr = .01});
  const data::DataLoader loader(line(), by_four);
  Trainer(net, optimizer, mse)
      .with(Checkpoint{folder, {.best = false}})
      .fit(loader, loader, {.epochs = 1});
  EXPECT_FALSE(std::filesystem::exists(folder + "/best.safetensors"));
  Scaled other;
  other.load_state_dict(io::load_safetensors(folder + "/last.safetensors").tensors);
  EXPECT_EQ(other.inner.weight.item(), net.inner.weight.item());
  EXPECT_THROW(Checkpoint(folder, {.best = false, .last = false}), ValueError);
  // A place that cannot be written is found before training.
  Diary diary;
  EXPECT_THROW(Trainer(net, optimizer, mse)
                   .with(Checkpoint{"/dev/null/run"}, diary)
                   .fit(loader, loader, {.epochs = 1}),
               IoError);
  EXPECT_EQ(diary.events, "");
}

TEST(EarlyStopping, EndsARunThatDoesNotImprove) {
  const std::vector<double> course = {5, 4, 4.5, 3.9, 4, 3.95, 4, 1};
  const auto at = [&](const EpochRecord& r) {
    return course[static_cast<std::size_t>(r.epoch - 1)];
  };
  const auto epochs = [&](std::int64_t patience, double min_delta) {
    Fixture f;
    EarlyStopping early({.patience = patience, .min_delta = min_delta, .monitor = at});
    const auto n =
        Trainer(f.net, f.optimizer, mse).with(early).fit(f.train, f.valid, {.epochs = 8}).size();
    EXPECT_EQ(early.stopped_epoch(), n == 8 ? 0 : static_cast<std::int64_t>(n));
    return n;
  };
  EXPECT_EQ(epochs(1, 0), 3U);
  EXPECT_EQ(epochs(2, 0), 6U);
  EXPECT_EQ(epochs(3, 0), 7U);
  EXPECT_EQ(epochs(4, 0), 8U);
  EXPECT_EQ(epochs(2, .5), 4U) << "3.9 is not better than 4 by more than .5";
  EXPECT_THROW(EarlyStopping({.patience = 0}), ValueError);
  EXPECT_THROW(EarlyStopping({.min_delta = -1}), ValueError);
}

TEST(Progress, WritesALineAnEpochWhereItIsTold) {
  Fixture f;
  std::ostringstream out;
  Trainer(f.net, f.optimizer, mse)
      .with(Progress{out}, Loss("again", mse))
      .fit(f.train, f.valid, {.epochs = 2});
  std::istringstream lines(out.str());
  std::string first, second, third;
  std::getline(lines, first);
  std::getline(lines, second);
  EXPECT_FALSE(std::getline(lines, third));
  EXPECT_THAT(first, testing::MatchesRegex("epoch 1/2  loss [0-9.]+  valid [0-9.]+  "
                                           "again [0-9.]+  [0-9.]+ s"));
  EXPECT_THAT(second, HasSubstr("epoch 2/2"));
}

}  // namespace
}  // namespace gradus
