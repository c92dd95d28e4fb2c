// Update rules against PyTorch over 120 steps (optim.json, made by tools/golden/optim.py, which
// says what the gradients are): every option, schedules, clipping, groups, and a parameter that has
// no gradient at most steps. f64 to 1e-12, f32 to a few roundings.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include <gradus/gradus.h>

namespace gradus::optim {
namespace {

using nlohmann::json;

std::unique_ptr<Optimizer> make(const json& c, const Tensors& p) {
  const json& o = c["options"];
  const double lr = o["lr"], weight_decay = o.value("weight_decay", 0.0);
  if (c["optimizer"] == "SGD") {
    const SGDOptions options{.lr = lr,
                             .momentum = o.value("momentum", 0.0),
                             .dampening = o.value("dampening", 0.0),
                             .weight_decay = weight_decay,
                             .nesterov = o.value("nesterov", false)};
    if (!c["more"].contains("groups")) return std::make_unique<SGD>(p, options);
    const json& g = c["more"]["groups"];
    return std::make_unique<SGD>(
        std::vector<Group>{{{p[0]}, g[0]["lr"], g[0]["weight_decay"]},
                           {{p[1], p[2]}, g[1]["lr"], g[1]["weight_decay"]}},
        options);
  }
  AdamOptions options{.lr = lr, .eps = o.value("eps", 1e-8), .weight_decay = weight_decay};
  if (o.contains("betas")) {
    options.beta1 = o["betas"][0];
    options.beta2 = o["betas"][1];
  }
  if (c["optimizer"] == "Adam") return std::make_unique<Adam>(p, options);
  return std::make_unique<AdamW>(p, options);
}

/// The script's formula: additions and multiplications that both sides round alike.
Tensor gradient(const Tensor& p, std::int64_t k, std::int64_t step) {
  NoGrad guard;
  const Tensor i = reshape(arange(p.numel()), p.shape().to_vector());
  const Tensor factor = astype(i + (k + 1), p.dtype()) / 4;
  const Tensor wave = astype(remainder(i * 3 + (7 * step + 5 * k), 11), p.dtype()) / 8 - 0.5;
  return p.detach() * factor + wave;
}

Tensor from_json(const json& values, DType dtype) {
  if (!values[0].is_array()) {
    Tensor x = Tensor::empty({static_cast<std::int64_t>(values.size())}, DType::f64);
    for (std::size_t i = 0; i < values.size(); ++i) x.data<double>()[i] = values[i];
    return astype(x, dtype);
  }
  Tensors rows;
  for (const json& row : values) rows.push_back(from_json(row, dtype));
  return stack(rows, 0);
}

class Rule : public testing::TestWithParam<std::tuple<std::size_t, DType>> {};

json golden() { return json::parse(std::ifstream(GRADUS_SOURCE_DIR "/tests/golden/optim.json")); }

/// Runs a case; between `pause` and the next step the state goes through state_dict into a new
/// optimizer.
void check(std::size_t number, DType dtype, std::int64_t pause = -1) {
  const json file = golden(), c = file["cases"][number];
  SCOPED_TRACE(c["optimizer"].get<std::string>() + c["options"].dump() + c["more"].dump());
  Tensors parameters;
  for (const json& start : file["start"])
    parameters.push_back(from_json(start, dtype).set_requires_grad());
  auto optimizer = make(c, parameters);
  const std::string schedule = c["more"].value("schedule", "");
  const double lr = c["options"]["lr"];
  const std::int64_t steps = file["steps"];
  for (std::int64_t s = 0; s < steps; ++s) {
    if (s == pause) {
      const auto state = optimizer->state_dict();
      optimizer = make(c, parameters);
      optimizer->load_state_dict(state);
    }
    if (!schedule.empty())
      optimizer->set_lr(schedule == "cosine" ? cosine(lr, s, steps) : one_cycle(lr, s, steps));
    optimizer->zero_grad();
    for (std::size_t k = 0; k < 3; ++k)
      if (k < 2 || (s >= 4 && s % 3 == 1))
        parameters[k].set_grad(gradient(parameters[k], static_cast<std::int64_t>(k), s));
    if (c["more"].contains("clip")) clip_grad_norm(parameters, c["more"]["clip"]);
    optimizer->step();
    const std::string at = std::to_string(s + 1);
    const json& golden_values = c[std::string(dtype_name(dtype))];
    if (!golden_values.contains(at)) continue;
    std::vector<double> ours;
    for (const Tensor& p : parameters)
      for (const double v : p.to_vector<double>()) ours.push_back(v);
    ASSERT_EQ(ours.size(), golden_values[at].size());
    for (std::size_t i = 0; i < ours.size(); ++i) {
      const double want = golden_values[at][i];
      EXPECT_NEAR(ours[i], want,
                  (dtype == DType::f64 ? 1e-12 : 2e-6) * std::max(1.0, std::abs(want)))
          << "element " << i << " after step " << at;
    }
  }
}

TEST_P(Rule, IsPyTorchs) { check(std::get<0>(GetParam()), std::get<1>(GetParam())); }
TEST_P(Rule, ContinuesFromItsState) {
  for (const std::int64_t pause : {3, 11})
    check(std::get<0>(GetParam()), std::get<1>(GetParam()), pause);
}

INSTANTIATE_TEST_SUITE_P(Golden, Rule,
                         testing::Combine(testing::Range<std::size_t>(0, golden()["cases"].size()),
                                          testing::Values(DType::f32, DType::f64)),
                         [](const auto& each) {
                           return std::to_string(std::get<0>(each.param)) + "_" +
                                  std::string(dtype_name(std::get<1>(each.param)));
                         });

}  // namespace
}  // namespace gradus::optim
