// Layers, losses and initialisers against torch.nn: the cases of nn.json, made by
// tools/golden/nn.py in f64.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include <gradus/gradus.h>

namespace gradus {
namespace {

using nlohmann::json;

const json& index() {
  static const json cases = json::parse(std::ifstream(GRADUS_SOURCE_DIR "/tests/golden/nn.json"));
  return cases;
}
const io::SafeTensors& values() {
  static const io::SafeTensors all =
      io::load_safetensors(GRADUS_SOURCE_DIR "/tests/golden/nn.safetensors");
  return all;
}

/// All tensors whose names begin with `prefix`, without it.
nn::NamedTensors below(const std::string& prefix) {
  nn::NamedTensors found;
  for (const auto& [name, x] : values().tensors)
    if (name.starts_with(prefix)) found.emplace_back(name.substr(prefix.size()), x);
  return found;
}

void expect_close(const Tensor& ours, const Tensor& torch, const std::string& what) {
  ASSERT_EQ(ours.spec(), torch.spec()) << what;
  const std::vector<double> a = ours.to_vector<double>(), b = torch.to_vector<double>();
  for (std::size_t i = 0; i < a.size(); ++i)
    EXPECT_LE(std::abs(a[i] - b[i]), 1e-12 + 1e-11 * std::abs(b[i]))
        << what << " element " << i << ": " << a[i] << ", PyTorch " << b[i];
}

TEST(GoldenNn, LayersForwardAndBackward) {
  for (const json& c : index()["layers"]) {
    const std::string key = "n" + std::to_string(c["id"].get<int>()) + "/",
                      what = c["layer"].get<std::string>() + (c["train"] ? "" : ", eval");
    nn::Sequential list = nn::make_layers(c["layer"].get<std::string>());
    EXPECT_EQ(nn::layer_list(list), c["layer"].get<std::string>());
    list.to(DType::f64);
    nn::Module& net = list[0];
    net.train(c["train"]);
    net.load_state_dict(below(key + "state/"));
    for (int run = 0; run < c["runs"]; ++run) {
      const std::string at = key + std::to_string(run) + "/";
      Tensor x = clone(values().at(at + "in"));
      const Tensor* grad = values().find(at + "grad");
      if (grad) x.set_requires_grad();
      const Tensor y = net(x);
      expect_close(y.detach(), values().at(at + "out"), what + ", output");
      y.backward(values().at(at + "g"));
      if (grad) expect_close(x.grad(), *grad, what + ", gradient of the input");
    }
    std::size_t compared = 0;
    for (auto& [name, p] : net.named_parameters()) {
      expect_close(p.grad(), values().at(key + "grad/" + name), what + ", gradient of " + name);
      ++compared;
    }
    EXPECT_EQ(compared, below(key + "grad/").size()) << what;
    for (const auto& [name, b] : below(key + "after/"))
      for (const auto& [own, mine] : net.state_dict())
        if (own == name) expect_close(mine.detach(), b, what + ", " + name);
  }
}

TEST(GoldenNn, Losses) {
  for (const json& c : index()["losses"]) {
    const std::string key = "l" + std::to_string(c["id"].get<int>()) + "/";
    const std::string name = c["loss"], reduction = c["reduction"];
    CrossEntropyOptions options;
    options.reduction = reduction;
    if (c.contains("weight")) options.weight = values().at("weight");
    if (c.contains("label_smoothing")) options.label_smoothing = c["label_smoothing"];
    if (c.contains("ignore_index")) options.ignore_index = c["ignore_index"];
    LossFunction loss = nn::CrossEntropyLoss{options};
    if (name == "NLLLoss") loss = nn::NLLLoss{options};
    if (name == "MSELoss") loss = nn::MSELoss{reduction};
    if (name == "BCEWithLogitsLoss") loss = nn::BCEWithLogitsLoss{reduction};
    Tensor x = clone(values().at(key + "in")).set_requires_grad();
    const Tensor y = loss(x, values().at(key + "target"));
    expect_close(y.detach(), values().at(key + "out"), c.dump());
    sum(y).backward();
    expect_close(x.grad(), values().at(key + "grad"), c.dump() + ", gradient");
  }
}

TEST(GoldenNn, InitialisersDrawAsPyTorchDoes) {
  for (const auto& [name, gain] : index()["gains"].items())
    EXPECT_DOUBLE_EQ(nn::gain_of(name), gain) << name;
  EXPECT_THROW(nn::gain_of("relus"), NameError);
  for (const json& c : index()["inits"]) {
    const std::string name = c["init"];
    const double gain = c["gain"].is_null() ? 1 : c["gain"].get<double>();
    const nn::Fan fan = c["fan"] == "in" ? nn::Fan::in : nn::Fan::out;
    Tensor x = Tensor::empty(Shape(c["shape"].get<Ints>()));
    manual_seed(c["seed"]);
    if (name == "uniform_") nn::uniform_(x, -.3, .8);
    if (name == "normal_") nn::normal_(x, .5, 2);
    if (name == "xavier_uniform_") nn::xavier_uniform_(x, gain);
    if (name == "xavier_normal_") nn::xavier_normal_(x, gain);
    if (name == "kaiming_uniform_") nn::kaiming_uniform_(x, gain, fan);
    if (name == "kaiming_normal_") nn::kaiming_normal_(x, gain, fan);
    const std::vector<float>
        ours = x.to_vector<float>(),
        torch = values().at("i" + std::to_string(c["id"].get<int>())).to_vector<float>();
    // Uniform draws have PyTorch's bits; its normal ones come from a vector library whose
    // logarithm and cosine differ from ours in the last bits.
    for (std::size_t i = 0; i < torch.size(); ++i)
      if (name.find("uniform") != name.npos)
        EXPECT_EQ(ours[i], torch[i]) << c.dump() << i;
      else
        EXPECT_NEAR(ours[i], torch[i], 4e-7 * std::max(1.F, std::abs(torch[i]))) << c.dump() << i;
  }
}

}  // namespace
}  // namespace gradus
