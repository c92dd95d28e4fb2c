// The place in an error is the user's line: for operators and brackets, which can take no further
// argument, for modules and all that they hold, for the Trainer, and for what runs no operation.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gradus/gradus.h>

namespace gradus {
namespace {

/// The errors of `f`, which must be of type E, name this file and the line of `here`.
template <class E, class F>
void expect_place(F&& f, Place here = Place::current()) {
  try {
    f();
  } catch (const E& error) {
    EXPECT_STREQ(error.place().file_name(), here.file_name()) << error.what();
    EXPECT_EQ(error.place().line(), here.line()) << error.what();
    EXPECT_THAT(error.what(), testing::EndsWith("\n  at: place_test.cpp:" +
                                                std::to_string(error.place().line())));
    return;
  }
  ADD_FAILURE_AT(here.file_name(), static_cast<int>(here.line())) << "nothing was thrown";
}

// Each case is one line: the place that is expected is that of the whole.
TEST(Place, OperatorsAndBrackets) {
  const Tensor x = zeros({2, 3}), empty;
  expect_place<ShapeError>([&] { (void)(x + zeros({4})); });
  expect_place<ShapeError>([&] { (void)(2 * x == zeros({4})); });
  expect_place<ValueError>([&] { (void)-empty; });
  expect_place<IndexError>([&] { (void)x[5]; });
  expect_place<IndexError>([&] { (void)x[{0, 5}]; });
  expect_place<IndexError>([&] { (void)x[{0, 0, 0}]; });
  expect_place<IndexError>([&] { (void)x[{all, tensor({7})}]; });
  expect_place<IndexError>([&] { (void)x[{tensor({0, 1}) > 0, newaxis, ellipsis, 9}]; });
  expect_place<ValueError>([&] { (void)x[Slice{0, 2, 0}]; });
}

TEST(Place, ModulesNameTheirCaller) {
  using namespace nn;
  Sequential net{Linear(4, 3), ReLU(), Sequential{LayerNorm(3), Linear(3, 2)}};
  expect_place<ShapeError>([&] { (void)net(zeros({2, 5})); });
  Sequential inner{Linear(4, 3), ReLU(), Sequential{Dropout(.5), LayerNorm(5)}};
  expect_place<ShapeError>([&] { (void)inner(zeros({2, 4})); });
  BatchNorm1d norm(3);
  Embedding table(3, 2);
  Softmax soft(4);
  expect_place<ShapeError>([&] { (void)norm(zeros({2, 4})); });
  expect_place<IndexError>([&] { (void)table(tensor({3})); });
  expect_place<ShapeError>([&] { (void)soft(zeros({2, 4})); });
  expect_place<ValueError>([&] { ReLU()(Tensor()); });
  expect_place<ValueError>([&] { ModuleList()(zeros({2})); });
  expect_place<IndexError>([&] { CrossEntropyLoss()(zeros({2, 3}), tensor({0, 3})); });
  expect_place<ShapeError>([&] { MSELoss()(zeros({2, 1}), zeros({2})); });
}

/// A user's module names its own line, not that of who called it.
struct Own : nn::Module {
  nn::Linear inner{4, 3};
  GRADUS_FIELDS(inner)
  static constexpr unsigned line = __LINE__ + 1;
  Tensor forward(const Tensor& x) override { return inner(x) + zeros({7}); }
};

TEST(Place, AUsersModuleNamesItsOwnLine) {
  Own own;
  for (const std::int64_t width : {4, 5}) try {
      own(zeros({2, width}));
      FAIL();
    } catch (const ShapeError& error) {
      EXPECT_EQ(error.place().line(), Own::line) << error.what();
    }
  // A layer whose forward is called directly has no caller to name, and stays in bounds.
  nn::Linear layer(4, 3);
  EXPECT_THROW(layer.forward(zeros({2, 5})), ShapeError);
}

std::shared_ptr<const data::Dataset> points() {
  return std::make_shared<data::TensorDataset>(zeros({6, 4}), zeros({6}, DType::i64));
}

TEST(Place, TheTrainerNamesTheCallOfFit) {
  nn::Sequential fits{nn::Linear(4, 2)}, other{nn::Linear(5, 2)};
  optim::SGD sgd(fits.parameters(), {}), sgd2(other.parameters(), {});
  const data::DataLoader loader(points(), {.batch_size = 3});
  const auto bad = std::make_shared<data::TensorDataset>(zeros({6, 4}), full({6}, 7, DType::i64));
  const data::DataLoader wrong(bad, {.batch_size = 3});
  Trainer trainer(other, sgd2, cross_entropy);
  expect_place<ShapeError>([&] { trainer.fit(loader, {.epochs = 1}); });
  expect_place<ShapeError>([&] { evaluate(other, cross_entropy, loader); });
  Trainer labels(fits, sgd, cross_entropy);
  expect_place<IndexError>([&] { labels.fit(wrong, {.epochs = 1}); });
  expect_place<IndexError>([&] { labels.fit(loader, wrong, {.epochs = 1}); });
  expect_place<IndexError>([&] { evaluate(fits, nn::CrossEntropyLoss(), wrong); });
  expect_place<IndexError>([&] { fit(1, fits, nll, sgd, wrong, wrong); });
}

TEST(Place, WhatRunsNoOperation) {
  using namespace data;
  using namespace optim;
  const std::vector<float> three{1, 2, 3};
  expect_place<ShapeError>([&] { Tensor::of(three, {2, 2}); });
  expect_place<ShapeError>([&] { tensor({{1, 2}, {3}}); });
  expect_place<ValueError>([&] { DataLoader(points(), {.batch_size = 0}); });
  expect_place<ValueError>([&] { DataLoader(points(), {.prefetch = 1, .workers = 0}); });
  expect_place<ValueError>([&] { get_dls(points(), points(), 0); });
  expect_place<ValueError>([&] { BatchSampler(nullptr, 0); });
  expect_place<ValueError>([&] { RandomSampler(-1); });
  expect_place<ShapeError>([&] { TensorDataset(zeros({2}), zeros({3})); });
  expect_place<IndexError>([&] { subset(points(), {6}); });
  expect_place<ValueError>([&] { random_split(points(), {4, 4}); });
  expect_place<ValueError>([&] { split_sizes(6, {.5, .6}); });
  const Tensor p = zeros({2}).set_requires_grad();
  expect_place<ValueError>([&] { SGD(Tensors{p}, {.lr = -1}); });
  expect_place<GradError>([&] { AdamW(Tensors{zeros({2})}, {}); });
  expect_place<ValueError>([&] { Adam(Tensors{p}, {.beta1 = 2}); });
  SGD sgd(Tensors{p}, {});
  expect_place<NameError>([&] { sgd.load_state_dict({}); });
  expect_place<ValueError>([&] { sgd.set_lr(NAN); });
  expect_place<ValueError>([&] { clip_grad_norm({p}, -1); });
  p.set_grad(zeros({3}));
  expect_place<GradError>([&] { sgd.step(); });
  nn::Linear layer(2, 2);
  expect_place<NameError>([&] { layer.load_state_dict({}); });
  expect_place<ShapeError>([&] { nn::Linear(0, 2); });
  expect_place<ShapeError>([&] { nn::LayerNorm(0); });
  Tensor vector = zeros({2});
  expect_place<ShapeError>([&] { nn::kaiming_uniform_(vector); });
  expect_place<NameError>([&] { nn::gain_of("cosine"); });
  expect_place<ValueError>([&] { EarlyStopping({.patience = 0}); });
}

TEST(Place, FilesAndData) {
  const std::string missing = testing::TempDir() + "gradus_no_such_folder";
  expect_place<IoError>([&] { io::read_file(missing); });
  expect_place<IoError>([&] { io::write_file(missing + "/file", {}); });
  expect_place<IoError>([&] { io::load_safetensors(missing); });
  expect_place<DataError>([&] { io::parse_safetensors({}); });
  expect_place<IoError>([&] { io::save_safetensors(missing + "/file", {}); });
  expect_place<NameError>([&] { (void)io::SafeTensors().at("0.weight"); });
  expect_place<IoError>([&] { io::read_idx(missing); });
  expect_place<DataError>([&] { io::parse_idx({}); });
  expect_place<DTypeError>([&] { io::write_idx(missing, zeros({2})); });
  expect_place<IoError>([&] { io::read_image(missing); });
  expect_place<DataError>([&] { io::parse_image({}); });
  expect_place<IoError>([&] { data::mnist(missing); });
  expect_place<IoError>([&] { data::load(missing); });
  expect_place<ValueError>([&] { data::DataLoader(nullptr, {}); });
  expect_place<IoError>([&] { load_model(missing); });
  nn::Sequential net{nn::Linear(2, 2)};
  expect_place<IoError>([&] { save_model(missing + "/model", net, 256); });
}

TEST(Place, ABatchThatCannotBeMadeNamesTheLoader) {
  struct Broken : data::Dataset {
    std::int64_t size() const override { return 4; }
    data::Batch get(std::span<const std::int64_t>) const override {
      throw DataError("a damaged sample", "leave it out");
    }
  };
  const auto broken = std::make_shared<Broken>();
  for (const int ahead : {0, 2})
    expect_place<DataError>([&] { data::DataLoader(broken, {.prefetch = ahead}).begin(); });
}

TEST(Place, AnErrorWithoutOneNamesNone) {
  EXPECT_STREQ(Error("wrong", "mend it").what(), "wrong\n  hint: mend it");
  Error late("wrong");
  const Place here = Place::current();
  late.add_place(here);
  late.add_place(Place::current());
  EXPECT_EQ(late.place().line(), here.line()) << "the first stays";
}

}  // namespace
}  // namespace gradus
