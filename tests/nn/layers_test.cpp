// Layers: what goldens do not say (draws, refusals, layers as text).
#include <gtest/gtest.h>

#include <gradus/gradus.h>

namespace gradus {
namespace {

TEST(Layers, DrawTheirWeightsAsPyTorchDoes) {
  // torch.manual_seed(3); torch.nn.Embedding(2, 3).weight
  manual_seed(3);
  const std::vector<float> w = nn::Embedding(2, 3).weight.to_vector<float>();
  const double torch[] = {0.8032760620117188,  0.17483338713645935, 0.08897809684276581,
                          -0.6137180328369141, 0.04618244990706444, -1.3682591915130615};
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(w[i], torch[i], 1e-6);
}

TEST(Layers, RefuseWhatDoesNotFit) {
  EXPECT_THROW(nn::Linear(0, 3), ShapeError);
  EXPECT_THROW(nn::Embedding(3, 0), ShapeError);
  EXPECT_THROW(nn::LayerNorm(0), ShapeError);
  EXPECT_THROW(nn::LayerNorm(Ints{}), ShapeError);
  EXPECT_THROW(nn::BatchNorm1d(-1), ShapeError);
  EXPECT_THROW(nn::BatchNorm1d(3, {.momentum = 2}), ValueError);
  EXPECT_THROW(nn::LayerNorm(3, -1.), ValueError);
  EXPECT_THROW(nn::LayerNorm(4)(zeros({2, 3})), ShapeError);
  EXPECT_THROW(nn::BatchNorm1d(4)(zeros({2, 3})), ShapeError);
  EXPECT_THROW(nn::BatchNorm1d(4)(zeros({4})), ShapeError);
  EXPECT_THROW(nn::BatchNorm1d(4)(zeros({1, 4})), ShapeError) << "one value a feature";
  EXPECT_THROW(nn::Embedding(3, 2)(tensor({0, 3})), IndexError);
  EXPECT_THROW(nn::ModuleList{nn::ReLU()}(zeros({1})), ValueError);
  nn::BatchNorm1d norm(4);
  norm.eval();
  EXPECT_EQ(norm(zeros({1, 4})).shape(), Shape({1, 4}));
}

TEST(Layers, DropoutActsInTrainingAlone) {
  nn::Dropout drop(.5);
  const Tensor x = ones({1000});
  const std::vector<float> y = drop(x).to_vector<float>();
  const auto kept = std::count(y.begin(), y.end(), 2.F);
  EXPECT_EQ(kept + std::count(y.begin(), y.end(), 0.F), 1000);
  EXPECT_NEAR(static_cast<double>(kept), 500, 80);  // five standard deviations
  drop.eval();
  EXPECT_EQ(drop(x).id(), x.id());
}

TEST(LayerList, ReadsWhatItWrites) {
  const std::string list =
      "Embedding(7, 4); Flatten(); Linear(8, 5); BatchNorm1d(5, eps=1e-05, momentum=0.1); GELU(); "
      "GELU(tanh); Dropout(0.25); LayerNorm(5, eps=0.001, affine=false); LeakyReLU(0.2); SiLU(); "
      "Softplus(1, 20); Identity(); Sigmoid(); Tanh(); ReLU(); Linear(5, 3, no bias); "
      "LogSoftmax(-1); Softmax(1)";
  nn::Sequential net = nn::make_layers(list);
  EXPECT_EQ(nn::layer_list(net), list);
  EXPECT_EQ(net(tensor({{1, 2}, {3, 4}})).shape(), Shape({2, 3}));
  for (const char* wrong : {"Lineal(3, 2)",
                            "Linear(3)",
                            "Linear(3, 2, 1)",
                            "Linear(3, 2, no bias, 1)",
                            "Linear(0, 2)",
                            "Linear(3, x)",
                            "Linear(3, 2",
                            "Linear",
                            "ReLU(1)",
                            "Dropout()",
                            "GELU(erf)",
                            "LayerNorm()",
                            "LayerNorm(3, esp=1)",
                            "BatchNorm1d(3, 4)",
                            "BatchNorm1d(3, eps=x)",
                            "Softmax(a)",
                            "; ;",
                            "Linear(999999999, 999999999)",
                            "Linear(99999999999999999999, 1)",
                            "LayerNorm(999999999, 999999999, 999999999)"})
    EXPECT_THROW(nn::make_layers(wrong), DataError) << wrong;
  EXPECT_THROW(nn::make_layers("Linear(30, 20); Linear(20, 30)", 1000), DataError);
  EXPECT_NO_THROW(nn::make_layers("Linear(30, 20); Linear(20, 30)", 1200));
}

TEST(ModelFile, KeepsRunningStatisticsToo) {
  manual_seed(2);
  nn::Sequential net{nn::Linear(6, 4), nn::BatchNorm1d(4), nn::SiLU(), nn::Linear(4, 3)};
  net(randn({20, 6}));
  const std::string path = testing::TempDir() + "gradus_norm_test.safetensors";
  save_model(path, net, 255);
  ModelFile back = load_model(path);
  net.eval();
  back.net.eval();
  const Tensor x = randn({5, 6});
  EXPECT_EQ(back.net(x).to_vector<float>(), net(x).to_vector<float>());
  EXPECT_EQ(back.net.state_dict().size(), 9U);
  std::remove(path.c_str());
}

}  // namespace
}  // namespace gradus
