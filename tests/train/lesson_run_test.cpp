// The lesson's run: PyTorch's numbers on the real data, and fixed values on our own digits.
#include <gtest/gtest.h>

#include <gradus/gradus.h>
#include <tests/support/real_data.h>

namespace gradus {
namespace {

struct Training {
  std::vector<EpochRecord> epochs;
  Evaluation test;
};

Training run(const data::ImageData& data, double lr, bool hidden = true, int prefetch = 0,
             bool shuffle = false) {
  manual_seed(1);
  nn::Sequential net = hidden ? nn::Sequential{nn::Linear(784, 50), nn::ReLU(), nn::Linear(50, 10)}
                              : nn::Sequential{nn::Linear(784, 10)};
  optim::SGD optimizer(net.parameters(), {.lr = lr});
  const auto loss = [](const Tensor& x, const Tensor& y) { return cross_entropy(x, y); };
  Training result;
  result.epochs =
      Trainer(net, optimizer, loss)
          .fit(data::DataLoader(data.train,
                                {.batch_size = 64, .shuffle = shuffle, .prefetch = prefetch}),
               data::DataLoader(data.valid, {.batch_size = 1000}), {.epochs = 3});
  result.test = evaluate(net, loss, data::DataLoader(data.test, {.batch_size = 1000}));
  return result;
}

TEST(LessonRun, MnistGivesPyTorchsNumbers) {
  const auto folder = test::real_data("mnist");
  if (!folder) GTEST_SKIP() << test::no_real_data("mnist");
  const Training r = run(data::mnist(*folder), .5);
  const double first[] = {2.3036487, .1237482, .0923254}, accuracy[] = {.9428, .9591, .9603},
               valid[] = {.199601, .139788, .132259};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(r.epochs[i].first_batch_loss, first[i], 1e-5);
    EXPECT_DOUBLE_EQ(r.epochs[i].valid.accuracy, accuracy[i]);
    EXPECT_NEAR(r.epochs[i].valid.loss, valid[i], 2e-6);
  }
  EXPECT_EQ(r.epochs[0].first_batch_accuracy, .09375);
  EXPECT_EQ(r.epochs[2].first_batch_accuracy, .96875);
  EXPECT_DOUBLE_EQ(r.test.accuracy, .9549);
}

TEST(LessonRun, FashionGivesPyTorchsNumbers) {
  const auto folder = test::real_data("fashion-mnist");
  if (!folder) GTEST_SKIP() << test::no_real_data("fashion-mnist");
  const Training r = run(data::mnist(*folder), .1);
  const double first[] = {2.3200960, .5113121, .3921112}, accuracy[] = {.7336, .7938, .8078},
               valid[] = {.689167, .547079, .509781};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(r.epochs[i].first_batch_loss, first[i], 1e-5);
    EXPECT_DOUBLE_EQ(r.epochs[i].valid.accuracy, accuracy[i]);
    EXPECT_NEAR(r.epochs[i].valid.loss, valid[i], 2e-6);
  }
  EXPECT_DOUBLE_EQ(r.test.accuracy, .7973);
}

// The numbers are those of the same run written in NumPy, in f64 with plain matrices, on the same
// digits and PyTorch's draws: `gradus train` without options. They changed once, when the digits
// became a little harder.
TEST(LessonRun, DigitsGiveTheNumbersOfAnotherProgram) {
  const Training r = run(data::digits(), .5, true, 0, true);
  const double first[] = {2.306698716640998, .5299791057983755, .1477454701207855},
               train[] = {.8820009649793541, .14944761089621186, .06487630093300194},
               valid[] = {.5418207495018954, .14221793043490782, .07452441266062705},
               accuracy[] = {.806, .961, .979};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(r.epochs[i].first_batch_loss, first[i], 2e-6);
    EXPECT_NEAR(r.epochs[i].train_loss, train[i], 2e-6);
    EXPECT_NEAR(r.epochs[i].valid.loss, valid[i], 2e-6);
    EXPECT_DOUBLE_EQ(r.epochs[i].valid.accuracy, accuracy[i]);
  }
  EXPECT_NEAR(r.test.loss, .07873754218789551, 2e-6);
  EXPECT_DOUBLE_EQ(r.test.accuracy, .977);
}

