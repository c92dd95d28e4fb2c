// Operations against PyTorch: the cases of ops.json (made by tools/golden/ops.py), outputs and
// gradients, called by name through the registry. The tolerances are those of that file's classes.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include <gradus/gradus.h>

namespace gradus {
namespace {

struct Tolerance {
  double relative, absolute;
};

Tolerance tolerance_of(const std::string& name) {
  if (name == "f32") return {2e-5, 2e-6};
  if (name == "f64") return {1e-11, 1e-12};
  return {0, 0};
}

void expect_close(const Tensor& ours, const Tensor& theirs, Tolerance t, const std::string& what) {
  ASSERT_EQ(ours.spec().str(), theirs.spec().str()) << what;
  const std::vector<double> a = ours.to_vector<double>(), b = theirs.to_vector<double>();
  for (std::size_t i = 0; i < a.size(); ++i) {
    const bool equal = a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]));
    EXPECT_TRUE(equal || std::abs(a[i] - b[i]) <= t.absolute + t.relative * std::abs(b[i]))
        << what << " element " << i << ": " << a[i] << ", PyTorch " << b[i];
  }
}

TEST(Golden, EveryCaseAgreesWithPyTorch) {
  const std::string folder = GRADUS_SOURCE_DIR "/tests/golden/";
  const auto index = nlohmann::json::parse(std::ifstream(folder + "ops.json"));
  const io::SafeTensors values = io::load_safetensors(folder + "ops.safetensors");
  std::size_t cases = 0;
  for (const auto& c : index["cases"]) {
    const std::string key = "c" + std::to_string(c["id"].get<int>()) + "/";
    Op op = find_op(c["op"].get<std::string>());
    for (const auto& [name, value] : c["attrs"].items())
      op = op.with(name, value.get<std::string>());
    const std::string what = "case " + key + " " + op.str();
    Tensors inputs;
    for (int i = 0; i < c["inputs"]; ++i)
      inputs.push_back(clone(values.at(key + "in/" + std::to_string(i))));
    for (int i : c["grads"]) inputs[static_cast<std::size_t>(i)].set_requires_grad();
    const Tensors outputs = apply_all(op, inputs);
    // Of equals PyTorch's topk may pick any: such a case has the values alone.
    if (!c.contains("only")) {
      ASSERT_EQ(outputs.size(), c["outputs"].get<std::size_t>()) << what;
    }
    const Tolerance t = tolerance_of(c["tolerance"]);
    Tensors reached, seeds;
    for (std::size_t k = 0; k < c["outputs"].get<std::size_t>(); ++k) {
      expect_close(outputs[k].detach(), values.at(key + "out/" + std::to_string(k)), t,
                   what + " output " + std::to_string(k));
      if (const Tensor* g = values.find(key + "g/" + std::to_string(k))) {
        reached.push_back(outputs[k]);
        seeds.push_back(*g);
      }
    }
    ++cases;
    if (c["grads"].empty()) continue;
    Tensors wanted;
    for (int i : c["grads"]) wanted.push_back(inputs[static_cast<std::size_t>(i)]);
    const Tensors gradients = grad(reached, wanted, seeds, {.allow_unused = true});
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const std::string number = std::to_string(c["grads"][i].get<int>());
      expect_close(gradients[i] ? gradients[i] : zeros_like(wanted[i].detach()),
                   values.at(key + "grad/" + number), t, what + " gradient " + number);
    }
  }
  EXPECT_GE(cases, 1000u);
}

}  // namespace
}  // namespace gradus
