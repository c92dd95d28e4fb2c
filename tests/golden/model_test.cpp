// Model files that PyTorch wrote (tools/golden/model.py): found by their names and shapes alone,
// and giving PyTorch's logits. The way back is checked by tools/golden/check_cli.py, in Python.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include <gradus/gradus.h>
#include <gradus/io/safetensors.h>
#include <gradus/train/model_file.h>

namespace gradus {
namespace {

const std::string golden = GRADUS_SOURCE_DIR "/tests/golden/";

void expect_close(const Tensor& ours, const Tensor& theirs, double tolerance) {
  ASSERT_EQ(ours.shape(), theirs.shape());
  const auto a = ours.to_vector<double>(), b = theirs.to_vector<double>();
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], tolerance) << i;
}

TEST(Golden, LoadsModelFilesOfPyTorch) {
  const io::SafeTensors values = io::load_safetensors(golden + "model.safetensors");
  for (const std::string dtype : {"f32", "f64"}) {
    SCOPED_TRACE(dtype);
    const std::string path = golden + "model_" + dtype + ".safetensors";
    EXPECT_TRUE(io::load_safetensors(path).metadata.empty()) << "a plain state_dict";
    ModelFile model = load_model(path);
    EXPECT_EQ(nn::layer_list(model.net), "Linear(6, 5); ReLU(); Linear(5, 3)");
    EXPECT_EQ(model.scale, 256);
    NoGrad guard;
    const Tensor logits = model.net(astype(values.at("x"), DType::f32));
    EXPECT_EQ(logits.dtype(), DType::f32) << "the net's dtype, whatever the file's";
    expect_close(logits, values.at("logits_" + dtype), 5e-7);
  }
}

TEST(Golden, AStateOfPyTorchKeepsItsDigitsInAnF64Net) {
  const io::SafeTensors values = io::load_safetensors(golden + "model.safetensors");
  auto first = std::make_shared<nn::Linear>(6, 5), last = std::make_shared<nn::Linear>(5, 3);
  for (Tensor* p : {&first->weight, &first->bias, &last->weight, &last->bias})
    *p = astype(p->detach(), DType::f64).set_requires_grad();
  nn::Sequential net;
  net.push_back(first);
  net.push_back(std::make_shared<nn::ReLU>());
  net.push_back(last);
  net.load_state_dict(io::load_safetensors(golden + "model_f64.safetensors").tensors);
  expect_close(net(values.at("x")).detach(), values.at("logits_f64"), 1e-15);
}

TEST(Golden, AStateOfOtherShapesIsRefusedByName) {
  const auto state = io::load_safetensors(golden + "model_f32.safetensors").tensors;
  nn::Sequential wide{nn::Linear(6, 8), nn::ReLU(), nn::Linear(8, 3)}, one{nn::Linear(6, 5)},
      deep{nn::Linear(6, 5), nn::ReLU(), nn::Linear(5, 3), nn::ReLU(), nn::Linear(3, 2)};
  const auto message = [&](nn::Sequential& net) -> std::string {
    try {
      net.load_state_dict(state);
    } catch (const Error& error) {
      return std::string(error.kind()) + ": " + error.problem();
    }
    return "nothing";
  };
  using testing::StartsWith;
  EXPECT_THAT(message(wide),
              StartsWith("ShapeError: '0.weight' is f32[5,6] in the state, f32[8,6]"));
  EXPECT_THAT(message(one), StartsWith("NameError: the module has no '2.bias'"));
  EXPECT_THAT(message(deep), StartsWith("NameError: the state has no '4.weight' of f32[2,3]"));
}

}  // namespace
}  // namespace gradus