TEST(LessonRun, DigitsAreHardForALineAndFitTheLesson) {
  const data::ImageData digits = data::digits();
  const Training net = run(digits, .5, true, 0, true), line = run(digits, .5, false, 0, true);
  EXPECT_LT(line.test.accuracy, .93);
  EXPECT_GT(net.test.accuracy, .96);
  EXPECT_LT(net.test.accuracy, .99);
  // Batches made ahead on a worker are the same batches.
  const Training ahead = run(digits, .5, true, 2, true);
  EXPECT_EQ(ahead.test.loss, net.test.loss);
}

TEST(Fit, GivesWhatTheTrainerGives) {
  const data::ImageData digits = data::digits({.train = 600, .valid = 100, .test = 1});
  const auto loss = [](const Tensor& x, const Tensor& y) { return cross_entropy(x, y); };
  const auto [train, valid] =
      data::get_dls(std::make_shared<data::TensorDataset>(digits.train),
                    std::make_shared<data::TensorDataset>(digits.valid), 50);
  const auto start = [] {
    manual_seed(1);
    return nn::Sequential{nn::Linear(784, 10)};
  };
  nn::Sequential a = start();
  optim::SGD sgd_a(a.parameters(), {.lr = .1});
  const auto records = Trainer(a, sgd_a, loss).fit(train, valid, {.epochs = 3});
  nn::Sequential b = start();
  optim::SGD sgd_b(b.parameters(), {.lr = .1});
  std::vector<double> told;
  const Evaluation last = fit(3, b, loss, sgd_b, train, valid,
                              [&](const EpochRecord& r) { told.push_back(r.valid.loss); });
  EXPECT_EQ(last.loss, records[2].valid.loss);
  EXPECT_EQ(last.accuracy, records[2].valid.accuracy);
  EXPECT_EQ(last.samples, 100);
  EXPECT_EQ(told, (std::vector<double>{records[0].valid.loss, records[1].valid.loss, last.loss}));
  // No epochs: the net as it is.
  EXPECT_EQ(fit(0, b, loss, sgd_b, train, valid).loss, last.loss);
}

TEST(ModelFile, ComesBackWithAndWithoutMetadata) {
  manual_seed(2);
  nn::Sequential net{nn::Linear(6, 4), nn::ReLU(), nn::Linear(4, 3)};
  const std::string path = testing::TempDir() + "gradus_model_test.safetensors";
  save_model(path, net, 255);
  ModelFile back = load_model(path);
  EXPECT_EQ(back.scale, 255);
  EXPECT_EQ(nn::layer_list(back.net), "Linear(6, 4); ReLU(); Linear(4, 3)");
  const Tensor x = randn({5, 6});
  EXPECT_EQ(back.net(x).to_vector<float>(), net(x).to_vector<float>());
  std::remove(path.c_str());
}

TEST(Module, StateIsLoadedWholeOrNotAtAll) {
  nn::Sequential net{nn::Linear(3, 2)}, other{nn::Linear(3, 4)};
  const std::vector<float> before = net[0].parameters()[0].to_vector<float>();
  EXPECT_THROW(net.load_state_dict(other.state_dict()), ShapeError);
  EXPECT_THROW(net.load_state_dict({}), NameError);
  EXPECT_EQ(net[0].parameters()[0].to_vector<float>(), before);
  EXPECT_EQ(net.parameter_count(), 8);
  EXPECT_NE(net.summary({{5, 3}, DType::f32}).find("0: Linear(3, 2)"), std::string::npos);
  EXPECT_NE(net.summary({{5, 3}, DType::f32}).find("[5,2]"), std::string::npos);
}

TEST(Module, ChangesTheDtypeOfItsParameters) {
  manual_seed(3);
  nn::Sequential net{nn::Linear(6, 4), nn::ReLU(), nn::Linear(4, 3)};
  const Tensor x = randn({5, 6});
  const std::vector<float> before = net(x).to_vector<float>();
  net.to(DType::f64);
  for (const Tensor& p : net.parameters()) EXPECT_EQ(p.dtype(), DType::f64);
  EXPECT_EQ(net.parameters().size(), 4U);
  const Tensor y = net(x.astype(DType::f64));
  EXPECT_EQ(y.dtype(), DType::f64);
  for (std::size_t i = 0; i < before.size(); ++i)
    EXPECT_NEAR(y.to_vector<double>()[i], before[i], 1e-6);
  y.sum().backward();
  EXPECT_EQ(net.parameters()[0].grad().dtype(), DType::f64);
  net.to(DType::f32);
  EXPECT_EQ(net(x).to_vector<float>(), before);
  EXPECT_THROW(net.to(DType::i64), DTypeError);
}

}  // namespace
}  // namespace gradus
